//! The queue of families that are not run yet, shared by the threads of this process and, through
//! leases (locks) in the ledger, with other processes that use the same ledger.

use std::{
    collections::{HashSet, VecDeque},
    sync::Mutex,
};

use crate::{
    assets::IdentifiedTrial,
    store::{Damaged, Ended, Entry, Lease, Ledger, LedgerError, Worker},
};

pub(super) struct Queue<'a> {
    ledger: &'a Ledger,
    worker: Worker,
    waiting: Mutex<Waiting<'a>>,
    /// Trials that had an entry at the start: one that failed is run again.
    before: HashSet<&'a str>,
}

struct Waiting<'a> {
    families: VecDeque<Vec<&'a IdentifiedTrial>>,
    /// Trials that other processes held a lease on when they were last checked.
    elsewhere: VecDeque<Vec<&'a IdentifiedTrial>>,
}

/// The next family to run, and what other processes did meanwhile.
#[derive(Default)]
pub(super) struct Next<'a> {
    /// Trials to run now; may be empty.
    pub family: Vec<&'a IdentifiedTrial>,
    /// Their leases, held until this value is dropped.
    leases: Vec<Lease>,
    /// Entries that other processes have written meanwhile.
    pub found: Vec<Entry>,
    /// Files that were set aside.
    pub damaged: Vec<Damaged>,
    /// Whether other processes are running all that is left.
    pub waits: bool,
}

impl<'a> Queue<'a> {
    pub fn new(ledger: &'a Ledger, families: VecDeque<Vec<&'a IdentifiedTrial>>) -> Self {
        let ids = families.iter().flatten().map(|named| &*named.id);
        let before = ids.filter(|id| ledger.has(id)).collect();
        let waiting = Mutex::new(Waiting { families, elsewhere: VecDeque::new() });
        Self { ledger, worker: Worker::of_process(), waiting, before }
    }

    /// The trials of the next family that no other process runs or has finished; `None` at the end.
    pub fn next(&self) -> Result<Option<Next<'a>>, LedgerError> {
        let mut waiting = self.waiting.lock().expect("no thread panicked with the lock");
        let mut next = Next::default();
        self.finished_elsewhere(&mut waiting.elsewhere, &mut next)?;
        let (family, again) = match waiting.families.pop_front() {
            Some(family) => (family, false),
            None => match waiting.elsewhere.pop_front() {
                Some(family) => (family, true),
                None => return Ok((!next.found.is_empty()).then_some(next)),
            },
        };
        let mut others = Vec::new();
        for named in family {
            let Some(lease) = Lease::take(self.ledger, &self.worker, &named.id)? else {
                others.push(named);
                continue;
            };
            match self.done(named, &mut next.damaged)? {
                Some(entry) => next.found.push(entry),
                None => {
                    next.family.push(named);
                    next.leases.push(lease);
                }
            }
        }
        if !others.is_empty() {
            next.waits = again && next.family.is_empty() && next.found.is_empty();
            waiting.elsewhere.push_back(others);
        }
        Ok(Some(next))
    }

    /// Puts trials at the front of the queue, each as a family of its own.
    pub fn alone(&self, family: &[&'a IdentifiedTrial]) {
        let mut waiting = self.waiting.lock().expect("no thread panicked with the lock");
        family.iter().rev().for_each(|named| waiting.families.push_front(vec![*named]));
    }

    /// Removes what other processes have finished, so that estimates hold while they share the work.
    fn finished_elsewhere(
        &self,
        elsewhere: &mut VecDeque<Vec<&'a IdentifiedTrial>>,
        next: &mut Next<'a>,
    ) -> Result<(), LedgerError> {
        for family in &mut *elsewhere {
            let mut left = Vec::new();
            for named in family.drain(..) {
                match self.done(named, &mut next.damaged)? {
                    Some(entry) => next.found.push(entry),
                    None => left.push(named),
                }
            }
            *family = left;
        }
        elsewhere.retain(|family| !family.is_empty());
        Ok(())
    }

    /// The entry of a trial that needs no further run.
    fn done(
        &self,
        named: &IdentifiedTrial,
        damaged: &mut Vec<Damaged>,
    ) -> Result<Option<Entry>, LedgerError> {
        let entry = self.ledger.get_or_clear(&named.id, &mut |file| damaged.push(file))?;
        Ok(entry.filter(|entry| {
            matches!(entry.outcome, Ended::Finished(_)) || !self.before.contains(&*named.id)
        }))
    }
}
