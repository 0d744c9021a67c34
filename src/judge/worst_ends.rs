//! Of runs that may lie at either end of their ranges, how many at the upper end make an interval
//! or a p-value worst. Mean and standard deviation of each number follow from those of the last by
//! two sums, so that the cost grows with the number of runs and not with its square: a planned run
//! that is absent may be one of hundreds.

use std::collections::BTreeSet;

use crate::{claim::Relation, stats::t_upper_quantile};

use super::{
    decide::{Group, Test},
    ends::Ends,
    worst_welch::WorstOfSeveral,
};
use crate::stats::AddedVariance;

/// What is asked of every case, where it is known which cases are worst.
#[derive(Clone, Debug)]
pub(super) enum Worst {
    /// Of one group.
    OfOne(WorstEnds),
    /// Of several that share no replicates.
    OfSeveral(WorstOfSeveral),
}

impl Worst {
    /// `None` where a group has fewer than two values, or cases have degrees of freedom of their
    /// own by a variance beside that over replicates.
    pub(super) fn new(groups: &[Group], test: Test) -> Option<Self> {
        if groups.iter().any(|group| group.values.len() < 2) {
            return None;
        }
        match groups {
            [] => None,
            [_] => WorstEnds::new(groups, test).map(Self::OfOne),
            several => Some(Self::OfSeveral(WorstOfSeveral::new(several, test))),
        }
    }

    /// The numbers of upper ends of each group at which a bound of the interval lies farthest out
    /// or a p-value is largest, with none and all.
    pub(super) fn counts(&self, groups: &[Ends]) -> Vec<Vec<usize>> {
        match (self, groups) {
            (Self::OfSeveral(worst), groups) => worst.counts(groups),
            (Self::OfOne(worst), [(known, ends)]) => {
                worst.counts(known, ends).into_iter().map(|high| vec![high]).collect()
            }
            (Self::OfOne(_), _) => Vec::new(),
        }
    }
}

/// Mean and standard deviation of known values and ends, where none, one, ... and all of the ends
/// are the upper ones, each from those before it by two sums.
pub(super) fn moments(known: &[f64], ends: &[[f64; 2]]) -> Vec<(f64, f64)> {
    let all = (known.len() + ends.len()) as f64;
    let lower = || known.iter().copied().chain(ends.iter().map(|[lower, _]| *lower));
    // Around a value of the sample, so that squares don't cancel.
    let centre = lower().sum::<f64>() / all;
    let mut sum: f64 = lower().map(|value| value - centre).sum();
    let mut squares: f64 = lower().map(|value| (value - centre).powi(2)).sum();
    let mut moments = Vec::with_capacity(ends.len() + 1);
    for high in 0..=ends.len() {
        let mean = sum / all;
        let variance = (squares - sum * mean).max(0.0) / (all - 1.0);
        moments.push((centre + mean, variance.sqrt()));
        if let Some([lower, upper]) = ends.get(high) {
            let (lower, upper) = (lower - centre, upper - centre);
            sum += upper - lower;
            squares += upper * upper - lower * lower;
        }
    }
    moments
}

/// What is asked of every case of one group.
#[derive(Clone, Copy, Debug)]
pub(super) struct WorstEnds {
    relation: Relation,
    /// Half of an interval, in standard deviations.
    half: f64,
    /// The least standard deviation.
    floor: f64,
}

impl WorstEnds {
    /// `None` where cases have degrees of freedom of their own: with several groups, or with a
    /// variance beside that over replicates.
    fn new(groups: &[Group], test: Test) -> Option<Self> {
        let [group] = groups else { return None };
        let replicates = group.values.len() as f64;
        let freedom = replicates + group.left_out as f64 - 1.0;
        if test.added != AddedVariance::NONE || group.values.len() < 2 {
            return None;
        }
        let of_mean = 1.0 / replicates + test.test_to_train.max(0.0);
        let half = t_upper_quantile(test.alpha.level(), freedom) * of_mean.sqrt();
        Some(Self { relation: test.relation, half, floor: (group.resolution / 2.0).max(0.0) })
    }

    /// The numbers of upper ends at which a bound of the interval lies farthest out or a p-value is
    /// largest, with none and all; `ends` are those of each run without a value.
    pub(super) fn counts(&self, known: &[f64], ends: &[[f64; 2]]) -> Vec<usize> {
        let mut worst = [(f64::INFINITY, 0_usize); 4];
        for (high, (mean, deviation)) in moments(known, ends).into_iter().enumerate() {
            let found = self.badness(mean, deviation.max(self.floor));
            for (worst, found) in worst.iter_mut().zip(found) {
                if found < worst.0 {
                    *worst = (found, high);
                }
            }
        }
        let counts: BTreeSet<usize> =
            worst.into_iter().map(|(_, high)| high).chain([0, ends.len()]).collect();
        counts.into_iter().collect()
    }

    /// What is least in the worst case: the lower bound, minus the upper one, and the t in the
    /// direction of the hypothesis and away from it. In units of the standard deviation's error,
    /// which all cases share.
    fn badness(&self, mean: f64, deviation: f64) -> [f64; 4] {
        let half = self.half * deviation;
        let [towards, away] = t_of(self.relation, mean, deviation);
        [mean - half, -mean - half, towards, away]
    }
}

/// The t whose upper tail is the p in the direction of the hypothesis, and that of the p away from
/// it: of an equivalence the larger and the smaller p of two tests.
pub(super) fn t_of(relation: Relation, mean: f64, error: f64) -> [f64; 2] {
    let t = |difference: f64| {
        if difference == 0.0 { 0.0 } else { difference / error }
    };
    match relation {
        Relation::EquivalentWithin(margin) => {
            [t(mean + margin).min(t(margin - mean)), t(mean - margin).max(t(-mean - margin))]
        }
        relation => [t(mean - relation.threshold()), t(relation.threshold() - mean)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        judge::{decide::decide_with, observe::Censored},
        stats::Alpha,
    };

    fn test(relation: Relation, added: AddedVariance) -> Test {
        let alpha = Alpha::new(0.025).unwrap();
        Test { relation, alpha, added, test_to_train: 0.0, each_end: true }
    }

    /// Numbers that are spread without a pattern, from 0 to 1.
    fn number(of: u32) -> f64 {
        (f64::from(of) * 0.754_877_666).fract()
    }

    fn group(known: u32, unknown: u32, width: f64, resolution: f64) -> Group {
        let exactly = |of: u32| Censored::exactly(3.0 * number(of) - 1.0 + f64::from(of % 3));
        let range = |of: u32| {
            let low = 4.0 * number(7 * of + 1) - 2.0 - width / 2.0;
            Censored { low, high: low + width * (0.5 + number(of) / 2.0), finished: false }
        };
        let values = (0..known).map(exactly).chain((0..unknown).map(range)).collect();
        Group { values, left_out: 1, resolution }
    }

    /// A variance so small that it changes no number, with which every case is made.
    const EVERY_CASE: AddedVariance = AddedVariance { variance: 1e-300, over_freedom: 0.0 };

    #[test]
    fn the_worst_cases_give_the_answer_of_all_cases() {
        let relations = [
            Relation::GreaterThan(0.0),
            Relation::GreaterThan(1.5),
            Relation::NotWorseThan(0.7),
            Relation::EquivalentWithin(0.5),
            Relation::EquivalentWithin(8.0),
        ];
        let mut compared = 0;
        for (known, unknown) in [(2, 1), (3, 2), (5, 9), (12, 3), (30, 30)] {
            for (width, resolution) in [(0.0, 0.0), (0.3, 0.0), (6.0, 0.01), (200.0, 3.0)] {
                for relation in relations {
                    let groups = [group(known, unknown, width, resolution)];
                    let worst = decide_with(&groups, test(relation, AddedVariance::NONE));
                    let all = decide_with(&groups, test(relation, EVERY_CASE));
                    assert_eq!((worst.side, worst.estimate), (all.side, all.estimate));
                    let near = |one: Option<f64>, other: Option<f64>| {
                        let (one, other) = (one.unwrap(), other.unwrap());
                        (one - other).abs() <= 1e-11 * other.abs().max(1e-6)
                    };
                    for (one, other) in [
                        (worst.low, all.low),
                        (worst.high, all.high),
                        (worst.t, all.t),
                        (worst.p, all.p),
                        (worst.p_refuted, all.p_refuted),
                    ] {
                        assert!(near(one, other), "{relation:?}, {groups:?}: {worst:?}, {all:?}");
                        compared += 1;
                    }
                }
            }
        }
        assert_eq!(compared, 5 * 4 * 5 * 5);
    }

    #[test]
    fn the_number_of_cases_does_not_grow_with_the_runs_that_are_absent() {
        for unknown in [10, 100, 1000, 10_000] {
            let groups = [group(20, unknown, 6.0, 0.01)];
            let test = test(Relation::GreaterThan(0.0), AddedVariance::NONE);
            let worst = Worst::new(&groups, test).unwrap();
            let cases = crate::judge::ends::all_cases(&[&groups[0].values], Some(&worst)).unwrap();
            assert!(cases.len() <= 2 + 6, "{}", cases.len());
        }
    }
}
