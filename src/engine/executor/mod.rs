//! Runs trials here, on the device and as many at once as [`Workers`] say. Trials whose frozen parts
//! compute the same run side by side, as a family; what is finished is in the ledger before the next
//! family begins. Which trials to run is the planner's to say.

mod calibrate;
mod families;
mod fault;
mod first_step;
mod material;
mod memory;
mod queue;

use crate::plan::campaign::{Event, Runner};
use crate::plan::cost::{LARGE, Threads, threads_on_a_cpu};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tch::Device;

pub(crate) use calibrate::calibrate;
pub use first_step::{FirstStep, FirstSteps, NoFirstStep};
pub use material::MaterialError;

use crate::{
    assets::{Named, Stock},
    engine::{
        catch_torch_panic::attempt,
        device,
        fine_tune::{Sibling, Unfinished, fine_tune_siblings, measure_influence},
        model::{Network, NoTf32},
    },
    experiment::{ENGINE_VERSION, Outcome},
    store::{Ended, Entry, Ledger, LedgerError, Provenance},
};
use families::families;
use fault::{Fault, fault};
use material::Materials;
use queue::{Next, Queue};

/// What trials run on, and how many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workers {
    /// What they run on.
    pub device: Device,
    /// Families of trials at once.
    pub at_once: usize,
    /// libtorch's threads in each.
    pub threads_each: usize,
}

impl Workers {
    /// For images of `side` by `side` pixels, on so many threads: on a CPU as [`threads_on_a_cpu`] says; on
    /// a GPU one trial at a time, unless somebody asks for several of small images, whose kernels are
    /// shorter than their launches.
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

/// Where and how trials are run.
#[derive(Debug)]
pub struct Local<'a> {
    /// Where entries go.
    pub ledger: &'a Ledger,
    /// What trials work on.
    pub stock: &'a Stock,
    /// On what, and how many at once.
    pub workers: Workers,
    /// Set to stop after the epochs that are running; what is finished is kept.
    pub stop: &'a AtomicBool,
}

/// How long it is until others are asked once more whether they are done.
const PAUSE: Duration = Duration::from_millis(200);

/// Why trials were not run to their end: one can't be run at all, an entry can't be kept, or nothing can be run.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ExecutorError {
    /// Nothing to work on.
    #[error("failed to prepare {trial}: {cause}")]
    #[diagnostic(help("{}", .cause.mended()))]
    Material {
        /// The trial.
        trial: String,
        /// Why.
        cause: MaterialError,
    },
    /// The device lacks what recipes ask for: nothing was run.
    #[error(transparent)]
    #[diagnostic(code(engine::precision))]
    Precision(#[from] NoTf32),
    /// The device is at fault, or a library of it: no other trial would fare better.
    #[error("the device failed at {trial}: {said}")]
    #[diagnostic(code(engine::device))]
    Device {
        /// The trial.
        trial: String,
        /// What libtorch said.
        said: String,
    },
    /// The ledger.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Ledger(#[from] LedgerError),
    /// Somebody asked to stop.
    #[error("stopped; finished trials are kept, and the same command goes on from there")]
    Interrupted,
}

impl Runner for Local<'_> {
    type Error = ExecutorError;

    fn processor(&self) -> Result<String, ExecutorError> {
        Ok(device::name(self.workers.device))
    }

    fn run(
        &self,
        trials: &[Named],
        report: &(dyn Fn(Event<'_>) + Sync),
    ) -> Result<(), ExecutorError> {
        Self::run(self, trials, report)
    }
}

/// What came of running a family's trials once.
enum Ran {
    /// Their outcomes.
    Finished(Vec<Outcome>),
    /// They have none.
    Unfinished(Unfinished),
    /// There is nothing to work on.
    NoMaterial(MaterialError),
    /// libtorch could not do it: its words.
    Panicked(String),
}

impl Local<'_> {
    /// Runs trials and keeps their entries; `told` hears of every one as soon as it is kept. Those that another
    /// process with the same ledger is running are left to it, and waited for.
    ///
    /// # Errors
    /// If the device lacks what one asks for or is at fault, one can't be prepared or kept, or a stop was
    /// asked for: the others that are running then stop too, and what is finished stays.
    pub fn run(
        &self,
        trials: &[Named],
        told: &(dyn Fn(Event<'_>) + Sync),
    ) -> Result<(), ExecutorError> {
        for named in trials {
            named.trial.recipe.protocol.precision.check(self.workers.device)?;
        }
        if !trials.is_empty() {
            self.ledger.check_writable()?;
        }
        device::prepare_for_steps(self.workers.device);
        // One for the process; each thread takes it over at its first operation.
        tch::set_num_threads(self.workers.threads_each as i32);
        let families = families(trials, self.workers.at_once);
        let threads = self.workers.at_once.min(families.len()).max(1);
        let queue = Queue::new(self.ledger, families);
        let failed = AtomicBool::new(false);
        let work = || -> Result<(), ExecutorError> {
            let mut materials = Materials::new(self.workers.device, self.stock);
            while !self.stop.load(Ordering::Relaxed) && !failed.load(Ordering::Relaxed) {
                let Some(mut next) = queue.next()? else { return Ok(()) };
                self.tell(&next, told);
                if next.family.is_empty() {
                    continue;
                }
                match self.family(&next.family, &mut materials)? {
                    Some(entries) => {
                        for entry in &entries {
                            self.ledger.put(entry)?;
                            told(Event::Ended(entry));
                        }
                    }
                    // To find out which of them it is, each is run alone, and kept before the next.
                    None => {
                        let family = std::mem::take(&mut next.family);
                        // It is this process's turn no more, or its other threads would wait for it.
                        drop(next);
                        queue.alone(&family);
                    }
                }
            }
            Err(ExecutorError::Interrupted)
        };
        if threads == 1 {
            // What cuDNN found to be fast is its thread's own to know: the next look's trials, which the
            // same caller brings, need not search again.
            return work();
        }
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

    /// Tells what others did, and waits for them where nothing else is to be done.
    fn tell(&self, next: &Next<'_>, told: &(dyn Fn(Event<'_>) + Sync)) {
        if !next.damaged.is_empty() {
            told(Event::Damaged(&next.damaged));
        }
        next.found.iter().for_each(|entry| told(Event::Found(entry)));
        if next.waits {
            told(Event::Waits);
            std::thread::sleep(PAUSE);
        }
    }

    /// Runs a family of trials. One alone that can't be run makes an entry that has failed; `None` where
    /// it is one of several.
    fn family<'m>(
        &'m self,
        family: &[&Named],
        materials: &mut Materials<'m>,
    ) -> Result<Option<Vec<Entry>>, ExecutorError> {
        let started =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let clock = Instant::now();
        let ended: Vec<Ended> = match (self.try_family(family, materials)?, family) {
            (Ok(outcomes), _) => outcomes.into_iter().map(Ended::Finished).collect(),
            (Err(reason), [_]) => vec![Ended::Failed { reason }],
            (Err(_), _) => return Ok(None),
        };
        let provenance = Provenance {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            engine: device::engine(),
            processor: device::name(self.workers.device),
            started,
            seconds: clock.elapsed().as_secs_f64(),
            images: self.stock.made_from(&family[0].trial.recipe.key.target),
        };
        let entry = |(named, outcome): (&&Named, Ended)| Entry {
            id: named.id.clone(),
            trial: named.trial.clone(),
            engine_version: ENGINE_VERSION,
            weights: named.weights.clone(),
            data: named.data.clone(),
            outcome,
            provenance: provenance.clone(),
        };
        Ok(Some(family.iter().zip(ended).map(entry).collect()))
    }

    /// The outcomes of a family's trials, or why there are none. One alone that memory ran out in is tried
    /// once more without what was kept of others before it is told what would fit.
    fn try_family<'m>(
        &'m self,
        family: &[&Named],
        materials: &mut Materials<'m>,
    ) -> Result<Result<Vec<Outcome>, String>, ExecutorError> {
        let trial = &family[0].trial;
        let mut ran = self.attempt_family(family, materials);
        if let ([_], Ran::Panicked(said)) = (family, &ran)
            && matches!(fault(said), Fault::Memory | Fault::MemoryOrDevice)
        {
            *materials = materials.anew();
            ran = self.attempt_family(family, materials);
        }
        let name = || format!("{}, seed {}", trial.recipe.key, trial.seed.0);
        let material = |cause| ExecutorError::Material { trial: name(), cause };
        match ran {
            Ran::Finished(outcomes) => Ok(Ok(outcomes)),
            Ran::Unfinished(Unfinished::Interrupted) => Err(ExecutorError::Interrupted),
            Ran::Unfinished(error) => Ok(Err(error.to_string())),
            Ran::NoMaterial(cause) => Err(material(cause)),
            Ran::Panicked(said) => {
                // What was half done is not to be used again.
                *materials = materials.anew();
                let fault = fault(&said);
                match fault {
                    Fault::Device => return Err(ExecutorError::Device { trial: name(), said }),
                    Fault::Trial => return Ok(Err(said)),
                    Fault::Memory | Fault::MemoryOrDevice if family.len() > 1 => {
                        return Ok(Err(said));
                    }
                    Fault::Memory | Fault::MemoryOrDevice => {}
                }
                let advised = attempt(|| {
                    materials.with(trial, |material, _| memory::advice(&said, material, trial))
                });
                match advised {
                    Ok(Err(cause)) => Err(material(cause)),
                    Ok(Ok(Ok(advised))) => Ok(Err(advised)),
                    Ok(Ok(Err(_))) if fault == Fault::MemoryOrDevice => {
                        Err(ExecutorError::Device { trial: name(), said })
                    }
                    Ok(Ok(Err(none))) => Ok(Err(none)),
                    Err(_) => {
                        *materials = materials.anew();
                        Ok(Err(memory::no_room(&said, trial)))
                    }
                }
            }
        }
    }

    /// The same, with a panic, which is how tch reports whatever libtorch could not do, in its words.
    fn attempt_family<'m>(&'m self, family: &[&Named], materials: &mut Materials<'m>) -> Ran {
        let trial = &family[0].trial;
        let recipes = family.iter().map(|named| &named.trial.recipe);
        let siblings: Vec<Sibling<'_>> = recipes
            .map(|recipe| Sibling { blocks: recipe.trained_blocks(), protocol: &recipe.protocol })
            .collect();
        let ran = attempt(|| {
            materials.with(trial, |material, subset| {
                let seed = trial.engine_seed();
                let ended = fine_tune_siblings(material, &siblings, seed, self.stop)?;
                let measured = |(named, (mut outcome, network)): (&&Named, (Outcome, Network))| {
                    let inverses = &named.trial.recipe.influence;
                    outcome.influence =
                        measure_influence(&network, material, subset.images(), inverses, seed);
                    outcome
                };
                Ok(family.iter().zip(ended).map(measured).collect())
            })
        });
        match ran {
            Ok(Ok(Ok(outcomes))) => Ran::Finished(outcomes),
            Ok(Ok(Err(unfinished))) => Ran::Unfinished(unfinished),
            Ok(Err(cause)) => Ran::NoMaterial(cause),
            Err(said) => Ran::Panicked(said),
        }
    }
}
