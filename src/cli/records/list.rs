//! `repro records list`: a line for each record.

use std::io::Write;

use clap::Args;

use super::{
    super::{
        Failure, Outcome,
        folders::LedgerArgument,
        format::{Format, OneOf, TEXT_OR_JSON, json},
        messages::stdout,
    },
    filter::Filter,
    shortest,
};
use crate::{
    figure::numbers::counted,
    report::terminal,
    store::{Ended, Entry, Ledger},
    world::World,
};

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    filter: Filter,
    /// Text for people, or JSON for programs: an array of records
    #[arg(long, value_parser = OneOf(TEXT_OR_JSON), default_value = "text")]
    format: Format,
    #[command(flatten)]
    ledger: LedgerArgument,
}

impl List {
    pub(super) fn run(&self) -> Result<Outcome, Failure> {
        let ledger = self.ledger.ledger();
        print(&self.filter.select(&ledger)?, &ledger, self.format)
    }
}

/// Prints records as a table or as JSON.
pub(super) fn print(
    entries: &[Entry],
    ledger: &Ledger,
    format: Format,
) -> Result<Outcome, Failure> {
    let mut out = stdout();
    if let Format::Json = format {
        json(&mut out, &entries)?;
        return Ok(Outcome::Done);
    }
    let header = ["record", "fine-tune", "seed", "accuracy %", "s"];
    writeln!(out, "{}", terminal::table(&header, entries.iter().map(row)))?;
    writeln!(out, "{} in {}", counted(entries.len(), "record"), ledger.folder().display())?;
    Ok(Outcome::Done)
}

fn row(entry: &Entry) -> Vec<String> {
    let key = &entry.trial.recipe.key;
    let last = match &entry.outcome {
        Ended::Finished(outcome) => {
            let last = outcome.evaluations.last();
            last.map_or_else(String::new, |last| format!("{:.2}", last.test_accuracy))
        }
        Ended::Failed { .. } => "failed".to_owned(),
    };
    vec![
        shortest(&entry.id).to_owned(),
        [vec![key.to_string()], World::unusual(&entry.trial.recipe)].concat().join(", "),
        entry.trial.seed.0.to_string(),
        last,
        format!("{:.1}", entry.provenance.seconds),
    ]
}
