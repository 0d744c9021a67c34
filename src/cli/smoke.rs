//! Smoke evidence for the commands: what the ledger has, and running what it lacks.

use std::{path::PathBuf, sync::Mutex};

use clap::Args;

use super::{
    Failure, exit, interrupt,
    progress::{Progress, minutes},
    runs::shortest,
};
use crate::{
    claim::Claim,
    executor::{ExecutorError, Local, Named, default_threads},
    ledger::{Damaged, Ended, Entry, Ledger},
    own::{self, Gathered, Own, Watch},
    world::World,
};

/// Where records of our own are kept, and how they are made.
#[derive(Args)]
pub(super) struct Ours {
    /// Where records are kept [default: REPRO_LEDGER, or .ledger in the project]
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,
    /// Fine-tunes at once, each on one thread [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

impl Ours {
    pub fn ledger(&self) -> Ledger {
        Ledger::new(self.ledger.clone().unwrap_or_else(Ledger::default_folder))
    }

    pub fn threads(&self) -> usize {
        self.threads.map_or_else(default_threads, usize::from)
    }

    /// The folder that was named, for a command that is printed to be run again.
    pub fn named(&self) -> Option<&PathBuf> {
        self.ledger.as_ref()
    }

    /// Records for the claims; with `run`, what is missing is run until the judge needs no more.
    pub fn evidence(
        &self,
        claims: &[&Claim],
        world: &World,
        run: bool,
    ) -> Result<Gathered, Failure> {
        let ledger = self.ledger();
        let own = Own { world, ledger: &ledger };
        if run {
            let teller = self.teller(&ledger, &world.id);
            return own.complete(claims, &self.local(&ledger), &teller).map_err(stopped);
        }
        let gathered = own.gather(claims).map_err(unusable)?;
        tell(&gathered.damaged);
        Ok(gathered)
    }

    /// Runs one trial.
    pub fn run(&self, ledger: &Ledger, trial: &Named, seconds_a_pass: f64) -> Result<(), Failure> {
        let teller = self.teller(ledger, &trial.trial.recipe.world);
        let trials = std::slice::from_ref(trial);
        teller.begins(trials, seconds_a_pass);
        self.local(ledger).run(trials, &|entry| teller.ended(entry)).map_err(stopped)
    }

    fn local<'a>(&self, ledger: &'a Ledger) -> Local<'a> {
        Local { ledger, threads: self.threads(), stop: interrupt::flag() }
    }

    fn teller(&self, ledger: &Ledger, what: &str) -> Teller {
        Teller {
            what: what.to_owned(),
            folder: ledger.folder().to_owned(),
            threads: self.threads(),
            progress: Mutex::new(None),
        }
    }
}

/// Tells on standard error how it goes.
struct Teller {
    what: String,
    folder: PathBuf,
    threads: usize,
    progress: Mutex<Option<Progress>>,
}

impl Watch for Teller {
    fn damaged(&self, files: &[Damaged]) {
        tell(files);
    }

    fn begins(&self, trials: &[Named], seconds_a_pass: f64) {
        let price: f64 = trials.iter().map(|named| own::passes(&named.trial)).sum();
        let threads = self.threads.min(trials.len()).max(1);
        anstream::eprintln!(
            "{}: {} fine-tunes to run, about {} on {threads} threads; records go to {}",
            self.what,
            trials.len(),
            minutes(price * seconds_a_pass / threads as f64),
            self.folder.display()
        );
        let progress = Progress::new(&self.what, trials.len(), price);
        *self.progress.lock().expect("no panic holds it") = Some(progress);
    }

    fn ended(&self, entry: &Entry) {
        if let Ended::Failed { reason } = &entry.outcome {
            anstream::eprintln!(
                "failed: {}, seed {}: {reason}; run it again with `repro run --key {}`",
                entry.trial.recipe.key,
                entry.trial.seed.0,
                shortest(&entry.id)
            );
        }
        if let Some(progress) = &*self.progress.lock().expect("no panic holds it") {
            progress.done(own::passes(&entry.trial));
        }
    }
}

/// Why trials did not run to their end.
fn stopped(error: ExecutorError) -> Failure {
    match error {
        ExecutorError::Interrupted => Failure::new(exit::INTERRUPTED, error),
        ExecutorError::Material { .. } => Failure::new(exit::INPUT, error),
        ExecutorError::Ledger(error) => unusable(error),
    }
}

/// A ledger that can't be used.
pub(super) fn unusable(error: crate::ledger::LedgerError) -> Failure {
    let code = if error.is_about_writing() { exit::OUTPUT } else { exit::INPUT };
    Failure::new(code, error)
}

/// Says which files were set aside.
pub(super) fn tell(damaged: &[Damaged]) {
    for Damaged { path, reason } in damaged {
        anstream::eprintln!("damaged: a record, set aside as {}: {reason}", path.display());
    }
}
