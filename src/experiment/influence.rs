//! Influence in a record: counts by rank, and a few example images.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{bits, number};

/// The number of ranks that are counted; fewer if there are fewer training images.
pub const RANKS: i64 = 100;

/// The inverse of the Hessian, on the eigenspace of its largest eigenvalues, with damping.
///
/// A direction is kept if its eigenvalue is above `truncation` times the largest one; its weight is
/// then `1 / (eigenvalue + damping)`. The authors' `pinv2(H, rcond=5e-2)` is a truncation of 0.05
/// and no damping. Gradients of training images are in the range of the Hessian, so without
/// truncation this is the whole damped inverse for them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inverse {
    /// Share of the largest eigenvalue below which directions are dropped, at least 0 and below 1.
    /// With 0, only directions within the rounding error of zero are dropped.
    pub truncation: f64,
    /// Added to every kept eigenvalue, at least 0, in the unit of the Hessian of the summed loss.
    #[serde(default)]
    pub damping: f64,
}

impl std::fmt::Display for Inverse {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "truncation {}", self.truncation)?;
        if self.damping > 0.0 { write!(formatter, ", damping {}", self.damping) } else { Ok(()) }
    }
}

/// An invalid truncation or damping.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{field} is {found}: it must be {expected}")]
pub struct InverseError {
    /// The field.
    pub field: &'static str,
    /// Its value.
    pub found: f64,
    /// The valid values.
    pub expected: &'static str,
}

impl Inverse {
    /// The inverse of the paper's authors.
    pub const AUTHORS: Self = Self { truncation: 0.05, damping: 0.0 };

    /// Checks its values.
    ///
    /// # Errors
    /// If the truncation is not in 0 to below 1, or the damping is negative or not finite.
    pub fn check(&self) -> Result<(), InverseError> {
        let Self { truncation, damping } = *self;
        let fault = |field, found, expected| Err(InverseError { field, found, expected });
        if !(0.0..1.0).contains(&truncation) {
            return fault(
                "truncation",
                truncation,
                "a share of the largest eigenvalue, at least 0 and below 1",
            );
        }
        if !(damping.is_finite() && damping >= 0.0) {
            return fault("damping", damping, "a number of at least 0");
        }
        Ok(())
    }
}

/// Influence at the end of a fine-tune, by one inverse of the Hessian.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredInfluence {
    /// The inverse.
    pub inverse: Inverse,
    /// The result.
    pub found: Found,
}

/// The result of a measurement of influence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// Influence was measured.
    Counts(Counts),
    /// Influence could not be measured, for example because the network diverged.
    Nothing {
        /// Why.
        reason: String,
    },
}

/// How many test images have the class of their most influential training images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// The number of eigenpairs of the Hessian that were kept.
    pub kept: u32,
    /// The largest eigenvalue.
    #[serde(with = "number")]
    pub largest: f64,
    /// For each rank up to [`RANKS`]: how many test images have the class of their training image
    /// of that rank by influence.
    pub matches: Vec<u32>,
    /// How many have the class of at least three of their five most influential training images.
    pub three_of_five: u32,
    /// For each test image, whether it has the class of its most influential training image.
    #[serde(with = "bits")]
    pub first: Vec<bool>,
    /// What chance gives; absent from records that are older than it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chance: Option<Chance>,
    /// The same by other rankings; only for the first inverse of a record, and absent from records
    /// that are older than it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_rankings: Option<Box<OtherRankings>>,
    /// Example test images; only for the first inverse of a record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gallery: Vec<InfluentialExample>,
}

/// How many test images have the class of their most influential training image, by chance: the
/// labels of the training images are shuffled, and their ranking stays. Exact, over all orders.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chance {
    /// The mean, in percent of test images.
    pub mean: f64,
    /// The standard deviation, in points.
    pub standard_deviation: f64,
}

/// Counts by rankings other than influence on the loss of the test image's own class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherRankings {
    /// By influence on the loss of the class that the network predicts; matches are with that
    /// class.
    pub influence_on_predicted: RankedCounts,
    /// By the cosine between features, without gradients; matches are with the test image's own
    /// class.
    pub features: RankedCounts,
}

/// Counts by one ranking of training images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RankedCounts {
    /// As [`Counts::matches`].
    pub matches: Vec<u32>,
    /// As [`Counts::three_of_five`].
    pub three_of_five: u32,
    /// As [`Counts::first`].
    #[serde(with = "bits")]
    pub first: Vec<bool>,
    /// What chance gives; `None` for a single training image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chance: Option<Chance>,
}

/// How the training images of a test image are ranked, and which class counts as a match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ranking {
    /// By influence on the loss of the test image's own class, which is the class that counts.
    #[default]
    Influence,
    /// By influence on the loss of the class that the network predicts, which is the class that
    /// counts.
    InfluenceOnPredicted,
    /// By the cosine between penultimate features, without gradients; the test image's own class
    /// counts.
    Features,
}

impl Counts {
    /// The counts by a ranking: by rank, of three of five, and the bits of the first rank. `None`
    /// if they were not measured.
    #[must_use]
    pub fn by(&self, ranking: Ranking) -> Option<(&[u32], u32, &[bool])> {
        let other = match ranking {
            Ranking::Influence => return Some((&self.matches, self.three_of_five, &self.first)),
            Ranking::InfluenceOnPredicted => &self.other_rankings.as_ref()?.influence_on_predicted,
            Ranking::Features => &self.other_rankings.as_ref()?.features,
        };
        Some((&other.matches, other.three_of_five, &other.first))
    }

    /// A number of test images as a percentage of all test images.
    #[must_use]
    pub fn percent(&self, count: u32) -> f64 {
        100.0 * f64::from(count) / self.first.len() as f64
    }
}

/// A test image and the training image that influences it most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InfluentialExample {
    /// The test image, by its index in the test set.
    pub test: Pictured,
    /// The class that the network predicts.
    pub predicted: u32,
    /// The training image, by its index among the target's training images.
    pub train: Pictured,
    /// How much higher the test image's loss would be without the training image, to first order,
    /// in nats.
    pub influence: f64,
}

/// An image in a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pictured {
    /// Its index among the target's images, counted from 0.
    pub image: u32,
    /// Its class, counted from 0.
    pub label: u32,
    /// The network's input, downscaled to at most 32 pixels: a PNG file in base64.
    pub png: String,
}
