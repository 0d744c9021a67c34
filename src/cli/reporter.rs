//! Progress of fine-tunes on standard error: how many, how long, which failed and why.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    hints,
    local::{RunContext, warn_damaged},
    messages::message,
    progress::{self, Pace, WorkProgress},
    records::shortest,
};
use crate::{
    assets::{IdentifiedTrial, Missing},
    figure::numbers::counted,
    plan::{
        Outstanding,
        campaign::{Event, Progress},
        cost::{Cost, Throughput},
    },
    store::{Damaged, Ended, Entry, Ledger},
    util::duration,
};

/// Reports the progress of fine-tunes on standard error.
pub(super) struct Reporter<'a> {
    context: &'a RunContext,
    folder: PathBuf,
    leases: PathBuf,
    progress: WorkProgress,
    /// Over all fine-tunes, however often a run begins.
    pace: Mutex<Pace>,
    /// Whether the wait for other processes was reported.
    waits: AtomicBool,
}

impl<'a> Reporter<'a> {
    pub fn new(context: &'a RunContext, ledger: &Ledger) -> Self {
        Self {
            context,
            folder: ledger.folder().to_owned(),
            leases: ledger.leases(),
            progress: WorkProgress::new(&context.world.id),
            pace: Mutex::new(Pace::default()),
            waits: AtomicBool::new(false),
        }
    }

    /// A trial has ended, here or in another process.
    fn ended(&self, entry: &Entry, cost: Cost) {
        if let Ended::Failed { reason } = &entry.outcome {
            progress::report(&format!(
                "failed: {}, seed {}: {reason}; run it again with `repro run --key {}{}`",
                entry.trial.recipe.key,
                entry.trial.seed.0,
                shortest(&entry.id),
                self.context.options
            ));
        }
        self.progress.done(cost.flops);
    }
}

/// Another process has run the same fine-tune with other bits.
fn differs(first: &Entry, entry: &Entry) -> String {
    let (here, there) = (&entry.provenance, &first.provenance);
    let same = (&here.processor, &here.engine) == (&there.processor, &there.engine);
    let place = if same {
        format!("on the same kind of processor ({})", there.processor)
    } else {
        format!("on {}, and here on {}", there.processor, here.processor)
    };
    format!(
        "warning: another process has run {}, seed {} with other bits {place}: the first record \
         stays ({})",
        entry.trial.recipe.key,
        entry.trial.seed.0,
        shortest(&entry.id)
    )
}

impl Drop for Reporter<'_> {
    /// No more fine-tunes are run.
    fn drop(&mut self) {
        if let Ok(Some(line)) = self.pace.get_mut().map(|pace| pace.line()) {
            progress::report(&format!("{}: {line}", self.context.world.id));
        }
    }
}

impl Progress for Reporter<'_> {
    fn damaged(&self, files: &[Damaged]) {
        warn_damaged(files);
    }

    fn begins(&self, trials: &[IdentifiedTrial], at_most: usize, speed: Option<Throughput>) {
        if let Some(verdicts) = self.context.announced() {
            message!("{verdicts}");
        }
        let world = &self.context.world;
        let cost = Cost::of_trials(trials.iter().map(|named| &named.trial), world);
        let seconds = speed.unwrap_or(Throughput::REFERENCE).seconds(cost);
        let at_once = self.context.at_once().min(trials.len()).max(1);
        let (count, about) = (trials.len(), duration(seconds / at_once as f64));
        // As the lines of progress count: with those of earlier looks.
        let in_all = self.progress.finished() + at_most;
        let to_run = if at_most > count {
            format!("to run now, at most {in_all} in all; about {about} for the {count}")
        } else {
            format!("to run, about {about}")
        };
        message!(
            "{}: {} {to_run}, {at_once} at once; records go to {}",
            world.id,
            counted(count, "fine-tune"),
            self.folder.display()
        );
        // Each is weighed by its cost alone: those that run side by side end together.
        let alone: Cost =
            trials.iter().map(|named| Cost::of_recipe(&named.trial.recipe, world)).sum();
        self.progress.begins(count, at_most, alone.flops);
        self.pace.lock().expect("no panic holds it").begins();
    }

    fn missing(&self, missing: &BTreeMap<Missing, Outstanding>) {
        for (missing, outstanding) in missing {
            message!(
                "note: {} of the {} set-up can't run here: {}",
                counted(outstanding.len(), "fine-tune"),
                self.context.world.id,
                hints::missing(missing)
            );
        }
    }

    fn happens(&self, event: Event<'_>) {
        let cost = |entry: &Entry| Cost::of_recipe(&entry.trial.recipe, &self.context.world);
        match event {
            Event::Ended(entry) => {
                if let Ended::Finished(_) = entry.outcome {
                    self.pace.lock().expect("no panic holds it").ended(cost(entry));
                }
                self.ended(entry, cost(entry));
            }
            Event::Found(entry) => self.ended(entry, cost(entry)),
            Event::Differs { first, entry } => {
                progress::report(&differs(first, entry));
                self.ended(first, cost(first));
            }
            Event::NotKept(cause) => {
                let text =
                    "warning: failed to keep the state of a fine-tune, which could not resume";
                progress::report(&format!("{text}: {cause}"));
            }
            Event::Damaged(files) => warn_damaged(files),
            Event::Waits => {
                if !self.waits.swap(true, Ordering::Relaxed) {
                    progress::report(&format!(
                        "{}: waiting for other processes to finish the remaining fine-tunes (to \
                         take one over, delete its lease in {})",
                        self.context.world.id,
                        self.leases.display()
                    ));
                }
            }
        }
    }
}
