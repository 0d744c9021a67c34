//! The protocol of a fine-tune: how it is done, whatever its source, target and size. The values
//! are in the worlds' files (`claims/worlds/*.toml`), each constant with its source.

use serde::{Deserialize, Serialize};

use super::{Augmentation, BatchNorm, Head, Normalisation, Precision};

/// Everything that decides a fine-tune beside its key and its seed. `repro sensitivity` and recipes
/// vary these fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// Rows and columns of the network's input; images are resized to it.
    pub side: u32,
    /// Images in one step; the last step of an epoch takes the rest.
    pub batch: u32,
    /// Epochs; the learning rate drops tenfold after every third of them.
    pub epochs: u32,
    /// Epochs after which the test set is evaluated, in increasing order; the last epoch is the
    /// last of them.
    pub evaluate: Vec<u32>,
    /// Initial learning rate.
    pub learning_rate: f64,
    /// Momentum.
    pub momentum: f64,
    /// Weight decay, on every trained tensor.
    pub weight_decay: f64,
    /// How the new head is initialised.
    pub head: Head,
    /// The mode of batch norms during training.
    pub batch_norm: BatchNorm,
    /// Random changes of a training image, drawn again in every epoch.
    pub augmentation: Augmentation,
    /// Normalisation of pixels, which is the source model's.
    pub normalisation: Normalisation,
    /// Precision of convolutions.
    pub precision: Precision,
}

/// An invalid field of a protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {found}: it must be {expected}")]
pub struct ProtocolError {
    field: &'static str,
    found: String,
    expected: &'static str,
}

impl Protocol {
    /// Checks the values of all fields.
    ///
    /// # Errors
    /// The first invalid field, with its valid values.
    pub fn check(&self) -> Result<(), ProtocolError> {
        fn fault<T: std::fmt::Debug>(
            field: &'static str,
            found: &T,
            expected: &'static str,
        ) -> Result<(), ProtocolError> {
            Err(ProtocolError { field, found: format!("{found:?}"), expected })
        }
        let is_increasing = self.evaluate.windows(2).all(|pair| pair[0] < pair[1]);
        let unit = |value: f64| (0.0..=1.0).contains(&value);
        let Augmentation { flip, jitter, degrees, padding } = self.augmentation;
        match self {
            Self { side: 0 | 1025.., .. } => fault("side", &self.side, "from 1 to 1024 pixels"),
            Self { batch: 0, .. } => fault("batch", &self.batch, "at least 1 image"),
            Self { epochs: 0, .. } => fault("epochs", &self.epochs, "at least 1"),
            _ if !is_increasing
                || self.evaluate.first() == Some(&0)
                || self.evaluate.last() != Some(&self.epochs) =>
            {
                fault(
                    "evaluate",
                    &self.evaluate,
                    "increasing epochs from 1 on that end with the last epoch",
                )
            }
            _ if !(self.learning_rate.is_finite() && self.learning_rate >= 0.0) => {
                fault("learning_rate", &self.learning_rate, "a number of at least 0")
            }
            _ if !unit(self.momentum) => fault("momentum", &self.momentum, "from 0 to 1"),
            _ if !unit(self.weight_decay) => {
                fault("weight_decay", &self.weight_decay, "from 0 to 1")
            }
            _ if !unit(flip) => fault("augmentation.flip", &flip, "a probability, from 0 to 1"),
            _ if !unit(jitter) => fault("augmentation.jitter", &jitter, "from 0 to 1"),
            _ if !(0.0..=180.0).contains(&degrees) => {
                fault("augmentation.degrees", &degrees, "from 0 to 180")
            }
            _ if padding > self.side => fault("augmentation.padding", &padding, "at most the side"),
            _ if !self.normalisation.mean.iter().all(|mean| mean.is_finite()) => {
                fault("normalisation.mean", &self.normalisation.mean, "finite numbers")
            }
            _ if !self.normalisation.std.iter().all(|std| std.is_finite() && *std > 0.0) => {
                fault("normalisation.std", &self.normalisation.std, "finite numbers above 0")
            }
            _ => Ok(()),
        }
    }

    /// The protocol without the fields that change only the trained part. It is the same for
    /// fine-tunes that can run side by side (`engine::fine_tune`), because their frozen blocks
    /// compute the same.
    #[must_use]
    pub fn of_family(&self) -> Self {
        let (learning_rate, momentum, weight_decay) = (0.0, 0.0, 0.0);
        let head = Head::StandardNormal;
        Self { learning_rate, momentum, weight_decay, head, ..self.clone() }
    }

    /// Whether the output of the frozen blocks is the same in every epoch, so that it can be
    /// computed once: batch norms with the source's statistics, and no augmentation.
    #[must_use]
    pub fn frozen_part_is_fixed(&self) -> bool {
        self.batch_norm == BatchNorm::Frozen && self.augmentation == Augmentation::NONE
    }
}
