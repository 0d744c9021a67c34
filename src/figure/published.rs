//! Published curves: the points of a figure of the paper for the same arms in the same cells, drawn
//! behind the curves of the evidence.

use super::curves::{Curve, Point};
use crate::{
    claim::{Arm, Cell, Metric, Plot},
    evidence::means::Points,
    experiment::Moment,
    stats::Interval,
};

/// The metric of the lookup of keys; the published value itself names its epoch.
const ACCURACY: Metric = Metric::Accuracy(Moment::Last);

/// A figure of the paper whose curves are drawn behind those of the evidence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PublishedFigure<'a> {
    /// The number of the figure.
    pub figure: &'a str,
    /// All published values.
    pub published: &'a Points,
}

/// Where a published point lies on the horizontal axis.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// At this coordinate, for values of the last or the best epoch.
    At(f64),
    /// At the point's epoch, for values of a numbered epoch.
    OwnEpoch,
}

impl Place {
    fn at_moment(self, at: Moment) -> Option<f64> {
        match (self, at) {
            (Self::At(x), Moment::Last | Moment::Best) => Some(x),
            (Self::OwnEpoch, Moment::Epoch(epoch)) => Some(epoch.into()),
            _ => None,
        }
    }
}

impl PublishedFigure<'_> {
    /// The published means of each line at these places.
    pub(super) fn curves(&self, plot: &Plot, places: &[(Place, Cell)]) -> Vec<Curve> {
        let means = || self.published.means.iter().filter(|mean| mean.figure == self.figure);
        let curve = |(colour, line): (usize, &Arm)| {
            let mut points = Vec::new();
            for (place, cell) in places {
                let keys = line.keys(cell, &ACCURACY);
                let of_line = means().filter(|mean| keys == [mean.key.clone()]);
                points.extend(of_line.filter_map(|mean| {
                    Some(point(place.at_moment(mean.at)?, mean.mean, mean.band))
                }));
            }
            Curve { colour, points }
        };
        plot.lines.iter().enumerate().map(curve).collect()
    }

    /// The published differences of the plot's pairs at these places.
    pub(super) fn differences(&self, plot: &Plot, places: &[(Place, Cell)]) -> Vec<Curve> {
        let all = || self.published.differences.iter().filter(|of| of.figure == self.figure);
        let curve = |(colour, (first, second)): (usize, &(Arm, Arm))| {
            let mut points = Vec::new();
            for (place, cell) in places {
                let [first, second] = [first, second].map(|arm| arm.keys(cell, &ACCURACY));
                let of_pair = all().filter(|of| of.keys[..1] == first && of.keys[1..] == second);
                points.extend(
                    of_pair.filter_map(|of| Some(point(place.at_moment(of.at)?, of.mean, of.band))),
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
