//! The network against torchvision's: logits, gradients, running statistics, one step and a curve
//! of five; freezing; initial weights; and weights that do not fit.
//!
//! `goldens/model/make_reference.py` makes `reference.json`, in double precision. It has no
//! weights: both sides compute theirs by one formula.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use repro::{engine::model::Weights, experiment::Architecture};

pub mod formula;
mod parity;
mod parts;
mod reference;

/// Initial weights, always the same.
fn fresh(architecture: &Architecture) -> Weights {
    Weights::initialise(architecture.clone(), &mut ChaCha8Rng::seed_from_u64(1))
}
