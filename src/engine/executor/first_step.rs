//! The first step of a fine-tune alone, which tells whose weights it began from ([`crate::replication::fingerprint`]).

use std::sync::atomic::AtomicBool;

use tch::Device;

use super::material::{MaterialError, Materials};
use crate::{
    assets::Stock,
    engine::{
        catch_torch_panic::attempt,
        fine_tune::{Material, fine_tune},
        oom,
    },
    experiment::{Protocol, Trial},
};

/// A test set of more images is not gone through where there is no GPU: it would take minutes.
const MOST_TESTED_ON_A_CPU: usize = 200;

/// First steps of fine-tunes in one world.
pub struct FirstSteps<'a> {
    materials: Materials<'a>,
    device: Device,
}

/// What one first step gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FirstStep {
    /// Mean loss of the first batch, in front of the step.
    pub first_loss: f64,
    /// Mean loss over the test set after it; `None` where that is too large for a CPU. Of a part of it the
    /// mean would be another number.
    pub test_loss: Option<f64>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum NoFirstStep {
    /// There is nothing to work on.
    #[error(transparent)]
    Material(#[from] MaterialError),
    /// libtorch could not do it.
    #[error("{0}")]
    Failed(String),
}

impl<'a> FirstSteps<'a> {
    /// On a device.
    #[must_use]
    pub fn new(device: Device, stock: &'a Stock) -> Self {
        Self { materials: Materials::new(device, stock), device }
    }

    /// That of one trial, of no more images than a batch takes.
    ///
    /// # Errors
    /// If it has more, its source or its target is not here, or libtorch can't do it.
    pub fn of(&mut self, trial: &Trial) -> Result<FirstStep, NoFirstStep> {
        let (batch, images) = (trial.recipe.protocol.batch, trial.recipe.key.images);
        if images > batch {
            let said = format!("an epoch of {images} images has several steps of {batch}");
            return Err(NoFirstStep::Failed(said));
        }
        let protocol = Protocol { epochs: 1, evaluate: vec![1], ..trial.recipe.protocol.clone() };
        let ran = attempt(|| {
            self.materials.with(trial, |material, _| {
                let images = material.test.len() as usize;
                let whole = self.device != Device::Cpu || images <= MOST_TESTED_ON_A_CPU;
                // The loop wants some image to test on.
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
                // What was half done is not to be used again.
                self.materials = self.materials.anew();
                Err(NoFirstStep::Failed(if oom::ran_out(&said) {
                    let (said, side) = (said.trim_end_matches('.'), protocol.side);
                    format!(
                        "{said} with a batch of {batch} at {side} pixels: take a device with more memory"
                    )
                } else {
                    said
                }))
            }
        }
    }
}
