//! Runs that finished and diverged, so that their loss is no number of a sample. That is an
//! outcome, not a value that is known in part: the cell is undecided, and the reason names the run.

use super::{
    join::Row,
    observe::{Censored, observe},
};
use crate::{
    claim::{Cell, Metric, Term},
    evidence::Evidence,
    experiment::Seed,
    stats::Sample,
};

/// Whether an arm of a seed has a run that finished without a usable value.
pub(super) fn has_diverged(row: &Row) -> bool {
    row.arms.iter().any(diverged)
}

fn diverged(value: &Censored) -> bool {
    value.finished && !Sample::accepts(value.low)
}

/// Why a cell has no interval: the first run that diverged among those of `seeds`, and how many
/// more there are; `None` if there are none.
pub(super) fn reason(
    terms: &[Term],
    cells: &[Cell],
    metric: &Metric,
    seeds: &[Seed],
    evidence: &Evidence,
) -> Option<String> {
    let mut runs: Vec<String> = Vec::new();
    for seed in seeds {
        for arm in terms.iter().map(|term| &term.arm) {
            for key in cells.iter().flat_map(|cell| arm.keys(cell, metric)) {
                let record = evidence.records.seeds(&key).and_then(|seeds| seeds.get(seed));
                let value = record.and_then(|of| observe(metric, arm.at, of, None, None).ok());
                let Some(value) = value.filter(diverged) else { continue };
                let (what, name) = match metric {
                    Metric::Study(of) => (&*of.metric.title, evidence.replicates.name_of(*seed)),
                    _ => ("loss", seed.0.to_string()),
                };
                let end = if value.low.is_finite() {
                    format!("a {what} of {:e}", value.low)
                } else {
                    format!("a {what} that is not finite")
                };
                let replicate = &evidence.replicates.name;
                runs.push(format!("{key}, {replicate} {name}, ended with {end}"));
            }
        }
    }
    let more = match runs.len().checked_sub(1)? {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Some(format!("no confidence interval, since a run diverged: {}{more}", runs[0]))
}
