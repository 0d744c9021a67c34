//! `repro records export` and `import`: records in one file, from one ledger into another.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    super::{
        Failure, Outcome, exit,
        folders::LedgerArgument,
        local::{unusable, warn_damaged},
        messages::{message, stdout},
    },
    filter::{Filter, Listed},
    shortest,
};
use crate::{
    figure::numbers::counted,
    store::{Ended, Ledger, bundle},
};

#[derive(Args)]
pub(super) struct Export {
    /// The file to write: JSON, a record a line, in gzip
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    ledger: LedgerArgument,
}

#[derive(Args)]
pub(super) struct Import {
    /// A file that `records export` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print a line for each record
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    ledger: LedgerArgument,
}

impl Export {
    pub(super) fn run(&self) -> Result<Outcome, Failure> {
        let ledger = self.ledger.ledger();
        write(&self.file, &self.filter.select(&ledger)?, &ledger)
    }
}

impl Import {
    pub(super) fn run(&self) -> Result<Outcome, Failure> {
        read(&self.file, &self.ledger.ledger(), self.verbose)?;
        Ok(Outcome::Done)
    }
}

/// Writes records of a ledger into one file.
pub(super) fn write(path: &Path, records: &[Listed], ledger: &Ledger) -> Result<Outcome, Failure> {
    let mut count = 0;
    let entries = records.iter().filter_map(|Listed { id, .. }| {
        let entry = ledger.get(id, &mut |_| ()).transpose();
        count += usize::from(entry.is_some());
        entry
    });
    bundle::write_each(path, entries).map_err(|error| Failure::new(exit::OUTPUT, error))?;
    let written = counted(count, "record");
    writeln!(stdout(), "{written} written to {}", path.display())?;
    Ok(Outcome::Done)
}

/// Reads a file's records into a ledger. One that finished there already stays as it is.
pub(super) fn read(path: &Path, ledger: &Ledger, verbose: bool) -> Result<(), Failure> {
    let entries = bundle::read(path).map_err(|error| Failure::new(exit::INPUT, error))?;
    let (mut damaged, mut imported, mut different) = (Vec::new(), 0, 0);
    for entry in &entries {
        let present = ledger.get_or_clear(&entry.id, &mut |file| damaged.push(file));
        let present = present.map_err(unusable)?;
        let what = match present {
            Some(present) if matches!(present.outcome, Ended::Finished(_)) => {
                let same = present.agrees_with(entry);
                different += usize::from(!same);
                if same { "already present" } else { "already present with another outcome, kept" }
            }
            _ => {
                ledger.put(entry).map_err(unusable)?;
                imported += 1;
                "imported"
            }
        };
        if verbose {
            let trial = &entry.trial;
            let (name, key, seed) = (shortest(&entry.id), &trial.recipe.key, trial.seed.0);
            message!("{name} {key}, seed {seed}: {what}");
        }
    }
    warn_damaged(&damaged);
    message!("{} imported from {}", counted(imported, "record"), path.display());
    let kept = entries.len() - imported;
    if kept > 0 {
        message!("note: {} already present and kept as they are", were(kept));
    }
    if different > 0 {
        message!("warning: {different} of these have another outcome in the file");
    }
    Ok(())
}

fn were(count: usize) -> String {
    if count == 1 { "1 record was".to_owned() } else { format!("{count} records were") }
}
