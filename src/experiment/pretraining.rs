//! How `repro pretrain` trains source models, and against which threats.

use serde::{Deserialize, Serialize};

use super::{Architecture, Augmentation, Constraint, Normalisation, Precision, Seed};

/// How source models are trained. The identity of a pretraining's checkpoint is a digest of this
/// type, so its serialised names must not change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pretraining {
    /// The network.
    pub architecture: Architecture,
    /// Rows and columns of its input.
    pub side: u32,
    /// The mean and deviation of the source's images.
    pub normalisation: Normalisation,
    /// The seed of initial weights, order, attacks and noise, for every model of the zoo.
    pub seed: Seed,
    /// Epochs; the learning rate drops tenfold after every third.
    pub epochs: u32,
    /// Images in one step.
    pub batch: u32,
    /// Initial learning rate.
    pub learning_rate: f64,
    /// Momentum.
    pub momentum: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Random changes of an image, drawn again in every epoch; no changes by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augmentation: Option<Augmentation>,
    /// Decay of the exponential moving average over weights that is kept; by default the weights of
    /// the last step are kept.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        rename(serialize = "averaging", deserialize = "ema_decay"),
        alias = "averaging"
    )]
    pub ema_decay: Option<f64>,
    /// Precision of convolutions; by default single precision, operation by operation as PyTorch
    /// computes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
    /// The share of each epoch's steps that is taken, above 0 and at most 1: its first steps, of the
    /// same order of images; by default all steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps_share: Option<f64>,
    /// Steps of the attack in training, each of length 2.5 x eps / steps (the convention of the
    /// `robustness` library for evaluation), from a random start; the best point is kept.
    pub attack_steps: u32,
    /// Steps of the attack that measures robust accuracy.
    pub test_steps: u32,
    /// Test images that are attacked to measure robust accuracy.
    #[serde(rename(serialize = "attacked", deserialize = "attack_images"), alias = "attacked")]
    pub attack_images: u32,
    /// The models, in the order in which they are trained.
    pub models: Vec<Model>,
    /// Limit of the drop in clean source accuracy that a chosen eps may cause, in points.
    #[serde(
        rename(serialize = "most_cost", deserialize = "max_accuracy_drop"),
        alias = "most_cost"
    )]
    pub max_accuracy_drop: f64,
}

impl Pretraining {
    /// The number of images that an epoch sees of so many training images: whole steps, rounded
    /// up.
    #[must_use]
    pub fn images_of_epoch(&self, train: usize) -> usize {
        let batch = self.batch as usize;
        let Some(share) = self.steps_share else { return train };
        let steps = (train.div_ceil(batch) as f64 * share).ceil() as usize;
        train.min(steps * batch)
    }
}

/// The threat that a model is trained against.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threat {
    /// No threat.
    None,
    /// An attack by projected gradient ascent.
    Attack {
        /// Norm.
        constraint: Constraint,
        /// Radius.
        epsilon: f64,
    },
    /// Gaussian noise with about this expected Euclidean length, and no attack.
    Noise {
        /// Length.
        epsilon: f64,
    },
}

/// A model of the zoo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Its role, by which claims name it.
    pub role: String,
    /// The threat that it is trained against.
    pub against: Against,
}

/// The threat that a model is trained against, before eps is chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// No threat: the natural model, with whose accuracy others are compared. It is the zoo's
    /// first.
    Nothing,
    /// An attack with the largest radius of a grid whose drop in accuracy is at most
    /// [`Pretraining::max_accuracy_drop`] points; the smallest radius if no drop is that small.
    /// Radii are tried from the largest on.
    Attack {
        /// Norm.
        constraint: Constraint,
        /// Radii, in decreasing order.
        grid: Vec<f64>,
    },
    /// The attack of another model with its radius times a factor, whatever the drop in accuracy.
    Stronger {
        /// The other model's role.
        than: String,
        /// Factor.
        times: f64,
    },
    /// Gaussian noise as long as another model's radius, instead of an attack.
    NoiseAsLongAs(String),
}

#[cfg(test)]
mod tests {
    use crate::world::World;

    #[test]
    fn a_share_of_an_epoch_is_of_whole_steps_rounded_up_and_no_more_than_all_images() {
        let mut pretraining = World::smoke().pretraining.unwrap();
        assert_eq!((pretraining.batch, pretraining.steps_share), (128, None));
        assert_eq!(pretraining.images_of_epoch(36_000), 36_000);
        let mut images = |share, train| {
            pretraining.steps_share = Some(share);
            pretraining.images_of_epoch(train)
        };
        assert_eq!(images(1.0, 36_000), 36_000);
        // 282 steps, the last of them of fewer images.
        assert_eq!(images(0.25, 36_000), 71 * 128);
        assert_eq!(images(0.25, 100), 100);
        assert_eq!(images(0.001, 36_000), 128);
    }

    /// The identity of a checkpoint is this text.
    #[test]
    fn a_recipe_without_a_share_does_not_name_it() {
        let pretraining = World::smoke().pretraining.unwrap();
        assert!(!serde_json::to_string(&pretraining).unwrap().contains("share"));
    }
}
