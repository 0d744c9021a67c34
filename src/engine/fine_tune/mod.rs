//! One fine-tune: what decides it ([`Protocol`]), when the learning rate drops (`schedule`), the
//! loop ([`fine_tune`]) over images or their fixed features (`passes`), the pass over a test set
//! ([`evaluate`]), and influence at the end (`measure_influence`). What is fine-tuned and where the
//! outcome is kept is left to others.

mod evaluate;
mod influence;
mod passes;
pub(crate) mod schedule;
mod siblings;

pub use evaluate::{Test, evaluate};
pub(crate) use influence::measure_influence;
pub use passes::fixed_features;
pub use siblings::{
    Material, Sibling, Unfinished, fine_tune, fine_tune_siblings, fine_tune_watched,
};

use super::{
    device,
    model::{Implementation, Network, NoTf32, Weights},
};
use crate::experiment::{Precision, Protocol};

impl Protocol {
    /// A network of weights, which computes as the protocol says.
    ///
    /// # Errors
    /// If the device lacks the precision.
    pub fn network(&self, weights: Weights) -> Result<Network, NoTf32> {
        self.precision.check(weights.device())?;
        device::allow_tf32(self.precision == Precision::Tf32);
        Ok(Network::new(weights, self.normalisation, Implementation::Fused(self.precision)))
    }
}
