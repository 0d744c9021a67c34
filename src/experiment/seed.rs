//! A trial's seed.

use serde::{Deserialize, Serialize};

/// A trial's seed. It fixes subset, head, order and augmentation in the same way for every arm, so
/// values of arms with the same seed are paired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);
