//! The residual networks that are pretrained and fine-tuned: one builder for ResNet-18, ResNet-50
//! and the thin network of the smoke set-up. Parameters have torchvision's names, so that published
//! checkpoints load by name and the same blocks are frozen as in the paper's code.
//!
//! An [`Architecture`](crate::experiment::Architecture) is plain data. [`Weights`] are named
//! tensors that fit one. A [`Network`] computes with weights and normalises its images, which are
//! always in [0, 1]. [`Trainable`](crate::experiment::Trainable) says which parameters a fine-tune
//! changes, and [`Sgd`] changes them. Nothing here uses torch's random generator, which is one for
//! the whole process: initial weights and heads are drawn from the caller's generator. Each network
//! owns its tensors, so that trials in parallel threads share nothing.
//!
//! Other modules read checkpoint files, set the learning rate, order the batches and run the
//! training loop.

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
