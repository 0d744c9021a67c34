//! The test of one sample (one contrast value per seed) against one margin.
//!
//! Values have bounds. A verdict must hold at both bounds, with failed runs excluded and with
//! failed runs at their worst allowed value.

use crate::{
    claim::Relation,
    experiment::Verdict,
    judge::observe::Censored,
    stats::{AddedVariance, Alpha, Sample, TTest, t_with_added},
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

/// Which bound of each value is used, and whether failed runs are included.
#[derive(Clone, Copy)]
enum Scenario {
    Low { failed: bool },
    High { failed: bool },
}

/// Tests one value per seed against the margin of `relation`, with t intervals at the one-sided
/// level `alpha`. `resolution` is the metric's smallest step; the standard deviation is at least
/// half of it. Undecided with fewer than two finished seeds or a NaN.
#[must_use]
pub fn decide(values: &[Censored], relation: Relation, alpha: Alpha, resolution: f64) -> Answer {
    decide_with(values, 0, relation, alpha, resolution, AddedVariance::NONE)
}

/// As [`decide`], with a variance of the mean beside that over seeds, and with `left_out` further
/// seeds that are left out of `values` and counted in the degrees of freedom: the critical t is
/// that of all seeds.
pub(super) fn decide_with(
    values: &[Censored],
    left_out: usize,
    relation: Relation,
    alpha: Alpha,
    resolution: f64,
    added: AddedVariance,
) -> Answer {
    use Scenario::{High, Low};
    let both = [
        Low { failed: true },
        Low { failed: false },
        High { failed: true },
        High { failed: false },
    ];
    // Failed runs at their worst value can't refute a hypothesis, nor support it at their best.
    let (supporting, refuting): (&[Scenario], &[Scenario]) = match relation {
        // All scenarios are one.
        _ if values.iter().all(|value| value.exact().is_some()) => (&both[..1], &both[..1]),
        Relation::EquivalentWithin(_) => (&both, &both),
        _ => (
            &[Low { failed: true }, Low { failed: false }, High { failed: false }],
            &[High { failed: true }, High { failed: false }, Low { failed: false }],
        ),
    };
    let sample = |scenario: &Scenario| take(values, *scenario);
    let supporting: Option<Vec<Sample>> = supporting.iter().map(sample).collect();
    let refuting: Option<Vec<Sample>> = refuting.iter().map(sample).collect();
    let floored =
        |sample: &Sample| sample.clone().with_resolution(resolution).leaving_out(left_out);
    let intervals = |samples: &[Sample]| -> Vec<_> {
        let test = |sample: &Sample| t_with_added(&floored(sample), 0.0, added);
        samples.iter().map(|sample| test(sample).interval(alpha)).collect()
    };
    let low = supporting.as_deref().map(|samples| {
        intervals(samples).iter().map(|interval| interval.low).fold(f64::INFINITY, min_or_nan)
    });
    let high = refuting.as_deref().map(|samples| {
        intervals(samples).iter().map(|interval| interval.high).fold(f64::NEG_INFINITY, max_or_nan)
    });
    type Test = fn(&dyn Fn(f64) -> TTest, Relation) -> (f64, f64);
    let tests = |samples: Option<&[Sample]>, test: Test| {
        let tests = samples?.iter().map(|sample| {
            let sample = floored(sample);
            test(&|null| t_with_added(&sample, null, added), relation)
        });
        tests.max_by(|left, right| left.1.total_cmp(&right.1))
    };
    let towards = tests(supporting.as_deref(), towards);
    let against = tests(refuting.as_deref(), away);
    Answer {
        estimate: estimate(values),
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
        spread_floored: supporting
            .iter()
            .flatten()
            .any(|sample| sample.standard_deviation() < floored(sample).standard_deviation()),
        unbounded: values
            .iter()
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

fn take(values: &[Censored], scenario: Scenario) -> Option<Sample> {
    let (failed, end): (bool, fn(&Censored) -> f64) = match scenario {
        Scenario::Low { failed } => (failed, |value| value.low),
        Scenario::High { failed } => (failed, |value| value.high),
    };
    Sample::new(values.iter().filter(|value| failed || value.finished).map(end).collect()).ok()
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
    pub(crate) fn in_words(&self, relation: Relation, unit: &str, seeds: usize) -> String {
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
        if seeds < 2 {
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
