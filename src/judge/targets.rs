//! The range over the targets behind an average over targets: an average that leads can hide a
//! target that trails.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    cell::{Analysis, Paired},
    decide::estimate,
    join::{Row, join},
    observe::Censored,
    result::RangeOverTargets,
};
use crate::{claim::Cell, experiment::Seed};

/// The lowest and the highest mean of a target, over the seeds of `rows` (those of the average).
/// `None` unless the unit averages over several targets, or if a target's mean is not known.
pub(super) fn range(
    analysis: &Analysis<'_>,
    unit: &Paired<'_>,
    rows: &[Row],
) -> Option<RangeOverTargets> {
    let mut targets: BTreeMap<&str, Vec<Cell>> = BTreeMap::new();
    for cell in &unit.cells {
        targets.entry(cell.target.as_deref()?).or_default().push(cell.clone());
    }
    if targets.len() < 2 {
        return None;
    }
    let seeds: BTreeSet<Seed> = rows.iter().map(|row| row.seed).collect();
    let mean = |cells: &[Cell]| {
        let metric = &analysis.hypothesis.metric;
        let joined = join(&unit.contrast.terms, cells, metric, analysis.evidence);
        let rows = joined.rows.iter().filter(|row| seeds.contains(&row.seed));
        let values: Vec<Censored> = rows.map(|row| row.contrast).collect();
        estimate(&values).filter(|_| values.len() == seeds.len())
    };
    let means = targets.into_iter().map(|(target, cells)| Some((mean(&cells)?, target)));
    let means = means.collect::<Option<Vec<(f64, &str)>>>()?;
    let by_mean = |left: &&(f64, &str), right: &&(f64, &str)| left.0.total_cmp(&right.0);
    let (low, lowest) = means.iter().min_by(by_mean)?;
    let (high, highest) = means.iter().max_by(by_mean)?;
    Some(RangeOverTargets {
        low: *low,
        high: *high,
        lowest: (*lowest).to_owned(),
        highest: (*highest).to_owned(),
    })
}
