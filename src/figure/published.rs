//! Published curves behind ours: the points of a figure of the paper that are of the same arms in the same
//! cells, whatever the evidence in front of them.

use super::curves::{Curve, Point};
use crate::{
    claim::{Arm, Cell, Metric, Plot},
    evidence::means::Points,
    experiment::Moment,
    stats::Interval,
};

/// What published points are of.
const ACCURACY: Metric = Metric::Accuracy(Moment::Last);

/// A figure of the paper whose curves are drawn behind ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Behind<'a> {
    /// Its number.
    pub figure: &'a str,
    /// What was published.
    pub published: &'a Points,
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
    fn of(self, at: Moment) -> Option<f64> {
        match (self, at) {
            (Self::At(x), Moment::Last | Moment::Best) => Some(x),
            (Self::OwnEpoch, Moment::Epoch(epoch)) => Some(epoch.into()),
            _ => None,
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
                let keys = line.keys(cell, &ACCURACY);
                let of_line = means().filter(|mean| keys == [mean.key.clone()]);
                points.extend(
                    of_line
                        .filter_map(|mean| Some(point(place.of(mean.at)?, mean.mean, mean.band))),
                );
            }
            Curve { colour, points }
        };
        plot.lines.iter().enumerate().map(curve).collect()
    }

    /// The differences of the plot's pairs, likewise.
    pub(super) fn differences(&self, plot: &Plot, places: &[(Place, Cell)]) -> Vec<Curve> {
        let all = || self.published.differences.iter().filter(|of| of.figure == self.figure);
        let curve = |(colour, pair): (usize, &(usize, usize))| {
            let mut points = Vec::new();
            for (place, cell) in places {
                let [first, second] =
                    [pair.0, pair.1].map(|line| plot.lines[line].keys(cell, &ACCURACY));
                let of_pair = all().filter(|of| of.keys[..1] == first && of.keys[1..] == second);
                points.extend(
                    of_pair.filter_map(|of| Some(point(place.of(of.at)?, of.mean, of.band))),
                );
            }
            Curve { colour, points }
        };
        plot.differences.iter().enumerate().map(curve).collect()
    }
}

fn point(x: f64, mean: f64, band: Option<Interval>) -> Point {
    let (low, high) = (band.map(|band| band.low), band.map(|band| band.high));
    Point { x, mean, low, high, seeds: 0, mixed: false }
}
