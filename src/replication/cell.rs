//! One published mean and the evidence's.

use super::{ALPHA, Agreement, CellMatcher, Ends, MeanCell, Remark, Value};
use crate::{
    claim::{Arm, Cell, Metric, Term, label},
    evidence::means::{Mean, TABLE},
    experiment::{EvidenceKind, Key},
    judge::{
        join::{Joined, join},
        observe::Unobservable,
    },
    stats::{Interval, Sample, replication, spread_behind, t_interval, with_both_spreads},
};

/// Half a unit in the last digit of a published mean, plus a small tolerance: figures are read to
/// 0.001 points, the table has 0.01.
pub(super) fn reading_error(figure: &str) -> f64 {
    if figure == TABLE { 0.005_1 } else { 0.000_6 }
}

/// Compares a published mean with the evidence's.
pub(super) fn mean_cell(matcher: &CellMatcher<'_>, mean: &Mean) -> MeanCell {
    let key = &mean.key;
    let seeds = matcher.seeds(key.images);
    let spread =
        mean.band.map(|band| spread_behind(band, seeds)).filter(|spread| spread.is_finite());
    let mut cell = MeanCell {
        figure: mean.figure.clone(),
        target: key.target.to_string(),
        source: key.source.to_string(),
        blocks: key.blocks,
        images: key.images,
        at: label::moment(mean.at),
        published: Value { mean: mean.mean, seeds, spread, interval: mean.band.map(Ends::from) },
        ours: None,
        predicted: None,
        with_both_spreads: None,
        t: None,
        p: None,
        p_adjusted: None,
        agreement: Agreement::OnlyPublished,
        remarks: Vec::new(),
    };
    let metric = Metric::Accuracy(mean.at);
    let joined = join(&[term(1.0, key)], &[place(key)], &metric, matcher.evidence);
    if joined.absent.is_empty() {
        fill(matcher, &mut cell, key, &joined, &metric);
    }
    cell
}

fn fill(
    matcher: &CellMatcher<'_>,
    cell: &mut MeanCell,
    key: &Key,
    joined: &Joined,
    metric: &Metric,
) {
    let (values, remarks) = values(matcher, &[key], joined);
    cell.remarks = remarks;
    if cell.published.spread.is_none() {
        cell.remarks.push(Remark::NoBand);
    }
    cell.agreement = Agreement::Open;
    let sample = sampled(&values, metric, &mut cell.remarks);
    cell.ours = value(&values, sample.as_ref(), ALPHA);
    let comparable = matcher.same_experiment
        && !cell.remarks.contains(&Remark::MixedRecipes)
        && cell.ours.is_some();
    let error = reading_error(&cell.figure);
    if comparable
        && same_runs(matcher, cell.ours.as_ref(), (cell.published.mean, error), &cell.remarks)
    {
        cell.agreement = Agreement::SameRuns;
    } else if cell.ours.is_some() && !matcher.same_experiment {
        cell.agreement = Agreement::Shown;
    } else if let (true, Some(sample)) = (comparable, sample) {
        let found = replication(&sample, cell.published.mean, cell.published.seeds, ALPHA);
        let holds = found.interval.contains(cell.published.mean);
        cell.agreement = if holds { Agreement::Compatible } else { Agreement::Incompatible };
        cell.predicted = Some(found.interval.into());
        (cell.t, cell.p) = (Some(found.t), Some(found.p));
        if let Some(spread) = cell.published.spread {
            let both = with_both_spreads(&sample, spread, cell.published.seeds, ALPHA);
            cell.with_both_spreads = Some(both.into());
            if both.contains(cell.published.mean) != holds {
                cell.remarks.push(Remark::SpreadsDisagree);
            }
        }
    }
    cell.remarks.sort_unstable();
}

/// Whether the authors' log has the published runs themselves: equal to the last digit, with the
/// same schedule.
pub(super) fn same_runs(
    matcher: &CellMatcher<'_>,
    ours: Option<&Value>,
    (published, error): (f64, f64),
    remarks: &[Remark],
) -> bool {
    matcher.evidence.kind == EvidenceKind::Published
        && !remarks.contains(&Remark::OtherSchedule)
        && ours.is_some_and(|ours| (ours.mean - published).abs() <= error)
}

/// The sample of values with the judge's floor of the standard deviation; a remark reports the
/// floor.
pub(super) fn sampled(
    values: &[f64],
    metric: &Metric,
    remarks: &mut Vec<Remark>,
) -> Option<Sample> {
    let sample = Sample::new(values.to_vec()).ok()?;
    let floored = sample.clone().with_resolution(metric.resolution());
    if floored.standard_deviation() > sample.standard_deviation() {
        remarks.push(Remark::SpreadFloored);
    }
    Some(floored)
}

/// The values of the finished seeds, with remarks on them.
pub(super) fn values(
    matcher: &CellMatcher<'_>,
    keys: &[&Key],
    joined: &Joined,
) -> (Vec<f64>, Vec<Remark>) {
    let finished = joined.rows.iter().filter(|row| row.contrast.finished);
    let values: Vec<f64> = finished.filter_map(|row| row.contrast.middle()).collect();
    let remarks = [
        (keys.iter().any(|key| matcher.other_schedule(key)), Remark::OtherSchedule),
        (joined.mixed_recipes.is_some(), Remark::MixedRecipes),
        (values.len() < joined.rows.len(), Remark::StoppedRuns),
        (values.len() == 1, Remark::SingleSeed),
        (matches!(joined.unobservable, Some(Unobservable::NotLogged(_))), Remark::NotLogged),
        (joined.unmatched_seeds > 0, Remark::UnmatchedSeeds),
        (joined.subset_over_pool, Remark::SubsetOverPool),
    ];
    (values, remarks.into_iter().filter_map(|(holds, remark)| holds.then_some(remark)).collect())
}

/// The mean with its t interval at a one-sided level; without interval for one value, `None` for
/// none.
pub(super) fn value(
    values: &[f64],
    sample: Option<&Sample>,
    alpha: crate::stats::Alpha,
) -> Option<Value> {
    let seeds = values.len();
    match (values, sample) {
        (_, Some(sample)) => Some(Value {
            mean: sample.mean(),
            seeds,
            spread: Some(sample.standard_deviation()),
            interval: Some(t_interval(sample, alpha))
                .map(|Interval { low, high }| Ends { low, high }),
        }),
        ([one], None) => Some(Value { mean: *one, seeds, spread: None, interval: None }),
        _ => None,
    }
}

/// An arm that fixes source, blocks and seed stream of a published value.
pub(super) fn term(weight: f64, key: &Key) -> Term {
    Term {
        weight,
        arm: Arm {
            name: key.source.to_string(),
            source: vec![key.source.clone()],
            blocks: vec![key.blocks],
            seed_stream: key.seed_stream,
            ..Arm::default()
        },
    }
}

/// The cell of a published value: target and images.
pub(super) fn place(key: &Key) -> Cell {
    Cell { target: Some(key.target.clone()), images: Some(key.images), ..Cell::default() }
}
