//! The key of a fine-tune: what its record is found by, beside its seed.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Factors, Resolution};

/// The key of a record, which with a seed identifies it: one cell of the experiment and one source
/// model.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Target data set, such as `cifar10`.
    pub target: Arc<str>,
    /// Source model, such as `natural` or `l2_3`.
    pub source: Arc<str>,
    /// Fine-tuned blocks: 0, 1, 3 or 9 in the paper (the head; and `layer4.2`; all of `layer4`; and
    /// `layer3`).
    pub blocks: u32,
    /// Training images in the subset.
    pub images: u32,
    /// Resolution of the images, before they are resized to the network's input.
    #[serde(default)]
    pub resolution: Resolution,
    /// The seed stream: 0 is the one that all claims share. Fine-tunes of different streams share
    /// no engine seed, even if their `Seed`s are equal.
    ///
    /// Record names are digests of this field under its old name, which records have too.
    #[serde(default, rename(serialize = "draw", deserialize = "seed_stream"), alias = "draw")]
    pub seed_stream: u32,
    /// Whether influence is measured at its end. That does not change the fine-tune, but a record
    /// without influence can't replace one that has it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub influence: bool,
    /// The zoo that it starts from, if an arm fixes it; else the seed's place decides
    /// (`World::zoo_of`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zoo: Option<u32>,
    /// The values of a study's own factors, in whose place the fields above are empty; empty for
    /// the fine-tunes of this paper.
    #[serde(default, skip_serializing_if = "no_factors")]
    pub factors: Arc<Factors>,
}

fn no_factors(factors: &Factors) -> bool {
    factors.is_empty()
}

impl Key {
    /// A key at native resolution, in the seed stream that all claims share, without influence.
    #[must_use]
    pub fn new(target: &str, source: &str, blocks: u32, images: u32) -> Self {
        Self {
            target: target.into(),
            source: source.into(),
            blocks,
            images,
            resolution: Resolution::Native,
            seed_stream: 0,
            influence: false,
            zoo: None,
            factors: Arc::default(),
        }
    }

    /// The key of a run in a study with factors of its own.
    #[must_use]
    pub fn of_study(factors: Factors) -> Self {
        Self { factors: Arc::new(factors), ..Self::new("", "", 0, 0) }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.factors.is_empty() {
            for (index, (name, value)) in self.factors.iter().enumerate() {
                write!(formatter, "{}{name} {value}", if index > 0 { ", " } else { "" })?;
            }
            return Ok(());
        }
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
        if self.seed_stream > 0 {
            write!(formatter, ", seed stream {}", self.seed_stream)?;
        }
        if let Some(zoo) = self.zoo {
            write!(formatter, ", zoo {zoo}")?;
        }
        if self.influence { formatter.write_str(", with influence") } else { Ok(()) }
    }
}
