//! What a comparison with the published numbers says, in the form in which `compare --format json`
//! prints it: version 1. The schema that ships (`claims/schemas/comparison.schema.json`) is made from
//! these types.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{experiment::EvidenceKind, stats::Interval};

/// Version of this form.
pub const FORMAT_VERSION: u32 = 1;

/// Records of one evidence beside everything that was published without seeds.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// Version of this form: 1.
    pub format_version: u32,
    /// The evidence.
    pub evidence: EvidenceKind,
    /// What it is.
    pub title: String,
    /// The digest of its file, or of its records.
    pub sha256: String,
    /// Whether the records are of the experiment that was published: the same checkpoints, images and
    /// size of image. Only then are means compared; elsewhere they are shown.
    pub same_experiment: bool,
    /// What a reader must know of how the two belong together.
    pub note: String,
    /// What it all comes to.
    pub counts: Counts,
    /// Every published mean, beside ours where there is one.
    pub means: Vec<MeanCell>,
    /// Every published difference, beside ours where there is one.
    pub differences: Vec<DifferenceCell>,
    /// Fine-tunes of ours of which nothing was published.
    pub only_ours: Vec<OnlyOurs>,
}

/// How many cells of each kind there are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Published means.
    pub means: usize,
    /// Of them, those that are compared: they have an answer, and are not the very same runs.
    pub compared: usize,
    /// Of those compared, means in their prediction interval.
    pub compatible: usize,
    /// Of those compared, means outside it.
    pub incompatible: usize,
    /// Of the incompatible ones, those whose runs had the published schedule.
    pub incompatible_on_the_same_schedule: usize,
    /// How many of those compared chance alone puts outside, on average, if all are replications.
    pub expected_by_chance: f64,
    /// Means that are still incompatible after Holm over those compared.
    pub incompatible_after_holm: usize,
    /// Means that are the very runs that were published.
    pub same_runs: usize,
    /// Means that are shown and not compared, since the experiment is another.
    pub shown: usize,
    /// Means whose records do not allow an answer.
    pub open: usize,
    /// Means of which we have no record.
    pub only_published: usize,
    /// Fine-tunes of ours without a published mean.
    pub only_ours: usize,
    /// Published differences.
    pub differences: usize,
    /// Of them, those that both sides have of the very same runs: decided the same way by necessity, and
    /// not counted below.
    pub differences_of_the_same_runs: usize,
    /// Of them, those that both sides have of runs of their own.
    pub decisions: usize,
    /// Of those, the ones that both decide, the same way.
    pub same: usize,
    /// Of those, the ones that both leave open, as they must where each has a single seed.
    pub both_open: usize,
    /// Of those, the ones that one side decides and the other leaves open.
    pub half_open: usize,
    /// Of those, the ones that the sides decide in opposite directions.
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

/// A mean with what is known of its spread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Value {
    /// Mean over seeds, in accuracy points.
    pub mean: f64,
    /// Seeds; of a published value, those that the authors planned.
    pub seeds: usize,
    /// Standard deviation over seeds; of a published value, the one behind its bootstrap band. Null
    /// for a single seed, and where no band was published.
    pub spread: Option<f64>,
    /// The 95 % interval of the mean: ours by Student's t (narrower risk at each look of a sequential
    /// design), a published mean's as it was drawn, a published difference's by t from its spread.
    pub interval: Option<Ends>,
}

/// One published mean and ours.
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
    /// When the runs were read.
    pub at: String,
    /// What was published.
    pub published: Value,
    /// What we have; null where we have no record, or none that can be averaged.
    pub ours: Option<Value>,
    /// Where the published mean lies with 95 % if its seeds are further draws of ours.
    pub predicted: Option<Ends>,
    /// The same by both spreads (Welch); null where the published one is not known.
    pub with_both_spreads: Option<Ends>,
    /// The published mean's distance from ours, in its standard errors by our spread.
    pub t: Option<f64>,
    /// The chance of one as large, two-sided.
    pub p: Option<f64>,
    /// The same after Holm over the cells that are compared.
    pub p_adjusted: Option<f64>,
    /// The answer.
    pub agreement: Agreement,
    /// What a reader must know of this cell.
    pub remarks: Vec<Remark>,
}

/// Whether a published mean is one that our seeds could have given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// It lies in the prediction interval.
    Compatible,
    /// It lies outside.
    Incompatible,
    /// These are the published runs themselves: equal to the last digit, which proves the reading right
    /// and replicates nothing.
    SameRuns,
    /// The experiment is another: both means are shown, and nothing follows from their distance.
    Shown,
    /// Our records do not allow an answer; the remarks say why.
    Open,
    /// We have no record of this cell.
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
            Self::Shown => "shown",
            Self::Open => "open",
            Self::OnlyPublished => "only published",
        }
    }
}

/// One published difference and ours.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DifferenceCell {
    /// Figure of the paper.
    pub figure: String,
    /// What is subtracted from what.
    pub contrast: String,
    /// Target.
    pub target: String,
    /// Fine-tuned blocks; null where the difference is between blocks.
    pub blocks: Option<u32>,
    /// Training images.
    pub images: u32,
    /// When the runs were read.
    pub at: String,
    /// What was published.
    pub published: Decided,
    /// What we have; null where we lack a record.
    pub ours: Option<Decided>,
    /// Whether both decide the same; null where only one side has the difference.
    pub decision: Option<Sameness>,
    /// What a reader must know of this cell.
    pub remarks: Vec<Remark>,
}

/// A difference and what its interval decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decided {
    /// Mean, seeds and spread; its interval is the t interval that decides, on both sides.
    pub value: Value,
    /// Where that interval lies to zero.
    pub direction: Direction,
}

/// Where an interval lies to zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Above: the first does better.
    Better,
    /// Below: the first does worse.
    Worse,
    /// Zero is inside, or there is no interval.
    Open,
}

impl Direction {
    /// The direction in a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Open => "open",
        }
    }
}

/// How two decisions go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sameness {
    /// Both say better, or both say worse.
    Same,
    /// Both leave it open: nothing contradicts, and nothing was shown twice.
    BothOpen,
    /// One side decides and the other leaves it open: not the same, and no contradiction.
    HalfOpen,
    /// One says better, the other worse.
    Opposite,
}

impl Sameness {
    /// In a few words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::BothOpen => "both open",
            Self::HalfOpen => "half open",
            Self::Opposite => "opposite",
        }
    }

    pub(super) fn of(ours: Direction, published: Direction) -> Self {
        match (ours, published) {
            (Direction::Open, Direction::Open) => Self::BothOpen,
            (ours, published) if ours == published => Self::Same,
            (Direction::Open, _) | (_, Direction::Open) => Self::HalfOpen,
            _ => Self::Opposite,
        }
    }
}

/// Fine-tunes of ours of which nothing was published.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct OnlyOurs {
    /// Target.
    pub target: String,
    /// Source model.
    pub source: String,
    /// Fine-tuned blocks.
    pub blocks: u32,
    /// Training images.
    pub images: u32,
    /// Resolution, where images are not at their own size; and which series of seeds, where it is not
    /// the one that all claims share. Empty for most.
    pub besides: String,
    /// Seeds.
    pub seeds: usize,
}

/// What a reader must know of a cell.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Remark {
    /// These are the published runs themselves, so that the decision is the same by necessity.
    SameRuns,
    /// Our runs had another schedule than the published ones.
    OtherSchedule,
    /// Our runs differ in their recipe: no mean of them means anything.
    MixedRecipes,
    /// Runs that stopped before the moment that is read, left out.
    StoppedRuns,
    /// One seed of ours: no spread, so no interval.
    SingleSeed,
    /// Nothing was logged at the epoch that was published.
    NotLogged,
    /// No band was published, so the published spread is not known.
    NoBand,
    /// Seeds that only one side of our difference has, left out of the pairs.
    UnmatchedSeeds,
    /// Subsets over a quarter of their pool: seeds share images, so intervals are too narrow.
    SubsetOverPool,
    /// Seeds agreed so closely that their spread was floored at half the resolution of an accuracy.
    SpreadFloored,
    /// The interval from both spreads alone would say something else.
    SpreadsDisagree,
}

impl Remark {
    /// The remark's name as words.
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

    /// The remark in a sentence.
    #[must_use]
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::SameRuns => {
                "these are the published runs themselves, so the decision is the same by necessity"
            }
            Self::OtherSchedule => {
                "our runs had another schedule than the published ones, so a difference need not be chance"
            }
            Self::MixedRecipes => {
                "our runs differ in their recipe, so no mean of them means anything"
            }
            Self::StoppedRuns => "runs that stopped before the moment that is read are left out",
            Self::SingleSeed => "one seed of ours: no spread, so no interval",
            Self::NotLogged => "nothing was logged at the epoch that was published",
            Self::NoBand => "no band was published, so the published seeds' spread is not known",
            Self::UnmatchedSeeds => "seeds that only one side of our difference has are left out",
            Self::SubsetOverPool => {
                "subsets over a quarter of their pool: seeds share images, so intervals are too narrow"
            }
            Self::SpreadFloored => {
                "seeds agreed so closely that their spread was floored at half the resolution"
            }
            Self::SpreadsDisagree => {
                "by both spreads together (Welch) the answer would be the other one"
            }
        }
    }
}
