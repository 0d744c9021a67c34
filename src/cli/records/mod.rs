//! `repro records`: the records of a ledger, listed, shown, and carried from one ledger to another.

mod bundle;
mod filter;
mod list;
mod logged;
mod of_log;
mod old;
mod show;

use clap::{Args, Subcommand};

use super::{
    Failure, Outcome, Suites, exit,
    local::{unusable, warn_damaged},
};
use crate::{
    store::{Entry, Ledger},
    util::suggest::did_you_mean,
};

pub(super) use logged::LoggedRuns;
pub(super) use old::Runs;
pub(super) use show::details;

pub(super) const EXAMPLES: &str = "\
Examples:
  repro records                                     every record
  repro records list --target kmnist --source l2_3  some of them
  repro records list --images 100..800 --blocks 0,3 by ranges and lists
  repro records show 3f9c01ab                       one, with its curve
  repro records list --format json | jq '.[].trial.recipe.key'
  repro records export lab.jsonl.gz --world lab     some of them in one file, to copy or to publish
  repro records import lab.jsonl.gz                 ... and into another ledger
  repro records --log my-runs.csv                   the runs of a log
  repro records --claims mine --where method=tree   those of a log of your own, some of them
  repro records show --claims mine --where method=tree --where seed=3   one, with every row
  repro records export runs.csv --claims mine       as one table, which `--log` reads again";

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Records {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: list::List,
}

#[derive(Subcommand)]
enum Action {
    /// List records; without a command, `records` does the same
    List(list::List),
    /// Show records in full, each with its curve
    Show(show::Show),
    /// Write records, or the runs of a log of your own, into one file
    Export(bundle::Export),
    /// Read the records of such a file into the ledger
    Import(bundle::Import),
}

impl Records {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        match &self.action {
            None => self.list.run(suites),
            Some(Action::List(command)) => command.run(suites),
            Some(Action::Show(command)) => command.run(suites),
            Some(Action::Export(command)) => command.run(suites),
            Some(Action::Import(command)) => command.run(suites),
        }
    }
}

/// The only record whose name begins with some digits.
pub(super) fn one(ledger: &Ledger, digits: &str) -> Result<Entry, Failure> {
    let Some(entry) = only(ledger, digits)? else {
        if ledger.names().map_err(unusable)?.iter().any(|name| name.starts_with(digits)) {
            let what = format!("no record `{digits}` in {}", ledger.folder().display());
            let help = "import it again: `repro records import FILE`; or run its fine-tune again: \
                        `repro verify` does if a claim needs it";
            let report = miette::miette!(help = help, "{what}: the file of that name is damaged");
            return Err(Failure::new(exit::INPUT, report));
        }
        let hint = suggestion(ledger, digits)?;
        return Err(Failure::usage(
            format!("no record `{digits}` in {}{hint}", ledger.folder().display()),
            "`repro records list` lists them",
        ));
    };
    Ok(entry)
}

/// The same; `None` where there is none.
pub(super) fn only(ledger: &Ledger, digits: &str) -> Result<Option<Entry>, Failure> {
    let mut damaged = Vec::new();
    let mut found = ledger.with_prefix(digits, &mut |file| damaged.push(file)).map_err(unusable)?;
    warn_damaged(&damaged);
    match found.len() {
        0 | 1 => Ok(found.pop()),
        count => Err(Failure::usage(
            format!("{count} records begin with `{digits}`"),
            "give more of its digits",
        )),
    }
}

/// `, did you mean ...?`, by as many digits as were given.
pub(super) fn suggestion(ledger: &Ledger, digits: &str) -> Result<String, Failure> {
    let names = ledger.names().map_err(unusable)?;
    let length = digits.len().clamp(8, 64);
    Ok(did_you_mean(digits, names.iter().filter_map(|name| name.get(..length))))
}

/// Digits of a name that distinguish it from all others in any realistic ledger.
pub(super) fn shortest(id: &str) -> &str {
    &id[..id.len().min(16)]
}
