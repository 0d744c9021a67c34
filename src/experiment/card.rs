//! What is written about a source model: how it was made, and what came out.

use serde::{Deserialize, Serialize};

use super::Threat;
use super::{Architecture, Normalisation, number};

/// Version of the form.
pub const FORMAT_VERSION: u32 = 1;

/// A source model's card, beside its weights as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Version of this form: 1.
    pub format_version: u32,
    /// Its role in the zoo, such as `l2_3`. The role names a place in the paper's experiment, not the
    /// radius, which is in `threat`.
    pub role: String,
    /// What makes it again.
    pub command: String,
    /// The seed.
    pub seed: u64,
    /// What it is built of.
    pub architecture: Architecture,
    /// What it does to pixels.
    pub normalisation: Normalisation,
    /// BLAKE3 of the weights.
    pub weights: String,
    /// SHA-256 of the source's training images and labels, as they were trained on.
    pub source_sha256: String,
    /// Source images it was trained on.
    pub source_images: u64,
    /// What these are made from, in words, where they are packed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_made_from: Option<String>,
    /// What it was trained against.
    pub threat: Threat,
    /// Accuracy on the source's test images, in percent.
    pub clean_accuracy: f64,
    /// Accuracy on the same images under each attack that the zoo is measured by, in percent.
    pub robust_accuracy: Vec<Robust>,
    /// Points of clean source accuracy that it has less than the natural model.
    pub cost: f64,
    /// How eps was chosen: every radius that was tried, the largest first, with what it cost. Empty
    /// where none was to be chosen.
    pub tried: Vec<Tried>,
    /// Every epoch.
    pub curve: Vec<Epoch>,
    /// Losses of the first steps of the same training on the source's first images alone, which ship
    /// with the project: what anyone can retrain and compare, without the whole source.
    #[serde(with = "number::list")]
    pub first_losses: Vec<f64>,
    /// libtorch's version, and the processor's vector instructions that it used.
    pub engine: String,
}

/// Accuracy under an attack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Robust {
    /// The attack, in words.
    pub attack: String,
    /// Test images that were attacked.
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
    /// Points less than the natural model.
    pub cost: f64,
}

/// One epoch of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// Epochs so far.
    pub epoch: u32,
    /// Mean training loss, of images as they were trained on, in nats.
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
