//! `repro records list`: a line for each record.

use std::io::Write;

use clap::Args;
use serde::{
    Serialize, Serializer,
    ser::{Error as _, SerializeSeq as _},
};

use super::{
    super::{
        Failure, Outcome, Suites,
        folders::LedgerArgument,
        format::{Format, OneOf, TEXT_OR_JSON, json},
        log::LogArgument,
        messages::stdout,
    },
    filter::{Filter, Listed},
    of_log::{self, Selection},
    shortest,
};
use crate::{figure::numbers::counted, report::terminal, store::Ledger};

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    filter: Filter,
    /// Text for people, or JSON for programs: an array of records
    #[arg(long, value_parser = OneOf(TEXT_OR_JSON), default_value = "text")]
    format: Format,
    #[command(flatten)]
    ledger: LedgerArgument,
    #[command(flatten)]
    log: LogArgument,
    /// Only runs of a log with this value of a factor; repeat it for several factors
    #[arg(long = "where", value_name = "FACTOR=VALUE")]
    of: Vec<String>,
}

impl List {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        match (suites.log(self.log.log.as_deref())?, self.filter.is_any(), self.of.is_empty()) {
            (Some(_), true, _) => return Err(of_log::other_options()),
            (Some(log), false, _) => {
                let (wanted, format) = (&self.of[..], self.format);
                let selection = Selection { wanted, in_full: false, format };
                return of_log::print(&log, &selection, suites);
            }
            (None, _, false) => return Err(of_log::no_log()),
            (None, ..) => {}
        }
        let ledger = self.ledger.ledger();
        print(&self.filter.select(&ledger)?, &ledger, self.format)
    }
}

/// Prints records as a table or as JSON.
pub(super) fn print(
    records: &[Listed],
    ledger: &Ledger,
    format: Format,
) -> Result<Outcome, Failure> {
    let mut out = stdout();
    if let Format::Json = format {
        json(&mut out, &OnDisk { records, ledger })?;
        return Ok(Outcome::Done);
    }
    let header = ["record", "fine-tune", "seed", "accuracy %", "s"];
    terminal::write_table(&mut out, &header, records, &row)?;
    writeln!(out, "{} in {}", counted(records.len(), "record"), ledger.folder().display())?;
    Ok(Outcome::Done)
}

/// Records as a list, each of which is read when it is written. One that has vanished meanwhile is
/// left out.
struct OnDisk<'a> {
    records: &'a [Listed],
    ledger: &'a Ledger,
}

impl Serialize for OnDisk<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for Listed { id, .. } in self.records {
            let entry = self.ledger.get(id, &mut |_| ()).map_err(S::Error::custom)?;
            entry.iter().try_for_each(|entry| list.serialize_element(entry))?;
        }
        list.end()
    }
}

fn row(record: &Listed) -> Vec<String> {
    vec![
        shortest(&record.id).to_owned(),
        [&[record.key.to_string()], &*record.unusual].concat().join(", "),
        record.seed.0.to_string(),
        record.accuracy.map_or_else(|| "failed".to_owned(), |last| format!("{last:.2}")),
        format!("{:.1}", record.seconds),
    ]
}
