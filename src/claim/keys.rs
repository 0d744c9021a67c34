//! Which fine-tunes a hypothesis reads: the keys of its arms in its cells, and of the models that its
//! thresholds are of.

use std::collections::BTreeSet;

use super::{Cell, Contrast, Hypothesis, Metric, Term, Threshold};
use crate::{experiment::Key, world::World};

impl Hypothesis {
    /// Every key that it reads.
    #[must_use]
    pub fn keys(&self) -> BTreeSet<Key> {
        let of = |contrast: &Contrast| keys(&contrast.terms, &contrast.cells, &self.metric);
        self.contrasts.iter().flat_map(of).collect()
    }

    /// Why a world can't have all that it reads; `None` where it can.
    #[must_use]
    pub fn lacks(&self, world: &World) -> Option<String> {
        self.keys().iter().find_map(|key| world.lacks(key))
    }
}

/// Every key that a contrast reads over cells. A threshold's own source is read as well, so it must
/// be there, under the same recipe.
#[must_use]
pub fn keys(terms: &[Term], cells: &[Cell], metric: &Metric) -> BTreeSet<Key> {
    cells
        .iter()
        .flat_map(|cell| terms.iter().flat_map(|term| term.arm.keys(cell, metric)))
        .flat_map(|key| metric.reference(&key).into_iter().chain([key]))
        .collect()
}

impl Metric {
    /// The key whose final accuracy is the threshold for this one, where there is one.
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
