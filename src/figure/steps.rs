//! The steps of the horizontal axis of a figure of curves, with coordinates and labels. Images,
//! epochs and ranks lie at their value; blocks and resolutions are evenly spaced.

use std::collections::BTreeSet;

use super::axis::thousands;
use crate::{
    claim::{Arm, Cell, Metric, PlotAxis},
    evidence::{Record, Records},
    experiment::RANKS,
    experiment::{Moment, Resolution},
};

/// One step along the horizontal axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A number of training images.
    Images(u32),
    /// A logged epoch.
    Epoch(u32),
    /// A number of fine-tuned blocks.
    Blocks(u32),
    /// A resolution in pixels.
    Pixels(u32),
    /// A rank of training images by their influence.
    Rank(u32),
    /// Images at their own size; sorted after every number of pixels.
    Native,
}

impl Step {
    fn of_resolution(resolution: Resolution) -> Self {
        match resolution {
            Resolution::Native => Self::Native,
            Resolution::Pixels(pixels) => Self::Pixels(pixels),
        }
    }

    /// The coordinate, given the index among the steps.
    #[must_use]
    pub fn place(self, index: usize) -> f64 {
        match self {
            Self::Images(count) | Self::Epoch(count) | Self::Rank(count) => f64::from(count),
            #[expect(clippy::cast_precision_loss, reason = "a handful of steps")]
            Self::Blocks(_) | Self::Pixels(_) | Self::Native => index as f64,
        }
    }

    /// The tick label.
    #[must_use]
    pub fn label(self) -> String {
        match self {
            Self::Images(images) => thousands(images),
            Self::Epoch(count) | Self::Blocks(count) | Self::Pixels(count) | Self::Rank(count) => {
                count.to_string()
            }
            Self::Native => "native".to_owned(),
        }
    }

    /// The cell at this step.
    #[must_use]
    pub fn apply_to(self, cell: &Cell) -> Cell {
        let mut cell = cell.clone();
        match self {
            Self::Images(images) => cell.images = Some(images),
            Self::Blocks(blocks) => cell.blocks = Some(blocks),
            Self::Pixels(pixels) => cell.resolution = Some(Resolution::Pixels(pixels)),
            Self::Native => cell.resolution = Some(Resolution::Native),
            Self::Epoch(_) | Self::Rank(_) => {}
        }
        cell
    }
}

/// Ranks that are drawn: the first ten, then every fifth.
fn ranks() -> impl Iterator<Item = Step> {
    (1..=RANKS as u32).filter(|rank| *rank <= 10 || rank % 5 == 0).map(Step::Rank)
}

/// Every step of the cells, in order; for an axis of epochs, those that the lines' records logged.
#[must_use]
pub fn steps(x: &PlotAxis, cells: &[Cell], lines: &[Arm], records: &Records) -> Vec<Step> {
    let named = |cell: &Cell| match x {
        PlotAxis::Images => cell.images.map(Step::Images),
        PlotAxis::Blocks => cell.blocks.map(Step::Blocks),
        PlotAxis::Resolution => cell.resolution.map(Step::of_resolution),
        PlotAxis::Epoch | PlotAxis::Rank | PlotAxis::Own(_) => None,
    };
    let logged = |cell: &Cell| {
        let keys = lines.iter().flat_map(|line| line.keys(cell, &Metric::Accuracy(Moment::Last)));
        let seeds: Vec<_> = keys.filter_map(|key| records.seeds(&key)).collect();
        let evaluations =
            seeds.into_iter().flat_map(|seeds| seeds.values()).flat_map(Record::evaluations);
        evaluations.map(|evaluation| Step::Epoch(evaluation.epoch)).collect::<BTreeSet<Step>>()
    };
    let steps: BTreeSet<Step> = match x {
        PlotAxis::Epoch => cells.iter().flat_map(logged).collect(),
        PlotAxis::Rank => ranks().collect(),
        _ => cells.iter().filter_map(named).collect(),
    };
    steps.into_iter().collect()
}
