//! Samples for which a decision must hold, where values are known in part only: which end of each
//! value, and with or without the runs that have no value.

use std::collections::{BTreeMap, btree_map::Entry};

use super::{observe::Censored, worst_ends::Worst};
use crate::stats::Sample;

/// One sample for each group of values.
pub(super) type Case = Vec<Sample>;

/// Which bound of each value is used, and whether failed runs are included.
#[derive(Clone, Copy)]
pub(super) enum Scenario {
    Low { failed: bool },
    High { failed: bool },
}

/// The samples of a scenario; `None` where a group has fewer than two values or one that is
/// infinite or NaN.
pub(super) fn case(groups: &[&[Censored]], scenario: Scenario) -> Option<Case> {
    let (failed, end): (bool, fn(&Censored) -> f64) = match scenario {
        Scenario::Low { failed } => (failed, |value| value.low),
        Scenario::High { failed } => (failed, |value| value.high),
    };
    let sample = |values: &&[Censored]| {
        Sample::new(values.iter().filter(|value| failed || value.finished).map(end).collect()).ok()
    };
    groups.iter().map(sample).collect()
}

/// The runs of a group that have a value, and the lower and the upper end of each of the others.
pub(super) type Ends = (Vec<f64>, Vec<[f64; 2]>);

/// Every case: runs without a value left out, and each of them at either end by itself.
///
/// An end of the interval of a mean is a concave or convex function of the values, so over ranges
/// its extreme is at their ends. Of as many ends, those that lie farthest apart count: with ranges
/// of one width, the upper ends of those with the highest middle. Ranges of several widths are all
/// widened to the widest.
///
/// Only the cases that `worst` asks for are made, where it is known what is asked.
pub(super) fn all_cases(groups: &[&[Censored]], worst: Option<&Worst>) -> Option<Vec<Case>> {
    let mut cases = vec![
        case(groups, Scenario::Low { failed: false })?,
        case(groups, Scenario::High { failed: false })?,
    ];
    let mut all = groups.iter().copied().flatten();
    if all.clone().all(|value| value.finished) {
        return Some(cases);
    }
    let all_known = all.all(|value| !value.finished || exact(value));
    let both: [fn(&Censored) -> f64; 2] = [|value| value.low, |value| value.high];
    for end in both.into_iter().take(if all_known { 1 } else { 2 }) {
        let ends: Vec<Ends> = groups.iter().map(|values| ends_of(values, end)).collect();
        let counts = worst.map_or_else(|| combinations(&ends), |worst| worst.counts(&ends));
        let mut made: BTreeMap<(usize, usize), Sample> = BTreeMap::new();
        for of in counts {
            let mut case = Case::new();
            for (group, (high, (known, ends))) in of.into_iter().zip(&ends).enumerate() {
                case.push(match made.entry((group, high)) {
                    Entry::Occupied(made) => made.get().clone(),
                    Entry::Vacant(free) => free.insert(at_ends(known, ends, high)?).clone(),
                });
            }
            cases.push(case);
        }
    }
    Some(cases)
}

/// Every combination of numbers of upper ends.
fn combinations(ends: &[Ends]) -> Vec<Vec<usize>> {
    let mut combined: Vec<Vec<usize>> = vec![Vec::new()];
    for (_, ends) in ends {
        let with = |of: Vec<usize>| (0..=ends.len()).map(move |high| [&of[..], &[high]].concat());
        combined = combined.into_iter().flat_map(with).collect();
    }
    combined
}

#[expect(clippy::float_cmp, reason = "bounds of a known value are one number")]
fn exact(value: &Censored) -> bool {
    value.low == value.high
}

/// The values of runs that have one, and the lower and the upper end of each of the others, by
/// falling middle, all as wide as the widest.
fn ends_of(values: &[Censored], end: fn(&Censored) -> f64) -> Ends {
    let (known, mut unknown): (Vec<&Censored>, Vec<&Censored>) =
        values.iter().partition(|value| value.finished);
    let middle = |value: &Censored| f64::midpoint(value.low, value.high);
    unknown.sort_by(|one, other| middle(other).total_cmp(&middle(one)));
    let half = unknown.iter().map(|value| value.high - value.low).fold(0.0, f64::max) / 2.0;
    let ends = unknown.iter().map(|value| [middle(value) - half, middle(value) + half]);
    (known.into_iter().map(end).collect(), ends.collect())
}

/// A sample with the first `high` of the runs without a value at their upper ends, and the others
/// at their lower ones.
fn at_ends(known: &[f64], ends: &[[f64; 2]], high: usize) -> Option<Sample> {
    let upper = ends.iter().take(high).map(|[_, upper]| *upper);
    let lower = ends.iter().skip(high).map(|[lower, _]| *lower);
    Sample::new(known.iter().copied().chain(upper).chain(lower).collect()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(low: f64, high: f64) -> Censored {
        Censored { low, high, finished: false }
    }

    #[test]
    fn each_run_without_a_value_is_at_either_end_by_itself() {
        let values = [1.0, 2.0].map(Censored::exactly).into_iter();
        let values: Vec<Censored> =
            values.chain([unknown(-9.0, 1.0), unknown(-5.0, 5.0)]).collect();
        let mut found: Vec<Vec<f64>> = all_cases(&[&values], None)
            .unwrap()
            .into_iter()
            .map(|case| case[0].values().to_vec())
            .collect();
        found.dedup();
        found.sort_by_key(Vec::len);
        found.dedup();
        assert_eq!(found[0], [1.0, 2.0]);
        // None, one (that with the higher middle) and two at their upper ends.
        assert_eq!(
            found[1..4],
            [[1.0, 2.0, -5.0, -9.0], [1.0, 2.0, 5.0, -9.0], [1.0, 2.0, 5.0, 1.0]]
        );
    }

    #[test]
    fn ends_reach_at_least_as_far_as_any_value_within() {
        // Against a grid of values in both ranges, which differ in width.
        let known = [3.0, 4.0, 3.5].map(Censored::exactly);
        let ranges = [unknown(-2.0, 6.0), unknown(0.0, 3.0)];
        let values: Vec<Censored> = known.into_iter().chain(ranges).collect();
        let low = |sample: &Sample| sample.mean() - 2.776 * sample.standard_error();
        let least = all_cases(&[&values], None).unwrap();
        let least = least.iter().map(|case| low(&case[0])).fold(f64::INFINITY, f64::min);
        let steps =
            |of: Censored| (0..=20).map(move |i| of.low + (of.high - of.low) * f64::from(i) / 20.0);
        for first in steps(ranges[0]) {
            for second in steps(ranges[1]) {
                let within = Sample::new(vec![3.0, 4.0, 3.5, first, second]).unwrap();
                assert!(low(&within) >= least - 1e-12, "{first} {second}");
            }
        }
    }

    #[test]
    fn every_combination_of_several_arms_is_a_case() {
        let known = [1.0, 2.0].map(Censored::exactly);
        let arm = |count: usize| [&known[..], &vec![unknown(0.0, 100.0); count]].concat();
        let cases = |counts: [usize; 3]| {
            let arms = counts.map(arm);
            all_cases(&[&arms[0], &arms[1], &arms[2]], None).unwrap().len()
        };
        assert_eq!(cases([0, 0, 0]), 2);
        assert_eq!(cases([3, 1, 0]), 2 + 8);
        assert_eq!(cases([3, 1, 2]), 2 + 24);
    }
}
