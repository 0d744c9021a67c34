//! A mean over the latest weights of a training (Polyak averaging): what is tested and kept where a
//! recipe asks for it, in place of the weights of the last step.

use crate::{
    engine::{
        model::{Implementation, Network, Weights},
        no_grad,
    },
    experiment::Normalisation,
};

/// A network whose weights follow another's, parameters and running statistics alike.
#[derive(Debug)]
pub(super) struct Ema {
    network: Network,
    decay: f64,
    steps: u64,
}

impl Ema {
    /// Begins with weights, after so many steps. At each step the mean goes a part of 1 - `decay` of
    /// the way; at first more, so that the beginning is soon forgotten.
    pub fn new(
        weights: &Weights,
        normalisation: Normalisation,
        implementation: Implementation,
        decay: f64,
        steps: u64,
    ) -> Self {
        let own = weights.copy_to(weights.device());
        Self { network: Network::new(own, normalisation, implementation), decay, steps }
    }

    /// Updates the average with the weights after another step.
    pub fn follow(&mut self, weights: &Weights) {
        self.steps += 1;
        let steps = self.steps as f64;
        let decay = self.decay.min((1.0 + steps) / (10.0 + steps));
        let pairs = |of: fn(&Weights) -> &std::collections::BTreeMap<String, tch::Tensor>| {
            of(self.network.weights()).values().zip(of(weights).values())
        };
        no_grad::without(|| {
            for (mean, latest) in pairs(Weights::parameters).chain(pairs(Weights::buffers)) {
                let _ = mean.shallow_clone().lerp_(&latest.detach(), 1.0 - decay);
            }
        });
    }

    /// The network of the mean.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The same, when all is over.
    pub fn into_network(self) -> Network {
        self.network
    }
}
