//! Everything that computes with libtorch: networks, fine-tunes, pretraining, attacks, influence, and
//! the executor that runs trials. Nothing outside names tch, and the judge is built without this module.

pub mod attack;
pub(crate) mod catch_torch_panic;
pub mod device;
pub mod executor;
pub mod fine_tune;
pub mod frechet;
pub mod influence;
pub mod model;
pub mod no_grad;
mod on_device;
pub(crate) mod oom;
pub mod pretrain;
pub mod transfer;
pub mod transform;

pub use on_device::OnDevice;
