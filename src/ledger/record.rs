//! One fine-tune's record and the index that finds records by key. Joins go through [`Key`] and
//! [`Seed`] alone: there is no way to ask for "the third row".

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Counts, Found, MeasuredInfluence};
use crate::influence::Inverse;

/// The side, in pixels, that images are brought down to before anything else is done to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resolution {
    /// Images at their own size.
    #[default]
    Native,
    /// Images brought down to this many pixels a side.
    Pixels(u32),
}

impl fmt::Display for Resolution {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Native => formatter.write_str("native"),
            Self::Pixels(pixels) => write!(formatter, "{pixels}"),
        }
    }
}

impl Serialize for Resolution {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Native => serializer.serialize_str("native"),
            Self::Pixels(pixels) => serializer.serialize_u32(*pixels),
        }
    }
}

impl<'de> Deserialize<'de> for Resolution {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Resolution;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number of pixels of at least 1, or \"native\"")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Resolution, E> {
                match text {
                    "native" => Ok(Resolution::Native),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
                }
            }
            fn visit_i64<E: serde::de::Error>(self, pixels: i64) -> Result<Resolution, E> {
                u32::try_from(pixels)
                    .ok()
                    .filter(|pixels| *pixels > 0)
                    .map(Resolution::Pixels)
                    .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Signed(pixels), &self))
            }
            fn visit_u64<E: serde::de::Error>(self, pixels: u64) -> Result<Resolution, E> {
                self.visit_i64(i64::try_from(pixels).unwrap_or(i64::MAX))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Resolution {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Resolution".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Pixels a side that images are brought down to first, or \"native\".",
            "oneOf": [{ "const": "native" }, { "type": "integer", "minimum": 1 }],
        })
    }
}

/// What a record is found by, beside its seed: one cell of the experiment and one source model.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Target data set, such as `cifar10`.
    pub target: Arc<str>,
    /// Source model, such as `natural` or `l2_3`.
    pub source: Arc<str>,
    /// Fine-tuned blocks: 0, 1, 3 or 9 (the head alone, plus layer4.2, all of layer4, layer3 too).
    pub blocks: u32,
    /// Training images in the subset.
    pub images: u32,
    /// Resolution of the images, before they are brought to the network's input size.
    #[serde(default)]
    pub resolution: Resolution,
    /// Which series of seeds: 0 is the one that all claims share. Runs of different series share no
    /// seed, whatever number they are joined by.
    #[serde(default)]
    pub draw: u32,
    /// Whether influence is measured at its end. That changes nothing about a fine-tune, but one whose
    /// record says nothing of influence is not one that can be asked for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub influence: bool,
}

impl Key {
    /// Images at their own resolution, in the series that all claims share, without influence.
    #[must_use]
    pub fn new(target: &str, source: &str, blocks: u32, images: u32) -> Self {
        Self {
            target: target.into(),
            source: source.into(),
            blocks,
            images,
            resolution: Resolution::Native,
            draw: 0,
            influence: false,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} from {}, {} images, {} block{}",
            self.target,
            self.source,
            self.images,
            self.blocks,
            if self.blocks == 1 { "" } else { "s" }
        )?;
        if let Resolution::Pixels(pixels) = self.resolution {
            write!(formatter, ", {pixels} pixels")?;
        }
        if self.draw > 0 {
            write!(formatter, ", draw {}", self.draw)?;
        }
        if self.influence { formatter.write_str(", with influence") } else { Ok(()) }
    }
}

/// A trial's seed: it fixes subset, head, order and augmentation, the same for every arm, which is
/// why arms that share one are paired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

/// One evaluation of a fine-tune on the whole test set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// Epochs trained so far, counted from 1.
    pub epoch: u32,
    /// Test accuracy in percent.
    pub test_accuracy: f64,
    /// Mean test cross-entropy in nats; not finite where the run diverged.
    #[serde(with = "super::number")]
    pub test_loss: f64,
    /// Accuracy on the training images in percent.
    pub train_accuracy: f64,
    /// Mean training cross-entropy in nats; not finite where the run diverged.
    #[serde(with = "super::number")]
    pub train_loss: f64,
    /// Wall-clock seconds since the run began.
    pub seconds: f64,
}

/// What decides a fine-tune beside its key and seed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Recipe {
    /// Epochs of the whole schedule; the learning rate drops tenfold every third of them.
    pub epochs: u32,
    /// Everything else, in one word that differs wherever it does; empty for a published log, which
    /// tells the schedule alone.
    pub rest: Arc<str>,
}

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
    pub recipe: Recipe,
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
        recipe: Recipe,
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
