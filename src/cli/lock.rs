//! `repro lock`: write what each hypothesis is, and since when, into the lock of a folder of claims.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    Failure, Outcome, Suites, exit,
    messages::{message, stdout},
};
use crate::{
    claim::{
        lock::Difference,
        suite::{LOCK, Suite},
    },
    experiment::EvidenceKind,
    util::{date::today, files},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro lock --claims mine                 write mine/lock.toml; commit it before you run
  repro lock --claims mine --check         exit with 4 if a hypothesis is not as locked
  repro lock                               the project's own claims

A hypothesis that did not change keeps its date. Its digest is of what is judged: contrasts, arms, \
cells, metric, relation, quantifier, averages, interval, looks and alpha; not of its words or \
figures.";

#[derive(Args)]
pub(super) struct Lock {
    /// Write nothing; exit with 4 if a hypothesis is new, changed or removed since it was locked
    #[arg(long)]
    check: bool,
}

impl Lock {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        let folder = folder(suites)?;
        let world = suites.world(EvidenceKind::Published);
        let suite = Suite::from_folder(&folder, &world)?;
        suites.note_old_spellings(suite.notes());
        let (lock, differences) = suite.lock().updated(suite.claims(), &today());
        let mut out = stdout();
        for difference in &differences {
            match difference {
                Difference::New(name) => writeln!(out, "new: {name}")?,
                Difference::Changed(name, date) => {
                    writeln!(out, "changed: {name}, locked on {date}")?;
                }
                Difference::Removed(name, date) => {
                    out.flush()?;
                    message!("note: no claim has {name}, locked on {date}: {}", self.removal());
                }
            }
        }
        let file = folder.join(LOCK);
        let (all, file_name) = (counted_hypotheses(lock.len()), file.display());
        if self.check {
            let state = if differences.is_empty() { "as locked" } else { "not as locked" };
            writeln!(out, "{all}: {state} in {file_name}")?;
            return Ok(Outcome::Locked(differences.is_empty()));
        }
        if !differences.is_empty() {
            files::replace(&file, lock.text().as_bytes())
                .map_err(|cause| unwritten(&file, &cause))?;
        }
        writeln!(out, "{all} locked in {file_name}")?;
        Ok(Outcome::Done)
    }

    fn removal(&self) -> &'static str {
        if self.check { "the lock has it" } else { "dropped from the lock" }
    }
}

fn counted_hypotheses(count: usize) -> String {
    match count {
        1 => "1 hypothesis".to_owned(),
        count => format!("{count} hypotheses"),
    }
}

/// The folder that the user named, else that of the project that the program was built from.
fn folder(suites: &Suites<'_>) -> Result<PathBuf, Failure> {
    if let Some(folder) = suites.folder {
        return Ok(folder.to_owned());
    }
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("claims");
    if project.is_dir() {
        Ok(project)
    } else {
        Err(Failure::usage(
            "failed to lock claims: no folder is named",
            "name a folder of claims with --claims",
        ))
    }
}

fn unwritten(file: &Path, cause: &std::io::Error) -> Failure {
    let report = miette::miette!(
        help = "give a folder that you may write to, on a disk with free space",
        "failed to write {}: {cause}",
        file.display()
    );
    Failure::new(exit::OUTPUT, report)
}
