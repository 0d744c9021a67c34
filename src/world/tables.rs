//! The tables of a world's file: plain data, read as they stand in `claims/worlds/*.toml`. What they
//! mean for a fine-tune is left to [`World`](super::World).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::experiment::{AdversarialTest, Architecture, Key, Resolution};

/// The classes of Fashion-MNIST that source models are trained on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceClasses {
    /// Classes, in the order of their new labels.
    pub classes: Vec<u32>,
}

/// Packed images of a world (`scripts/pack_lab.py`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packed {
    /// Their folder in the data folder: `TARGET.safetensors`, or a folder `TARGET` of IDX files.
    pub folder: String,
    /// The file in it with the images that source models are trained on.
    pub source: String,
}

/// The same part of two networks: the paper's ResNet-50 and the network of a world.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockMapping {
    /// The paper's number of fine-tuned blocks, which claims and records use.
    pub paper: u32,
    /// The number of residual blocks in this world's network.
    pub here: u32,
}

/// The fine-tunes after which adversarial accuracy is measured, and how: those of every listed
/// target, source model, size and number of blocks, at native resolution, in the seed stream that
/// all claims share, without influence. One record of such a fine-tune serves every claim.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adversarial {
    /// How it is measured.
    pub test: AdversarialTest,
    /// Targets.
    pub targets: Vec<String>,
    /// Source models.
    pub sources: Vec<String>,
    /// Numbers of training images.
    pub sizes: Vec<u32>,
    /// Numbers of fine-tuned blocks.
    pub blocks: Vec<u32>,
}

impl Adversarial {
    /// Whether it is measured after the fine-tune of this key.
    pub(super) fn is_of(&self, key: &Key) -> bool {
        let names = |list: &[String], name: &str| list.iter().any(|listed| listed == name);
        key.resolution == Resolution::Native
            && key.seed_stream == 0
            && !key.influence
            && names(&self.targets, &key.target)
            && names(&self.sources, &key.source)
            && self.sizes.contains(&key.images)
            && self.blocks.contains(&key.blocks)
    }
}

/// Checkpoints that were published, or that `repro pretrain` made.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zoo {
    /// The name of their folder in the folder of zoos.
    pub name: String,
    /// The network of all of them.
    pub architecture: Architecture,
    /// The file of each source model.
    pub files: BTreeMap<String, String>,
}

/// A target data set.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetInfo {
    /// Its name as people write it.
    pub title: String,
    /// Training images, from which subsets are drawn.
    pub train: u32,
    /// Test images.
    pub test: u32,
    /// The largest subset that claims use, if it is smaller than `train`: claims skip larger sizes
    /// of this target.
    #[serde(alias = "most")]
    pub max_images: Option<u32>,
}

/// The schedule of fine-tunes on at least some number of images.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The smallest number of images.
    pub images_from: u32,
    /// Epochs.
    pub epochs: u32,
    /// Epochs after which the test set is evaluated.
    pub evaluate: Vec<u32>,
}

/// How many seeds were planned for at most some number of images.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedSeeds {
    /// The largest number of images.
    pub images_up_to: u32,
    /// Seeds.
    pub count: usize,
}
