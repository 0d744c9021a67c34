//! The residual networks that are pretrained and fine-tuned: one builder for ResNet-18, ResNet-50
//! and the thin network of the smoke world, with torchvision's parameter names, so that published
//! checkpoints load by name and freezing means what the paper's code means by it.
//!
//! An [`Architecture`](crate::experiment::Architecture) is plain data; [`Weights`] are named tensors that fit one; a [`Network`] is
//! weights that compute, normalised inside, so that images are always in [0, 1];
//! [`Trainable`](crate::experiment::Trainable) says what a fine-tune changes and [`Sgd`] changes it. Nothing here draws from
//! torch's generator, which is one for the whole process: first weights and heads are drawn from a
//! generator that the caller passes. Each network owns its tensors, so that trials in parallel
//! threads share nothing.
//!
//! Reading checkpoint files, the schedule, the order of batches and the loop are left to others.

mod block;
mod initialise;
mod kernel;
mod load;
mod normalise;
mod precision;
mod resnet;
mod sgd;
mod weights;

pub use normalise::Normaliser;
pub use precision::{Implementation, NoTf32};
pub use resnet::{Mode, Network};
pub use sgd::Sgd;
pub use weights::Weights;
