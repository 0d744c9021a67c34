//! Runs trials on the local device, as many at once as [`Workers`] allows. Trials whose frozen parts
//! compute the same values run side by side, as a family. A finished trial is in the ledger before the
//! next family begins. The planner decides which trials to run.

mod calibrate;
mod fault;
mod first_step;
mod material;
mod memory;
mod resume;

use crate::plan::campaign::{Event, Runner};
use crate::plan::cost::{LARGE, Threads, threads_on_a_cpu};
use crate::plan::queue::{Listed, Queue, Ran, drain};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use tch::Device;

pub(crate) use calibrate::calibrate;
pub use first_step::{FirstStep, FirstSteps, NoFirstStep};
pub use material::MaterialError;

use crate::{
    assets::{Assets, IdentifiedTrial},
    engine::{
        catch_torch_panic::attempt,
        device,
        fine_tune::{
            FineTuneError, Material, Sibling, fine_tune_kept, measure_adversarial,
            measure_influence,
        },
        model::{Network, NoTf32},
    },
    experiment::{ENGINE_VERSION, Outcome, Recipe},
    store::{Ended, Entry, Ledger, LedgerError, Provenance, Worker},
};
use fault::{Fault, fault_here};
use material::Materials;
use resume::EpochFiles;

/// The device that trials run on, and how many run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workers {
    /// The device.
    pub device: Device,
    /// Families that run at once.
    pub at_once: usize,
    /// libtorch's threads in each.
    pub threads_each: usize,
}

impl Workers {
    /// The workers for images of `side` x `side` pixels on `threads` threads. On a CPU
    /// [`threads_on_a_cpu`] decides. On a GPU one trial runs at a time, unless `threads` asks for more
    /// and images are small: their kernels are shorter than their launches.
    #[must_use]
    pub fn new(device: Device, side: u32, threads: Option<usize>) -> Self {
        let Threads { at_once, each: threads_each } = match (device, threads) {
            (Device::Cpu, threads) => threads_on_a_cpu(side, threads),
            (_, Some(threads)) if side <= LARGE => Threads { at_once: threads, each: 1 },
            (_, threads) => Threads { at_once: 1, each: threads_on_a_cpu(LARGE, threads).each },
        };
        Self { device, at_once, threads_each }
    }
}

/// The runner on this machine.
#[derive(Debug)]
pub struct Local<'a> {
    /// The ledger that entries are written to.
    pub ledger: &'a Ledger,
    /// Source models and images.
    pub assets: &'a dyn Assets,
    /// The device, and how many trials run at once.
    pub workers: Workers,
    /// Set to stop after the current epochs; finished trials are kept.
    pub stop: &'a AtomicBool,
}

/// Why the trials were not all run.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ExecutorError {
    /// A source model or images are missing or can't be read.
    #[error("failed to prepare {trial}: {cause}")]
    #[diagnostic(help("{}", .cause.help()))]
    Material {
        /// The trial.
        trial: String,
        /// Why.
        cause: MaterialError,
    },
    /// The device does not support a precision that a recipe asks for: nothing was run.
    #[error(transparent)]
    #[diagnostic(code(engine::precision))]
    Precision(#[from] NoTf32),
    /// The device or one of its libraries failed: every other trial would fail as well.
    #[error("failed to run {trial} on the device: {message}")]
    #[diagnostic(code(engine::device))]
    Device {
        /// The trial.
        trial: String,
        /// libtorch's message.
        message: String,
    },
    /// The machine has no memory, threads or file handles left for the trial. That is no outcome of
    /// the trial: it leaves no record, and another machine may run it.
    #[error("failed to run {trial} on this machine: {message}")]
    #[diagnostic(code(engine::exhausted))]
    Exhausted {
        /// The trial.
        trial: String,
        /// libtorch's or the system's message, with the largest batch that fits if one does.
        message: String,
    },
    /// The ledger.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Ledger(#[from] LedgerError),
    /// Interrupted, by Ctrl-C for one.
    #[error("interrupted; finished fine-tunes are kept: run the same command again to continue")]
    Interrupted,
}

impl Runner for Local<'_> {
    type Error = ExecutorError;

    fn processor(&self) -> Result<String, ExecutorError> {
        Ok(device::name(self.workers.device))
    }

    fn at_once(&self) -> usize {
        self.workers.at_once
    }

    fn run(
        &self,
        queue: &dyn Queue,
        report: &(dyn Fn(Event<'_>) + Sync),
    ) -> Result<(), ExecutorError> {
        self.work(queue, report)
    }
}

/// The outcome of running a family's trials once.
enum FamilyOutcome {
    /// Every trial has an outcome.
    Finished(Vec<Outcome>),
    /// The fine-tunes did not finish.
    Unfinished(FineTuneError),
    /// A source model or images are missing.
    NoMaterial(MaterialError),
    /// libtorch failed, with its message.
    Panicked(String),
}

impl Local<'_> {
    /// Runs trials, writes their entries to the ledger, and calls `progress` after each entry is written.
    /// Trials that another process with the same ledger is running are left to it; this call waits for
    /// them.
    ///
    /// # Errors
    /// If the device does not support a precision or fails, a trial can't be prepared, an entry can't be
    /// written, or the run was interrupted. Trials that are running then stop too; finished ones stay.
    pub fn run(
        &self,
        trials: &[IdentifiedTrial],
        progress: &(dyn Fn(Event<'_>) + Sync),
    ) -> Result<(), ExecutorError> {
        self.check(trials)?;
        let worker = Worker::of_process();
        let queue = Listed::new(self.ledger, worker, trials, self.workers.at_once)?;
        self.work(&queue, progress)
    }

    /// Runs the families of a queue until there are no more, as [`run`](Self::run) does.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn work(
        &self,
        queue: &dyn Queue,
        progress: &(dyn Fn(Event<'_>) + Sync),
    ) -> Result<(), ExecutorError> {
        self.check(&queue.waiting())?;
        device::prepare_for_steps(self.workers.device);
        // A setting of the process; each thread reads it at its first operation.
        tch::set_num_threads(self.workers.threads_each as i32);
        let threads = queue.threads(self.workers.at_once);
        let failed = AtomicBool::new(false);
        let stopped = || self.stop.load(Ordering::Relaxed) || failed.load(Ordering::Relaxed);
        let work = || -> Result<(), ExecutorError> {
            let mut materials = Materials::new(self.workers.device, self.assets);
            let mut run = |family: &[IdentifiedTrial]| {
                self.check(family)?;
                let family: Vec<&IdentifiedTrial> = family.iter().collect();
                let machine =
                    format!("{} on {}", device::engine(), device::name(self.workers.device));
                let after = queue.resume_after();
                let files = EpochFiles::new(self.ledger, &family, machine, after);
                let ended = self.family(&family, &files, &mut materials)?;
                if let Some(error) = files.failed.take() {
                    progress(Event::NotKept(&error));
                }
                Ok::<_, ExecutorError>(ended)
            };
            let is_done = drain::<ExecutorError>(queue, &stopped, progress, &mut run)?;
            if is_done { Ok(()) } else { Err(ExecutorError::Interrupted) }
        };
        if threads == 1 {
            // cuDNN keeps its choice of kernels by thread: the trials of the next look, which the same
            // thread runs, need no new search.
            return work();
        }
        let results: Vec<Result<(), ExecutorError>> = thread::scope(|scope| {
            let work = || {
                let result = work();
                failed.fetch_or(result.is_err(), Ordering::Relaxed);
                result
            };
            // Where the machine has no more threads, those that it has run all trials.
            let threads: Vec<_> = (0..threads)
                .map_while(|_| thread::Builder::new().spawn_scoped(scope, work).ok())
                .collect();
            if threads.is_empty() {
                return vec![work()];
            }
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        // A failure says more than the interruptions that it caused.
        let mut errors: Vec<ExecutorError> = results.into_iter().filter_map(Result::err).collect();
        let fault = errors.iter().position(|error| !matches!(error, ExecutorError::Interrupted));
        match (fault, errors.is_empty()) {
            (Some(fault), _) => Err(errors.swap_remove(fault)),
            (None, false) => Err(ExecutorError::Interrupted),
            (None, true) => Ok(()),
        }
    }

    /// Checks that the device has the precision of every trial.
    fn check(&self, trials: &[IdentifiedTrial]) -> Result<(), ExecutorError> {
        for named in trials {
            named.trial.recipe.protocol.precision.check(self.workers.device)?;
        }
        Ok(())
    }

    /// Runs a family of trials. A failed trial that ran alone becomes an entry with the status failed;
    /// a failure in a larger family gives the reason, since it does not say which trial failed.
    fn family<'m>(
        &'m self,
        family: &[&IdentifiedTrial],
        files: &EpochFiles<'_>,
        materials: &mut Materials<'m>,
    ) -> Result<Ran, ExecutorError> {
        let started =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let clock = Instant::now();
        let ended: Vec<Ended> =
            match (self.run_family_with_retry(family, files, materials)?, family) {
                (Ok(outcomes), _) => outcomes.into_iter().map(Ended::Finished).collect(),
                (Err(reason), [_]) => vec![Ended::Failed { reason }],
                (Err(reason), _) => return Ok(Err(reason)),
            };
        let provenance = Provenance {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            engine: device::engine(),
            processor: device::name(self.workers.device),
            started,
            // With the epochs that another worker ran before.
            seconds: files.before.get() + clock.elapsed().as_secs_f64(),
            images: self.assets.made_from(&family[0].trial.recipe.key.target),
        };
        let entry = |(named, outcome): (&&IdentifiedTrial, Ended)| Entry {
            id: named.id.clone(),
            trial: named.trial.clone(),
            engine_version: ENGINE_VERSION,
            weights: named.weights.clone(),
            data: named.data.clone(),
            outcome,
            provenance: provenance.clone(),
        };
        Ok(Ok(family.iter().zip(ended).map(entry).collect()))
    }

    /// The outcomes of a family's trials, or why the trials have none. A single trial for which the
    /// machine has too little left is retried once with empty caches. Then that is the machine's fault
    /// and ends the run; after out of memory with the largest batch that fits.
    fn run_family_with_retry<'m>(
        &'m self,
        family: &[&IdentifiedTrial],
        files: &EpochFiles<'_>,
        materials: &mut Materials<'m>,
    ) -> Result<Result<Vec<Outcome>, String>, ExecutorError> {
        let trial = &family[0].trial;
        let mut outcome = self.run_family_once(family, files, materials);
        if let ([_], FamilyOutcome::Panicked(message)) = (family, &outcome)
            && matches!(
                fault_here(message),
                Fault::Memory | Fault::MemoryOrDevice | Fault::ThreadsOrFiles
            )
        {
            *materials = materials.emptied();
            outcome = self.run_family_once(family, files, materials);
        }
        let name = || format!("{}, seed {}", trial.recipe.key, trial.seed.0);
        let material = |cause| ExecutorError::Material { trial: name(), cause };
        let exhausted = |message| ExecutorError::Exhausted { trial: name(), message };
        match outcome {
            FamilyOutcome::Finished(outcomes) => Ok(Ok(outcomes)),
            FamilyOutcome::Unfinished(FineTuneError::Interrupted) => {
                Err(ExecutorError::Interrupted)
            }
            FamilyOutcome::Unfinished(error) => Ok(Err(error.to_string())),
            FamilyOutcome::NoMaterial(cause) => Err(material(cause)),
            FamilyOutcome::Panicked(message) => {
                // Tensors of an aborted operation are not to be used again.
                *materials = materials.emptied();
                let fault = fault_here(&message);
                match fault {
                    Fault::Device => return Err(ExecutorError::Device { trial: name(), message }),
                    Fault::Trial => return Ok(Err(message)),
                    // Each alone needs less.
                    _ if family.len() > 1 => return Ok(Err(message)),
                    Fault::ThreadsOrFiles => return Err(exhausted(message)),
                    Fault::Memory | Fault::MemoryOrDevice => {}
                }
                let advised = attempt(|| {
                    materials.with(trial, &family[0].weights, |material, _| {
                        memory::advice(&message, material, trial)
                    })
                });
                match advised {
                    Ok(Err(cause)) => Err(material(cause)),
                    Ok(Ok(Err(_))) if fault == Fault::MemoryOrDevice => {
                        Err(ExecutorError::Device { trial: name(), message })
                    }
                    Ok(Ok(Ok(advised) | Err(advised))) => Err(exhausted(advised)),
                    Err(_) => {
                        *materials = materials.emptied();
                        Err(exhausted(memory::out_of_memory(&message, trial)))
                    }
                }
            }
        }
    }

    /// Runs the family once. tch reports a failure of libtorch as a panic, which is caught here.
    fn run_family_once<'m>(
        &'m self,
        family: &[&IdentifiedTrial],
        files: &EpochFiles<'_>,
        materials: &mut Materials<'m>,
    ) -> FamilyOutcome {
        let trial = &family[0].trial;
        let recipes = family.iter().map(|named| &named.trial.recipe);
        let siblings: Vec<Sibling<'_>> = recipes
            .map(|recipe| Sibling { blocks: recipe.trained_blocks(), protocol: &recipe.protocol })
            .collect();
        let ran = attempt(|| {
            materials.with(trial, &family[0].weights, |material, subset| {
                let seed = trial.engine_seed();
                let ended = fine_tune_kept(material, &siblings, seed, self.stop, files)?;
                let measured =
                    |(named, (mut outcome, network)): (&&IdentifiedTrial, (Outcome, Network))| {
                        let Recipe { influence, adversarial, protocol, .. } = &named.trial.recipe;
                        outcome.influence =
                            measure_influence(&network, material, subset.images(), influence, seed);
                        outcome.adversarial = adversarial.map(|how| {
                            let Material { test, .. } = material;
                            measure_adversarial(&network, test, how, protocol.batch, seed)
                        });
                        outcome
                    };
                Ok(family.iter().zip(ended).map(measured).collect())
            })
        });
        match ran {
            Ok(Ok(Ok(outcomes))) => FamilyOutcome::Finished(outcomes),
            Ok(Ok(Err(unfinished))) => FamilyOutcome::Unfinished(unfinished),
            Ok(Err(cause)) => FamilyOutcome::NoMaterial(cause),
            Err(message) => FamilyOutcome::Panicked(message),
        }
    }
}
