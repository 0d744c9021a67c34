//! `repro records export` and `import`: records in one file, from one ledger into another; the runs of
//! a study's log as one table.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;
use flate2::{Compression, write::GzEncoder};

use super::{
    super::{
        Failure, Outcome, Suites, exit,
        folders::LedgerArgument,
        local::{unusable, warn_damaged},
        messages::{message, stdout},
    },
    filter::{Filter, Listed},
    of_log, shortest,
};
use crate::{
    figure::numbers::counted,
    store::{
        Ended, Ledger,
        bundle::{self, BundleError},
    },
    study::{Study, runs::Run},
    util::named_file,
};

#[derive(Args)]
pub(super) struct Export {
    /// The file to write: JSON, a record a line, in gzip; for claims with a log.toml a table of the
    /// runs as they were read, which `--log` reads again, in gzip if the name ends in .gz
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    ledger: LedgerArgument,
    /// The log of claims with a log.toml, in place of its files
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Only runs of such a log with this value of a factor; repeat it for several factors
    #[arg(long = "where", value_name = "FACTOR=VALUE")]
    of: Vec<String>,
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
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        match suites.study() {
            Some(_) if self.filter.is_any() => Err(of_log::other_options()),
            Some((study, folder)) => self.write_log(study, folder),
            None if self.log.is_some() => Err(Failure::usage(
                "a log in the published log's columns is one table already",
                "leave --log out to export records of a ledger; `repro records --log FILE --format \
                 json` has every row of a log",
            )),
            None if !self.of.is_empty() => Err(of_log::no_log()),
            None => {
                let ledger = self.ledger.ledger();
                write(&self.file, &self.filter.select(&ledger)?, &ledger)
            }
        }
    }

    fn write_log(&self, study: &Study, folder: &Path) -> Result<Outcome, Failure> {
        let wanted = of_log::parsed(&self.of, Some(study))?;
        let runs = match &self.log {
            Some(log) => study.read_log(log)?,
            None => study.read(folder)?,
        };
        let has = |run: &Run, name: &str, value: &str| match study
            .factors
            .iter()
            .position(|factor| factor.name == name)
        {
            Some(factor) => of_log::is(&run.point[factor], value),
            None => *run.replicate == *value,
        };
        let keep = |run: &Run| wanted.iter().all(|(name, value)| has(run, name, value));
        let kept = runs.runs.iter().filter(|run| keep(run)).count();
        let mut bytes = study.export(&runs, keep);
        if self.file.extension().is_some_and(|end| end.eq_ignore_ascii_case("gz")) {
            bytes = packed(&bytes)?;
        }
        named_file::write(&self.file, &bytes).map_err(|cause| {
            let file = self.file.display();
            Failure::new(exit::OUTPUT, miette::miette!("failed to write {file}: {cause}"))
        })?;
        let written = counted(kept, "run");
        writeln!(stdout(), "{written} written to {}", self.file.display())?;
        Ok(Outcome::Done)
    }
}

fn packed(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes)?;
    packed.finish()
}

impl Import {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        if suites.study.is_some() {
            return Err(Failure::usage(
                "a ledger holds fine-tunes that this program ran, and these claims are about a log",
                "`repro verify --log FILE` judges a file that `records export` wrote",
            ));
        }
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
    bundle::write_each(path, entries).map_err(|error| match error {
        BundleError::Io { .. } => {
            let help = "give a file in a folder that you may write to, on a disk with free space";
            Failure::new(exit::OUTPUT, miette::miette!(help = help, "{error}"))
        }
        error => Failure::new(exit::OUTPUT, error),
    })?;
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
