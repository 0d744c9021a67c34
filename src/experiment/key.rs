//! What a fine-tune is found by, beside its seed.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::Resolution;

/// What a record is found by, beside its seed: one cell of the experiment and one source model.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Target data set, such as `cifar10`.
    pub target: Arc<str>,
    /// Source model, such as `natural` or `l2_3`.
    pub source: Arc<str>,
    /// Fine-tuned blocks: 0, 1, 3 or 9 (the head alone, plus layer4.2, all of layer4, layer3 too).
    pub blocks: u32,
    /// Training images in the subset.
    pub images: u32,
    /// Resolution of the images, before they are brought to the network's input size.
    #[serde(default)]
    pub resolution: Resolution,
    /// Which series of seeds: 0 is the one that all claims share. Runs of different series share no
    /// seed, whatever number they are joined by.
    #[serde(default)]
    pub draw: u32,
    /// Whether influence is measured at its end. That changes nothing about a fine-tune, but one whose
    /// record says nothing of influence is not one that can be asked for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub influence: bool,
}

impl Key {
    /// Images at their own resolution, in the series that all claims share, without influence.
    #[must_use]
    pub fn new(target: &str, source: &str, blocks: u32, images: u32) -> Self {
        Self {
            target: target.into(),
            source: source.into(),
            blocks,
            images,
            resolution: Resolution::Native,
            draw: 0,
            influence: false,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} from {}, {} images, {} block{}",
            self.target,
            self.source,
            self.images,
            self.blocks,
            if self.blocks == 1 { "" } else { "s" }
        )?;
        if let Resolution::Pixels(pixels) = self.resolution {
            write!(formatter, ", {pixels} pixels")?;
        }
        if self.draw > 0 {
            write!(formatter, ", draw {}", self.draw)?;
        }
        if self.influence { formatter.write_str(", with influence") } else { Ok(()) }
    }
}
