//! `repro records show`: records, or runs of a log, in full.

use std::{fmt::Write as _, io::Write};

use clap::Args;

use super::{
    super::{
        Failure, Outcome, Suites,
        folders::LedgerArgument,
        format::{Format, OneOf, TEXT_OR_JSON, json},
        log::LogArgument,
        messages::stdout,
    },
    of_log::{self, Selection},
    one, shortest,
};
use crate::{
    report::terminal,
    store::{Ended, Entry, Ledger},
    world::World,
};

#[derive(Args)]
pub(super) struct Show {
    /// Records, each by the first digits of its name, with spaces or commas between them
    #[arg(value_name = "RECORD", value_delimiter = ',', required_unless_present_any = ["log", "of"])]
    records: Vec<String>,
    /// Text for people, or JSON for programs: one object a record
    #[arg(long, value_parser = OneOf(TEXT_OR_JSON), default_value = "text")]
    format: Format,
    #[command(flatten)]
    ledger: LedgerArgument,
    #[command(flatten)]
    log: LogArgument,
    /// Runs of a log with this value of a factor, or of the replicate; repeat it for several
    #[arg(long = "where", value_name = "FACTOR=VALUE")]
    of: Vec<String>,
}

impl Show {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        match suites.log(self.log.log.as_deref())? {
            Some(_) if !self.records.is_empty() => Err(Failure::usage(
                "runs of a log have no names as records of a ledger have",
                "select them by --where FACTOR=VALUE, such as --where seed=3",
            )),
            Some(log) => {
                let (wanted, format) = (&self.of[..], self.format);
                of_log::print(&log, &Selection { wanted, in_full: true, format }, suites)
            }
            None if !self.of.is_empty() => Err(of_log::no_log()),
            None => print(&self.records, &self.ledger.ledger(), self.format),
        }
    }
}

/// Prints records, each by the first digits of its name.
pub(super) fn print(
    records: &[String],
    ledger: &Ledger,
    format: Format,
) -> Result<Outcome, Failure> {
    let find = |record: &String| one(ledger, record);
    let entries = records.iter().map(find).collect::<Result<Vec<Entry>, Failure>>()?;
    let mut out = stdout();
    for (index, entry) in entries.iter().enumerate() {
        match format {
            Format::Json => json(&mut out, entry)?,
            Format::Text if index > 0 => write!(out, "\n{}", details(entry))?,
            Format::Text => write!(out, "{}", details(entry))?,
            other => other.is_not_offered(),
        }
    }
    Ok(Outcome::Done)
}

/// One record in words, with its curve.
pub(crate) fn details(entry: &Entry) -> String {
    let Entry { trial, provenance, .. } = entry;
    let mut text = String::new();
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{name:<12} {value}");
    };
    line("record", &shortest(&entry.id));
    line("fine-tune", &trial.recipe.key);
    for unusual in World::unusual(&trial.recipe) {
        line("but with", &unusual);
    }
    line("seed", &trial.seed.0);
    line("program", &format!("repro {}, {}", provenance.program, provenance.engine));
    line("processor", &provenance.processor);
    line("duration", &format!("{:.2} s", provenance.seconds));
    match &entry.outcome {
        Ended::Failed { reason } => line("failed", reason),
        Ended::Finished(outcome) => {
            let first = outcome.first_losses.first().copied().unwrap_or(f64::NAN);
            line("first loss", &format!("{first:.4}"));
            let after = outcome.test_loss_after_first_step;
            line("then", &format!("{after:.4} on the test set after one step"));
            if let Some(measured) = &outcome.adversarial {
                line("under attack", &format!("{:.2} % ({})", measured.accuracy(), measured.test));
            }
            let rows = outcome.evaluations.iter().map(|evaluation| {
                vec![
                    evaluation.epoch.to_string(),
                    format!("{:.2}", evaluation.test_accuracy),
                    format!("{:.4}", evaluation.test_loss),
                    format!("{:.2}", evaluation.train_accuracy),
                    format!("{:.4}", evaluation.train_loss),
                ]
            });
            let header = ["epoch", "test %", "test loss", "train %", "train loss"];
            let _ = writeln!(text, "{}", terminal::table(&header, rows));
        }
    }
    text
}
