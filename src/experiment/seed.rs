//! A trial's seed.

use serde::{Deserialize, Serialize};

/// A trial's seed: it fixes subset, head, order and augmentation, the same for every arm, which is
/// why arms that share one are paired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);
