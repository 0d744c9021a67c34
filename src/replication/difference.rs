//! One published difference and the evidence's: the direction of each, by the same rule. A
//! difference is better or worse if its t interval lies above or below zero, otherwise undecided.
//! The published interval is computed from the standard deviation behind the figure's band, since
//! the band itself, a bootstrap over ten seeds, is too narrow.

use super::{
    ALPHA, CellMatcher, Decided, DifferenceCell, Direction, Ends, Remark, Sameness, Value, cell,
};
use crate::{
    claim::{Metric, label},
    evidence::{SamplingDesign, means::Difference},
    judge::join::join,
    stats::{Alpha, Interval, spread_behind, t_upper_quantile},
};

/// In a sequential design, seeds were added until a claim was decided at one of three looks (3, 5
/// and 10 seeds). So each decision has a third of the level, as in the judge.
const LOOKS: usize = 3;

/// Compares a published difference with the evidence's.
pub(super) fn difference_cell(matcher: &CellMatcher<'_>, point: &Difference) -> DifferenceCell {
    let [first, second] = &point.keys;
    let terms = [cell::term(1.0, first), cell::term(-1.0, second)];
    let metric = Metric::Accuracy(point.at);
    let joined = join(&terms, &[cell::place(first)], &metric, matcher.evidence);
    let mut found = DifferenceCell {
        figure: point.figure.clone(),
        contrast: label::contrast(&terms, matcher.plan),
        target: first.target.to_string(),
        blocks: (first.blocks == second.blocks).then_some(first.blocks),
        images: first.images,
        at: label::moment(point.at),
        published: published(point, matcher.seeds(first.images)),
        ours: None,
        decision: None,
        remarks: Vec::new(),
    };
    if !joined.absent.is_empty() {
        return found;
    }
    let (values, remarks) = cell::values(matcher, &[first, second], &joined);
    found.remarks = remarks;
    if found.published.value.spread.is_none() {
        found.remarks.push(Remark::NoBand);
    }
    if found.remarks.contains(&Remark::MixedRecipes) {
        found.remarks.sort_unstable();
        return found;
    }
    let sample = cell::sampled(&values, &metric, &mut found.remarks);
    let alpha = match matcher.evidence.design {
        SamplingDesign::FixedSample => ALPHA,
        SamplingDesign::GroupSequential => ALPHA.split(LOOKS),
    };
    let ours = cell::value(&values, sample.as_ref(), alpha);
    let read = (point.mean, cell::reading_error(&point.figure));
    if cell::same_runs(matcher, ours.as_ref(), read, &found.remarks) {
        found.remarks.push(Remark::SameRuns);
    }
    found.remarks.sort_unstable();
    found.ours = ours.map(decided);
    found.decision = found
        .ours
        .as_ref()
        .map(|ours| Sameness::between(ours.direction, found.published.direction));
    found
}

/// The published difference with the t interval from the standard deviation behind its band.
fn published(point: &Difference, seeds: usize) -> Decided {
    let spread =
        point.band.map(|band| spread_behind(band, seeds)).filter(|spread| spread.is_finite());
    let interval = spread.map(|spread| {
        let critical = t_upper_quantile(Alpha::CONVENTIONAL.level(), seeds as f64 - 1.0);
        Ends::from(Interval::around(point.mean, critical * spread / (seeds as f64).sqrt()))
    });
    decided(Value { mean: point.mean, seeds, spread, interval })
}

fn decided(value: Value) -> Decided {
    let direction = match value.interval {
        Some(ends) if ends.low > 0.0 => Direction::Better,
        Some(ends) if ends.high < 0.0 => Direction::Worse,
        _ => Direction::Open,
    };
    Decided { value, direction }
}
