//! The network against torchvision's: logits, gradients, running statistics, one step and a curve of
//! five; what is frozen; what is drawn; and what does not fit.
//!
//! `goldens/model/make_reference.py` makes `reference.json`, in double precision. There are no
//! weights in it: both sides fill theirs by one formula.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use repro::{engine::model::Weights, experiment::Architecture};

pub mod formula;
mod parity;
mod parts;
mod reference;

/// First weights, always the same.
fn fresh(architecture: &Architecture) -> Weights {
    Weights::initialise(architecture.clone(), &mut ChaCha8Rng::seed_from_u64(1))
}
