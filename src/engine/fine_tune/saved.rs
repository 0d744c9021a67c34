//! The state of a fine-tune after an epoch, from which it resumes with the bits of one that was never
//! interrupted. What is random has a generator for each epoch, so that the number of the epoch is all
//! that has to be kept of it.

use std::collections::BTreeMap;

use tch::Tensor;

use crate::experiment::Outcome;

/// A fine-tune after some epochs.
#[derive(Debug)]
pub struct Saved {
    /// Epochs that are done.
    pub epochs: u32,
    /// Wall-clock seconds that they took.
    pub seconds: f64,
    /// The outcome so far.
    pub outcome: Outcome,
    /// Trained parameters, velocities of the optimiser and running statistics, by name.
    pub tensors: BTreeMap<String, Tensor>,
}

/// Keeps the states of siblings: of those that take long, and of all that are interrupted.
pub trait Keeper {
    /// The states to resume from, one for each sibling in their order and all after the same epoch;
    /// `None` to start from the beginning.
    fn load(&self) -> Option<Vec<Saved>>;

    /// Whether states are to be kept after so many of all epochs, which took so many seconds.
    fn is_due(&self, done: u32, of: u32, seconds: f64) -> bool;

    /// Keeps the states, one for each sibling; also at an interruption, whether due or not.
    fn keep(&self, saved: Vec<Saved>);
}
