//! What a record holds of influence: counts by rank, and a few test images to look at.

use serde::{Deserialize, Serialize};

use super::{bits, number};
use crate::influence::Inverse;

/// Influence at the end of a fine-tune, by one inverse of the Hessian.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredInfluence {
    /// How the inverse was taken.
    pub inverse: Inverse,
    /// What came of it.
    pub found: Found,
}

/// Whether influence could be measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// It could.
    Counts(Counts),
    /// It could not, as where the network has diverged.
    Nothing {
        /// Why.
        reason: String,
    },
}

/// Test images that have the class of their most influential training images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Eigenpairs of the Hessian that were kept.
    pub kept: u32,
    /// The largest eigenvalue.
    #[serde(with = "number")]
    pub largest: f64,
    /// How many test images have the class of their most influential training image, of the second, and
    /// so on, for up to a hundred.
    pub matches: Vec<u32>,
    /// How many have the class of at least three of the five most influential ones.
    pub three_of_five: u32,
    /// Whether each test image has the class of its most influential one.
    #[serde(with = "bits")]
    pub first: Vec<bool>,
    /// Some test images to look at; for the first inverse of a record alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gallery: Vec<Exhibit>,
}

impl Counts {
    /// A number of test images in percent of all.
    #[must_use]
    pub fn percent(&self, count: u32) -> f64 {
        100.0 * f64::from(count) / self.first.len() as f64
    }
}

/// A test image and the training image that influences it most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exhibit {
    /// The test image, by its place in the test set.
    pub test: Pictured,
    /// The class that it is given.
    pub predicted: u32,
    /// The training image, by its place in the target's training images.
    pub train: Pictured,
    /// How much higher the test image's loss would be without it, to first order, in nats.
    pub influence: f64,
}

/// An image that can be looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pictured {
    /// Its place among the target's images, counted from 0.
    pub image: u32,
    /// Its class, counted from 0.
    pub label: u32,
    /// What the network saw, brought down to at most 32 pixels: a PNG file in base64.
    pub png: String,
}
