//! The fine-tunes that a hypothesis needs: the keys of its arms in its cells, and of the source
//! model whose final accuracy is a threshold. The planner and the judge ask here, so both mean the
//! same.

use std::collections::BTreeSet;

use super::{Cell, Contrast, Hypothesis, Metric, Term, Threshold};
use crate::{experiment::Key, world::World};

impl Hypothesis {
    /// Every key that it needs a record of.
    #[must_use]
    pub fn keys(&self) -> BTreeSet<Key> {
        let needed = |contrast: &Contrast| keys(&contrast.terms, &contrast.cells, &self.metric);
        self.contrasts.iter().flat_map(needed).collect()
    }

    /// Why a world can't have a record of every key; `None` if it can.
    #[must_use]
    pub fn unavailable(&self, world: &World) -> Option<String> {
        self.keys().iter().find_map(|key| self.metric.unavailable(key, world))
    }
}

/// Every key that a contrast needs over its cells, with the keys of a threshold's source model,
/// whose records must exist under the same recipe.
#[must_use]
pub fn keys(terms: &[Term], cells: &[Cell], metric: &Metric) -> BTreeSet<Key> {
    cells
        .iter()
        .flat_map(|cell| terms.iter().flat_map(|term| term.arm.keys(cell, metric)))
        .flat_map(|key| metric.reference(&key).into_iter().chain([key]))
        .collect()
}

impl Metric {
    /// Why a world can't have a record of this key with the metric; `None` if it can.
    #[must_use]
    pub fn unavailable(&self, key: &Key, world: &World) -> Option<String> {
        let unmeasured = || {
            let is_of_attack = matches!(self, Self::AdversarialAccuracy(_));
            (is_of_attack && world.adversarial_test(key).is_none()).then(|| {
                format!("the {} set-up measures no adversarial accuracy of {key}", world.id)
            })
        };
        world.unavailable(key).or_else(unmeasured)
    }

    /// The key whose final accuracy is the threshold for `key`, if the metric has such a threshold.
    #[must_use]
    pub fn reference(&self, key: &Key) -> Option<Key> {
        match self {
            Self::EpochsTo(Threshold::FinalAccuracyOf(source)) => {
                Some(Key { source: source.as_str().into(), ..key.clone() })
            }
            _ => None,
        }
    }
}
