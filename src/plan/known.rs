//! What a worker knows of a ledger: records do not change once they are finished, so that planning
//! again reads only the new ones.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use crate::{
    assets::IdentifiedTrial,
    experiment::{Key, Seed},
    store::{Damaged, Ended, Entry, Ledger, LedgerError},
};

/// Records and names of trials.
#[derive(Debug, Default)]
pub struct Known {
    finished: HashMap<String, Arc<Entry>>,
    /// Names in the ledger when it was last listed; `None` before: then every name is tried.
    names: Option<HashSet<String>>,
    trials: BTreeMap<(Key, Seed), IdentifiedTrial>,
}

impl Known {
    /// Lists the names of the records that the ledger has now.
    ///
    /// # Errors
    /// If it can't be listed.
    pub(super) fn list(&mut self, ledger: &Ledger) -> Result<(), LedgerError> {
        self.names = Some(ledger.names()?.into_iter().collect());
        Ok(())
    }

    /// The record of this name, from memory if it is finished.
    pub(super) fn entry(
        &mut self,
        ledger: &Ledger,
        id: &str,
        damaged: &mut dyn FnMut(Damaged),
    ) -> Result<Option<Arc<Entry>>, LedgerError> {
        if let Some(entry) = self.finished.get(id) {
            return Ok(Some(Arc::clone(entry)));
        }
        if self.names.as_ref().is_some_and(|names| !names.contains(id)) {
            return Ok(None);
        }
        let entry = ledger.get(id, damaged)?.map(Arc::new);
        if let Some(entry) = &entry
            && matches!(entry.outcome, Ended::Finished(_))
        {
            self.finished.insert(id.to_owned(), Arc::clone(entry));
        }
        Ok(entry)
    }

    /// The trial of a key and seed, which `identify` finds once.
    pub(super) fn identify<E>(
        &mut self,
        key: &Key,
        seed: Seed,
        identify: impl FnOnce() -> Result<IdentifiedTrial, E>,
    ) -> Result<IdentifiedTrial, E> {
        if let Some(named) = self.trials.get(&(key.clone(), seed)) {
            return Ok(named.clone());
        }
        let named = identify()?;
        self.trials.insert((key.clone(), seed), named.clone());
        Ok(named)
    }
}
