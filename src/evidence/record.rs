//! The record of one fine-tune, and an index of records by key. Records are joined by [`Key`] and
//! [`Seed`] only, never by their position.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{published::Printed, replicates::matches};
use crate::experiment::{
    Counts, Evaluation, Factors, Found, Inverse, Key, MeasuredAdversarial, MeasuredInfluence,
    RecipeDigest, Seed,
};

/// Whether a fine-tune ran to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It reached the end of its schedule.
    Finished,
    /// It stopped before the end of its schedule, possibly before its first evaluation. It has no
    /// final accuracy.
    Stopped,
}

/// The record of one fine-tune.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Cell and source model.
    pub key: Key,
    /// The seed.
    pub seed: Seed,
    /// What else decided it; records are comparable only if this is equal.
    pub recipe: RecipeDigest,
    /// Whether it reached the end of its schedule.
    pub status: Status,
    evaluations: Vec<Evaluation>,
    /// For each test image, whether it was classified correctly at the end; `None` for logs.
    pub correct: Option<Arc<[bool]>>,
    /// Influence at its end, by each measured inverse; empty if it was not measured.
    pub influence: Arc<[MeasuredInfluence]>,
    /// Adversarial accuracy at its end; `None` if it was not measured.
    pub adversarial: Option<Arc<MeasuredAdversarial>>,
    /// What a study's own log has of it, in whose place `evaluations` is empty; `None` for the
    /// fine-tunes of this paper.
    pub logged: Option<Arc<Logged>>,
}

/// The rows of a run in a study's own log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logged {
    /// The progress of each row, increasing; 0 where a run has one row.
    pub progress: Vec<f64>,
    /// Values of the study's metrics, row by row; NaN where a row has none.
    pub values: Vec<f64>,
    /// The planned end of its progress, or where its cell's other runs end.
    pub end: f64,
    /// The file of its first row, and the row's line.
    pub from: Option<(Arc<str>, u64)>,
}

impl Logged {
    /// The values of one of the study's metrics, with their progress.
    pub(crate) fn of(&self, metric: usize) -> impl DoubleEndedIterator<Item = (f64, f64)> {
        let metrics = self.values.len() / self.progress.len().max(1);
        let at =
            move |(row, progress): (usize, &f64)| (*progress, self.values[row * metrics + metric]);
        self.progress.iter().enumerate().map(at)
    }
}

impl Record {
    /// A record of evaluations, which are sorted by epoch. `None` for a finished run without
    /// evaluations.
    #[must_use]
    pub fn new(
        key: Key,
        seed: Seed,
        recipe: RecipeDigest,
        status: Status,
        mut evaluations: Vec<Evaluation>,
    ) -> Option<Self> {
        evaluations.sort_by_key(|evaluation| evaluation.epoch);
        let is_possible = status == Status::Stopped || !evaluations.is_empty();
        is_possible.then_some(Self {
            key,
            seed,
            recipe,
            status,
            evaluations,
            correct: None,
            influence: Arc::default(),
            adversarial: None,
            logged: None,
        })
    }

    /// A run of a study's own log.
    #[must_use]
    pub fn of_study(key: Key, seed: Seed, status: Status, logged: Logged) -> Self {
        Self {
            key,
            seed,
            recipe: RecipeDigest::default(),
            status,
            evaluations: Vec::new(),
            correct: None,
            influence: Arc::default(),
            adversarial: None,
            logged: Some(Arc::new(logged)),
        }
    }

    /// Adds for each test image whether it was classified correctly at the end.
    #[must_use]
    pub fn with_correct(self, correct: &[bool]) -> Self {
        Self { correct: Some(correct.into()), ..self }
    }

    /// Adds the influence at its end.
    #[must_use]
    pub fn with_influence(self, influence: &[MeasuredInfluence]) -> Self {
        Self { influence: influence.into(), ..self }
    }

    /// Adds the adversarial accuracy at its end, if it was measured.
    #[must_use]
    pub fn with_adversarial(self, measured: Option<&MeasuredAdversarial>) -> Self {
        Self { adversarial: measured.cloned().map(Arc::new), ..self }
    }

    /// The counts of influence by an inverse; `None` if the run stopped, or if the measurement
    /// failed.
    ///
    /// # Errors
    /// If influence was not measured by this inverse.
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

    /// Evaluations, sorted by epoch; empty only if the run stopped before the first one.
    #[must_use]
    pub fn evaluations(&self) -> &[Evaluation] {
        &self.evaluations
    }

    /// Whether another run has the same number for every accuracy and loss at the same epochs. A
    /// number that is not finite is equal to none, since it says only that a run diverged; so is
    /// a run without evaluations.
    #[must_use]
    pub(crate) fn has_the_numbers_of(&self, other: &Self) -> bool {
        if let (Some(own), Some(other)) = (&self.logged, &other.logged) {
            let finite = own.values.iter().any(|value| value.is_finite());
            let same = |(own, other): (&f64, &f64)| own == other || own.is_nan() && other.is_nan();
            return finite
                && own.progress == other.progress
                && own.values.iter().zip(&other.values).all(same);
        }
        let (own, others) = (&self.evaluations, &other.evaluations);
        let equal = |(own, other): (&Evaluation, &Evaluation)| {
            let same = |own: f64, other: f64| own.is_finite() && own == other;
            own.epoch == other.epoch
                && same(own.test_accuracy, other.test_accuracy)
                && same(own.test_loss, other.test_loss)
                && same(own.train_accuracy, other.train_accuracy)
                && same(own.train_loss, other.train_loss)
        };
        !own.is_empty() && own.len() == others.len() && own.iter().zip(others).all(equal)
    }

    /// The numbers of its first and its last evaluation, to find runs with the same numbers among
    /// many; `None` for a run without evaluations.
    #[must_use]
    pub(crate) fn ends(&self) -> Option<[u64; 4]> {
        if let Some(logged) = &self.logged {
            let mut of = logged.values.iter().filter(|value| value.is_finite());
            let (first, last) = (of.next()?, of.next_back());
            let ends = [Some(first), last, Some(&(logged.progress.len() as f64)), None];
            return Some(ends.map(|number| number.map_or(0, |number| (number + 0.0).to_bits())));
        }
        let (first, last) = (self.evaluations.first()?, self.last()?);
        let ends = [first.test_accuracy, first.test_loss, last.test_accuracy, last.test_loss];
        // Adding 0 makes one number of 0 and -0, which are equal.
        Some(ends.map(|number| (number + 0.0).to_bits()))
    }

    /// Whether it has several evaluations, all with the same test accuracy and loss: a model that
    /// collapsed, as one that always gives the same class.
    #[must_use]
    pub(crate) fn is_flat(&self) -> bool {
        if let Some(logged) = &self.logged {
            let metrics = logged.values.len() / logged.progress.len().max(1);
            let first = logged.values.get(..metrics).unwrap_or_default();
            let mut rows = logged.values.chunks(metrics.max(1));
            return logged.progress.len() > 1 && rows.all(|row| row == first);
        }
        let of = |evaluation: &Evaluation| (evaluation.test_accuracy, evaluation.test_loss);
        let same = self.evaluations.windows(2).all(|pair| of(&pair[0]) == of(&pair[1]));
        same && self.evaluations.len() > 1
    }

    /// How many evaluations were logged.
    #[must_use]
    pub(crate) fn rows(&self) -> usize {
        self.logged.as_ref().map_or(self.evaluations.len(), |logged| logged.progress.len())
    }

    /// The last logged evaluation, which is the final one only of a finished run; `None` if the run
    /// stopped before its first evaluation.
    #[must_use]
    pub fn last(&self) -> Option<&Evaluation> {
        self.evaluations.last()
    }
}

/// A record without influence by this inverse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("influence was not measured by this inverse")]
pub struct NotMeasured;

/// Two records with the same key and seed: neither of them can be preferred.
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
    printed: Option<Printed>,
    /// The smallest printed steps of a study's metrics, in their order and units.
    digits: Vec<f64>,
}

impl Records {
    /// Indexes records.
    ///
    /// # Errors
    /// If two of them have the same key and seed.
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

    /// The same records, of a log that prints numbers with these steps.
    #[must_use]
    pub(super) fn with_printed(self, printed: Printed) -> Self {
        Self { printed: Some(printed), ..self }
    }

    /// The same records, of a study's log that prints its metrics with these steps.
    #[must_use]
    pub(super) fn with_digits(self, digits: Vec<f64>) -> Self {
        Self { digits, ..self }
    }

    /// The smallest step of a study's metric as it is printed, in its unit; 0 where nothing is
    /// known.
    #[must_use]
    pub(crate) fn digits(&self, metric: usize) -> f64 {
        self.digits.get(metric).copied().unwrap_or_default()
    }

    /// The smallest steps of a log's numbers; `None` if the records are not of a log.
    #[must_use]
    pub fn printed(&self) -> Option<Printed> {
        self.printed
    }

    /// The same records, those that end before their planned epochs as stopped. Planned ends are by
    /// values of factors, of which the first that match a key count; keys that none match stay as
    /// they are.
    #[must_use]
    pub(super) fn stopping(mut self, planned: &[(Factors, f64)]) -> Self {
        for (key, seeds) in &mut self.by_key {
            let Some((_, end)) = planned.iter().find(|(of, _)| matches(key, of)) else { continue };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "epochs")]
            let epochs = *end as u32;
            let early = seeds.values_mut().filter(|record| record.recipe.epochs < epochs);
            for record in early {
                (record.status, record.recipe.epochs) = (Status::Stopped, epochs);
            }
        }
        self
    }

    /// The records of one key by seed; `None` if there are none.
    #[must_use]
    pub fn seeds(&self, key: &Key) -> Option<&BTreeMap<Seed, Record>> {
        self.by_key.get(key)
    }

    /// Every key that has a record, in an unspecified order.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.by_key.keys()
    }

    /// The number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are no records.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All records, in an unspecified order.
    pub fn iter(&self) -> impl Iterator<Item = &Record> {
        self.by_key.values().flat_map(BTreeMap::values)
    }
}
