//! One contrast value a seed against one margin. Values come with bounds; a verdict counts only
//! where it holds at both ends of them, with the runs that failed left out and with those runs at
//! their worst allowed value.

use crate::{
    claim::Relation,
    experiment::Verdict,
    judge::observe::Observed,
    stats::{Alpha, Sample, TTest, paired_t, t_interval},
};

/// On which side of the hypothesis the evidence lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It holds.
    Supported,
    /// It does not.
    Refuted,
    /// The evidence does not say.
    Undecided,
}

impl Side {
    /// Where an interval lies to a relation's margin; a bound that is NaN decides nothing.
    #[must_use]
    pub fn of(low: f64, high: f64, relation: Relation) -> Self {
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
    /// The value that the contrast is tested against: the margin, or minus the margin.
    #[must_use]
    pub(crate) fn threshold(self) -> f64 {
        match self {
            Self::GreaterThan(margin) | Self::EquivalentWithin(margin) => margin,
            // Not `-margin`, which would print a margin of none as "-0".
            Self::NotWorseThan(margin) => 0.0 - margin,
        }
    }
}

/// What the seeds of one cell say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// Mean over the finished seeds; the middle of its bounds where a value has bounds.
    pub estimate: Option<f64>,
    /// Lower end of the interval that the answer used; `None` where nothing bounds it.
    pub low: Option<f64>,
    /// Upper end of the interval that the answer used; `None` where nothing bounds it.
    pub high: Option<f64>,
    /// Statistic of the test that `p` is of.
    pub t: Option<f64>,
    /// One-sided p in the direction of the hypothesis; the largest, where values have bounds.
    pub p: Option<f64>,
    /// One-sided p in the other direction.
    pub p_refuted: Option<f64>,
    /// Where that lies.
    pub side: Side,
    /// Whether seeds agreed so closely that their spread was floored at half the resolution.
    pub spread_floored: bool,
    /// Seeds that finished and whose value has no bound, as where an accuracy was never reached.
    pub unbounded: usize,
}

/// Which ends of the bounds are taken, and whether failed runs are in.
#[derive(Clone, Copy)]
enum Scenario {
    Low { failed: bool },
    High { failed: bool },
}

/// Judges one value a seed. `resolution` is the metric's smallest step, at half of which a spread
/// of zero is floored. Fewer than two finished seeds, or a value that is not a number, decide
/// nothing.
#[must_use]
pub fn decide(values: &[Observed], relation: Relation, alpha: Alpha, resolution: f64) -> Answer {
    use Scenario::{High, Low};
    let both = [
        Low { failed: true },
        Low { failed: false },
        High { failed: true },
        High { failed: false },
    ];
    // Failed runs at their worst for the hypothesis can't refute it, nor at their best support it.
    let (supporting, refuting): (&[Scenario], &[Scenario]) = match relation {
        Relation::EquivalentWithin(_) => (&both, &both),
        _ => (
            &[Low { failed: true }, Low { failed: false }, High { failed: false }],
            &[High { failed: true }, High { failed: false }, Low { failed: false }],
        ),
    };
    let sample = |scenario: &Scenario| take(values, *scenario);
    let supporting: Option<Vec<Sample>> = supporting.iter().map(sample).collect();
    let refuting: Option<Vec<Sample>> = refuting.iter().map(sample).collect();
    let floored = |sample: &Sample| sample.clone().with_resolution(resolution);
    let intervals = |samples: &[Sample]| -> Vec<_> {
        samples.iter().map(|sample| t_interval(&floored(sample), alpha)).collect()
    };
    let low = supporting.as_deref().map(|samples| {
        intervals(samples).iter().map(|interval| interval.low).fold(f64::INFINITY, least)
    });
    let high = refuting.as_deref().map(|samples| {
        intervals(samples).iter().map(|interval| interval.high).fold(f64::NEG_INFINITY, most)
    });
    let tests = |samples: Option<&[Sample]>, test: fn(&Sample, Relation) -> (f64, f64)| {
        let tests = samples?.iter().map(|sample| test(&floored(sample), relation));
        tests.max_by(|left, right| left.1.total_cmp(&right.1))
    };
    let best = tests(supporting.as_deref(), towards);
    let against = tests(refuting.as_deref(), away);
    Answer {
        estimate: estimate(values),
        low,
        high,
        t: best.map(|(t, _)| t).filter(|t| t.is_finite()),
        p: best.map(|(_, p)| p).filter(|p| p.is_finite()),
        p_refuted: against.map(|(_, p)| p).filter(|p| p.is_finite()),
        side: Side::of(low.unwrap_or(f64::NEG_INFINITY), high.unwrap_or(f64::INFINITY), relation),
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

/// `f64::min` passes over a NaN, and a NaN must not turn into evidence.
fn least(left: f64, right: f64) -> f64 {
    if left.is_nan() || right.is_nan() { f64::NAN } else { left.min(right) }
}

fn most(left: f64, right: f64) -> f64 {
    -least(-left, -right)
}

fn take(values: &[Observed], scenario: Scenario) -> Option<Sample> {
    let (failed, end): (bool, fn(&Observed) -> f64) = match scenario {
        Scenario::Low { failed } => (failed, |value| value.low),
        Scenario::High { failed } => (failed, |value| value.high),
    };
    Sample::new(values.iter().filter(|value| failed || value.finished).map(end).collect()).ok()
}

fn estimate(values: &[Observed]) -> Option<f64> {
    let finished: Option<Vec<f64>> =
        values.iter().filter(|value| value.finished).map(|value| value.middle()).collect();
    match finished?.as_slice() {
        [] => None,
        [one] => Some(*one),
        several => Sample::new(several.to_vec()).ok().map(|sample| sample.mean()),
    }
}

/// t and one-sided p in the direction of the hypothesis.
fn towards(sample: &Sample, relation: Relation) -> (f64, f64) {
    let above = |test: TTest| (test.t, test.p_greater);
    let below = |test: TTest| (test.t, test.p_less);
    match relation {
        Relation::GreaterThan(_) | Relation::NotWorseThan(_) => {
            above(paired_t(sample, relation.threshold()))
        }
        // Two one-sided tests: the weaker of the two speaks for both.
        Relation::EquivalentWithin(margin) => {
            let ends = [above(paired_t(sample, -margin)), below(paired_t(sample, margin))];
            if ends[0].1 > ends[1].1 { ends[0] } else { ends[1] }
        }
    }
}

/// t and one-sided p in the direction away from the hypothesis.
fn away(sample: &Sample, relation: Relation) -> (f64, f64) {
    match relation {
        Relation::GreaterThan(_) | Relation::NotWorseThan(_) => {
            let test = paired_t(sample, relation.threshold());
            (test.t, test.p_less)
        }
        Relation::EquivalentWithin(margin) => {
            let (above, below) = (paired_t(sample, margin), paired_t(sample, -margin));
            if above.p_greater < below.p_less {
                (above.t, above.p_greater)
            } else {
                (below.t, below.p_less)
            }
        }
    }
}

impl Answer {
    /// The answer as a sentence.
    #[must_use]
    pub(crate) fn in_words(&self, relation: Relation, unit: &str, seeds: usize) -> String {
        let asked = match relation {
            Relation::GreaterThan(margin) => format!("above {margin}"),
            Relation::NotWorseThan(_) => format!("above {}", relation.threshold()),
            Relation::EquivalentWithin(margin) => format!("within {margin} of zero"),
        };
        let mean = self
            .estimate
            .map_or_else(|| "no mean".to_owned(), |mean| format!("mean {mean:+.2} {unit}"));
        if seeds < 2 {
            return format!("{mean} over {seeds} seed: no spread, so no interval");
        }
        if self.low.is_none() && self.high.is_none() && self.unbounded > 0 {
            return format!(
                "{mean} over {seeds} seeds: no interval, since what is measured was not reached in {} of them",
                self.unbounded
            );
        }
        if self.low.is_none() && self.high.is_none() {
            return format!(
                "{mean} over {seeds} seeds: no interval, since fewer than two runs finished or a value is not a number"
            );
        }
        let end = |end: Option<f64>| {
            end.map_or_else(|| "unbounded".to_owned(), |end| format!("{end:+.2}"))
        };
        let interval =
            format!("{mean}, interval {} to {} over {seeds} seeds", end(self.low), end(self.high));
        match self.side {
            Side::Supported => format!("{interval}: {asked}"),
            Side::Refuted => format!("{interval}: not {asked}"),
            Side::Undecided => format!("{interval}: has the margin inside ({asked} was asked)"),
        }
    }
}
