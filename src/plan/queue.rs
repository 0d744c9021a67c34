//! Queues of families that are not run yet, shared by the threads of this process and, through
//! leases in the ledger, with other workers that use the same ledger. This module leases, has a
//! family run, and stores its entries; the computation is the caller's.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use super::{campaign::Event, families::families};
use crate::{
    assets::IdentifiedTrial,
    store::{Damaged, Ended, Entry, Lease, Ledger, LedgerError, Put, Worker},
};

/// What a family gave: an entry for each trial in their order, or why it failed without saying which trial did.
pub type Ran = Result<Vec<Entry>, String>;

/// Runs a family.
pub type Run<'a, E> = dyn FnMut(&[IdentifiedTrial]) -> Result<Ran, E> + 'a;

/// The time between two looks at the ledger while other workers run the remaining trials.
const PAUSE: Duration = Duration::from_millis(200);

/// Fine-tunes that take longer than ten minutes resume even after a kill, and all of them after an
/// interruption.
const RESUME_AFTER: Duration = Duration::from_secs(600);

/// Receives events.
pub type Report<'a> = &'a (dyn Fn(Event<'_>) + Sync);

/// Where the threads of a runner get families from.
pub trait Queue: Sync {
    /// The trials that are left, as far as they are known.
    fn waiting(&self) -> Vec<IdentifiedTrial>;

    /// How many threads are of use, of at most so many.
    fn threads(&self, most: usize) -> usize {
        most.min(self.waiting().len()).max(1)
    }

    /// Fine-tunes that take longer keep their state after epochs, to resume from it; an interrupted
    /// one always does.
    fn resume_after(&self) -> Duration {
        RESUME_AFTER
    }

    /// The next family to run, which may be empty for now; `None` at the end.
    ///
    /// # Errors
    /// If the ledger can't be read or written.
    fn next(&self) -> Result<Option<Next>, LedgerError>;

    /// Puts trials of a family that failed at the front of the queue, each as a family of its own,
    /// and logs why.
    ///
    /// # Errors
    /// If a log can't be written.
    fn alone(&self, family: Vec<IdentifiedTrial>, why: &str) -> Result<(), LedgerError>;

    /// Stores an entry that was run under a lease, and the log of one that failed.
    ///
    /// # Errors
    /// If they can't be written.
    fn store(&self, entry: &Entry, lease: &Lease) -> Result<Put, LedgerError>;
}

/// The next family to run, and what other processes did meanwhile.
#[derive(Debug, Default)]
pub struct Next {
    /// Trials to run now; may be empty.
    pub family: Vec<IdentifiedTrial>,
    /// Their leases, held until this value is dropped.
    leases: Vec<Lease>,
    /// Entries that other processes have written meanwhile.
    pub found: Vec<Entry>,
    /// Files that were set aside.
    pub damaged: Vec<Damaged>,
    /// Whether other processes are running all that is left.
    pub waits: bool,
    /// Whether there is nothing to do for a moment.
    pub(super) pauses: bool,
    /// Held while the family runs.
    pub(super) runs: Option<Arc<()>>,
}

impl Next {
    /// Takes leases on the trials of a family. Trials that `done` has an entry for are not run
    /// again; those that other workers hold are returned.
    pub(super) fn lease(
        &mut self,
        ledger: &Ledger,
        worker: &Worker,
        family: Vec<IdentifiedTrial>,
        done: impl Fn(&IdentifiedTrial, &Entry) -> bool,
    ) -> Result<Vec<IdentifiedTrial>, LedgerError> {
        let mut others = Vec::new();
        for named in family {
            let Some(lease) = Lease::take(ledger, worker, &named.id)? else {
                others.push(named);
                continue;
            };
            let entry = ledger.get_or_clear(&named.id, &mut |file| self.damaged.push(file))?;
            match entry.filter(|entry| done(&named, entry)) {
                Some(entry) => self.found.push(entry),
                None => {
                    self.family.push(named);
                    self.leases.push(lease);
                }
            }
        }
        Ok(others)
    }

    /// Reports what other processes did, and waits for them where nothing else is left to run.
    fn report(&self, report: Report<'_>) {
        if !self.damaged.is_empty() {
            report(Event::Damaged(&self.damaged));
        }
        self.found.iter().for_each(|entry| report(Event::Found(entry)));
        if self.waits {
            report(Event::Waits);
        }
        if self.waits || self.pauses {
            thread::sleep(PAUSE);
        }
    }

    /// Of a family with a trial whose former holder is gone, keeps only that trial: it may be what
    /// ended the holder, and its siblings are not to be lost with it. Returns the others.
    pub(super) fn alone_if_taken_over(&mut self) -> VecDeque<IdentifiedTrial> {
        let Some(place) = self.leases.iter().position(Lease::was_taken_over) else {
            return VecDeque::new();
        };
        let (family, leases) = (std::mem::take(&mut self.family), std::mem::take(&mut self.leases));
        let mut others = VecDeque::new();
        for (at, (named, lease)) in family.into_iter().zip(leases).enumerate() {
            if at == place {
                self.family.push(named);
                self.leases.push(lease);
            } else {
                others.push_back(named);
            }
        }
        others
    }
}

/// Runs families of a queue on this thread until there are no more, and stores their entries;
/// `false` if `stopped` says so before. Of a family that failed without saying which trial did, each
/// is run alone.
///
/// # Errors
/// Those of `run`, and of the ledger.
pub fn drain<E: From<LedgerError>>(
    queue: &dyn Queue,
    stopped: &dyn Fn() -> bool,
    report: Report<'_>,
    run: &mut Run<'_, E>,
) -> Result<bool, E> {
    while !stopped() {
        let Some(mut next) = queue.next()? else { return Ok(true) };
        next.report(report);
        if next.family.is_empty() {
            continue;
        }
        match run(&next.family)? {
            Ok(entries) => {
                // In the order of the family.
                for (entry, lease) in entries.iter().zip(&next.leases) {
                    match queue.store(entry, lease)? {
                        Put::Stored => report(Event::Ended(entry)),
                        Put::There => report(Event::Found(entry)),
                        Put::Differs(first) => report(Event::Differs { first: &first, entry }),
                    }
                }
            }
            // To find the trial that fails, each is run alone and written before the next.
            Err(why) => {
                let family = std::mem::take(&mut next.family);
                // Release the leases, or this process's other threads would wait for them.
                drop(next);
                queue.alone(family, &why)?;
            }
        }
    }
    Ok(false)
}

/// Logs for each trial of a family that the family failed.
pub(super) fn log_family(
    ledger: &Ledger,
    worker: &Worker,
    family: &[IdentifiedTrial],
    why: &str,
) -> Result<(), LedgerError> {
    let siblings = family.len() - 1;
    family.iter().try_for_each(|named| ledger.log_family_failure(worker, &named.id, siblings, why))
}

/// A list of trials, all of which end here or elsewhere.
#[derive(Debug)]
pub struct Listed<'a> {
    ledger: &'a Ledger,
    worker: &'a Worker,
    waiting: Mutex<Waiting>,
    /// Trials that had an entry at the start: one that failed is run again.
    before: HashSet<String>,
    resume_after: Duration,
}

#[derive(Debug)]
struct Waiting {
    families: VecDeque<Vec<IdentifiedTrial>>,
    /// Trials that other processes held a lease on when they were last checked.
    elsewhere: VecDeque<Vec<IdentifiedTrial>>,
}

impl<'a> Listed<'a> {
    /// The queue of these trials for a number of threads.
    ///
    /// # Errors
    /// If the ledger can't be written.
    pub fn new(
        ledger: &'a Ledger,
        worker: &'a Worker,
        trials: &[IdentifiedTrial],
        threads: usize,
    ) -> Result<Self, LedgerError> {
        if !trials.is_empty() {
            ledger.check_writable()?;
        }
        let ids = trials.iter().map(|named| &named.id);
        let before = ids.filter(|id| ledger.has(id)).cloned().collect();
        let families = families(trials, threads).into_iter();
        let families = families.map(|family| family.into_iter().cloned().collect()).collect();
        let waiting = Mutex::new(Waiting { families, elsewhere: VecDeque::new() });
        Ok(Self { ledger, worker, waiting, before, resume_after: RESUME_AFTER })
    }

    /// The same with fine-tunes that resume from their last epoch if they take longer than this.
    #[must_use]
    pub fn resuming_after(self, resume_after: Duration) -> Self {
        Self { resume_after, ..self }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("no thread panicked with the lock")
    }

    /// Whether this entry of a trial means that it needs no further run.
    fn is_done(&self, named: &IdentifiedTrial, entry: &Entry) -> bool {
        matches!(entry.outcome, Ended::Finished(_)) || !self.before.contains(&named.id)
    }

    /// Removes what other processes have finished, so that estimates hold while they share the work.
    fn finished_elsewhere(
        &self,
        elsewhere: &mut VecDeque<Vec<IdentifiedTrial>>,
        next: &mut Next,
    ) -> Result<(), LedgerError> {
        for family in &mut *elsewhere {
            let mut left = Vec::new();
            for named in family.drain(..) {
                let damaged = &mut |file| next.damaged.push(file);
                let entry = self.ledger.get_or_clear(&named.id, damaged)?;
                match entry.filter(|entry| self.is_done(&named, entry)) {
                    Some(entry) => next.found.push(entry),
                    None => left.push(named),
                }
            }
            *family = left;
        }
        elsewhere.retain(|family| !family.is_empty());
        Ok(())
    }
}

impl Queue for Listed<'_> {
    fn resume_after(&self) -> Duration {
        self.resume_after
    }

    fn waiting(&self) -> Vec<IdentifiedTrial> {
        let waiting = self.lock();
        waiting.families.iter().chain(&waiting.elsewhere).flatten().cloned().collect()
    }

    fn next(&self) -> Result<Option<Next>, LedgerError> {
        let mut waiting = self.lock();
        let mut next = Next::default();
        self.finished_elsewhere(&mut waiting.elsewhere, &mut next)?;
        let (family, again) = match waiting.families.pop_front() {
            Some(family) => (family, false),
            None => match waiting.elsewhere.pop_front() {
                Some(family) => (family, true),
                None => return Ok((!next.found.is_empty()).then_some(next)),
            },
        };
        let others = next
            .lease(self.ledger, self.worker, family, |named, entry| self.is_done(named, entry))?;
        if !others.is_empty() {
            next.waits = again && next.family.is_empty() && next.found.is_empty();
            waiting.elsewhere.push_back(others);
        }
        Ok(Some(next))
    }

    fn alone(&self, family: Vec<IdentifiedTrial>, why: &str) -> Result<(), LedgerError> {
        log_family(self.ledger, self.worker, &family, why)?;
        let mut waiting = self.lock();
        family.into_iter().rev().for_each(|named| waiting.families.push_front(vec![named]));
        Ok(())
    }

    fn store(&self, entry: &Entry, lease: &Lease) -> Result<Put, LedgerError> {
        self.ledger.log_failure(self.worker, entry)?;
        self.ledger.put_leased(entry, lease)
    }
}
