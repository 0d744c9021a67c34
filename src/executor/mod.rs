//! Runs trials here: in threads, each with one thread of libtorch's own, which on few cores is the
//! faster way; every finished trial is in the ledger before the next begins. Which trials to run is
//! the planner's to say.

mod material;

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use tch::Device;

pub use material::{MaterialError, digests};

use crate::{
    device,
    ledger::{Ended, Entry, Ledger, LedgerError, Provenance},
    trial::{ENGINE_VERSION, Trial, Unfinished, fine_tune},
};
use material::Materials;

/// A trial with the name of its record.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// The trial.
    pub trial: Trial,
    /// Digest of the source's weights.
    pub weights: String,
    /// Digest of the target's files.
    pub data: String,
    /// The record's name.
    pub id: String,
}

impl Named {
    /// Names a trial; `None` where its source or target do not ship.
    #[must_use]
    pub fn new(trial: Trial) -> Option<Self> {
        let (weights, data) = digests(&trial.recipe.key)?;
        let id = trial.id(&weights, &data);
        Some(Self { trial, weights, data, id })
    }
}

/// Where and how trials are run.
#[derive(Debug)]
pub struct Local<'a> {
    /// Where entries go.
    pub ledger: &'a Ledger,
    /// Trials at once.
    pub threads: usize,
    /// Set to stop after the epochs that are running; what is finished is kept.
    pub stop: &'a AtomicBool,
}

/// A trial that can't be run at all, or an entry that can't be kept.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ExecutorError {
    /// Nothing to work on.
    #[error("failed to prepare {trial}: {cause}")]
    #[diagnostic(help("`repro show` tells what the world has"))]
    Material {
        /// The trial.
        trial: String,
        /// Why.
        cause: MaterialError,
    },
    /// The ledger.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Ledger(#[from] LedgerError),
    /// Somebody asked to stop.
    #[error("stopped; finished trials are kept, and the same command goes on from there")]
    Interrupted,
}

impl Local<'_> {
    /// Runs trials and keeps their entries; `each` hears of every one as soon as it is kept.
    ///
    /// # Errors
    /// If one can't be prepared or kept, or a stop was asked for: the others that are running then
    /// stop too, and what is finished stays.
    pub fn run(
        &self,
        trials: &[Named],
        each: &(dyn Fn(&Entry) + Sync),
    ) -> Result<(), ExecutorError> {
        // One for the process; each thread takes it over at its first operation.
        tch::set_num_threads(1);
        let queue: Mutex<VecDeque<&Named>> = Mutex::new(trials.iter().collect());
        let failed = AtomicBool::new(false);
        let work = || -> Result<(), ExecutorError> {
            let mut materials = Materials::new(Device::Cpu);
            while !self.stop.load(Ordering::Relaxed) && !failed.load(Ordering::Relaxed) {
                let next = queue.lock().expect("no panic holds it").pop_front();
                let Some(named) = next else { return Ok(()) };
                let entry = self.one(named, &mut materials)?;
                self.ledger.put(&entry)?;
                each(&entry);
            }
            Err(ExecutorError::Interrupted)
        };
        let threads = self.threads.min(trials.len()).max(1);
        let results: Vec<Result<(), ExecutorError>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads)
                .map(|_| {
                    scope.spawn(|| {
                        let result = work();
                        failed.fetch_or(result.is_err(), Ordering::Relaxed);
                        result
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        // A fault says more than that the others were stopped because of it.
        let mut errors: Vec<ExecutorError> = results.into_iter().filter_map(Result::err).collect();
        let fault = errors.iter().position(|error| !matches!(error, ExecutorError::Interrupted));
        match (fault, errors.is_empty()) {
            (Some(fault), _) => Err(errors.swap_remove(fault)),
            (None, false) => Err(ExecutorError::Interrupted),
            (None, true) => Ok(()),
        }
    }

    /// Runs one trial. A panic in it, which is how tch reports whatever libtorch could not do, makes
    /// an entry that has failed.
    fn one(&self, named: &Named, materials: &mut Materials) -> Result<Entry, ExecutorError> {
        let Named { trial, weights, data, id } = named;
        let started =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let clock = Instant::now();
        let key = &trial.recipe.key;
        let seed = trial.engine_seed();
        let ran = catch_unwind(AssertUnwindSafe(|| {
            materials.with(trial, |material| {
                fine_tune(material, key.blocks, &trial.recipe.protocol, seed, self.stop)
            })
        }));
        let material = |cause| ExecutorError::Material {
            trial: format!("{key}, seed {}", trial.seed.0),
            cause,
        };
        let outcome = match ran {
            Ok(Err(cause)) => return Err(material(cause)),
            Ok(Ok(Err(Unfinished::Interrupted))) => return Err(ExecutorError::Interrupted),
            Ok(Ok(Err(error))) => Ended::Failed { reason: error.to_string() },
            Ok(Ok(Ok(outcome))) => Ended::Finished(outcome),
            Err(panic) => {
                // What was half done is not to be used again.
                *materials = Materials::new(Device::Cpu);
                Ended::Failed { reason: words(&*panic) }
            }
        };
        Ok(Entry {
            id: id.clone(),
            trial: trial.clone(),
            engine_version: ENGINE_VERSION,
            weights: weights.clone(),
            data: data.clone(),
            outcome,
            provenance: Provenance {
                program: env!("CARGO_PKG_VERSION").to_owned(),
                engine: device::engine(),
                processor: device::processor(),
                started,
                seconds: clock.elapsed().as_secs_f64(),
            },
        })
    }
}

/// What a panic said.
fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words").lines().next().unwrap_or_default().to_owned()
}

/// How many trials run at once where nobody says: one a core.
#[must_use]
pub fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
