//! A checked claim: what a spec means once every name in it is known and nothing in it contradicts
//! itself. Only these types reach the planner, the judge and the report. Reading TOML is left to
//! [`raw`], checking to [`check`], finding the files to [`suite`].

pub mod check;
mod keys;
pub(crate) mod label;
mod one_or_many;
pub mod raw;
pub mod suite;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use check::ClaimError;
pub use keys::keys;
pub use raw::{Axis, PlotAxis, Shown, Stands, Threshold};

use crate::{
    experiment::{EvidenceKind, Inverse, Key, Moment, Resolution, Verdict},
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
    pub sentence: String,
    /// Where it stands.
    pub stands: Stands,
    /// Seeds and risks.
    pub design: Design,
    /// The primary hypothesis.
    pub hypothesis: Hypothesis,
    /// Further readings.
    pub readings: Vec<Reading>,
    /// Figures of its own.
    pub plots: Vec<Plot>,
    /// What must be known before believing a verdict on any evidence.
    pub caveats: Vec<String>,
    /// Expected verdicts.
    pub expected: BTreeMap<EvidenceKind, Expected>,
}

/// Seeds and risks of error.
#[derive(Clone, Debug)]
pub struct Design {
    /// Looks of a sequential design; a fixed design has one.
    pub looks: Looks,
    /// Looks of readings: those of up to so many seeds as the spec allows for them. Their verdicts
    /// then depend on these seeds alone, whatever primary hypotheses brought besides.
    pub reading_looks: Looks,
    /// One-sided level.
    pub alpha: Alpha,
    /// Prior scale of the e-value.
    pub e_value_g: f64,
}

impl Design {
    /// The design that readings are judged by.
    #[must_use]
    pub(crate) fn of_readings(&self) -> Self {
        Self { looks: self.reading_looks.clone(), ..self.clone() }
    }
}

/// A verdict that is expected, and why.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The verdict.
    pub verdict: Verdict,
    /// A second verdict to accept where the verdict is borderline.
    pub or: Option<Verdict>,
    /// Why.
    pub reason: String,
    /// What must be known of this evidence before believing it.
    pub caveats: Vec<String>,
}

impl Claim {
    /// What must be known before believing a verdict on this evidence.
    pub fn caveats(&self, kind: EvidenceKind) -> impl Iterator<Item = &str> {
        let of_evidence = self.expected.get(&kind).map(|expected| &expected.caveats);
        self.caveats.iter().chain(of_evidence.into_iter().flatten()).map(String::as_str)
    }
}

/// Contrasts over cells, a metric, a relation and a quantifier.
#[derive(Clone, Debug)]
pub struct Hypothesis {
    /// In one sentence.
    pub sentence: String,
    /// Contrasts with their cells.
    pub contrasts: Vec<Contrast>,
    /// What is measured.
    pub metric: Metric,
    /// Which way it must lie.
    pub relation: Relation,
    /// Coordinates averaged over within a seed; empty where every cell is judged by itself.
    pub average_over: BTreeSet<Axis>,
    /// How many of the judged units must hold.
    pub holds: Holds,
}

impl Hypothesis {
    /// How many units the quantifier counts, over all contrasts.
    #[must_use]
    pub fn units(&self) -> usize {
        self.contrasts.iter().map(|contrast| contrast.units(&self.average_over).len()).sum()
    }
}

/// A further reading of a claim.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Name within the claim.
    pub id: String,
    /// The hypothesis it stands for.
    pub hypothesis: Hypothesis,
    /// Set where it is shown and not judged.
    pub shown: Option<Shown>,
}

/// A weighted sum of arms over a list of cells; the weights sum to zero.
#[derive(Clone, Debug)]
pub struct Contrast {
    /// In symbols, naming what it varies.
    pub label: String,
    /// The arms with their weights.
    pub terms: Vec<Term>,
    /// Its cells.
    pub cells: Vec<Cell>,
}

impl Contrast {
    /// What is judged: each cell by itself, or the cells that are the same but for the axes averaged
    /// over, under the cell that is left of them.
    #[must_use]
    pub fn units(&self, average_over: &BTreeSet<Axis>) -> Vec<(Cell, Vec<Cell>)> {
        let mut units: Vec<(Cell, Vec<Cell>)> = Vec::new();
        for cell in &self.cells {
            let rest = average_over.iter().fold(cell.clone(), |cell, axis| cell.without(*axis));
            match units.iter_mut().find(|(unit, _)| *unit == rest) {
                Some((_, cells)) => cells.push(cell.clone()),
                None => units.push((rest, vec![cell.clone()])),
            }
        }
        units
    }
}

/// An arm and its weight in a contrast.
#[derive(Clone, Debug)]
pub struct Term {
    /// Weight, not zero.
    pub weight: f64,
    /// The arm.
    pub arm: Arm,
}

/// What an arm fixes. Where a list has several values, the arm's value is their average within a
/// seed; where it is empty, the cell fixes the coordinate.
#[derive(Clone, Debug, Default)]
pub struct Arm {
    /// Its name in the spec.
    pub name: String,
    /// Source models; at least one.
    pub source: Vec<Arc<str>>,
    /// Targets.
    pub target: Vec<Arc<str>>,
    /// Fine-tuned blocks.
    pub blocks: Vec<u32>,
    /// Training images.
    pub images: Vec<u32>,
    /// Resolutions.
    pub resolution: Vec<Resolution>,
    /// Which series of seeds, within a repetition; 0 is the one that all claims share.
    pub draw: u32,
    /// Evaluation, where it is not the metric's own.
    pub at: Option<Moment>,
}

/// One cell; a coordinate that the contrast varies is `None`.
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
    /// Which repetition, counted from 1, where a comparison is repeated.
    pub repetition: Option<u32>,
}

impl Cell {
    /// This cell without one coordinate, as the average over it has it.
    #[must_use]
    pub fn without(&self, axis: Axis) -> Self {
        let mut cell = self.clone();
        match axis {
            Axis::Target => cell.target = None,
            Axis::Images => cell.images = None,
            Axis::Blocks => cell.blocks = None,
            Axis::Resolution => cell.resolution = None,
        }
        cell
    }
}

/// Series of seeds that one repetition has.
const DRAWS: u32 = 2;

impl Arm {
    /// Keys of the records whose average is this arm's value of a metric in a cell. Empty only where neither
    /// the arm nor the cell fixes a coordinate, which a checked claim rules out.
    #[must_use]
    pub fn keys(&self, cell: &Cell, metric: &Metric) -> Vec<Key> {
        fn of<T: Clone>(arm: &[T], cell: Option<&T>) -> Vec<T> {
            if arm.is_empty() { cell.cloned().into_iter().collect() } else { arm.to_vec() }
        }
        let mut keys = Vec::new();
        let draw = cell.repetition.map_or(0, |at| (at - 1) * DRAWS) + self.draw;
        let resolutions = match of(&self.resolution, cell.resolution.as_ref()) {
            none if none.is_empty() => vec![Resolution::Native],
            some => some,
        };
        for target in of(&self.target, cell.target.as_ref()) {
            for images in of(&self.images, cell.images.as_ref()) {
                for blocks in of(&self.blocks, cell.blocks.as_ref()) {
                    for &resolution in &resolutions {
                        for source in &self.source {
                            keys.push(Key {
                                target: target.clone(),
                                source: source.clone(),
                                blocks,
                                images,
                                resolution,
                                draw,
                                influence: metric.is_of_influence(),
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
    /// Test accuracy at a moment, in points.
    Accuracy(Moment),
    /// Test loss at a moment, in nats.
    Loss(Moment),
    /// Epochs to first reach an accuracy.
    EpochsTo(Threshold),
    /// Share of test images that have the class of their most influential training images, in points.
    InfluenceMatch(InfluenceMatch),
}

/// Which share of test images, and how influence is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InfluenceMatch {
    /// Which share.
    pub share: Share,
    /// How the Hessian is inverted.
    pub inverse: Inverse,
}

/// What a test image has in common with its most influential training images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// The class of the one of this rank, counted from 1.
    Rank(u32),
    /// The class of at least three of the five most influential ones.
    ThreeOfFive,
}

/// The unit of a metric and so of margins, means and intervals.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Percentage points.
    Points,
    /// Epochs.
    Epochs,
    /// Nats.
    Nats,
}

impl Unit {
    /// The unit's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Points => "points",
            Self::Epochs => "epochs",
            Self::Nats => "nats",
        }
    }
}

impl Metric {
    /// Whether it is read off records that say something of influence.
    #[must_use]
    pub(crate) fn is_of_influence(&self) -> bool {
        matches!(self, Self::InfluenceMatch(_))
    }

    /// The unit of its values.
    #[must_use]
    pub fn unit(&self) -> Unit {
        match self {
            Self::Accuracy(_) | Self::InfluenceMatch(_) => Unit::Points,
            Self::Loss(_) => Unit::Nats,
            Self::EpochsTo(_) => Unit::Epochs,
        }
    }

    /// The smallest step between two values as records hold them: a published log prints accuracy
    /// to a hundredth of a point (one test image in 10,000), losses to six digits. A spread of zero
    /// is floored at half of this.
    #[must_use]
    pub fn resolution(&self) -> f64 {
        match self {
            Self::Accuracy(_) | Self::InfluenceMatch(_) => 0.01,
            Self::Loss(_) => 1e-5,
            Self::EpochsTo(_) => 1.0,
        }
    }
}

/// How a contrast must lie to its margin; margins are in the metric's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Relation {
    /// Above the margin.
    GreaterThan(f64),
    /// Above minus the margin, which is not negative.
    NotWorseThan(f64),
    /// Between minus the margin and the margin, which is positive.
    EquivalentWithin(f64),
}

/// How many of the judged units must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Every one.
    Every,
    /// At least this many; from 1 to their number.
    AtLeast(usize),
    /// More than chance alone would support if it held in none: a binomial test of the number that is
    /// supported, each at the whole level. For cells that share no run.
    MoreThanChance,
}

/// A figure of curves.
#[derive(Clone, Debug)]
pub struct Plot {
    /// Name within the claim.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// Horizontal axis.
    pub x: PlotAxis,
    /// Arms drawn as curves.
    pub lines: Vec<Arm>,
    /// Cells that the curves run through.
    pub cells: Vec<Cell>,
    /// Pairs of curves, by index, whose difference is drawn below: the first minus the second.
    pub differences: Vec<(usize, usize)>,
}
