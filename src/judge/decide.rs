//! The test of one sample (one contrast value per seed) against one margin.
//!
//! Values have bounds. A verdict must hold at both bounds, with failed runs excluded and with
//! failed runs at their worst allowed value.

use crate::{
    claim::Relation,
    experiment::Verdict,
    judge::{
        ends::{Case, Scenario, all_cases, case},
        observe::Censored,
        worst_ends::Worst,
    },
    stats::{AddedVariance, Alpha, Sample, TTest, t_with_added, welch_contrast},
    util::decimals::{decimals, signed},
};

/// On which side of the margin the confidence interval lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The hypothesis holds.
    Supported,
    /// The hypothesis does not hold.
    Refuted,
    /// The interval contains a margin.
    Undecided,
}

impl Side {
    /// The side of an interval from `low` to `high`; undecided where a bound is NaN.
    #[must_use]
    pub fn from_bounds(low: f64, high: f64, relation: Relation) -> Self {
        let (supported, refuted) = match relation {
            Relation::GreaterThan(margin) => (low > margin, high < margin),
            Relation::NotWorseThan(margin) => (low > -margin, high < -margin),
            Relation::EquivalentWithin(margin) => {
                (low > -margin && high < margin, low > margin || high < -margin)
            }
        };
        match (supported, refuted) {
            (true, _) => Self::Supported,
            (_, true) => Self::Refuted,
            _ => Self::Undecided,
        }
    }
}

impl From<Side> for Verdict {
    fn from(side: Side) -> Self {
        match side {
            Side::Supported => Self::Supported,
            Side::Refuted => Self::Refuted,
            Side::Undecided => Self::Inconclusive,
        }
    }
}

impl Relation {
    /// Whether it asks for a direction, and not for a range.
    #[must_use]
    pub(crate) fn is_direction(self) -> bool {
        !matches!(self, Self::EquivalentWithin(_))
    }

    /// The value that the contrast is tested against: the margin, or minus the margin.
    #[must_use]
    pub(crate) fn threshold(self) -> f64 {
        match self {
            Self::GreaterThan(margin) | Self::EquivalentWithin(margin) => margin,
            // Not `-margin`, which prints a margin of 0 as "-0".
            Self::NotWorseThan(margin) => 0.0 - margin,
        }
    }
}

/// The answer of the seeds of one cell. Values are in the metric's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// Mean over the finished seeds, with the midpoint of a value that has bounds.
    pub estimate: Option<f64>,
    /// Lower end of the confidence interval; `None` where it is unbounded.
    pub low: Option<f64>,
    /// Upper end of the confidence interval; `None` where it is unbounded.
    pub high: Option<f64>,
    /// t statistic of the test of `p`.
    pub t: Option<f64>,
    /// One-sided p in the direction of the hypothesis; the largest, where values have bounds.
    pub p: Option<f64>,
    /// One-sided p in the other direction.
    pub p_refuted: Option<f64>,
    /// The side of the interval.
    pub side: Side,
    /// Whether the standard deviation was raised to its floor, half the resolution.
    pub spread_floored: bool,
    /// Seeds that finished with an unbounded value, as where an accuracy was never reached.
    pub unbounded: usize,
}

/// The values of arms that are joined by replicate: all of a contrast, or those that share no
/// replicate with its other arms.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// One value a replicate; those of several groups add up to the contrast.
    pub(super) values: Vec<Censored>,
    /// Further replicates that are left out of `values` and counted in the degrees of freedom: the
    /// critical t is that of all.
    pub(super) left_out: usize,
    /// The smallest step of its values; their standard deviation is at least half of it.
    pub(super) resolution: f64,
}

/// How values are tested.
#[derive(Clone, Copy, Debug)]
pub(super) struct Test {
    /// What they are tested for.
    pub(super) relation: Relation,
    /// One-sided level of the interval.
    pub(super) alpha: Alpha,
    /// A variance of the mean beside that over replicates, for one group.
    pub(super) added: AddedVariance,
    /// Test items by training items, where replicates are folds; else 0.
    pub(super) test_to_train: f64,
    /// Whether each run without a value is at either end by itself, and not all at the worst.
    pub(super) each_end: bool,
}

/// Tests one value per seed against the margin of `relation`, with t intervals at the one-sided
/// level `alpha`. `resolution` is the metric's smallest step; the standard deviation is at least
/// half of it. Undecided with fewer than two finished seeds or a NaN.
#[must_use]
pub fn decide(values: &[Censored], relation: Relation, alpha: Alpha, resolution: f64) -> Answer {
    let group = Group { values: values.to_vec(), left_out: 0, resolution };
    let added = AddedVariance::NONE;
    decide_with(&[group], Test { relation, alpha, added, test_to_train: 0.0, each_end: false })
}

/// As [`decide`], for the values of one group of arms, or of several that share no replicates:
/// Welch's t of their sum.
pub(super) fn decide_with(groups: &[Group], test: Test) -> Answer {
    let values: Vec<&[Censored]> = groups.iter().map(|group| &*group.values).collect();
    answer(groups, test, cases(groups, &values, test))
}

/// The answer of the cases in which a hypothesis must be supported, and of those in which it must
/// be refuted.
pub(super) fn answer(
    groups: &[Group],
    test: Test,
    (supporting, refuting): (Option<Vec<Case>>, Option<Vec<Case>>),
) -> Answer {
    let Test { relation, alpha, .. } = test;
    let values: Vec<&[Censored]> = groups.iter().map(|group| &*group.values).collect();
    let all = || values.iter().copied().flatten();
    let of = |case: &Case, null: f64| test.against(groups, case, null);
    let intervals = |cases: &[Case]| -> Vec<_> {
        cases.iter().map(|case| of(case, 0.0).interval(alpha)).collect()
    };
    let low = supporting.as_deref().map(|samples| {
        intervals(samples).iter().map(|interval| interval.low).fold(f64::INFINITY, min_or_nan)
    });
    let high = refuting.as_deref().map(|samples| {
        intervals(samples).iter().map(|interval| interval.high).fold(f64::NEG_INFINITY, max_or_nan)
    });
    type Tail = fn(&dyn Fn(f64) -> TTest, Relation) -> (f64, f64);
    let tests = |cases: Option<&[Case]>, tail: Tail| {
        let tests = cases?.iter().map(|case| tail(&|null| of(case, null), relation));
        tests.max_by(|left, right| left.1.total_cmp(&right.1))
    };
    let towards = tests(supporting.as_deref(), towards);
    let against = tests(refuting.as_deref(), away);
    Answer {
        estimate: estimate_of(&values),
        low,
        high,
        t: towards.map(|(t, _)| t).filter(|t| t.is_finite()),
        p: towards.map(|(_, p)| p).filter(|p| p.is_finite()),
        p_refuted: against.map(|(_, p)| p).filter(|p| p.is_finite()),
        side: Side::from_bounds(
            low.unwrap_or(f64::NEG_INFINITY),
            high.unwrap_or(f64::INFINITY),
            relation,
        ),
        spread_floored: supporting.iter().flatten().any(|case| {
            let mut each = case.iter().zip(groups);
            each.any(|(sample, group)| sample.standard_deviation() < group.resolution / 2.0)
        }),
        unbounded: all()
            .filter(|value| value.finished && value.low < value.high && value.middle().is_none())
            .count(),
    }
}

/// Unlike `f64::min`, which ignores a NaN: a NaN must not become evidence.
fn min_or_nan(left: f64, right: f64) -> f64 {
    if left.is_nan() || right.is_nan() { f64::NAN } else { left.min(right) }
}

fn max_or_nan(left: f64, right: f64) -> f64 {
    -min_or_nan(-left, -right)
}

impl Test {
    /// The test of a case against a null value.
    fn against(self, groups: &[Group], case: &Case, null: f64) -> TTest {
        let floored = |(sample, group): (&Sample, &Group)| {
            let sample = sample.clone().with_resolution(group.resolution);
            sample.leaving_out(group.left_out).as_folds(self.test_to_train)
        };
        let samples: Vec<Sample> = case.iter().zip(groups).map(floored).collect();
        match samples.as_slice() {
            [one] => t_with_added(one, null, self.added),
            several => {
                let arms: Vec<(f64, &Sample)> = several.iter().map(|arm| (1.0, arm)).collect();
                welch_contrast(&arms, null)
            }
        }
    }
}

/// The cases in which a hypothesis must be supported, and those in which it must be refuted; `None`
/// where a sample of one of them can't be made.
fn cases(
    groups: &[Group],
    values: &[&[Censored]],
    test: Test,
) -> (Option<Vec<Case>>, Option<Vec<Case>>) {
    use Scenario::{High, Low};
    let both = [
        Low { failed: true },
        Low { failed: false },
        High { failed: true },
        High { failed: false },
    ];
    let of = |scenarios: &[Scenario]| scenarios.iter().map(|of| case(values, *of)).collect();
    // All scenarios are one.
    if values.iter().copied().flatten().all(|value| value.exact().is_some()) {
        return (of(&both[..1]), of(&both[..1]));
    }
    if test.each_end {
        let all = all_cases(values, Worst::new(groups, test).as_ref());
        return (all.clone(), all);
    }
    // Failed runs at their worst value can't refute a hypothesis, nor support it at their best.
    match test.relation {
        Relation::EquivalentWithin(_) => (of(&both), of(&both)),
        Relation::GreaterThan(_) | Relation::NotWorseThan(_) => (
            of(&[Low { failed: true }, Low { failed: false }, High { failed: false }]),
            of(&[High { failed: true }, High { failed: false }, Low { failed: false }]),
        ),
    }
}

/// The sum over groups of [`estimate`].
fn estimate_of(groups: &[&[Censored]]) -> Option<f64> {
    match groups {
        [one] => estimate(one),
        several => several.iter().map(|values| estimate(values)).sum(),
    }
}

/// The mean over the finished seeds, with the midpoint of a value that has bounds.
pub(super) fn estimate(values: &[Censored]) -> Option<f64> {
    let finished: Option<Vec<f64>> =
        values.iter().filter(|value| value.finished).map(|value| value.middle()).collect();
    match finished?.as_slice() {
        [] => None,
        [one] => Some(*one),
        several => Sample::new(several.to_vec()).ok().map(|sample| sample.mean()),
    }
}

/// t and one-sided p in the direction of the hypothesis, from the test against a null value.
fn towards(test: &dyn Fn(f64) -> TTest, relation: Relation) -> (f64, f64) {
    let above = |test: TTest| (test.t, test.p_greater);
    let below = |test: TTest| (test.t, test.p_less);
    match relation {
        Relation::GreaterThan(_) | Relation::NotWorseThan(_) => above(test(relation.threshold())),
        // Two one-sided tests (TOST): the larger p counts.
        Relation::EquivalentWithin(margin) => {
            let ends = [above(test(-margin)), below(test(margin))];
            if ends[0].1 > ends[1].1 { ends[0] } else { ends[1] }
        }
    }
}

/// t and one-sided p in the direction away from the hypothesis.
fn away(at: &dyn Fn(f64) -> TTest, relation: Relation) -> (f64, f64) {
    match relation {
        Relation::GreaterThan(_) | Relation::NotWorseThan(_) => {
            let test = at(relation.threshold());
            (test.t, test.p_less)
        }
        Relation::EquivalentWithin(margin) => {
            let (above, below) = (at(margin), at(-margin));
            if above.p_greater < below.p_less {
                (above.t, above.p_greater)
            } else {
                (below.t, below.p_less)
            }
        }
    }
}

impl Answer {
    /// The answer in words.
    #[must_use]
    ///
    /// `counts` has the number of seeds, or those of each arm where they are not paired.
    pub(crate) fn in_words(&self, relation: Relation, unit: &str, counts: &[usize]) -> String {
        let fewest = counts.iter().copied().min().unwrap_or(0);
        let seeds = counts.iter().map(usize::to_string).collect::<Vec<String>>().join(" and ");
        let required = match relation {
            Relation::GreaterThan(margin) => format!("above {margin}"),
            Relation::NotWorseThan(_) => format!("above {}", relation.threshold()),
            Relation::EquivalentWithin(margin) => format!("within {margin} of zero"),
        };
        let places = decimals([self.estimate, self.low, self.high].into_iter().flatten());
        let mean = self.estimate.map_or_else(
            || "no mean".to_owned(),
            |mean| format!("mean {}{unit}", signed(mean, places)),
        );
        if fewest < 2 {
            return format!("{mean} over {seeds} seed: no spread, so no confidence interval");
        }
        if self.low.is_none() && self.high.is_none() && self.unbounded > 0 {
            return format!(
                "{mean} over {seeds} seeds: no confidence interval, since {} seeds never reached \
                 the accuracy",
                self.unbounded
            );
        }
        if self.low.is_none() && self.high.is_none() {
            return format!(
                "{mean} over {seeds} seeds: no confidence interval, since fewer than two runs \
                 finished or a value is NaN"
            );
        }
        let end = |end: Option<f64>| {
            end.map_or_else(|| "unbounded".to_owned(), |end| signed(end, places))
        };
        let (low, high) = (end(self.low), end(self.high));
        let interval = format!("{mean}, confidence interval {low} to {high} over {seeds} seeds");
        match self.side {
            Side::Supported => format!("{interval}: {required}"),
            Side::Refuted => format!("{interval}: not {required}"),
            Side::Undecided => format!("{interval}: contains the margin (required: {required})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_no_number_stays_one_whichever_side_it_is_on() {
        for (one, other) in [(f64::NAN, 1.0), (1.0, f64::NAN), (f64::NAN, f64::NAN)] {
            assert!(min_or_nan(one, other).is_nan() && max_or_nan(one, other).is_nan());
        }
        assert_eq!((min_or_nan(2.0, 1.0), max_or_nan(2.0, 1.0)), (1.0, 2.0));
    }
}
