//! A checked claim: what a spec means once every name in it is known and no part of it contradicts
//! another. Only these types reach the planner, the judge and the report. [`raw`] reads the TOML,
//! [`check`] checks it, [`suite`] finds the files, and [`lock`] says whether a hypothesis changed.

pub mod association;
pub mod check;
pub mod coverage;
mod digest;
mod keys;
pub(crate) mod label;
pub mod lock;
mod of_study;
mod one_or_many;
pub mod raw;
pub mod suite;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use association::{Association, Larger, Similarity};
pub use check::ClaimError;
pub use keys::keys;
pub use lock::{LockState, Locked};
pub use of_study::{LogScale, Read, StudyMetric};
pub use raw::{Axis, Descriptive, Over, PaperRef, PlotAxis, Threshold};

use crate::{
    experiment::{
        EvidenceKind, Factors, Inverse, Key, Moment, Ranking, Resolution, Value, Verdict,
        every_combination,
    },
    stats::{Alpha, Looks},
};

/// A claim of the paper, checked against a world.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Name on the command line.
    pub id: String,
    /// The claim in a few words.
    pub title: String,
    /// The claim in one sentence.
    pub statement: String,
    /// Where it is in the paper and in the reproduction.
    pub paper: PaperRef,
    /// Seeds, and risks of error.
    pub design: Design,
    /// The primary hypothesis.
    pub hypothesis: Hypothesis,
    /// Secondary hypotheses (readings).
    pub readings: Vec<SecondaryHypothesis>,
    /// Associations with a measured similarity; they never change a verdict.
    pub associations: Vec<Association>,
    /// Figures that the report draws for this claim.
    pub plots: Vec<Plot>,
    /// Caveats on every verdict, whatever the evidence.
    pub caveats: Vec<String>,
    /// The expected verdict of each evidence.
    pub expected: BTreeMap<EvidenceKind, Expected>,
    /// Whether it is of a user's folder, and so perhaps not of this paper.
    pub is_own: bool,
}

/// Seeds and risks of error.
#[derive(Clone, Debug)]
pub struct Design {
    /// Looks of the group-sequential design, as numbers of seeds; published logs have one look.
    pub looks: Looks,
    /// Looks for secondary hypotheses (readings): those of `looks` with at most `reading_seeds`
    /// seeds. Their verdicts then depend on these seeds alone, however many more a primary
    /// hypothesis needed.
    pub secondary_looks: Looks,
    /// One-sided level of each test.
    pub alpha: Alpha,
    /// Prior scale of the e-value.
    pub e_value_g: f64,
}

impl Design {
    /// The design for secondary hypotheses (readings).
    #[must_use]
    pub(crate) fn for_secondary(&self) -> Self {
        Self { looks: self.secondary_looks.clone(), ..self.clone() }
    }
}

/// An expected verdict, and why it is expected.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The verdict.
    pub verdict: Verdict,
    /// A second verdict that is accepted when the verdict is borderline.
    pub or: Option<Verdict>,
    /// Why it is expected.
    pub reason: String,
    /// Caveats on this evidence.
    pub caveats: Vec<String>,
}

impl Claim {
    /// Caveats on a verdict on this evidence: those of the claim, then those of the evidence.
    pub fn caveats(&self, kind: EvidenceKind) -> impl Iterator<Item = &str> {
        let of_evidence = self.expected.get(&kind).map(|expected| &expected.caveats);
        self.caveats.iter().chain(of_evidence.into_iter().flatten()).map(String::as_str)
    }
}

/// A hypothesis: contrasts over cells, a metric, a relation and a quantifier.
#[derive(Clone, Debug)]
pub struct Hypothesis {
    /// The hypothesis in one sentence.
    pub statement: String,
    /// Contrasts, each with its cells.
    pub contrasts: Vec<Contrast>,
    /// What is measured.
    pub metric: Metric,
    /// How the contrast must compare with the margin.
    pub relation: Relation,
    /// Axes over which contrast values are averaged within a seed; empty if each cell is judged
    /// alone.
    pub average_over: BTreeSet<Axis>,
    /// The quantifier: how many of the judged units must hold.
    pub holds: Holds,
    /// What varies in the interval that decides.
    pub over: Over,
    /// The digest of what is judged: of the spec, before a world resolves its names. `None` where
    /// the hypothesis is not that of a spec, as under another choice of the evaluated epoch.
    pub digest: Option<String>,
    /// What the lock of its folder says about it.
    pub lock: LockState,
}

impl Hypothesis {
    /// The number of units that the quantifier counts, over all contrasts.
    #[must_use]
    pub fn units(&self) -> usize {
        self.contrasts.iter().map(|contrast| contrast.units(&self.average_over).len()).sum()
    }
}

/// A secondary hypothesis (reading): the claim read more strictly, more loosely or otherwise. It is
/// reported beside the primary hypothesis and never decides the claim.
#[derive(Clone, Debug)]
pub struct SecondaryHypothesis {
    /// Name within the claim.
    pub id: String,
    /// The hypothesis.
    pub hypothesis: Hypothesis,
    /// Set if its numbers are reported and not judged.
    pub descriptive: Option<Descriptive>,
}

/// A weighted sum of arms over a list of cells; the weights sum to zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrast {
    /// The contrast in symbols, with what its arms differ in.
    pub label: String,
    /// The arms with their weights.
    pub terms: Vec<Term>,
    /// Its cells.
    pub cells: Vec<Cell>,
}

impl Contrast {
    /// The units that are judged: single cells, or groups of cells that differ only in the axes of
    /// the average. Each group comes with its common cell, in which those axes are `None`.
    #[must_use]
    pub fn units(&self, average_over: &BTreeSet<Axis>) -> Vec<(Cell, Vec<Cell>)> {
        let mut units: Vec<(Cell, Vec<Cell>)> = Vec::new();
        for cell in &self.cells {
            let rest = average_over.iter().fold(cell.clone(), |cell, axis| cell.without(axis));
            match units.iter_mut().find(|(unit, _)| *unit == rest) {
                Some((_, cells)) => cells.push(cell.clone()),
                None => units.push((rest, vec![cell.clone()])),
            }
        }
        units
    }
}

/// An arm and its weight in a contrast.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Weight, not zero.
    pub weight: f64,
    /// The arm.
    pub arm: Arm,
}

/// An arm: the coordinates that it fixes. Its value is the average over all listed values within a
/// seed; an empty list leaves the coordinate to the cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arm {
    /// Its name in the spec.
    pub name: String,
    /// Source models; at least one.
    pub source: Vec<Arc<str>>,
    /// Target data sets.
    pub target: Vec<Arc<str>>,
    /// Numbers of fine-tuned blocks.
    pub blocks: Vec<u32>,
    /// Numbers of training images.
    pub images: Vec<u32>,
    /// Resolutions of the images.
    pub resolution: Vec<Resolution>,
    /// The seed stream within a repetition, 1 or 2; 0 is the stream that all claims share.
    pub seed_stream: u32,
    /// The zoo of the source models; `None` leaves it to the seed.
    pub zoo: Option<u32>,
    /// Values of a study's own factors, by name; a list means their average.
    pub factors: BTreeMap<Arc<str>, Vec<Value>>,
    /// The evaluation that is read, if it is not the metric's own.
    pub at: Option<Moment>,
}

/// One cell; a coordinate that the arms fix, or that an average removed, is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell {
    /// Target.
    pub target: Option<Arc<str>>,
    /// Training images.
    pub images: Option<u32>,
    /// Fine-tuned blocks.
    pub blocks: Option<u32>,
    /// Resolution.
    pub resolution: Option<Resolution>,
    /// The repetition, counted from 1, if the comparison is repeated.
    pub repetition: Option<u32>,
    /// Values of a study's own factors, by name.
    pub factors: Factors,
}

impl Cell {
    /// This cell without one coordinate, as an average over that axis has it.
    #[must_use]
    pub fn without(&self, axis: &Axis) -> Self {
        let mut cell = self.clone();
        match axis {
            Axis::Target => cell.target = None,
            Axis::Images => cell.images = None,
            Axis::Blocks => cell.blocks = None,
            Axis::Resolution => cell.resolution = None,
            Axis::Factor(name) => _ = cell.factors.remove(name),
        }
        cell
    }
}

/// Seed streams that one repetition has.
const SEED_STREAMS: u32 = 2;

impl Arm {
    /// As [`Arm::keys`], over a study's own factors.
    fn study_keys(&self, cell: &Cell) -> Vec<Key> {
        let lists = self.factors.iter().map(|(name, values)| (name, values.as_slice()));
        let all = every_combination(cell.factors.clone(), lists);
        all.into_iter().map(Key::of_study).collect()
    }

    /// Keys of the records whose average is this arm's value in a cell. Empty only if neither the
    /// arm nor the cell fixes a coordinate, which [`check`] rejects.
    #[must_use]
    pub fn keys(&self, cell: &Cell, metric: &Metric) -> Vec<Key> {
        fn values<T: Clone>(arm: &[T], cell: Option<&T>) -> Vec<T> {
            if arm.is_empty() { cell.cloned().into_iter().collect() } else { arm.to_vec() }
        }
        if !(self.factors.is_empty() && cell.factors.is_empty()) {
            return self.study_keys(cell);
        }
        let mut keys = Vec::new();
        let first = cell.repetition.map_or(0, |repetition| (repetition - 1) * SEED_STREAMS);
        let seed_stream = first + self.seed_stream;
        let mut resolutions = values(&self.resolution, cell.resolution.as_ref());
        if resolutions.is_empty() {
            resolutions.push(Resolution::Native);
        }
        for target in values(&self.target, cell.target.as_ref()) {
            for images in values(&self.images, cell.images.as_ref()) {
                for blocks in values(&self.blocks, cell.blocks.as_ref()) {
                    for &resolution in &resolutions {
                        for source in &self.source {
                            keys.push(Key {
                                target: target.clone(),
                                source: source.clone(),
                                blocks,
                                images,
                                resolution,
                                seed_stream,
                                influence: metric.is_of_influence(),
                                zoo: self.zoo,
                                factors: Arc::default(),
                            });
                        }
                    }
                }
            }
        }
        keys
    }
}

/// What is measured.
#[derive(Clone, Debug, PartialEq)]
pub enum Metric {
    /// Test accuracy at an evaluation, in points.
    Accuracy(Moment),
    /// Log-odds of the test accuracy a at an evaluation, ln(a / (1 - a)).
    LogOdds(Moment),
    /// Minus the logarithm of the test error at an evaluation, -ln(1 - a).
    LogError(Moment),
    /// Test loss at an evaluation, in nats.
    Loss(Moment),
    /// Epochs until a test accuracy is first reached.
    EpochsTo(Threshold),
    /// Mean shortfall of the test accuracy below the run's own end, over the logged part of the
    /// schedule, in points.
    AreaBelowOwnEnd,
    /// Share of test images that have the class of their most influential training images, in
    /// points.
    InfluenceMatch(InfluenceMatch),
    /// Test accuracy under attack after the last epoch, in points.
    AdversarialAccuracy(Attacked),
    /// A metric of a study's own log. Its values are multiplied by -1 where lower ones are better,
    /// so that a contrast says by how much its first arm is better.
    Study(StudyMetric),
}

/// Images that are attacked to measure adversarial accuracy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attacked {
    /// How many test images the world attacks; `None` in a world that measures no adversarial
    /// accuracy.
    pub images: Option<u32>,
}

/// A share of test images, and how influence is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InfluenceMatch {
    /// Which share.
    pub share: Share,
    /// How the Hessian is inverted.
    pub inverse: Inverse,
    /// How training images are ranked.
    pub by: Ranking,
}

/// Test images that are counted, by the classes of their most influential training images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// Those with the class of their training image of this rank by influence, counted from 1.
    Rank(u32),
    /// Those with the class of at least three of their five most influential training images.
    ThreeOfFive,
}

/// The unit of a metric, and of its margins, means and intervals.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Percentage points.
    Points,
    /// Epochs.
    Epochs,
    /// Nats.
    Nats,
    /// Log-odds of an accuracy.
    LogOdds,
    /// Minus the logarithm of a test error.
    LogError,
    /// A study's own; empty where its metric has none.
    #[serde(untagged)]
    Own(Arc<str>),
}

impl Unit {
    /// The unit's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Points => "points",
            Self::Epochs => "epochs",
            Self::Nats => "nats",
            Self::LogOdds => "log-odds",
            Self::LogError => "log error",
            Self::Own(name) => name,
        }
    }

    /// The name as it follows a number: with a space before it, or nothing where it has none.
    #[must_use]
    pub fn after(&self) -> String {
        if self.name().is_empty() { String::new() } else { format!(" {}", self.name()) }
    }
}

impl Metric {
    /// Whether it is computed from records of influence.
    #[must_use]
    pub(crate) fn is_of_influence(&self) -> bool {
        matches!(self, Self::InfluenceMatch(_))
    }

    /// The evaluation that is read; `None` for a metric that has none.
    #[must_use]
    pub(crate) fn moment(&self) -> Option<Moment> {
        match *self {
            Self::Accuracy(at) | Self::LogOdds(at) | Self::LogError(at) | Self::Loss(at) => {
                Some(at)
            }
            Self::EpochsTo(_)
            | Self::AreaBelowOwnEnd
            | Self::InfluenceMatch(_)
            | Self::AdversarialAccuracy(_)
            | Self::Study(_) => None,
        }
    }

    /// Whether an arm may name an evaluation of its own.
    pub(crate) fn has_evaluation(&self) -> bool {
        match self {
            Self::Study(of) => of.is_a_value(),
            _ => self.moment().is_some(),
        }
    }

    /// Whether an arm with this evaluation of its own is read at its best one.
    pub(crate) fn is_best(&self, at: Option<Moment>) -> bool {
        match self {
            Self::Study(of) => of.at(at).read == Read::Best,
            _ => at.or(self.moment()) == Some(Moment::Best),
        }
    }

    /// The unit of its values.
    #[must_use]
    pub fn unit(&self) -> Unit {
        match self {
            Self::Accuracy(_)
            | Self::AreaBelowOwnEnd
            | Self::InfluenceMatch(_)
            | Self::AdversarialAccuracy(_) => Unit::Points,
            Self::LogOdds(_) => Unit::LogOdds,
            Self::LogError(_) => Unit::LogError,
            Self::Loss(_) => Unit::Nats,
            Self::EpochsTo(_) => Unit::Epochs,
            Self::Study(of) => of.unit(),
        }
    }

    /// The value below which all arms are at the floor: a contrast between them says little about
    /// what it asks, since none of them can fall much further. `None` for a metric without a floor.
    #[must_use]
    pub fn floor(&self) -> Option<f64> {
        matches!(self, Self::AdversarialAccuracy(_)).then_some(5.0)
    }

    /// The smallest step between two recorded values: the published log has accuracy to a hundredth
    /// of a point (one test image in 10,000) and losses to six digits. On a logarithmic scale it is
    /// the smallest step that one such image makes: at 50 % in log-odds, at 0 % in log error. A
    /// standard deviation of zero is replaced by half of this step.
    #[must_use]
    pub fn resolution(&self) -> f64 {
        match self {
            Self::AdversarialAccuracy(Attacked { images: Some(images) }) => {
                100.0 / f64::from(*images)
            }
            Self::AdversarialAccuracy(Attacked { images: None }) => 0.01,
            Self::Accuracy(_) | Self::AreaBelowOwnEnd | Self::InfluenceMatch(_) => 0.01,
            Self::LogOdds(_) => 4e-4,
            Self::LogError(_) => 1e-4,
            Self::Loss(_) => 1e-5,
            Self::EpochsTo(_) => 1.0,
            Self::Study(of) => of.resolution(),
        }
    }
}

/// How a contrast must compare with its margin, which is in the metric's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Relation {
    /// Above the margin.
    GreaterThan(f64),
    /// Above minus the margin, which is not negative.
    NotWorseThan(f64),
    /// Between minus the margin and the margin, which is positive.
    EquivalentWithin(f64),
}

/// The quantifier: how many of the judged units must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Every unit.
    Every,
    /// At least this many, from 1 to the number of units.
    AtLeast(usize),
    /// More than chance alone would support if the hypothesis held in none: a binomial test of the
    /// number of supported units, each at the whole level. For cells that share no run.
    MoreThanChance,
}

/// A figure with curves.
#[derive(Clone, Debug)]
pub struct Plot {
    /// Name within the claim.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// Horizontal axis.
    pub x: PlotAxis,
    /// The arms, one curve each.
    pub lines: Vec<Arm>,
    /// Cells that the curves pass through.
    pub cells: Vec<Cell>,
    /// Pairs of arms whose difference (first minus second) is drawn below; an arm of a pair may have
    /// no curve of its own.
    pub differences: Vec<(Arm, Arm)>,
    /// The metric of a study's log; `None` for the accuracies of this paper.
    pub metric: Option<StudyMetric>,
}
