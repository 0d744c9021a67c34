//! Distances between what a source model computes from its own images and from those of targets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Fréchet distances between a source model's penultimate features on the source's test images and
/// on those of each target: a JSON file that a world may have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureDistances {
    /// Version of this format: 1.
    pub format_version: u32,
    /// The command that computes it again.
    pub command: String,
    /// The world.
    pub world: String,
    /// The source model, of zoo 1.
    pub source: String,
    /// BLAKE3 of its weights, as its card has it.
    pub weights: String,
    /// Each target with its distance.
    pub targets: BTreeMap<String, TargetDistance>,
    /// The source's test images.
    pub source_images: ImagesSeen,
    /// The moments of the source's features: with them, a distance can be computed again without
    /// the source's images.
    pub source_features: FeatureMoments,
    /// libtorch's version, and the vector instructions of the processor that it used.
    pub engine: String,
}

/// A target's distance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetDistance {
    /// Its test images.
    pub images: ImagesSeen,
    /// The Fréchet distance, in squared units of the features.
    pub distance: f64,
}

/// Images that features were computed from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImagesSeen {
    /// How many.
    pub count: u32,
    /// SHA-256 of images and labels.
    pub sha256: String,
}

/// Moments of features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureMoments {
    /// Mean of each feature.
    pub mean: Vec<f64>,
    /// Covariance of features with divisor N - 1: its rows, each from the diagonal on.
    pub covariance: Vec<Vec<f64>>,
}
