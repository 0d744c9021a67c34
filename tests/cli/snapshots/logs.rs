//! Logs that can't be read, and the notes on those that can.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::Transcript;
use crate::{
    commands::leads,
    common::{Run, claim_text, log, rows, run},
};

const VERIFY: &str = "repro verify --claims mine --log runs.csv --brief";

fn transcript() -> Transcript {
    let logs = Transcript::new();
    logs.file("mine/gap.toml", claim_text("greater_than = 0.0"));
    logs
}

fn good() -> String {
    log(&rows(&[run("l2_3", 1, 60.0), run("natural", 1, 50.0)]))
}

/// The first row of a valid log, and the fault that replaces it.
const FIRST: &str = "svhn,l2_3,3,100,1,1,30,1.5,50,0.5,10";
const SPOILED: [&str; 18] = [
    "svhn,l2_3,3,100,1,1,nan,1.5,50,0.5,10",
    "svhn,l2_3,3,100,1,1,100.5,1.5,50,0.5,10",
    "svhn,l2_3,3,100,1,1,ninety percent of all images of the test set,1.5,50,0.5,10",
    "svhn,l2_3,3,100,1,1,30,-1.5,50,0.5,10",
    "svhn,l2_3,3,100,1,1,30,1.5,101,0.5,10",
    "svhn,l2_3,3,100,1,1,30,1.5,50,low,10",
    "svhn,l2_3,3,100,1,0,30,1.5,50,0.5,10",
    "svhn,l2_3,3,0,1,1,30,1.5,50,0.5,10",
    "svhn,l2_3,three,100,1,1,30,1.5,50,0.5,10",
    "svhn,l2_3,3,100,-1,1,30,1.5,50,0.5,10",
    "svhn,,3,100,1,1,30,1.5,50,0.5,10",
    ",l2_3,3,100,1,1,30,1.5,50,0.5,10",
    "\"svhn\n::error::\",l2_3,3,100,1,1,30,1.5,50,0.5,10",
    "svhn,l2_3,3,100,1,1,30,1.5,50,0.5,inf",
    "svhn,l2_3,3,100,1,1,30",
    "svhn,l2_3,3,100,1,1,30,1.5,50,0.5,10,9",
    "svhn,l2_3,3,100,1,100,30,1.5,50,0.5,10",
    "svhn,l2_3,3,100,1,1,30,1.5,50,0.5,10,\"",
];

#[test]
fn each_mistake_in_a_log_is_reported_with_its_place() {
    let mut logs = transcript();
    logs.run(VERIFY);
    for (from, to) in [
        (",seconds", ""),
        ("dataset,", "dataset;"),
        ("test_loss", "tset_loss"),
        ("test_loss", "nothing"),
        ("train_loss", "test_loss"),
    ] {
        logs.file("runs.csv", good().replacen(from, to, 1));
        logs.note(&format!("in the header of runs.csv: {from:?} is {to:?}"));
        logs.run(VERIFY);
    }
    for row in SPOILED {
        assert!(good().contains(FIRST));
        logs.file("runs.csv", good().replacen(FIRST, row, 1));
        logs.note(&format!("the first row of runs.csv: {row:?}"));
        logs.run(VERIFY);
    }
    let resolutions: Vec<String> = good().lines().map(|line| line.to_owned() + ",0").collect();
    logs.file("runs.csv", resolutions.join("\n").replacen(",0\n", ",resolution\n", 1));
    logs.note("a column `resolution` with 0 in it");
    logs.run(VERIFY);
    logs.snapshot("messages-logs");
}

#[test]
fn files_that_are_no_logs_are_named_by_their_kind() {
    let mut files = transcript();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(good().as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let utf_16: Vec<u8> = "\u{feff}dataset".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut latin = good().into_bytes();
    let at = latin.windows(4).position(|part| part == b"svhn").unwrap();
    latin[at] = 0xe9;
    let fractions = log(&rows(&[run("l2_3", 1, 0.6), run("natural", 1, 0.5)]));
    let header = log(&[]);
    let cases: [(&str, &[u8]); 9] = [
        ("empty", b""),
        ("a header alone", header.as_bytes()),
        ("accuracies from 0 to 1", fractions.as_bytes()),
        ("gzip that is cut short", &packed[..packed.len() / 2]),
        ("UTF-16", &utf_16),
        ("Latin-1", &latin),
        ("a spreadsheet", b"PK\x03\x04 and so on"),
        ("a Parquet file", b"PAR1 and so on"),
        ("a page", b"<!DOCTYPE html>\n<html></html>\n"),
    ];
    for (what, bytes) in cases {
        files.file("runs.csv", bytes);
        files.note(&format!("runs.csv is {what}"));
        files.run(VERIFY);
    }
    files.run("repro verify --claims mine --log mine");
    files.run("repro compare --log none.csv");
    files.run("repro figure A1 --log none.csv");
    files.snapshot("messages-files-of-logs");
}

#[test]
fn oddities_of_a_log_are_noted() {
    let mut odd = transcript();
    let mut noted = |what: &str, runs: &[Run<'_>]| {
        odd.file("runs.csv", log(&rows(runs)));
        odd.note(what);
        odd.run(VERIFY);
    };
    noted("nothing is odd", &leads(&[5.0, 6.0, 5.5]));
    let mut runs = leads(&[5.0, 6.0, 5.5]);
    runs[0].source = "l2-3";
    runs[1].target = "flowers";
    noted("names that nobody knows", &runs);
    let mut runs = leads(&[5.0, 6.0, 5.5]);
    runs[5].accuracy.push((120, 50.5));
    noted("one run has more epochs than all others", &runs);
    let mut runs = leads(&[5.0, 6.0, 5.5]);
    runs.pop();
    noted("a seed that one arm has", &runs);
    let mut runs = leads(&[5.0, 6.0, 5.5]);
    runs[0].accuracy.pop();
    noted("one run stopped early", &runs);
    noted("one seed", &leads(&[5.0]));
    noted("the same difference in every seed", &leads(&[5.0, 5.0, 5.0]));
    noted("nothing that the claim compares", &[run("linf_4", 1, 50.0)]);
    noted("so", &leads(&[-5.0, -6.0, -5.5]));
    odd.run("repro verify --claims mine --log runs.csv --brief --expected");
    odd.run("repro compare --log runs.csv --brief");
    odd.run("repro figure 2 A1 A5 --log runs.csv --format csv");
    odd.snapshot("messages-odd-logs");
}
