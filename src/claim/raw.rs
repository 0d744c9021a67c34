//! The format of `claims/*.toml`: a claim as its TOML file has it, and the source of its JSON
//! Schema. Unknown fields are errors here. [`check`](super::check) decides what the fields mean
//! together, and no later step sees these types.

use std::{collections::BTreeMap, sync::Arc};

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

pub use super::association::RawAssociation;
pub use super::of_study::{RawFactors, RawStudyMetric};
pub use super::one_or_many::{OneOrMany, ValueOrGroup};
use crate::{
    experiment::{Moment, Ranking, Resolution, Verdict},
    study::raw::RawValue,
};

/// A name with its place in the file, so that an error can point at it.
pub(crate) type Name = Spanned<String>;

/// One claim of the paper, as a spec that a program judges.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "A claim of repro", rename = "claim")]
pub struct RawClaim {
    /// Version of this format: 1.
    pub format: u32,
    /// The claim's name on the command line; the file is called `<id>.toml`.
    #[schemars(with = "String", regex(pattern = "^[a-z][a-z0-9_]*$"))]
    pub id: Name,
    /// The claim in a few words.
    pub title: String,
    /// The claim in one sentence, as a reader of the paper would put it.
    pub statement: String,
    /// Where the claim is in the paper and in the reproduction.
    #[serde(default)]
    pub paper: PaperRef,
    /// How many seeds, and which risk of error.
    #[serde(default)]
    pub design: RawDesign,
    /// The arms by name: the coordinates that each of them fixes.
    #[schemars(with = "BTreeMap<String, RawArm>")]
    pub arms: BTreeMap<Name, RawArm>,
    /// The primary hypothesis, which decides the claim; it is fixed before the data are seen.
    pub hypothesis: RawHypothesis,
    /// Secondary hypotheses (readings), stricter or looser: reported beside the primary hypothesis,
    /// never instead of it.
    #[serde(default, rename = "reading")]
    pub readings: Vec<RawSecondaryHypothesis>,
    /// Whether an effect follows a measured similarity of targets: reported beside the verdict,
    /// which it never changes.
    #[serde(default, rename = "association")]
    pub associations: Vec<RawAssociation>,
    /// Figures that the report draws for this claim, beside the forest plot of its cells.
    #[serde(default, rename = "plot")]
    pub plots: Vec<RawPlot>,
    /// What to know before you believe a verdict on any evidence, one sentence each.
    #[serde(default)]
    pub caveats: Vec<String>,
    /// The expected verdict of each evidence, by the evidence's name (such as `published`).
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, RawExpected>")]
    pub expected: BTreeMap<Name, RawExpected>,
}

/// Where a claim is made.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PaperRef {
    /// Figures of the paper.
    pub figures: Vec<String>,
    /// Tables of the paper.
    pub tables: Vec<String>,
    /// Sections of the paper.
    pub sections: Vec<String>,
    /// Figures of the independent reproduction's report.
    pub reproduction: Vec<String>,
    /// What these lists cannot say, such as that a reading is not the paper's.
    pub note: String,
}

/// The seeds that a claim may use, and its risk of error.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawDesign {
    /// Numbers of seeds at which our own fine-tunes may be judged; published logs have one look.
    #[schemars(with = "Vec<usize>")]
    pub looks: Spanned<Vec<usize>>,
    /// Secondary hypotheses (readings) are judged at the looks with at most this many seeds.
    #[schemars(with = "usize")]
    pub reading_seeds: Spanned<usize>,
    /// One-sided risk of a wrong "supported"; 0.025 belongs to 95 % intervals.
    #[schemars(with = "f64", range(min = 0.0, max = 0.5))]
    pub alpha: Spanned<f64>,
    /// Prior scale g of the e-value, for any number of seeds; with 1 it can't decide before 6
    /// seeds.
    #[schemars(with = "f64")]
    pub e_value_g: Spanned<f64>,
}

impl Default for RawDesign {
    fn default() -> Self {
        let no_place = 0..0;
        Self {
            looks: Spanned::new(no_place.clone(), vec![3, 5, 10]),
            reading_seeds: Spanned::new(no_place.clone(), 5),
            alpha: Spanned::new(no_place.clone(), 0.025),
            e_value_g: Spanned::new(no_place, 1.0),
        }
    }
}

/// An arm: the coordinates of records that it fixes, and the evaluation at which it is read. A list
/// in an arm means the average over its values within a seed.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawArm {
    /// Source models.
    #[schemars(with = "Option<OneOrMany<String>>")]
    pub source: Option<Spanned<OneOrMany<String>>>,
    /// Targets, or groups of targets that the world names (`similar`, `dissimilar`).
    #[schemars(with = "Option<OneOrMany<String>>")]
    pub target: Option<Spanned<OneOrMany<String>>>,
    /// Numbers of fine-tuned blocks.
    pub blocks: Option<OneOrMany<u32>>,
    /// Numbers of training images, or lists of sizes that the world names (`few`, `many`).
    #[schemars(with = "Option<OneOrMany<ValueOrGroup<u32>>>")]
    pub images: Option<Spanned<OneOrMany<ValueOrGroup<u32>>>>,
    /// Resolutions that images are downscaled to, or lists that the world names (`low`); native by
    /// default.
    #[schemars(with = "Option<OneOrMany<ValueOrGroup<Resolution>>>")]
    pub resolution: Option<Spanned<OneOrMany<ValueOrGroup<Resolution>>>>,
    /// Which of a repetition's two disjoint seed streams, 1 or 2; by default the seeds that all
    /// claims share.
    pub seed_stream: Option<u32>,
    /// The zoo whose source models this arm starts from, by its number, from 1; by default the zoo
    /// of the seed.
    #[schemars(range(min = 1))]
    pub zoo: Option<u32>,
    /// The evaluation at which this arm is read, instead of the metric's own.
    pub at: Option<Moment>,
    /// Values of a study's own factors, where the folder has a `log.toml`: they are written as
    /// `dataset = "adult"`, without this table.
    #[schemars(with = "BTreeMap<String, OneOrMany<RawValue>>")]
    pub factors: RawFactors,
}

/// A list of cells: every combination of its coordinates.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawCells {
    /// Targets, or groups of targets that the world names.
    #[schemars(with = "Option<OneOrMany<String>>")]
    pub target: Option<Spanned<OneOrMany<String>>>,
    /// Numbers of training images, or lists of sizes that the world names.
    #[schemars(with = "Option<OneOrMany<ValueOrGroup<u32>>>")]
    pub images: Option<Spanned<OneOrMany<ValueOrGroup<u32>>>>,
    /// Numbers of fine-tuned blocks.
    pub blocks: Option<OneOrMany<u32>>,
    /// Resolutions, or lists that the world names; native by default.
    #[schemars(with = "Option<OneOrMany<ValueOrGroup<Resolution>>>")]
    pub resolution: Option<Spanned<OneOrMany<ValueOrGroup<Resolution>>>>,
    /// How many times the comparison is repeated, with seeds that no other repetition has; each
    /// repetition is a cell. Every arm then sets `seed_stream`.
    #[schemars(range(min = 1, max = 1000))]
    pub repetitions: Option<u32>,
    /// Values of a study's own factors, where the folder has a `log.toml`: they are written as
    /// `dataset = ["adult", "helena"]` or `dataset = "every"`, without this table.
    #[schemars(with = "BTreeMap<String, OneOrMany<RawValue>>")]
    pub factors: RawFactors,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawMetric {
    /// Test accuracy, in percentage points.
    Accuracy(Moment),
    /// Log-odds of the test accuracy a, ln(a / (1 - a)); 0 and 100 % are moved by half a test
    /// image.
    LogOdds(Moment),
    /// Minus the logarithm of the test error, -ln(1 - a); 100 % is moved by half a test image.
    LogError(Moment),
    /// Test cross-entropy, in nats.
    Loss(Moment),
    /// Epochs until a test accuracy is first reached, known to within the logged epochs.
    EpochsTo(Threshold),
    /// Mean shortfall of the test accuracy below the run's own end, over the logged part of the
    /// schedule (trapezoids), in points.
    AreaBelowOwnEnd,
    /// Share of test images that have the class of their most influential training images, in
    /// points.
    InfluenceMatch(RawInfluenceMatch),
    /// Test accuracy under the attack by which the world measures it, in percentage points.
    AdversarialAccuracy(LastEpoch),
    /// A metric of a study, where the folder has a `log.toml`: it is written as `metric = "f1"` or
    /// `metric = { f1 = "best" }`, without this table.
    Study(RawStudyMetric),
}

/// The only evaluation of a quantity that is measured once, after the last epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LastEpoch {
    /// The last epoch.
    Last,
}

/// A share of test images, and how influence is measured.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawInfluenceMatch {
    /// Which share.
    pub share: RawShare,
    /// Share of the Hessian's largest eigenvalue below which directions are dropped: one of those
    /// that the world measures, by default its first.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub truncation: Option<f64>,
    /// What is added to eigenvalues; 0 by default.
    #[schemars(range(min = 0.0))]
    pub damping: Option<f64>,
    /// How training images are ranked: by influence on the loss of the test image's own class by
    /// default. The other rankings are measured with the world's first inverse alone.
    #[serde(default)]
    pub by: Ranking,
}

/// Test images that are counted, by the classes of their most influential training images.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawShare {
    /// Those with the class of their most influential training image.
    #[serde(rename = "top_1")]
    Top1,
    /// Those with the class of at least three of their five most influential training images.
    ThreeOfFive,
    /// Those with the class of their training image of this rank by influence, from 1 to 100.
    Rank(u32),
}

/// The accuracy that is to be reached.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// A test accuracy in percent.
    Accuracy(f64),
    /// The final test accuracy of this source model in the same cell with the same seed.
    FinalAccuracyOf(String),
    /// This share of the run's own final test accuracy.
    ShareOfOwnEnd(f64),
}

/// How the contrast must compare with the margin, which is in the metric's unit.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawRelation {
    /// The contrast lies above the margin.
    GreaterThan(f64),
    /// The contrast lies above minus the margin.
    NotWorseThan(f64),
    /// The contrast lies between minus the margin and the margin.
    EquivalentWithin(f64),
}

/// How many of the judged cells must hold.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawHolds {
    /// Every cell.
    Every,
    /// At least this many cells.
    AtLeast(usize),
    /// At least this share of the cells; the number is rounded up.
    AtLeastShare(f64),
    /// More cells than chance alone would support if the hypothesis held in none.
    MoreThanChance,
}

/// What varies in the interval that decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// Seeds, on this test set.
    #[default]
    Seeds,
    /// Seeds and test images.
    SeedsAndImages,
}

/// A coordinate over which contrast values are averaged within a seed before they are judged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// Over targets.
    Target,
    /// Over numbers of images.
    Images,
    /// Over numbers of fine-tuned blocks.
    Blocks,
    /// Over resolutions.
    Resolution,
    /// Over a study's own factor, by its name.
    #[serde(untagged)]
    Factor(Arc<str>),
}

/// A linear contrast of arms.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawContrast {
    /// The weight of each arm; the weights sum to zero.
    #[schemars(with = "BTreeMap<String, f64>")]
    pub terms: BTreeMap<Name, f64>,
    /// The cells of this contrast, if they are not those of the hypothesis.
    pub cells: Option<RawCells>,
}

/// The primary hypothesis.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawHypothesis {
    /// The hypothesis in one sentence.
    pub statement: String,
    /// The contrasts; the cells of all of them are judged together.
    #[schemars(with = "Vec<RawContrast>")]
    pub contrasts: Vec<Spanned<RawContrast>>,
    /// The cells.
    pub cells: RawCells,
    /// What is measured.
    #[schemars(with = "RawMetric")]
    pub metric: Spanned<RawMetric>,
    /// How the contrast must compare with a margin.
    #[schemars(with = "RawRelation")]
    pub relation: Spanned<RawRelation>,
    /// Coordinates averaged over within a seed.
    #[serde(default)]
    pub average_over: Vec<Axis>,
    /// How many cells must hold, or how many averages if cells are averaged.
    #[schemars(with = "RawHolds")]
    pub holds: Spanned<RawHolds>,
    /// What varies in the interval that decides: `seeds`, or `seeds_and_images`.
    #[serde(default)]
    pub over: Over,
    /// With `more_than_chance`: cells may share fine-tunes, so that their count is a description
    /// and its test is not exact. Readings take it over.
    #[serde(default)]
    pub shared_runs: bool,
}

/// A secondary hypothesis (reading): the primary hypothesis, or an earlier reading, with some of
/// its parts replaced.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSecondaryHypothesis {
    /// The reading's name within the claim.
    #[schemars(with = "String")]
    pub id: Name,
    /// An earlier reading whose parts are replaced, instead of the primary hypothesis's.
    #[schemars(with = "Option<String>")]
    pub of: Option<Name>,
    /// The hypothesis in one sentence.
    pub statement: String,
    /// Contrasts that replace the primary ones.
    #[schemars(with = "Option<Vec<RawContrast>>")]
    pub contrasts: Option<Vec<Spanned<RawContrast>>>,
    /// Cells that replace the primary ones.
    pub cells: Option<RawCells>,
    /// A metric that replaces the primary one.
    #[schemars(with = "Option<RawMetric>")]
    pub metric: Option<Spanned<RawMetric>>,
    /// A relation that replaces the primary one.
    #[schemars(with = "Option<RawRelation>")]
    pub relation: Option<Spanned<RawRelation>>,
    /// Averages that replace the primary ones.
    pub average_over: Option<Vec<Axis>>,
    /// A quantifier that replaces the primary one.
    #[schemars(with = "Option<RawHolds>")]
    pub holds: Option<Spanned<RawHolds>>,
    /// What varies in the interval that decides, in place of the primary one's.
    pub over: Option<Over>,
    /// Set if the numbers are reported and not judged.
    pub descriptive: Option<Descriptive>,
}

/// Why a reading is descriptive (reported, not judged), and where its numbers come from.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Descriptive {
    /// Why it can't be judged.
    pub reason: String,
    /// The paper's figure whose published means are reported; by default the records' means.
    pub means_of_figure: Option<String>,
}

/// A figure: curves of arms against one coordinate, one panel for each target.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawPlot {
    /// The figure's name within the claim.
    #[schemars(with = "String")]
    pub id: Name,
    /// What the figure shows, in a few words.
    pub title: String,
    /// The horizontal axis; of a study's log its progress, or one of its factors, by name.
    #[schemars(with = "PlotAxis")]
    pub x: Spanned<PlotAxis>,
    /// Arms that are drawn as curves, in this order.
    #[schemars(with = "Vec<String>")]
    pub lines: Vec<Name>,
    /// Cells that the curves pass through.
    pub cells: RawCells,
    /// The metric of a study's log; that of the hypothesis by default.
    #[schemars(with = "Option<RawMetric>")]
    pub metric: Option<Spanned<RawMetric>>,
    /// Whether the first curve minus the second is drawn below, paired within seeds.
    #[serde(default)]
    pub difference: bool,
}

/// The horizontal axis of a figure.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlotAxis {
    /// Number of training images, logarithmic.
    Images,
    /// Epochs trained.
    Epoch,
    /// Numbers of fine-tuned blocks.
    Blocks,
    /// Resolution in pixels.
    Resolution,
    /// Rank of training images by influence. The curves then show the share of test images with
    /// their class, instead of accuracy.
    Rank,
    /// The progress of a study's log, or one of its factors, by name.
    #[serde(untagged)]
    Own(Arc<str>),
}

/// A verdict that its author expects and can explain.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawExpected {
    /// The verdict.
    pub verdict: Verdict,
    /// A second verdict that is accepted when the verdict is borderline, as it may be on another
    /// processor.
    pub or: Option<Verdict>,
    /// Why this verdict is expected.
    pub reason: String,
    /// What to know before you believe this evidence, one sentence each.
    #[serde(default)]
    pub caveats: Vec<String>,
}
