//! The card of a source model: how the model was made, and how accurate it is.

use serde::{Deserialize, Serialize};

use super::Threat;
use super::{Architecture, Normalisation, number};

/// Version of the format.
pub const FORMAT_VERSION: u32 = 1;

/// A source model's card, a JSON file beside its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Version of this format: 1.
    pub format_version: u32,
    /// Its role in the zoo, such as `l2_3`. The role is a place in the paper's experiment, not the
    /// radius of the attack, which is in `threat`.
    pub role: String,
    /// The command that makes it again.
    pub command: String,
    /// The seed.
    pub seed: u64,
    /// Its architecture.
    pub architecture: Architecture,
    /// How it normalises pixels.
    pub normalisation: Normalisation,
    /// BLAKE3 of the weights, in single precision as they are read back from their file.
    pub weights: String,
    /// Precision of the weights' file; single where a card does not name it. Accuracies and cost
    /// are of the weights as they are stored, the curve is of the training in single precision.
    #[serde(default, skip_serializing_if = "WeightsPrecision::is_single")]
    pub weights_precision: WeightsPrecision,
    /// SHA-256 of the training images and labels, as the model saw them.
    pub source_sha256: String,
    /// The number of training images.
    pub source_images: u64,
    /// What packed training images were made from, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_made_from: Option<String>,
    /// The share of each epoch's steps that it was trained for, if not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps_share: Option<f64>,
    /// The threat that it was trained against.
    pub threat: Threat,
    /// Accuracy on the source's test images, in percent.
    pub clean_accuracy: f64,
    /// Accuracy on the same images under each of the zoo's test attacks, in percent.
    pub robust_accuracy: Vec<Robust>,
    /// How much lower its clean source accuracy is than the natural model's, in points.
    pub cost: f64,
    /// How eps was chosen: every radius that was tried, the largest first, with its cost. Empty if
    /// the radius was given.
    pub tried: Vec<Tried>,
    /// Every epoch of training.
    pub curve: Vec<Epoch>,
    /// Losses of the first steps of the same training on only the source's first images, which ship
    /// with the project: anyone can repeat these steps and compare, without the whole source.
    #[serde(with = "number::list")]
    pub first_losses: Vec<f64>,
    /// libtorch's version, and the vector instructions of the processor that it used.
    pub engine: String,
}

/// Precision that weights are stored in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightsPrecision {
    /// 32 bits a value, as training leaves them.
    #[default]
    Single,
    /// 16 bits a value (IEEE 754 binary16), rounded to the nearest, ties to even.
    Half,
}

impl WeightsPrecision {
    /// Whether a card leaves it out, as cards older than this type do.
    fn is_single(&self) -> bool {
        *self == Self::Single
    }
}

/// Accuracy under an attack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Robust {
    /// The attack, in words.
    pub attack: String,
    /// The number of attacked test images.
    pub images: u32,
    /// Accuracy in percent.
    pub accuracy: f64,
}

/// A radius that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tried {
    /// Radius.
    pub epsilon: f64,
    /// Accuracy on the source's test images, in percent.
    pub clean_accuracy: f64,
    /// How much lower this is than the natural model's accuracy, in points.
    pub cost: f64,
}

/// One epoch of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// Epochs so far, including this one.
    pub epoch: u32,
    /// Mean training loss, in nats, of images as the training saw them.
    #[serde(with = "number")]
    pub train_loss: f64,
    /// Test loss of clean images, in nats.
    #[serde(with = "number")]
    pub test_loss: f64,
    /// Test accuracy of clean images, in percent.
    pub test_accuracy: f64,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// Losses of the epoch's first steps.
    #[serde(with = "number::list")]
    pub first_losses: Vec<f64>,
}
