//! A claim as its TOML file has it: the grammar of `claims/*.toml`, and the source of its JSON
//! Schema. Unknown fields are refused here; what the fields mean together is left to
//! [`check`](super::check), and nothing after that sees these types.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

pub use super::one_or_many::{Named, OneOrMany};
use crate::experiment::{Moment, Resolution, Verdict};

/// A name whose place in the file is kept, so that a wrong one can be pointed at.
pub(crate) type Name = Spanned<String>;

/// One claim of the paper, as a spec that can be run.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "A claim of repro", rename = "claim")]
pub struct RawClaim {
    /// Version of this grammar: 1.
    pub format: u32,
    /// The claim's name on the command line; the file is called `<id>.toml`.
    #[schemars(with = "String", regex(pattern = "^[a-z][a-z0-9_]*$"))]
    pub id: Name,
    /// The claim in a few words.
    pub title: String,
    /// The claim in one sentence, as a reader of the paper would put it.
    pub sentence: String,
    /// Where in the paper and in the reproduction it stands.
    pub paper: Stands,
    /// How many seeds and what risk of error.
    #[serde(default)]
    pub design: RawDesign,
    /// The arms, by name: what each fixes of a cell.
    #[schemars(with = "BTreeMap<String, RawArm>")]
    pub arms: BTreeMap<Name, RawArm>,
    /// The primary hypothesis, fixed before looking.
    pub hypothesis: RawHypothesis,
    /// Further readings, stricter or looser, shown beside the primary one and never in its place.
    #[serde(default, rename = "reading")]
    pub readings: Vec<RawReading>,
    /// What the report draws for this claim beside the forest plot of its cells.
    #[serde(default, rename = "plot")]
    pub plots: Vec<RawPlot>,
    /// What must be known before believing a verdict on any evidence, a sentence each.
    #[serde(default)]
    pub caveats: Vec<String>,
    /// The verdict that each evidence is expected to give, by its name (such as `published`).
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, RawExpected>")]
    pub expected: BTreeMap<Name, RawExpected>,
}

/// Where a claim stands.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Stands {
    /// Figures of the paper.
    pub figures: Vec<String>,
    /// Tables of the paper.
    pub tables: Vec<String>,
    /// Sections of the paper.
    pub sections: Vec<String>,
    /// Figures of the independent reproduction's report.
    pub reproduction: Vec<String>,
    /// What those cannot say, such as that a reading is ours.
    pub note: String,
}

/// The seeds a claim may spend, and its risks.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawDesign {
    /// Numbers of seeds at which our own runs may be judged; published logs have one look.
    #[schemars(with = "Vec<usize>")]
    pub looks: Spanned<Vec<usize>>,
    /// Readings are judged at the looks of up to this many seeds.
    #[schemars(with = "usize")]
    pub reading_seeds: Spanned<usize>,
    /// One-sided risk of a wrong "supported"; 0.025 goes with 95 % intervals.
    #[schemars(with = "f64", range(min = 0.0, max = 0.5))]
    pub alpha: Spanned<f64>,
    /// Prior scale g of the e-value, for open-ended seeds; with 1 it can't decide before 6 seeds.
    #[schemars(with = "f64")]
    pub e_value_g: Spanned<f64>,
}

impl Default for RawDesign {
    fn default() -> Self {
        let nowhere = 0..0;
        Self {
            looks: Spanned::new(nowhere.clone(), vec![3, 5, 10]),
            reading_seeds: Spanned::new(nowhere.clone(), 5),
            alpha: Spanned::new(nowhere.clone(), 0.025),
            e_value_g: Spanned::new(nowhere, 1.0),
        }
    }
}

/// What an arm or a list of cells fixes: the coordinates of records, and for an arm the moment of
/// the run at which it is read. A list means every one of them: separate cells in `cells`, an
/// average within a seed in an arm.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawArm {
    /// Source models.
    #[schemars(with = "Option<OneOrMany<String>>")]
    pub source: Option<Spanned<OneOrMany<String>>>,
    /// Targets, or groups of targets that the world names (`similar`, `dissimilar`).
    #[schemars(with = "Option<OneOrMany<String>>")]
    pub target: Option<Spanned<OneOrMany<String>>>,
    /// Fine-tuned blocks.
    pub blocks: Option<OneOrMany<u32>>,
    /// Training images, or lists of sizes that the world names (`few`, `many`).
    #[schemars(with = "Option<OneOrMany<Named<u32>>>")]
    pub images: Option<Spanned<OneOrMany<Named<u32>>>>,
    /// Resolution that images are brought down to, or lists that the world names (`low`); native
    /// where nobody says.
    #[schemars(with = "Option<OneOrMany<Named<Resolution>>>")]
    pub resolution: Option<Spanned<OneOrMany<Named<Resolution>>>>,
    /// Which of the two disjoint series of seeds of a repetition, 1 or 2; the seeds that all claims
    /// share where nobody says.
    pub draw: Option<u32>,
    /// The evaluation at which this arm is read, in place of the metric's own.
    pub at: Option<Moment>,
}

/// A list of cells: every combination of its coordinates.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawCells {
    /// Targets, or groups of targets that the world names.
    #[schemars(with = "Option<OneOrMany<String>>")]
    pub target: Option<Spanned<OneOrMany<String>>>,
    /// Training images, or lists of sizes that the world names.
    #[schemars(with = "Option<OneOrMany<Named<u32>>>")]
    pub images: Option<Spanned<OneOrMany<Named<u32>>>>,
    /// Fine-tuned blocks.
    pub blocks: Option<OneOrMany<u32>>,
    /// Resolutions, or lists that the world names; native where nobody says.
    #[schemars(with = "Option<OneOrMany<Named<Resolution>>>")]
    pub resolution: Option<Spanned<OneOrMany<Named<Resolution>>>>,
    /// How many times the comparison is repeated with seeds that no other repetition has, a cell
    /// each; its arms then say which of a repetition's two series they draw.
    #[schemars(range(min = 1, max = 1000))]
    pub repetitions: Option<u32>,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawMetric {
    /// Test accuracy, in percentage points.
    Accuracy(Moment),
    /// Test cross-entropy, in nats.
    Loss(Moment),
    /// Epochs until a test accuracy is first reached, known up to the logged epochs.
    EpochsTo(Threshold),
    /// Share of test images that have the class of their most influential training images, in points.
    InfluenceMatch(RawInfluenceMatch),
}

/// Which share of test images, and how influence is measured.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawInfluenceMatch {
    /// Which share.
    pub share: RawShare,
    /// Share of the Hessian's largest eigenvalue below which directions are dropped; one that the world
    /// measures, and the first that it does where nobody says.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub truncation: Option<f64>,
    /// What is added to eigenvalues; nothing where nobody says.
    #[schemars(range(min = 0.0))]
    pub damping: Option<f64>,
}

/// What a test image has in common with its most influential training images.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawShare {
    /// The class of the most influential one.
    #[serde(rename = "top_1")]
    Top1,
    /// The class of at least three of the five most influential ones.
    ThreeOfFive,
    /// The class of the one of this rank, counted from 1, up to 100.
    Rank(u32),
}

/// The accuracy whose first reaching is timed.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// A test accuracy in percent.
    Accuracy(f64),
    /// The final test accuracy of this source in the same cell under the same seed.
    FinalAccuracyOf(String),
}

/// How the contrast must lie to the margin, which is in the metric's unit.
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
    /// At least this share of the cells, rounded up.
    AtLeastShare(f64),
    /// More cells than chance alone would support if the hypothesis held in none.
    MoreThanChance,
}

/// A coordinate over which contrast values are averaged within a seed before judging.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
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
}

/// A linear contrast of arms.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawContrast {
    /// The weight of each arm; they sum to zero.
    #[schemars(with = "BTreeMap<String, f64>")]
    pub terms: BTreeMap<Name, f64>,
    /// The cells of this contrast, where they are not the hypothesis's own.
    pub cells: Option<RawCells>,
}

/// The primary hypothesis.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawHypothesis {
    /// The hypothesis in one sentence.
    pub sentence: String,
    /// The contrasts; each has its own cells, and all cells are judged together.
    #[schemars(with = "Vec<RawContrast>")]
    pub contrasts: Vec<Spanned<RawContrast>>,
    /// The cells.
    pub cells: RawCells,
    /// What is measured.
    #[schemars(with = "RawMetric")]
    pub metric: Spanned<RawMetric>,
    /// Which way the contrast must lie.
    #[schemars(with = "RawRelation")]
    pub relation: Spanned<RawRelation>,
    /// Coordinates averaged over within a seed.
    #[serde(default)]
    pub average_over: Vec<Axis>,
    /// How many cells must hold; where cells are averaged, how many of the averages.
    #[schemars(with = "RawHolds")]
    pub holds: Spanned<RawHolds>,
}

/// A further reading: the primary hypothesis with some of its parts replaced.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawReading {
    /// The reading's name within the claim.
    #[schemars(with = "String")]
    pub id: Name,
    /// The reading in one sentence.
    pub sentence: String,
    /// Contrasts in place of the primary ones.
    #[schemars(with = "Option<Vec<RawContrast>>")]
    pub contrasts: Option<Vec<Spanned<RawContrast>>>,
    /// Cells in place of the primary ones.
    pub cells: Option<RawCells>,
    /// Metric in place of the primary one.
    #[schemars(with = "Option<RawMetric>")]
    pub metric: Option<Spanned<RawMetric>>,
    /// Relation in place of the primary one.
    #[schemars(with = "Option<RawRelation>")]
    pub relation: Option<Spanned<RawRelation>>,
    /// Averages in place of the primary ones.
    pub average_over: Option<Vec<Axis>>,
    /// Quantifier in place of the primary one.
    #[schemars(with = "Option<RawHolds>")]
    pub holds: Option<Spanned<RawHolds>>,
    /// Shown, not judged.
    pub shown: Option<Shown>,
}

/// Why a reading is shown and not judged, and where its numbers come from.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// Why it can't be judged.
    pub because: String,
    /// The paper's figure whose published means are shown; our records where there is none.
    pub means_of_figure: Option<String>,
}

/// A figure: curves of arms against one coordinate, a panel a target.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawPlot {
    /// The figure's name within the claim.
    #[schemars(with = "String")]
    pub id: Name,
    /// What the figure shows, in a few words.
    pub title: String,
    /// The horizontal axis.
    pub x: PlotAxis,
    /// Arms drawn as curves, in this order.
    #[schemars(with = "Vec<String>")]
    pub lines: Vec<Name>,
    /// Cells that the curves run through.
    pub cells: RawCells,
    /// Whether the first curve minus the second is drawn below, paired within seeds.
    #[serde(default)]
    pub difference: bool,
}

/// The horizontal axis of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlotAxis {
    /// Number of training images, logarithmic.
    Images,
    /// Epochs trained.
    Epoch,
    /// Fine-tuned blocks.
    Blocks,
    /// Resolution in pixels.
    Resolution,
    /// Rank of training images by their influence, in place of accuracy the share of test images that
    /// have their class.
    Rank,
}

/// A verdict that was looked at and understood.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawExpected {
    /// The verdict.
    pub verdict: Verdict,
    /// A second verdict to accept where the verdict is borderline, as it may be on another processor.
    pub or: Option<Verdict>,
    /// Why this is the verdict to expect.
    pub reason: String,
    /// What must be known of this evidence before believing it, a sentence each.
    #[serde(default)]
    pub caveats: Vec<String>,
}
