//! How a fine-tune is done: everything but what it is done to. The values are a world's
//! (`claims/worlds/*.toml`), each constant with its source.

use serde::{Deserialize, Serialize};

use super::{Augmentation, BatchNorm, Head, Normalisation, Precision};

/// Everything that decides a fine-tune beside the source, the target, the subset's size, the
/// resolution, the blocks and the seed. A critic would vary each of these fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// Rows and columns of the network's input; images are resized to it.
    pub side: u32,
    /// Images a step; the last step of an epoch takes what is left.
    pub batch: u32,
    /// Epochs; the learning rate drops tenfold after every third of them.
    pub epochs: u32,
    /// Epochs after which the test set is evaluated, rising; the last epoch always is one.
    pub evaluate: Vec<u32>,
    /// First learning rate.
    pub learning_rate: f64,
    /// Momentum.
    pub momentum: f64,
    /// Weight decay, on every trained tensor.
    pub weight_decay: f64,
    /// How the new head is drawn.
    pub head: Head,
    /// What batch norms do while training.
    pub batch_norm: BatchNorm,
    /// Changes that a training image gets anew in every epoch.
    pub augmentation: Augmentation,
    /// What the network does to pixels before all else: the source's.
    pub normalisation: Normalisation,
    /// What convolutions are computed in.
    pub precision: Precision,
}

/// A protocol that can't be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {found}: {expected}")]
pub struct ProtocolError {
    field: &'static str,
    found: String,
    expected: &'static str,
}

impl Protocol {
    /// Finds what can't be run.
    ///
    /// # Errors
    /// The first field that makes no sense, and what would.
    pub fn check(&self) -> Result<(), ProtocolError> {
        fn fault<T: std::fmt::Debug>(
            field: &'static str,
            found: &T,
            expected: &'static str,
        ) -> Result<(), ProtocolError> {
            Err(ProtocolError { field, found: format!("{found:?}"), expected })
        }
        let rising = self.evaluate.windows(2).all(|pair| pair[0] < pair[1]);
        let unit = |value: f64| (0.0..=1.0).contains(&value);
        let Augmentation { flip, jitter, degrees, padding } = self.augmentation;
        match self {
            Self { side: 0 | 1025.., .. } => fault("side", &self.side, "1 to 1024 pixels"),
            Self { batch: 0, .. } => fault("batch", &self.batch, "at least 1 image a step"),
            Self { epochs: 0, .. } => fault("epochs", &self.epochs, "at least 1"),
            _ if !rising
                || self.evaluate.first() == Some(&0)
                || self.evaluate.last() != Some(&self.epochs) =>
            {
                fault("evaluate", &self.evaluate, "rising epochs from 1 on that end with the last")
            }
            _ if !(self.learning_rate.is_finite() && self.learning_rate >= 0.0) => {
                fault("learning_rate", &self.learning_rate, "a number from 0 on")
            }
            _ if !unit(self.momentum) => fault("momentum", &self.momentum, "0 to 1"),
            _ if !unit(self.weight_decay) => fault("weight_decay", &self.weight_decay, "0 to 1"),
            _ if !unit(flip) => fault("augmentation.flip", &flip, "a probability"),
            _ if !unit(jitter) => fault("augmentation.jitter", &jitter, "0 to 1"),
            _ if !(0.0..=180.0).contains(&degrees) => {
                fault("augmentation.degrees", &degrees, "0 to 180")
            }
            _ if padding > self.side => fault("augmentation.padding", &padding, "at most the side"),
            _ if self.normalisation.std.iter().any(|std| std.is_nan() || *std <= 0.0) => {
                fault("normalisation.std", &self.normalisation.std, "above 0")
            }
            _ => Ok(()),
        }
    }

    /// All of it that what frozen blocks compute depends on, and when it is looked at: the same for
    /// fine-tunes that may run side by side (`engine::fine_tune`).
    #[must_use]
    pub fn of_family(&self) -> Self {
        let nothing = (0.0, 0.0, 0.0, Head::StandardNormal);
        let (learning_rate, momentum, weight_decay, head) = nothing;
        Self { learning_rate, momentum, weight_decay, head, ..self.clone() }
    }

    /// Whether what the frozen blocks compute is the same at every step, so that it can be computed
    /// once: batch norms with the source's statistics, and images that never change.
    #[must_use]
    pub fn frozen_part_is_fixed(&self) -> bool {
        self.batch_norm == BatchNorm::Frozen && self.augmentation == Augmentation::NONE
    }
}
