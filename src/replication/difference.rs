//! One published difference beside ours: what each decides, by the same rule. A difference is better or
//! worse where its t interval lies above or below zero, and open else. The published interval is made
//! from the spread behind the figure's band, since the band itself, a bootstrap over ten seeds, is too
//! narrow.

use super::{
    ALPHA, Bench, Decided, DifferenceCell, Direction, Ends, Remark, Sameness, Value, cell,
};
use crate::{
    claim::{Metric, label},
    evidence::{Looking, means::Difference},
    judge::join::join,
    stats::{Alpha, Interval, spread_behind, t_upper_quantile},
};

/// Our own seeds were added until a claim was decided, at one of three looks (3, 5 and 10 seeds), so each
/// decision here has a third of the risk, as the judge's have.
const LOOKS: usize = 3;

/// A published difference beside ours.
pub(super) fn of(bench: &Bench<'_>, point: &Difference) -> DifferenceCell {
    let [first, second] = &point.keys;
    let terms = [cell::term(1.0, first), cell::term(-1.0, second)];
    let metric = Metric::Accuracy(point.at);
    let joined = join(&terms, &[cell::place(first)], &metric, bench.evidence);
    let mut found = DifferenceCell {
        figure: point.figure.clone(),
        contrast: label::contrast(&terms, bench.plan),
        target: first.target.to_string(),
        blocks: (first.blocks == second.blocks).then_some(first.blocks),
        images: first.images,
        at: label::moment(point.at),
        published: published(point, bench.seeds(first.images)),
        ours: None,
        decision: None,
        remarks: Vec::new(),
    };
    if !joined.absent.is_empty() {
        return found;
    }
    let (values, remarks) = cell::values(bench, &[first, second], &joined);
    found.remarks = remarks;
    if found.published.value.spread.is_none() {
        found.remarks.push(Remark::NoBand);
    }
    if found.remarks.contains(&Remark::MixedRecipes) {
        found.remarks.sort_unstable();
        return found;
    }
    let sample = cell::sampled(&values, &metric, &mut found.remarks);
    let alpha = match bench.evidence.looking {
        Looking::Fixed => ALPHA,
        Looking::Sequential => ALPHA.split(LOOKS),
    };
    let ours = cell::value(&values, sample.as_ref(), alpha);
    let read = (point.mean, cell::reading_error(&point.figure));
    if cell::same_runs(bench, ours.as_ref(), read, &found.remarks) {
        found.remarks.push(Remark::SameRuns);
    }
    found.remarks.sort_unstable();
    found.ours = ours.map(decided);
    found.decision =
        found.ours.as_ref().map(|ours| Sameness::of(ours.direction, found.published.direction));
    found
}

/// The published difference with the t interval that its band's spread gives.
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
