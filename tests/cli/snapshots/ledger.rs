//! The ledger: records that are listed and shown, damaged ones, and files of records.

use std::{fs, io::Read};

use flate2::read::GzDecoder;
use repro::store::{Ended, Entry, Ledger, bundle};

use super::{Transcript, golden};

/// One of the bundled records.
const RECORDS: &str = "store/records-0.1.0.jsonl.gz";

/// The bundled records as lines of JSON.
fn lines() -> Vec<String> {
    let mut text = String::new();
    GzDecoder::new(&golden(RECORDS)[..]).read_to_string(&mut text).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// The name of a record's file in a ledger.
fn file(line: &str) -> String {
    let (_, after) = line.split_once("\"id\":\"").unwrap();
    let id = after.split('"').next().unwrap();
    format!("ledger/entries/{}/{id}.json", &id[..2])
}

#[test]
fn records_are_imported_listed_shown_and_exported() {
    let mut runs = Transcript::new();
    runs.run("repro runs");
    runs.golden("records.jsonl.gz", RECORDS);
    runs.run("repro runs --import records.jsonl.gz --source l2_3");
    runs.run("repro runs --import records.jsonl.gz --failed");
    runs.run("repro runs --source natural");
    let name = file(&lines()[0]);
    let digits = &name["ledger/entries/00/".len()..][..12];
    runs.run(&format!("repro runs {digits}"));
    runs.run("repro runs --source l2_3 --export some.jsonl.gz");
    runs.run("repro runs --source natural --blocks 9");
    runs.run("repro runs --world smoky --target mnst --source l2-3");
    runs.run("repro runs 00000000");
    let first =
        |digit: &char| lines().iter().filter(|line| file(line)[15..].starts_with(*digit)).count();
    let common = "0123456789abcdef".chars().max_by_key(first).unwrap();
    runs.run(&format!("repro runs {common}"));
    runs.run(&format!("repro rerun {common}"));
    runs.run("repro rerun 00000000");
    runs.snapshot("runs");
}

#[test]
fn records_decide_and_missing_ones_are_reported() {
    let mut records = Transcript::new();
    records.golden("records.jsonl.gz", RECORDS);
    records.run("repro runs --import records.jsonl.gz --failed");
    records.run("repro list");
    records.run("repro verify --evidence smoke --no-run --brief");
    records.run("repro compare --evidence smoke --brief");
    records.run_in_short("repro power --evidence smoke");
    records.run("repro figure A1 A5 --evidence smoke --format csv");
    records.snapshot("records");
}

/// The bundled records from a fictitious processor, so that no cost rests on them, and changed.
fn changed(transcript: &Transcript, change: impl Fn(usize, &mut Entry)) {
    transcript.golden("records.jsonl.gz", RECORDS);
    let entries = bundle::read(&transcript.folder.path().join("records.jsonl.gz")).unwrap();
    let ledger = Ledger::new(transcript.folder.path().join("ledger"));
    for (at, mut entry) in entries.into_iter().enumerate() {
        entry.provenance.processor = "an abacus".to_owned();
        change(at, &mut entry);
        entry.id = entry.trial.id(&entry.weights, &entry.data);
        ledger.put(&entry).unwrap();
    }
}

#[test]
fn failed_and_foreign_records_are_reported() {
    let mut unlike = Transcript::new();
    changed(&unlike, |at, entry| match at {
        // Seeds that claims ask for first, and others.
        5 | 28 => entry.outcome = Ended::Failed { reason: "out of memory".to_owned() },
        6 | 29 => entry.trial.recipe.protocol.learning_rate = 0.5,
        7 => entry.weights = "f".repeat(64),
        21 => entry.data = "f".repeat(64),
        22 => entry.trial.recipe.trained = Some(2),
        23 => entry.trial.recipe.world = "moon".into(),
        _ => (),
    });
    unlike.run("repro runs");
    unlike.run("repro runs --failed");
    unlike.run_in_short("repro plan --claim robust_beats_natural --threads 2");
    let ledger = Ledger::new(unlike.folder.path().join("ledger"));
    let entries = ledger.all(&mut |_| ()).unwrap();
    let digits =
        |wanted: &dyn Fn(&&Entry) -> bool| entries.iter().find(wanted).unwrap().id[..12].to_owned();
    let failed = digits(&|entry| matches!(entry.outcome, Ended::Failed { .. }));
    unlike.run(&format!("repro runs {failed}"));
    let other = digits(&|entry| entry.trial.recipe.protocol.learning_rate == 0.5);
    unlike.run(&format!("repro runs {other}"));
    unlike.run(&format!("repro run --key {other}"));
    for of in ["moon", "weights", "data"] {
        let record = digits(&|entry| match of {
            "moon" => *entry.trial.recipe.world == *of,
            "weights" => entry.weights.starts_with("ffff"),
            _ => entry.data.starts_with("ffff"),
        });
        unlike.run(&format!("repro rerun {record}"));
        unlike.run(&format!("repro run --key {record}"));
    }
    unlike.file("ledger/rerun", "");
    unlike.note("ledger/rerun is a file");
    unlike.run(&format!("repro rerun {other}"));
    let mut exported = lines()[0].replacen("\"engine_version\":2", "\"engine_version\":1", 1);
    exported.push('\n');
    unlike.file("old.jsonl", exported);
    unlike.run("repro runs --import old.jsonl");
    unlike.snapshot("messages-records");
}

#[test]
fn damaged_records_are_reported_and_stay() {
    let mut damaged = Transcript::new();
    let lines = lines();
    let (first, second) = (&lines[0], &lines[1]);
    let version = first.find("\"format_version\":").map(|at| at + "\"format_version\":".len());
    let version = version.unwrap_or_else(|| panic!("{first}"));
    let of_format =
        |format: &str| format!("{}{format}{}", &first[..version], &first[version + 1..]);
    for (what, text) in [
        ("empty", String::new()),
        ("cut short", first[..first.len() / 2].to_owned()),
        ("another record", second.clone()),
        ("changed", first.replacen("\"seed\":", "\"seed\":1", 1)),
        ("of no format", of_format("0")),
        ("of a later format", of_format("9")),
    ] {
        damaged.file(&file(first), text);
        damaged.note(&format!("a record that is {what}"));
        damaged.run("repro runs");
    }
    fs::remove_file(damaged.folder.path().join(file(first))).unwrap();
    damaged.note("a file that is no record");
    damaged.file("ledger/entries/aa/notes.txt", "mine");
    damaged.run("repro runs");
    damaged.run("repro verify --evidence smoke --no-run --claim l2_best --brief");
    damaged.snapshot("messages-damaged-records");
}

#[test]
fn files_of_records_that_can_t_be_imported_are_reported() {
    let mut files = Transcript::new();
    let lines = lines();
    let first = &lines[0];
    files.run("repro runs --import records.jsonl");
    for (what, text) in [
        ("empty", String::new()),
        ("a letter", "Dear reader,\nthe records are enclosed.\n".to_owned()),
        ("cut in its second line", format!("{first}\n{}", &lines[1][..100])),
    ] {
        files.file("records.jsonl", text);
        files.note(&format!("records.jsonl is {what}"));
        files.run("repro runs --import records.jsonl");
    }
    let packed = golden(RECORDS);
    files.file("records.jsonl.gz", &packed[..packed.len() / 2]);
    files.note("records.jsonl.gz is cut short");
    files.run("repro runs --import records.jsonl.gz");
    files.file("taken", "");
    files.note("taken is a file");
    files.golden("records.jsonl.gz", RECORDS);
    files.run("repro runs --import records.jsonl.gz --ledger taken");
    files.run("repro runs --export taken/records.jsonl.gz");
    files.snapshot("messages-files-of-records");
}
