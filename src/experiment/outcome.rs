//! What a fine-tune gave: accuracies, losses, one bit a test image, and influence where it was measured.

use serde::{Deserialize, Serialize};

use super::{MeasuredInfluence, bits, number};

/// One evaluation of a fine-tune on the whole test set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// Epochs trained so far, counted from 1.
    pub epoch: u32,
    /// Test accuracy in percent.
    pub test_accuracy: f64,
    /// Mean test cross-entropy in nats; not finite where the run diverged.
    #[serde(with = "crate::experiment::number")]
    pub test_loss: f64,
    /// Accuracy on the training images in percent.
    pub train_accuracy: f64,
    /// Mean training cross-entropy in nats; not finite where the run diverged.
    #[serde(with = "crate::experiment::number")]
    pub train_loss: f64,
    /// Wall-clock seconds since the run began.
    pub seconds: f64,
}

/// What a fine-tune gave. All but the seconds in `evaluations` is the same, bit for bit, for the same
/// recipe, seed, weights and data on one processor with one thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Accuracies and losses at each evaluated epoch.
    pub evaluations: Vec<Evaluation>,
    /// Mean loss of each of the first steps, in front of the step. The very first says whether
    /// weights, head and normalisation are the authors'.
    #[serde(with = "number::list")]
    pub first_losses: Vec<f64>,
    /// Test loss after the first step: how nearly the learning rate and the head blow the network up.
    #[serde(with = "number")]
    pub test_loss_after_first_step: f64,
    /// Whether each test image got its own class after the last epoch.
    #[serde(with = "bits")]
    pub correct: Vec<bool>,
    /// BLAKE3 of the fine-tuned weights.
    pub weights: String,
    /// Influence after the last epoch, by each inverse that the recipe names
    /// (`engine::fine_tune::measure_influence`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub influence: Vec<MeasuredInfluence>,
}
