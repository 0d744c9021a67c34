//! The outcome of a fine-tune: accuracies, losses, one bit for each test image, and influence and
//! adversarial accuracy if they were measured.

use serde::{Deserialize, Serialize};

use super::{MeasuredAdversarial, MeasuredInfluence, bits, number};

/// One evaluation of a fine-tune on the whole test set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// Epochs trained so far, counted from 1.
    pub epoch: u32,
    /// Test accuracy in percent.
    pub test_accuracy: f64,
    /// Mean test cross-entropy in nats; not finite if the fine-tune diverged.
    #[serde(with = "crate::experiment::number")]
    pub test_loss: f64,
    /// Accuracy on the training images in percent.
    pub train_accuracy: f64,
    /// Mean training cross-entropy in nats; not finite if the fine-tune diverged.
    #[serde(with = "crate::experiment::number")]
    pub train_loss: f64,
    /// Wall-clock seconds since the beginning of the fine-tune.
    pub seconds: f64,
}

/// The outcome of a fine-tune. Everything except the seconds in `evaluations` is the same, bit for
/// bit, for the same recipe, seed, weights and data on one processor with one thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Accuracies and losses at each evaluated epoch.
    pub evaluations: Vec<Evaluation>,
    /// Mean loss of each of the first steps, before the step. The first of them shows whether
    /// weights, head and normalisation are those of the paper's authors.
    #[serde(with = "number::list")]
    pub first_losses: Vec<f64>,
    /// Test loss after the first step: whether the learning rate and the head nearly make the
    /// network diverge.
    #[serde(with = "number")]
    pub test_loss_after_first_step: f64,
    /// For each test image, whether it is classified correctly after the last epoch.
    #[serde(with = "bits")]
    pub correct: Vec<bool>,
    /// BLAKE3 of the fine-tuned weights.
    pub weights: String,
    /// Influence after the last epoch, by each inverse that the recipe names
    /// (`engine::fine_tune::measure_influence`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub influence: Vec<MeasuredInfluence>,
    /// Adversarial accuracy after the last epoch, if the recipe measures it
    /// (`engine::fine_tune::measure_adversarial`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adversarial: Option<MeasuredAdversarial>,
}
