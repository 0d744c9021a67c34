//! Published curves behind ours: the points of a figure of the paper that are of the same arms in the same
//! cells, whatever the evidence in front of them.

use super::figure::{Curve, Point};
use crate::{
    claim::{Arm, Cell, Plot},
    ledger::means::Figures,
};

/// A figure of the paper whose curves are drawn behind ours.
#[derive(Clone, Copy, Debug)]
pub struct Behind<'a> {
    /// Its number.
    pub figure: &'a str,
    /// What was published.
    pub published: &'a Figures,
}

/// Where a published point lies on the horizontal axis.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// At a step, where it is of no epoch.
    At(f64),
    /// At its own epoch, where it has one.
    OwnEpoch,
}

impl Place {
    fn of(self, epoch: Option<u32>) -> Option<f64> {
        match (self, epoch) {
            (Self::At(x), None) => Some(x),
            (Self::OwnEpoch, Some(epoch)) => Some(epoch.into()),
            (Self::At(_), Some(_)) | (Self::OwnEpoch, None) => None,
        }
    }
}

impl Behind<'_> {
    /// The means of each line at the places that a target has.
    pub(super) fn curves(&self, plot: &Plot, places: &[(Place, Cell)]) -> Vec<Curve> {
        let means = || self.published.means.iter().filter(|mean| mean.figure == self.figure);
        let curve = |(colour, line): (usize, &Arm)| {
            let mut points = Vec::new();
            for (place, cell) in places {
                let keys = line.keys(cell);
                let of_line = means().filter(|mean| keys == [mean.key.clone()]);
                points.extend(of_line.filter_map(|mean| {
                    Some(point(place.of(mean.epoch)?, mean.mean, mean.low, mean.high))
                }));
            }
            Curve { colour, points }
        };
        plot.lines.iter().enumerate().map(curve).collect()
    }

    /// The differences of the plot's pairs, likewise.
    pub(super) fn differences(&self, plot: &Plot, places: &[(Place, Cell)]) -> Vec<Curve> {
        let all = || self.published.differences.iter().filter(|of| of.figure == self.figure);
        let curve =
            |(colour, pair): (usize, &(usize, usize))| {
                let mut points = Vec::new();
                for (place, cell) in places {
                    let [first, second] = [pair.0, pair.1].map(|line| plot.lines[line].keys(cell));
                    let of_pair = all()
                        .filter(|of| first == [of.first.clone()] && second == [of.second.clone()]);
                    points.extend(of_pair.filter_map(|of| {
                        Some(point(place.of(of.epoch)?, of.mean, of.low, of.high))
                    }));
                }
                Curve { colour, points }
            };
        plot.differences.iter().enumerate().map(curve).collect()
    }
}

fn point(x: f64, mean: f64, low: Option<f64>, high: Option<f64>) -> Point {
    Point { x, mean, low, high, seeds: 0, mixed: false }
}
