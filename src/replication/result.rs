//! The result of a comparison with the published numbers, in the form that `compare --format json`
//! prints: version 1. The JSON Schema `claims/schemas/comparison.schema.json` is generated from
//! these types. Fields `ours` hold the values of the evidence.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{experiment::EvidenceKind, stats::Interval};

/// Version of this format.
pub const FORMAT_VERSION: u32 = 1;

/// The records of one evidence compared with all values that were published without seeds.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// Version of this format: 1.
    pub format_version: u32,
    /// The evidence.
    pub evidence: EvidenceKind,
    /// Description of the evidence.
    pub title: String,
    /// SHA-256 of its file, or of its records.
    pub sha256: String,
    /// Whether the records are of the published experiment: the same checkpoints, images and image
    /// size. Means are compared only then.
    pub same_experiment: bool,
    /// How the experiment of the evidence relates to the published one.
    pub note: String,
    /// Counts of cells.
    pub counts: Counts,
    /// Every published mean, with the evidence's where there is one.
    pub means: Vec<MeanCell>,
    /// Every published difference, with the evidence's where there is one.
    pub differences: Vec<DifferenceCell>,
    /// Fine-tunes of the evidence without a published mean.
    pub only_ours: Vec<OnlyLocal>,
}

/// Counts of cells.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Published means.
    pub means: usize,
    /// Compared means: judged, and not from the same runs.
    pub compared: usize,
    /// Compared means in their prediction interval.
    pub compatible: usize,
    /// Compared means outside their prediction interval.
    pub incompatible: usize,
    /// Incompatible means whose runs have the published schedule.
    pub incompatible_on_the_same_schedule: usize,
    /// Expected number of compared means outside their interval if all replicate.
    pub expected_by_chance: f64,
    /// Means that remain incompatible after Holm over the compared ones.
    pub incompatible_after_holm: usize,
    /// Means of the published runs themselves.
    pub same_runs: usize,
    /// Means that are not compared because the experiment differs.
    pub shown: usize,
    /// Means whose records can't be judged.
    pub open: usize,
    /// Published means with missing records.
    pub only_published: usize,
    /// Fine-tunes of the evidence without a published mean.
    pub only_ours: usize,
    /// Published differences.
    pub differences: usize,
    /// Differences on both sides from the same runs: the decision is the same by necessity, and
    /// they are not counted below.
    pub differences_of_the_same_runs: usize,
    /// Differences on both sides from different runs.
    pub decisions: usize,
    /// Of `decisions`, those decided in the same direction on both sides.
    pub same: usize,
    /// Of `decisions`, those undecided on both sides, as with a single seed on each.
    pub both_open: usize,
    /// Of `decisions`, those decided on one side only.
    pub half_open: usize,
    /// Of `decisions`, those decided in opposite directions.
    pub opposite: usize,
}

/// The ends of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ends {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl From<Interval> for Ends {
    fn from(Interval { low, high }: Interval) -> Self {
        Self { low, high }
    }
}

/// A mean with its standard deviation and confidence interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Value {
    /// Mean over seeds, in accuracy points.
    pub mean: f64,
    /// Number of seeds; for a published value, as the authors planned.
    pub seeds: usize,
    /// Standard deviation over seeds; for a published value, computed from its bootstrap band. Null
    /// for a single seed, and where no band was published.
    pub spread: Option<f64>,
    /// The 95 % confidence interval of the mean: the evidence's by Student's t (differences in a
    /// sequential design at the level of one look), a published mean's as drawn, a published
    /// difference's by t from its standard deviation.
    pub interval: Option<Ends>,
}

/// One published mean and the evidence's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MeanCell {
    /// Figure of the paper, or `table` for the authors' table.
    pub figure: String,
    /// Target.
    pub target: String,
    /// Source model.
    pub source: String,
    /// Fine-tuned blocks.
    pub blocks: u32,
    /// Training images.
    pub images: u32,
    /// The evaluated epoch: last, best or numbered.
    pub at: String,
    /// The published mean.
    pub published: Value,
    /// The mean of the evidence; null where records are missing or can't be averaged.
    pub ours: Option<Value>,
    /// The 95 % prediction interval for the published mean, from the evidence's seeds.
    pub predicted: Option<Ends>,
    /// The 95 % interval for the published mean from both standard deviations (Welch); null where
    /// the published one is unknown.
    pub with_both_spreads: Option<Ends>,
    /// The difference of the two means over its standard error, from the evidence's seeds.
    pub t: Option<f64>,
    /// Two-sided p of `t`.
    pub p: Option<f64>,
    /// `p` adjusted over the compared cells by Holm.
    pub p_adjusted: Option<f64>,
    /// The answer.
    pub agreement: Agreement,
    /// Remarks on this cell.
    pub remarks: Vec<Remark>,
}

/// Whether a published mean is compatible with the evidence's seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// It lies in the prediction interval.
    Compatible,
    /// It lies outside the prediction interval.
    Incompatible,
    /// The records are the published runs themselves, equal to the last digit: this confirms the
    /// reading and is no replication.
    SameRuns,
    /// Not compared: the experiment differs.
    Shown,
    /// Not judged; the remarks give the reason.
    Open,
    /// Missing records.
    OnlyPublished,
}

impl Agreement {
    /// The answer in a few words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Compatible => "compatible",
            Self::Incompatible => "incompatible",
            Self::SameRuns => "same runs",
            Self::Shown => "not compared",
            Self::Open => "not judged",
            Self::OnlyPublished => "only published",
        }
    }
}

/// One published difference and the evidence's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DifferenceCell {
    /// Figure of the paper.
    pub figure: String,
    /// The difference in symbols, `a - b`.
    pub contrast: String,
    /// Target.
    pub target: String,
    /// Fine-tuned blocks; null where the difference is between blocks.
    pub blocks: Option<u32>,
    /// Training images.
    pub images: u32,
    /// The evaluated epoch: last, best or numbered.
    pub at: String,
    /// The published difference.
    pub published: Decided,
    /// The difference of the evidence; null where records are missing.
    pub ours: Option<Decided>,
    /// Whether both sides decide the same way; null where only one side has the difference.
    pub decision: Option<Sameness>,
    /// Remarks on this cell.
    pub remarks: Vec<Remark>,
}

/// A difference and the direction that its interval decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decided {
    /// Mean, seeds, standard deviation, and the t interval that decides.
    pub value: Value,
    /// The side of zero on which the interval lies.
    pub direction: Direction,
}

/// The side of zero on which an interval lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Above: the first arm is better.
    Better,
    /// Below: the first arm is worse.
    Worse,
    /// Undecided: the interval contains zero, or there is none.
    Open,
}

impl Direction {
    /// The direction in a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Open => "undecided",
        }
    }
}

/// Whether two decisions agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sameness {
    /// Both are better, or both are worse.
    Same,
    /// Both are undecided: no contradiction and no replication.
    BothOpen,
    /// Only one side is decided: not the same, and no contradiction.
    HalfOpen,
    /// One is better, the other worse.
    Opposite,
}

impl Sameness {
    /// In a few words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::BothOpen => "both undecided",
            Self::HalfOpen => "one undecided",
            Self::Opposite => "opposite",
        }
    }

    pub(super) fn between(ours: Direction, published: Direction) -> Self {
        match (ours, published) {
            (Direction::Open, Direction::Open) => Self::BothOpen,
            (ours, published) if ours == published => Self::Same,
            (Direction::Open, _) | (_, Direction::Open) => Self::HalfOpen,
            _ => Self::Opposite,
        }
    }
}

/// Fine-tunes of the evidence without a published mean.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct OnlyLocal {
    /// Target.
    pub target: String,
    /// Source model.
    pub source: String,
    /// Fine-tuned blocks.
    pub blocks: u32,
    /// Training images.
    pub images: u32,
    /// Further coordinates: a resolution other than the images' own, a seed stream other than the
    /// common one, influence. Usually empty.
    pub besides: String,
    /// Seeds.
    pub seeds: usize,
}

/// A remark on a cell.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Remark {
    /// The records are the published runs themselves: the decision is the same by necessity.
    SameRuns,
    /// The runs have another schedule than the published ones.
    OtherSchedule,
    /// The runs have different recipes: their mean is meaningless.
    MixedRecipes,
    /// Excluded runs that stopped before the evaluated epoch.
    StoppedRuns,
    /// One seed: no spread, so no confidence interval.
    SingleSeed,
    /// The published epoch was not logged.
    NotLogged,
    /// No band was published: the published standard deviation is unknown.
    NoBand,
    /// Excluded seeds that are missing from one arm of the difference.
    UnmatchedSeeds,
    /// Subsets above a quarter of their pool: seeds share images, so intervals are too narrow.
    SubsetOverPool,
    /// The standard deviation was raised to half the resolution of an accuracy.
    SpreadFloored,
    /// The interval from both standard deviations (Welch) gives the other answer.
    SpreadsDisagree,
}

impl Remark {
    /// The remark's name in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SameRuns => "same runs",
            Self::OtherSchedule => "other schedule",
            Self::MixedRecipes => "mixed recipes",
            Self::StoppedRuns => "stopped runs",
            Self::SingleSeed => "single seed",
            Self::NotLogged => "not logged",
            Self::NoBand => "no band",
            Self::UnmatchedSeeds => "unmatched seeds",
            Self::SubsetOverPool => "subset over pool",
            Self::SpreadFloored => "spread floored",
            Self::SpreadsDisagree => "spreads disagree",
        }
    }

    /// The remark explained.
    #[must_use]
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::SameRuns => {
                "the records are the published runs; the decision is the same by necessity"
            }
            Self::OtherSchedule => {
                "the runs have another schedule than the published ones; a difference need not be \
                 chance"
            }
            Self::MixedRecipes => "the runs have different recipes; their mean is meaningless",
            Self::StoppedRuns => "runs that stopped before the evaluated epoch are excluded",
            Self::SingleSeed => "one seed: no spread, so no confidence interval",
            Self::NotLogged => "the published epoch was not logged",
            Self::NoBand => "no band was published; the published spread is unknown",
            Self::UnmatchedSeeds => "seeds missing from one arm of the difference are excluded",
            Self::SubsetOverPool => {
                "subsets above a quarter of their pool: seeds share images, so intervals are too \
                 narrow"
            }
            Self::SpreadFloored => {
                "seeds agree so closely that the standard deviation was raised to half the \
                 resolution"
            }
            Self::SpreadsDisagree => {
                "the interval from both standard deviations (Welch) gives the other answer"
            }
        }
    }
}
