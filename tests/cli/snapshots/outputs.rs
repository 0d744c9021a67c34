//! Outputs that can't be written, and unexpected verdicts.

use super::Transcript;
use crate::{
    commands::leads,
    common::{claim_text, log, rows, run},
};

#[test]
fn outputs_that_can_t_be_written_are_reported() {
    let mut taken = Transcript::new();
    taken.file("taken", "");
    taken.file("mine/gap.toml", claim_text("greater_than = 0.0"));
    taken.file("runs.csv", log(&rows(&leads(&[5.0, 6.0, 5.5]))));
    taken.note("taken is a file");
    for command in [
        "repro verify --claims mine --log runs.csv --report taken",
        "repro verify --claims mine --log runs.csv --report taken/report",
        "repro verify --claims mine --log runs.csv --figures taken/figures",
        "repro figure 2 --evidence published --out taken",
        "repro figure 2 --evidence published --out taken/figures",
        "repro compare --brief --figure taken/replication.svg",
        "repro sensitivity --claim l2_best --choice head --no-run --figures taken/figures --threads 2",
    ] {
        taken.run(command);
    }
    taken.snapshot("messages-outputs");
}

#[test]
fn unexpected_verdicts_are_reported() {
    let mut unexpected = Transcript::new();
    unexpected.file("mine/gap.toml", claim_text("greater_than = 0.0"));
    unexpected.file("runs.csv", log(&rows(&leads(&[-5.0, -6.0, -5.5]))));
    for format in ["text --brief", "github", "junit", "csv"] {
        unexpected.run(&format!(
            "repro verify --claims mine --log runs.csv --expected --format {format}"
        ));
    }
    unexpected.file("runs.csv", log(&rows(&leads(&[5.0, 6.0, 5.5]))));
    unexpected.note("and so that they are");
    unexpected.run("repro verify --claims mine --log runs.csv --expected --format github");
    unexpected
        .run("repro verify --claims mine --log runs.csv --brief --report report --figures figures");
    unexpected.run("repro verify --evidence published --expected --brief --claim l2_best");
    unexpected.run("repro compare --log runs.csv --brief --figure replication.svg");
    unexpected.file("runs.csv", log(&rows(&[run("linf_4", 1, 50.0)])).replace("svhn", "flowers"));
    unexpected.note("runs.csv has nothing that was published");
    unexpected.run("repro compare --log runs.csv --brief --figure replication.svg");
    unexpected.snapshot("messages-expected");
}
