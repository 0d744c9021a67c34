//! What a record holds of influence: counts by rank, and a few test images to look at.

use serde::{Deserialize, Serialize};

use super::{bits, number};

/// Ranks that are counted; fewer where there are fewer training images.
pub const RANKS: i64 = 100;

/// How the inverse of the Hessian is taken: on the eigenspace of its largest eigenvalues, damped there.
///
/// A direction is kept where its eigenvalue lies above `truncation` times the largest one, and then
/// counts with `1 / (eigenvalue + damping)`. The authors' `pinv2(H, rcond=5e-2)` is a truncation of
/// 0.05 and no damping. Gradients of training images lie in the Hessian's range, so without truncation
/// this is all of the damped inverse that they ever see.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inverse {
    /// Share of the largest eigenvalue below which directions are dropped, from 0 to below 1. With 0,
    /// what is dropped is what rounding can't tell from nothing.
    pub truncation: f64,
    /// Added to every eigenvalue that is kept, from 0 on; in the unit of the Hessian of the summed loss.
    #[serde(default)]
    pub damping: f64,
}

impl std::fmt::Display for Inverse {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "truncation {}", self.truncation)?;
        if self.damping > 0.0 { write!(formatter, ", damping {}", self.damping) } else { Ok(()) }
    }
}

/// A truncation or a damping that means nothing.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{field} is {found}: {expected}")]
pub struct InverseError {
    /// The field.
    pub field: &'static str,
    /// What it is.
    pub found: f64,
    /// What it could be.
    pub expected: &'static str,
}

impl Inverse {
    /// The authors' own.
    pub const AUTHORS: Self = Self { truncation: 0.05, damping: 0.0 };

    /// Finds what means nothing.
    ///
    /// # Errors
    /// If the truncation is not from 0 to below 1, or the damping is negative or not finite.
    pub fn check(&self) -> Result<(), InverseError> {
        let Self { truncation, damping } = *self;
        let fault = |field, found, expected| Err(InverseError { field, found, expected });
        if !(0.0..1.0).contains(&truncation) {
            return fault("truncation", truncation, "a share of the largest eigenvalue, below 1");
        }
        if !(damping.is_finite() && damping >= 0.0) {
            return fault("damping", damping, "a number from 0 on");
        }
        Ok(())
    }
}

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
