//! One fine-tune's record and the index that finds records by key. Joins go through [`Key`] and
//! [`Seed`] alone: there is no way to ask for "the third row".

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use crate::experiment::{
    Counts, Evaluation, Found, Inverse, Key, MeasuredInfluence, RecipeDigest, Seed,
};

/// Whether a fine-tune ran to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The last evaluation is the end of the schedule.
    Finished,
    /// The run stopped before its schedule's end, perhaps before its first evaluation; it has no final
    /// accuracy.
    Stopped,
}

/// What one fine-tune left behind.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Cell and source model.
    pub key: Key,
    /// Seed.
    pub seed: Seed,
    /// Schedule.
    pub recipe: RecipeDigest,
    /// Whether it ran to its end.
    pub status: Status,
    evaluations: Vec<Evaluation>,
    /// Whether each test image got its own class at the end; logs of others do not say.
    pub correct: Option<Arc<[bool]>>,
    /// What was measured of influence at its end; nothing where nobody asked.
    pub influence: Arc<[MeasuredInfluence]>,
}

impl Record {
    /// A record of evaluations, which are put into the order of their epochs. `None` where a finished
    /// run has none.
    #[must_use]
    pub fn new(
        key: Key,
        seed: Seed,
        recipe: RecipeDigest,
        status: Status,
        mut evaluations: Vec<Evaluation>,
    ) -> Option<Self> {
        evaluations.sort_by_key(|evaluation| evaluation.epoch);
        let possible = status == Status::Stopped || !evaluations.is_empty();
        let (correct, influence) = (None, Arc::default());
        possible.then_some(Self { key, seed, recipe, status, evaluations, correct, influence })
    }

    /// With whether each test image got its own class at the end.
    #[must_use]
    pub fn with_correct(self, correct: &[bool]) -> Self {
        Self { correct: Some(correct.into()), ..self }
    }

    /// With what was measured of influence at its end.
    #[must_use]
    pub fn with_influence(self, influence: &[MeasuredInfluence]) -> Self {
        Self { influence: influence.into(), ..self }
    }

    /// What was counted of influence by an inverse: nothing where the run stopped or could not be measured.
    ///
    /// # Errors
    /// If nobody measured it so.
    pub fn counts(&self, inverse: Inverse) -> Result<Option<&Counts>, NotMeasured> {
        if self.status == Status::Stopped {
            return Ok(None);
        }
        match self.influence.iter().find(|measured| measured.inverse == inverse) {
            Some(MeasuredInfluence { found: Found::Counts(counts), .. }) => Ok(Some(counts)),
            Some(MeasuredInfluence { found: Found::Nothing { .. }, .. }) => Ok(None),
            None => Err(NotMeasured),
        }
    }

    /// Evaluations in the order of their epochs; empty only where the run stopped before the first.
    #[must_use]
    pub fn evaluations(&self) -> &[Evaluation] {
        &self.evaluations
    }

    /// The last evaluation that was logged, which is the final one only of a finished run; `None` where
    /// the run stopped before its first.
    #[must_use]
    pub fn last(&self) -> Option<&Evaluation> {
        self.evaluations.last()
    }
}

/// Influence that a record does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("influence was not measured so")]
pub struct NotMeasured;

/// Two records with one key and one seed: there is no telling which one counts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("two records of {key}, seed {}", seed.0)]
pub struct DuplicateRecord {
    /// Their key.
    pub key: Key,
    /// Their seed.
    pub seed: Seed,
}

/// Records, found by key and seed.
#[derive(Clone, Debug, Default)]
pub struct Records {
    by_key: HashMap<Key, BTreeMap<Seed, Record>>,
    count: usize,
}

impl Records {
    /// Indexes records.
    ///
    /// # Errors
    /// Where two of them have the same key and seed.
    pub fn new(records: impl IntoIterator<Item = Record>) -> Result<Self, DuplicateRecord> {
        let mut all = Self::default();
        for record in records {
            let seeds = all.by_key.entry(record.key.clone()).or_default();
            let seed = record.seed;
            if let Some(previous) = seeds.insert(seed, record) {
                return Err(DuplicateRecord { key: previous.key, seed });
            }
            all.count += 1;
        }
        Ok(all)
    }

    /// The records of one key by seed; `None` where that fine-tune was never run.
    #[must_use]
    pub fn seeds(&self, key: &Key) -> Option<&BTreeMap<Seed, Record>> {
        self.by_key.get(key)
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All records, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = &Record> {
        self.by_key.values().flat_map(BTreeMap::values)
    }
}
