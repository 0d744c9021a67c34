//! A damaged or malformed log gives one error with file, line, column and help.

use crate::common;
use std::io::Write;

use common::{Run, log, rows, run};
use flate2::{Compression, write::GzEncoder};
use miette::Diagnostic;
use proptest::prelude::*;
use repro::{
    evidence::{
        Evidence, Status,
        published::{COLUMNS, LogError, read, read_file, unpack},
    },
    experiment::Resolution,
    world::UserNames,
};

fn good() -> String {
    log(&rows(&[run("l2_3", 1, 60.0), run("natural", 1, 50.0)]))
}

fn refused(text: &str) -> LogError {
    let error = read("runs.csv", text.as_bytes()).expect_err(text);
    assert!(error.to_string().contains("runs.csv"), "{error} names the file");
    assert!(error.help().is_some(), "{error} says what to do next");
    error
}

#[test]
fn the_log_that_other_tests_damage_is_valid() {
    assert_eq!(read("runs.csv", good().as_bytes()).unwrap().len(), 2);
}

/// What a name has that can't be seen is said.
#[test]
fn a_name_with_spaces_around_it_or_in_another_encoding_says_so() {
    for (name, shown) in [("svhn ", "`svhn `"), ("svhn\u{a0}", "`svhn\\u{a0}`"), ("\tsvhn", "")] {
        let message = refused(&good().replace("svhn,", &format!("{name},"))).to_string();
        assert!(message.contains(shown), "{message}");
        assert!(
            message.contains("begins or ends with a space") || message.contains("can't be seen"),
            "{message}"
        );
    }
    let latin: Vec<u8> = good().replace("svhn", "svhn_").into_bytes();
    let latin: Vec<u8> = latin.iter().map(|b| if *b == b'_' { 0xe9 } else { *b }).collect();
    let latin =
        [COLUMNS.join(",").as_bytes(), b"\n", &latin[COLUMNS.join(",").len() + 1..]].concat();
    let error = read("runs.csv", &latin).unwrap_err();
    assert!(error.to_string().contains("is not in UTF-8"), "{error}");
    assert!(error.help().unwrap().to_string().contains("Latin-1"));
}

#[test]
fn any_printable_name_may_stand_in_a_log() {
    for name in ["facebook/opt-125m", "BNG(breast-w)", "méthode", "=1+1", "\"a, b\""] {
        let records = read("runs.csv", good().replace("svhn", name).as_bytes()).unwrap();
        let name = name.trim_matches('"');
        assert!(records.iter().all(|record| &*record.key.target == name), "{name}");
    }
}

/// The log with a first column without a name.
fn indexed(values: &[&str]) -> String {
    let with = |(line, value): (&str, &&str)| format!("{value},{line}\n");
    good().lines().zip(values).map(with).collect()
}

#[test]
fn a_nameless_first_column_that_counts_rows_is_an_index() {
    let whole = read("runs.csv", good().as_bytes()).unwrap().len();
    for header in ["", "Unnamed: 0", "\"\""] {
        for values in [["0", "1", "2", "3"], ["1", "2", "3", "4"], ["0", "1", "0", "1"]] {
            let text = indexed(&[&[header][..], &values[..]].concat());
            assert_eq!(read("runs.csv", text.as_bytes()).unwrap().len(), whole, "{text}");
            let notes = Evidence::from_csv("runs.csv", text.as_bytes()).unwrap().notes;
            assert!(notes.len() == 1 && notes[0].contains("index"), "{notes:?}");
        }
    }
    for values in [["7", "8", "9", "10"], ["0", "1", "3", "4"], ["a", "b", "c", "d"]] {
        let error = refused(&indexed(&[&[""][..], &values[..]].concat()));
        assert!(error.to_string().contains("column 1 has no name"), "{error}");
        assert!(error.help().unwrap().to_string().contains("index=False"));
    }
    let last = good().lines().map(|line| format!("{line},\n")).collect::<String>();
    assert!(refused(&last).to_string().contains("column 12 has no name"));
}

/// Whatever the line ends, with and without what spreadsheets and `cat` add.
#[test]
fn line_ends_blank_lines_and_repeated_headers_change_nothing() {
    let sorted = |text: &str| {
        let mut runs: Vec<_> = read("runs.csv", text.as_bytes()).unwrap().iter().cloned().collect();
        runs.sort_by(|left, right| left.key.cmp(&right.key));
        runs
    };
    let (expected, header) = (sorted(&good()), COLUMNS.join(","));
    let rows = good().split_once('\n').unwrap().1.to_owned();
    for (text, notes) in [
        (good().replace('\n', "\r\n"), 0),
        (good().replace('\n', "\r"), 0),
        (format!("\u{feff}{}", good()), 0),
        (good().replace('\n', "\n\n"), 0),
        (format!("{}  \n,,,,,,,,,,\n\n", good()), 1),
        (format!("{header}\n\u{feff}{header}\n{header}\n{rows}"), 1),
        (good().replace(",1,1,", ",1.0,1.0,").replace(",3,100,", ",3.0,1e2,"), 0),
    ] {
        assert_eq!(sorted(&text), expected, "{text:?}");
        let found = Evidence::from_csv("runs.csv", text.as_bytes()).unwrap().notes;
        assert_eq!(found.len(), notes, "{found:?}");
    }
    let fault = good().replacen(",1.5,", ",x,", 1).replace('\n', "\r");
    assert!(refused(&fault).to_string().contains("line 2, column test_loss"), "{fault:?}");
    assert!(refused(&good().replace(",1,1,", ",1.5,1,")).to_string().contains("column seed"));
}

/// Each row of a long run was once compared with every earlier one.
#[test]
fn the_rows_of_a_run_may_have_any_order_and_none_twice() {
    let row = |epoch: u32| format!("svhn,l2_3,3,100,1,{epoch},30,1.5,50,0.5,10");
    for epochs in [vec![1, 2, 3], vec![3, 2, 1], vec![2, 3, 1], vec![1, 3, 2]] {
        let records =
            read("runs.csv", log(&epochs.iter().map(|it| row(*it)).collect::<Vec<_>>()).as_bytes());
        let records = records.unwrap();
        let found = records.iter().next().unwrap().evaluations();
        assert!(found.iter().map(|evaluation| evaluation.epoch).eq(1..=3), "{epochs:?}");
    }
    for (epochs, line) in [(vec![1, 1], 3), (vec![1, 3, 2, 3], 5), (vec![3, 2, 1, 4, 4], 6)] {
        let text = log(&epochs.iter().map(|it| row(*it)).collect::<Vec<_>>());
        let message = refused(&text).to_string();
        assert!(message.contains(&format!("line {line}")), "{message}");
    }
    let long = "x".repeat(5_000_000);
    let text = log(&[row(1), row(1)]).replace("l2_3", &long);
    assert!(refused(&text).to_string().len() < 300);
    // Descending, which a comparison with every earlier row takes minutes for.
    let rows: Vec<String> = (1..=200_000).rev().map(row).collect();
    assert_eq!(read("runs.csv", log(&rows).as_bytes()).unwrap().len(), 1);
}

/// Characters that would control a terminal or a CI system.
#[test]
fn control_characters_in_a_name_are_refused_and_printed_escaped() {
    for hostile in ["svhn\n::error::forged\nx", "svhn\u{1b}[31m", "sv\u{9b}hn", "sv\u{7}hn"] {
        let named = good().replace("svhn,", &format!("\"{hostile}\","));
        let header = good().replace("dataset,", &format!("\"{hostile}\","));
        for text in [named, header] {
            let message = refused(&text).to_string();
            assert!(!message.contains(char::is_control), "{message:?}");
            assert!(message.contains("sv"), "{message}");
        }
    }
}

#[test]
fn every_fault_is_reported_with_its_line_and_column() {
    let first = "svhn,l2_3,3,100,1,1,30,1.5,50,0.5,10";
    let cases = [
        (",seconds", "", "column `seconds` is missing"),
        (
            "dataset,",
            "dataset;",
            "`dataset;source` is one column: columns must be separated by commas, not by `;`",
        ),
        ("test_loss", "TEST_LOSS", "unknown column `TEST_LOSS`, did you mean `test_loss`?"),
        ("test_loss", "tset_loss", "unknown column `tset_loss`, did you mean `test_loss`?"),
        ("train_loss", "test_loss", "column `test_loss` is given twice"),
        (
            first,
            "svhn,l2_3,3,100,1,1,nan,1.5,50,0.5,10",
            "line 2, column test_accuracy_percent: `nan`",
        ),
        (
            first,
            "svhn,l2_3,3,100,1,1,100.5,1.5,50,0.5,10",
            "`100.5` is not an accuracy from 0 to 100",
        ),
        (first, "svhn,l2_3,3,100,1,1,-1,1.5,50,0.5,10", "`-1` is not an accuracy"),
        (first, "svhn,l2_3,3,100,1,1,30,-1.5,50,0.5,10", "column test_loss"),
        (first, "svhn,l2_3,3,100,1,1,30,1.5,101,0.5,10", "column train_accuracy_percent"),
        (first, "svhn,l2_3,3,100,1,0,30,1.5,50,0.5,10", "column epoch: `0`"),
        (first, "svhn,l2_3,3,0,1,1,30,1.5,50,0.5,10", "column images: `0`"),
        (first, "svhn,l2_3,three,100,1,1,30,1.5,50,0.5,10", "column blocks: `three`"),
        (first, "svhn,l2_3,3,100,-1,1,30,1.5,50,0.5,10", "column seed: `-1`"),
        (first, "svhn,,3,100,1,1,30,1.5,50,0.5,10", "column source: `` is not a name"),
        (first, "svhn,l2_3,3,100,1,1,30,1.5,50,0.5,inf", "column seconds: `inf`"),
        (first, "svhn,l2_3,3,100,1,1,30", "line 2: the row has 7 fields, the header has 11"),
        (
            first,
            "svhn,l2_3,3,100,1,1,30,1.5,50,0.5,10,9",
            "line 2: the row has 12 fields, the header has 11",
        ),
        (first, "svhn,l2_3,3,100,1,100,30,1.5,50,0.5,10", "line 3: epoch 100 of svhn from l2_3"),
    ];
    for (from, to, what) in cases {
        let text = good();
        assert!(text.contains(from), "{from}");
        let error = refused(&text.replacen(from, to, 1)).to_string();
        assert!(error.contains(what), "{to}: {error}");
    }
}

#[test]
fn a_log_without_rows_or_an_empty_file_is_refused() {
    assert!(matches!(refused(&format!("{}\n", COLUMNS.join(","))), LogError::Empty { .. }));
    assert!(matches!(refused(""), LogError::Header { .. }));
}

/// Accuracies from 0 to 1 would be judged as a hundredth of their value.
#[test]
fn a_source_model_without_an_accuracy_above_1_on_a_target_is_refused() {
    let refused_for = |runs: &[Run<'_>]| match refused(&log(&rows(runs))) {
        LogError::Fractions { line, source_model, target, rows, .. } => {
            (line, format!("{source_model} on {target}"), rows)
        }
        other => panic!("{other}"),
    };
    let on = |target, run| Run { target, ..run };
    let all = [run("l2_3", 1, 0.5), run("natural", 1, 1.0)];
    assert_eq!(refused_for(&all), (2, "l2_3 on svhn".to_owned(), 2));
    // Neither another source model nor another target, nor one odd value, hides them.
    let one_arm = [run("l2_3", 1, 90.0), run("natural", 1, 0.5), run("natural", 2, 1.0)];
    assert_eq!(refused_for(&one_arm), (4, "natural on svhn".to_owned(), 4));
    let one_target = [run("l2_3", 1, 90.0), on("mnist", run("l2_3", 1, 0.9))];
    assert_eq!(refused_for(&one_target), (4, "l2_3 on mnist".to_owned(), 2));
    let odd = [run("l2_3", 1, 0.5), run("natural", 1, 0.5), run("natural", 9, 1.67)];
    assert_eq!(refused_for(&odd), (2, "l2_3 on svhn".to_owned(), 2));
    // Single values at or below 1 are common, and 0 is 0 in either unit.
    for accepted in [
        vec![run("l2_3", 1, 0.5), run("l2_3", 2, 30.0)],
        vec![run("l2_3", 1, 60.0), run("natural", 1, 0.0)],
    ] {
        assert!(read("log.csv", log(&rows(&accepted)).as_bytes()).is_ok());
    }
}

#[test]
fn runs_with_the_same_numbers_at_three_evaluations_are_copies() {
    let curve = |seed: u64, last: f64| {
        [(1, 10.0), (51, 40.0), (100, last)].map(|(epoch, accuracy)| {
            format!("svhn,l2_3,3,100,{seed},{epoch},{accuracy},1,2,3,{seed}")
        })
    };
    let text = |curves: &[[String; 3]]| log(&curves.concat());
    let copied = refused(&text(&[curve(1, 60.0), curve(7, 61.0), curve(9, 60.0)]));
    assert_eq!(
        copied.to_string(),
        "failed to read the log runs.csv: seeds 1 and 9 of svhn from l2_3, 100 images, 3 blocks \
         have the same accuracies and losses at all 3 epochs, so they are one run"
    );
    let accepted = |text: &str| assert!(read("runs.csv", text.as_bytes()).is_ok(), "{text}");
    accepted(&text(&[curve(1, 60.0), curve(7, 61.0)]));
    // Two evaluations may agree by chance, a curve that never changes is a model that collapsed,
    // and a loss that is not finite is no number.
    let two = [curve(1, 60.0), curve(9, 60.0)].map(|curve| curve[..2].to_vec());
    accepted(&log(&two.concat()));
    let flat =
        [curve(1, 10.0), curve(9, 10.0)].map(|curve| curve.map(|row| row.replace(",40,", ",10,")));
    accepted(&text(&flat));
    let diverged = [curve(1, 60.0), curve(9, 60.0)]
        .map(|curve| curve.map(|row| row.replace(",1,2,3,", ",nan,2,nan,")));
    accepted(&text(&diverged));
}

#[test]
fn accuracies_below_1_percent_are_read_where_the_user_states_percent() {
    let claims = tempfile::tempdir().unwrap();
    let file = claims.path().join("runs.csv");
    std::fs::write(&file, log(&rows(&[run("l2_3", 1, 0.5), run("natural", 1, 0.3)]))).unwrap();
    let names = |own: &str| {
        std::fs::create_dir_all(claims.path().join("worlds")).unwrap();
        std::fs::write(claims.path().join("worlds/own.toml"), own).unwrap();
        UserNames::read(claims.path()).unwrap()
    };
    let stated = Evidence::log(&file, &names("format = 1\npercent = true\n")).unwrap();
    assert_eq!(stated.records.len(), 2);
    let unstated = Evidence::log(&file, &names("format = 1\n")).unwrap_err();
    assert!(unstated.help().unwrap().to_string().contains("percent = true"));
}

#[test]
fn a_loss_that_is_not_finite_is_accepted() {
    let text = good().replacen(",1.5,50,", ",nan,50,", 1).replacen(",1.5,50,", ",inf,50,", 1);
    assert_eq!(read("runs.csv", text.as_bytes()).unwrap().len(), 2);
}

#[test]
fn columns_may_be_in_any_order_after_a_byte_order_mark() {
    let reversed: String =
        good().lines().map(|line| line.rsplit(',').collect::<Vec<_>>().join(",") + "\n").collect();
    let records = read("runs.csv", format!("\u{feff}{reversed}").as_bytes()).unwrap();
    let mut both: Vec<_> = read("runs.csv", good().as_bytes()).unwrap().iter().cloned().collect();
    let mut seen: Vec<_> = records.iter().cloned().collect();
    both.sort_by(|left, right| left.key.cmp(&right.key));
    seen.sort_by(|left, right| left.key.cmp(&right.key));
    assert_eq!(seen, both);
}

#[test]
fn runs_at_two_resolutions_are_two_cells() {
    let mut lines = good().lines().map(str::to_owned).collect::<Vec<_>>();
    lines[0] += ",resolution";
    for (line, resolution) in lines[1..].iter_mut().zip(["32", "32", "native", "native"]) {
        *line += &format!(",{resolution}");
    }
    let records = read("runs.csv", lines.join("\n").as_bytes()).unwrap();
    let mut resolutions: Vec<Resolution> =
        records.iter().map(|record| record.key.resolution).collect();
    resolutions.sort();
    assert_eq!(resolutions, [Resolution::Native, Resolution::Pixels(32)]);
    let zero = lines.join("\n").replace(",32", ",0");
    assert!(refused(&zero).to_string().contains("column resolution: `0`"));
}

#[test]
fn a_run_shorter_than_others_of_its_schedule_stopped_early() {
    let ran = |seed: u64, epochs: &[u32]| {
        let mut run = run("l2_3", seed, 60.0);
        run.accuracy = epochs.iter().map(|epoch| (*epoch, 50.0)).collect();
        run
    };
    let runs = [ran(1, &[1, 21]), ran(2, &[1, 21, 41]), ran(3, &[1, 21, 41, 60]), ran(4, &[1, 11])];
    let records = read("runs.csv", log(&rows(&runs)).as_bytes()).unwrap();
    let mut found: Vec<(u64, u32, Status)> =
        records.iter().map(|record| (record.seed.0, record.recipe.epochs, record.status)).collect();
    found.sort_by_key(|(seed, ..)| *seed);
    let (stopped, finished) = (Status::Stopped, Status::Finished);
    assert_eq!(found, [(1, 60, stopped), (2, 60, stopped), (3, 60, finished), (4, 11, finished)]);
}

#[test]
fn where_a_run_ends_is_never_inferred_from_another_arm_or_cell() {
    let own = [run("l2_3", 1, 60.0), run("l2_3", 2, 61.0)];
    let longer = |source| {
        let mut longer = run(source, 3, 70.0);
        longer.accuracy.push((120, 75.0));
        longer
    };
    let blocks = Run { blocks: 9, ..longer("l2_3") };
    for other in [longer("natural"), blocks, Run { images: 200, ..longer("l2_3") }] {
        let key = (other.source, other.blocks, other.images);
        let text = log(&[rows(&own), rows(&[other])].concat());
        let records = read("runs.csv", text.as_bytes()).unwrap();
        assert!(records.iter().all(|record| record.status == Status::Finished), "{key:?}");
    }
}

#[test]
fn a_log_cut_at_any_byte_is_refused_or_has_only_complete_rows() {
    let text = good();
    let whole = read("runs.csv", text.as_bytes()).unwrap();
    for end in 0..text.len() {
        // A cut inside the last field of a row leaves a shorter number, which no reader can detect.
        if let Ok(records) = read("runs.csv", &text.as_bytes()[..end]) {
            assert!(records.iter().all(|record| whole.seeds(&record.key).is_some()), "{end}");
        }
    }
}

#[test]
fn a_compressed_log_reads_as_its_text_and_is_refused_if_truncated() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(good().as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    assert_eq!(unpack("runs.csv.gz", &packed).unwrap(), good().as_bytes());
    for end in 1..packed.len() {
        let error = unpack("runs.csv.gz", &packed[..end]).expect_err("a cut stream");
        assert!(matches!(error, LogError::Damaged { .. }), "{end}: {error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("runs.csv.gz");
    std::fs::write(&file, &packed).unwrap();
    assert_eq!(read_file(&file).unwrap().records.len(), 2);
    // The format is found by content, not by name.
    let renamed = folder.path().join("renamed.csv");
    std::fs::copy(&file, &renamed).unwrap();
    assert_eq!(read_file(&renamed).unwrap().records.len(), 2);
    std::fs::write(&file, good()).unwrap();
    assert_eq!(read_file(&file).unwrap().records.len(), 2);
    let missing = read_file(&folder.path().join("none.csv")).expect_err("no such file");
    assert!(missing.to_string().contains("none.csv"), "{missing}");
}

/// A zstd frame of one raw block (RFC 8878, section 3.1).
fn in_zstd(text: &str) -> Vec<u8> {
    let size = u32::try_from(text.len()).unwrap();
    let block = (size << 3 | 1).to_le_bytes();
    [&[0x28, 0xb5, 0x2f, 0xfd, 0xa0][..], &size.to_le_bytes(), &block[..3], text.as_bytes()]
        .concat()
}

#[test]
fn a_log_in_zstd_reads_as_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("runs.csv.zst");
    std::fs::write(&file, in_zstd(&good())).unwrap();
    let found = read_file(&file).unwrap();
    let plain = read("runs.csv", good().as_bytes()).unwrap();
    assert_eq!(found.records.len(), plain.len());
    for record in plain.iter() {
        assert_eq!(found.records.seeds(&record.key).unwrap()[&record.seed], *record);
    }
    std::fs::write(&file, &in_zstd(&good())[..100]).unwrap();
    assert!(matches!(read_file(&file), Err(LogError::Damaged { .. })));
}

#[test]
fn files_often_mistaken_for_csv_are_named() {
    let sixteen: Vec<u8> = "\u{feff}dataset".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, what) in [
        (&sixteen[..], "text in UTF-16, not CSV"),
        (b"PK\x03\x04 and so on", "a zip archive, as spreadsheets are, not CSV"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "a Git LFS pointer"),
        (b"\n<!DOCTYPE html>\n<html>", "a web page"),
        (b"BZh91AY&SY", "compressed by bzip2"),
        (b"\xfd7zXZ\0\0", "compressed by xz"),
        (b"[\n  {\"seed\": 1}]", "JSON"),
        (b"d\0a\0t\0a\0", "text in UTF-16"),
        (b"PAR1 and so on", "a Parquet file, not CSV"),
    ] {
        let error = read("runs.xlsx", bytes).expect_err(what);
        assert!(error.help().is_some(), "{error}");
        let error = error.to_string();
        assert!(error.contains(what), "{error}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read("noise", &bytes);
        let _ = unpack("noise", &bytes);
        let mut rows = good().into_bytes();
        rows.extend(bytes);
        let _ = read("noise", &rows);
    }

    #[test]
    fn no_changed_byte_makes_the_reader_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = good().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = read("spoiled", &bytes);
    }
}
