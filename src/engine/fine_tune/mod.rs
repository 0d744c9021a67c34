//! One fine-tune: its [`Protocol`], the learning rate (`schedule`), the training loop ([`fine_tune`])
//! over images or their fixed features (`features`), the test pass ([`evaluate`]), and at the end
//! influence (`measure_influence`) and adversarial accuracy ([`measure_adversarial`]). The executor chooses what is fine-tuned and keeps the outcome.

mod adversarial;
mod evaluate;
mod features;
mod influence;
mod saved;
pub(crate) mod schedule;
mod siblings;

pub use adversarial::measure_adversarial;
pub use evaluate::{Test, evaluate};
pub use features::fixed_features;
pub(crate) use influence::measure_influence;
pub use saved::{Keeper, Saved};
pub use siblings::{
    FineTuneError, Material, Sibling, fine_tune, fine_tune_kept, fine_tune_siblings,
    fine_tune_watched,
};

use super::{
    device,
    model::{Implementation, Network, NoTf32, Weights},
};
use crate::experiment::{Precision, Protocol};

impl Protocol {
    /// A network with these weights in the protocol's precision.
    ///
    /// # Errors
    /// If the device does not support the precision.
    pub fn network(&self, weights: Weights) -> Result<Network, NoTf32> {
        self.precision.check(weights.device())?;
        device::allow_tf32(self.precision == Precision::Tf32);
        Ok(Network::new(weights, self.normalisation, Implementation::Fused(self.precision)))
    }
}
