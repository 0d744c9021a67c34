//! The first step of a fine-tune alone: its losses identify the source model that it began from
//! ([`crate::replication::fingerprint`]).

use std::sync::atomic::AtomicBool;

use tch::Device;

use super::material::{MaterialError, Materials};
use crate::{
    assets::Assets,
    engine::{
        catch_torch_panic::attempt,
        fine_tune::{Material, fine_tune},
        oom,
    },
    experiment::{Protocol, Trial},
    world::FIRST_ZOO,
};

/// A larger test set is not evaluated on a CPU, where it would take minutes.
const MOST_TESTED_ON_A_CPU: usize = 200;

/// First steps of fine-tunes in one world.
pub struct FirstSteps<'a> {
    materials: Materials<'a>,
    assets: &'a dyn Assets,
    device: Device,
}

/// The losses of one first step, in nats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FirstStep {
    /// Mean loss of the first batch, before the step.
    pub first_loss: f64,
    /// Mean loss over the whole test set after the step; `None` where the set is too large for a CPU (the
    /// mean over a part would be another number).
    pub test_loss: Option<f64>,
}

/// Why there is no first step.
#[derive(Debug, thiserror::Error)]
pub enum NoFirstStep {
    /// The source or the target is not available.
    #[error(transparent)]
    Material(#[from] MaterialError),
    /// libtorch failed, with its message.
    #[error("{0}")]
    Failed(String),
}

impl<'a> FirstSteps<'a> {
    /// First steps on a device.
    #[must_use]
    pub fn new(device: Device, assets: &'a dyn Assets) -> Self {
        Self { materials: Materials::new(device, assets), assets, device }
    }

    /// The first step of a trial whose images fit one batch, from zoo 1.
    ///
    /// # Errors
    /// If it has more images than a batch, its source or target is missing, or libtorch fails.
    pub fn first_step(&mut self, trial: &Trial) -> Result<FirstStep, NoFirstStep> {
        let (batch, images) = (trial.recipe.protocol.batch, trial.recipe.key.images);
        if images > batch {
            let said = format!("an epoch of {images} images has several steps of {batch}");
            return Err(NoFirstStep::Failed(said));
        }
        let weights = self.assets.weights_digest(&trial.recipe.key.source, FIRST_ZOO);
        let weights = weights.map_err(MaterialError::from)?;
        let protocol = Protocol { epochs: 1, evaluate: vec![1], ..trial.recipe.protocol.clone() };
        let ran = attempt(|| {
            self.materials.with(trial, &weights, |material, _| {
                let images = material.test.len() as usize;
                let whole = self.device != Device::Cpu || images <= MOST_TESTED_ON_A_CPU;
                // The loop needs at least one image to test on.
                let test = material.test.first(if whole { images } else { 1 });
                // An epoch is one step.
                let material = Material { test: &test, test_features: None, ..*material };
                let blocks = trial.recipe.trained_blocks();
                let never = AtomicBool::new(false);
                let outcome = fine_tune(&material, blocks, &protocol, trial.engine_seed(), &never);
                outcome.map(|outcome| FirstStep {
                    first_loss: outcome.first_losses[0],
                    test_loss: whole.then_some(outcome.test_loss_after_first_step),
                })
            })
        });
        match ran {
            Ok(Ok(Ok(step))) => Ok(step),
            Ok(Ok(Err(error))) => Err(NoFirstStep::Failed(error.to_string())),
            Ok(Err(error)) => Err(error.into()),
            Err(said) => {
                // Tensors of an aborted operation are not to be used again.
                self.materials = self.materials.emptied();
                Err(NoFirstStep::Failed(if oom::is_out_of_memory(&said) {
                    let (said, side) = (said.trim_end_matches('.'), protocol.side);
                    format!(
                        "{said} with a batch of {batch} at {side} pixels: use a device with more memory"
                    )
                } else {
                    said
                }))
            }
        }
    }
}
