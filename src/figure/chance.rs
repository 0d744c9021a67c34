//! What chance gives in a figure of shares by rank: the labels of the training images are shuffled,
//! and their ranking stays.

use super::{groups::distinct, numbers::value};
use crate::{
    claim::{Metric, Plot, PlotAxis},
    evidence::{Evidence, Record},
    experiment::Chance,
};

/// The sentence for a figure's notes: for each target the mean over its records, and the largest
/// standard deviation of one run. `None` for a figure of another axis, or without records.
#[must_use]
pub(super) fn sentence(plot: &Plot, metric: &Metric, evidence: &Evidence) -> Option<String> {
    let Metric::InfluenceMatch(of) = metric else { return None };
    if plot.x != PlotAxis::Rank {
        return None;
    }
    let chance = |record: &Record| record.counts(of.inverse).ok()??.chance;
    let (mut measured, mut older) = (Vec::new(), false);
    for target in distinct(plot.cells.iter().map(|cell| cell.target.clone())) {
        let cells = plot.cells.iter().filter(|cell| cell.target == target);
        let keys = cells.flat_map(|cell| plot.lines.iter().flat_map(|arm| arm.keys(cell, metric)));
        let records = keys.filter_map(|key| evidence.records.seeds(&key));
        let records: Vec<&Record> = records.flat_map(|seeds| seeds.values()).collect();
        let found: Vec<Chance> = records.iter().copied().filter_map(chance).collect();
        let title = target.as_deref().map_or("all targets", |name| evidence.world.title(name));
        if found.is_empty() {
            older |= !records.is_empty();
            continue;
        }
        let mean = found.iter().map(|chance| chance.mean).sum::<f64>() / found.len() as f64;
        let deviations = found.iter().map(|chance| chance.standard_deviation);
        let deviation = deviations.fold(0.0, f64::max);
        measured.push(format!(
            "{title} {} % (two standard deviations of one run: {} points)",
            value(mean),
            value(2.0 * deviation)
        ));
    }
    if measured.is_empty() {
        return older.then(|| {
            "What chance gives is not measured: the records are older than it.".to_owned()
        });
    }
    Some(format!(
        "By chance, with the labels of the training images shuffled, the first rank has: {}.",
        measured.join("; ")
    ))
}
