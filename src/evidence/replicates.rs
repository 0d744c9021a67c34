//! What repeats a run (a seed, a fold, a subject), as the study says it: whether runs of one
//! replicate in two arms belong together, what replicates share, and how many were planned. The
//! judge never guesses any of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::experiment::{Factors, Key, Seed, Value};

/// How the replicates of an evidence are judged. By default as seeds of this paper are: paired,
/// independent of each other, and a run that is missing was never needed.
#[derive(Clone, Debug, PartialEq)]
pub struct Replicates {
    /// What they are, in one word: seed, fold, subject.
    pub name: String,
    /// Whether runs of the same replicate in two arms belong together. If not, arms share none, and
    /// they are compared by Welch's t.
    pub paired: bool,
    /// What replicates share with each other.
    pub structure: Structure,
    /// Which runs were planned; `None` for an evidence that does not say it, where runs that are
    /// missing from some arm are left out of the pairs.
    pub planned: Option<Planned>,
    /// The names of replicates that are not their numbers.
    pub names: BTreeMap<Seed, Arc<str>>,
}

impl Replicates {
    /// The name of a replicate as its log has it.
    #[must_use]
    pub fn name_of(&self, seed: Seed) -> String {
        self.names.get(&seed).map_or_else(|| seed.0.to_string(), ToString::to_string)
    }
}

impl Default for Replicates {
    fn default() -> Self {
        Self {
            name: "seed".to_owned(),
            paired: true,
            structure: Structure::Independent,
            planned: None,
            names: BTreeMap::new(),
        }
    }
}

/// What replicates share with each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Structure {
    /// Nothing.
    #[default]
    Independent,
    /// Training items, as folds of cross-validation do: the corrected resampled t (Nadeau and
    /// Bengio 2003).
    Folds {
        /// Test items by training items: 1/9 for ten folds.
        test_to_train: f64,
    },
    /// A unit, such as the subject of sessions: they are averaged within it.
    Nested {
        /// The unit of each replicate, by a number of its own; two units share no replicate.
        units: BTreeMap<Seed, Seed>,
    },
}

impl Structure {
    /// The replicates by which arms are compared: the unit, or the replicate itself.
    pub(crate) fn unit(&self, seed: Seed) -> Seed {
        match self {
            Self::Nested { units } => units.get(&seed).copied().unwrap_or(seed),
            Self::Independent | Self::Folds { .. } => seed,
        }
    }

    /// Test items by training items; 0 where replicates share none.
    pub(crate) fn test_to_train(&self) -> f64 {
        match self {
            Self::Folds { test_to_train } => *test_to_train,
            Self::Independent | Self::Nested { .. } => 0.0,
        }
    }
}

/// Which runs a study planned. A planned run that its log does not have may have had any value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Planned {
    /// Numbers of runs by values of factors; the first that matches a key counts, and a list
    /// without values matches every key.
    pub counts: Vec<(Factors, usize)>,
    /// Replicates whose status says that they never ran; they count as not planned.
    pub never_ran: BTreeMap<Key, BTreeSet<Seed>>,
}

impl Planned {
    /// How many runs of a key were planned, without those that never ran; `None` where the study
    /// does not say it.
    #[must_use]
    pub fn count(&self, key: &Key) -> Option<usize> {
        let (_, count) = self.counts.iter().find(|(of, _)| matches(key, of))?;
        Some(count.saturating_sub(self.never_ran.get(key).map_or(0, BTreeSet::len)))
    }

    /// Whether a replicate's status says that it never ran.
    pub(crate) fn never_ran(&self, key: &Key, seed: Seed) -> bool {
        self.never_ran.get(key).is_some_and(|seeds| seeds.contains(&seed))
    }
}

/// Whether a key has all of these values.
pub(super) fn matches(key: &Key, of: &Factors) -> bool {
    of.iter().all(|(name, value)| has(key, name, value))
}

/// Whether a key has this value of a factor; the coordinates of this paper's keys count as factors.
fn has(key: &Key, name: &str, value: &Value) -> bool {
    let text = |own: &str| matches!(value, Value::Text(text) if **text == *own);
    #[expect(clippy::float_cmp, reason = "whole numbers are exact")]
    let number = |own: u32| matches!(value, Value::Number(number) if *number == f64::from(own));
    match (key.factors.get(name), name) {
        (Some(own), _) => own == value,
        (None, "target") => text(&key.target),
        (None, "source") => text(&key.source),
        (None, "blocks") => number(key.blocks),
        (None, "images") => number(key.images),
        (None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_matches_a_key_counts() {
        let few = Factors::from([("source".into(), Value::Text("natural".into()))]);
        let sizes = Factors::from([("images".into(), Value::Number(400.0))]);
        let planned = Planned {
            counts: vec![(few, 5), (sizes, 7), (Factors::new(), 10)],
            never_ran: BTreeMap::from([(
                Key::new("svhn", "natural", 3, 100),
                BTreeSet::from([Seed(9)]),
            )]),
        };
        let count = |source, images| planned.count(&Key::new("svhn", source, 3, images));
        assert_eq!((count("natural", 100), count("natural", 400)), (Some(4), Some(5)));
        assert_eq!((count("l2_3", 400), count("l2_3", 100)), (Some(7), Some(10)));
        let own = Key::of_study(Factors::from([("method".into(), Value::Text("tree".into()))]));
        assert_eq!(Planned::default().count(&own), None);
        let other = Planned { counts: vec![((*own.factors).clone(), 3)], ..Planned::default() };
        assert_eq!(other.count(&own), Some(3));
        assert_eq!(other.count(&Key::new("svhn", "natural", 3, 100)), None);
    }
}
