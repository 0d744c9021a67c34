//! Families of trials that wait to be run, by this process's threads or by any process that has the same ledger.

use std::{
    collections::{HashSet, VecDeque},
    sync::Mutex,
};

use crate::{
    assets::Named,
    store::{Damaged, Ended, Entry, Lease, Ledger, LedgerError},
};

pub(super) struct Queue<'a> {
    ledger: &'a Ledger,
    waiting: Mutex<Waiting<'a>>,
    /// Trials that have an entry from before: one that failed is to be run again.
    before: HashSet<&'a str>,
}

struct Waiting<'a> {
    families: VecDeque<Vec<&'a Named>>,
    /// What others were running when somebody last asked.
    elsewhere: VecDeque<Vec<&'a Named>>,
}

/// What came of asking for a family.
#[derive(Default)]
pub(super) struct Next<'a> {
    /// To be run now; maybe nothing.
    pub family: Vec<&'a Named>,
    /// The right to.
    turns: Vec<Lease>,
    /// What others have run meanwhile.
    pub found: Vec<Entry>,
    /// Files that were set aside.
    pub damaged: Vec<Damaged>,
    /// Whether others are running all that is left.
    pub waits: bool,
}

impl<'a> Queue<'a> {
    pub fn new(ledger: &'a Ledger, families: VecDeque<Vec<&'a Named>>) -> Self {
        let ids = families.iter().flatten().map(|named| &*named.id);
        let before = ids.filter(|id| ledger.has(id)).collect();
        let waiting = Mutex::new(Waiting { families, elsewhere: VecDeque::new() });
        Self { ledger, waiting, before }
    }

    /// The next family, as far as nobody else is running it or has; `None` where none waits.
    pub fn next(&self) -> Result<Option<Next<'a>>, LedgerError> {
        let mut waiting = self.waiting.lock().expect("no panic holds it");
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
            let Some(turn) = self.ledger.lease(&named.id)? else {
                others.push(named);
                continue;
            };
            match self.done(named, &mut next.damaged)? {
                Some(entry) => next.found.push(entry),
                None => {
                    next.family.push(named);
                    next.turns.push(turn);
                }
            }
        }
        if !others.is_empty() {
            next.waits = again && next.family.is_empty() && next.found.is_empty();
            waiting.elsewhere.push_back(others);
        }
        Ok(Some(next))
    }

    /// Puts trials first, each to be run alone.
    pub fn alone(&self, family: &[&'a Named]) {
        let mut waiting = self.waiting.lock().expect("no panic holds it");
        family.iter().rev().for_each(|named| waiting.families.push_front(vec![*named]));
    }

    /// Takes out what others have finished, so that estimates hold while they share the work.
    fn finished_elsewhere(
        &self,
        elsewhere: &mut VecDeque<Vec<&'a Named>>,
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

    /// The entry of a trial that need not be run any more.
    fn done(
        &self,
        named: &Named,
        damaged: &mut Vec<Damaged>,
    ) -> Result<Option<Entry>, LedgerError> {
        let entry = self.ledger.get(&named.id, &mut |file| damaged.push(file))?;
        Ok(entry.filter(|entry| {
            matches!(entry.outcome, Ended::Finished(_)) || !self.before.contains(&*named.id)
        }))
    }
}
