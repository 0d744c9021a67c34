//! The value of a study's own metric in one run. Values are multiplied by -1 where lower ones are
//! better, so that higher is better for every metric.

use super::observe::{Censored, FARTHEST, ROUNDING, Scale, Unobservable};
use crate::{
    claim::{LogScale, Read, StudyMetric},
    evidence::{Logged, Record, Status},
};

/// Reads a metric off a run. A run that stopped could have ended anywhere in the metric's range.
///
/// # Errors
/// If the run has no such value.
pub(super) fn observe(of: &StudyMetric, record: &Record) -> Result<Censored, Unobservable> {
    let stopped = record.status == Status::Stopped;
    let Some(logged) = &record.logged else {
        // A run that is absent from the log.
        return if stopped { Ok(any_value(of)) } else { Err(Unobservable::NotRecorded) };
    };
    let sign = of.metric.sign();
    let values = || logged.of(of.index).filter(|(_, value)| !value.is_nan());
    let exactly = |value: f64| Censored::exactly(sign * value);
    let value = match of.read {
        Read::Last if stopped => any_of_range(of),
        Read::Last => {
            // The metric at the run's end, not an earlier one that happens to be there.
            let (progress, value) = values().next_back().ok_or(Unobservable::NotRecorded)?;
            let end = logged.progress.last().copied().unwrap_or_default();
            if progress < end {
                return Err(Unobservable::NotRecorded);
            }
            exactly(value)
        }
        Read::Best => {
            let best = values().map(|(_, value)| sign * value).max_by(f64::total_cmp);
            match (best, stopped) {
                // Had the run continued, its best value could only have been better.
                (Some(best), true) => Censored { low: best, ..any_of_range(of) },
                (None, true) => any_of_range(of),
                (best, false) => Censored::exactly(best.ok_or(Unobservable::NotRecorded)?),
            }
        }
        Read::Step(step) => match values().find(|(progress, _)| close(*progress, step)) {
            Some((_, value)) => exactly(value),
            None if stopped && is_beyond(logged, step) => any_of_range(of),
            None => return Err(Unobservable::NotLoggedStep(step)),
        },
        Read::FromShare(share) => {
            let at = share * (logged.end - of.from);
            let trained = |progress: f64| progress - of.from;
            match values().find(|(progress, _)| trained(*progress) >= at * (1.0 - ROUNDING)) {
                Some((progress, _)) if trained(progress) > FARTHEST * at * (1.0 + ROUNDING) => {
                    return Err(Unobservable::FarFromStep(of.from + at, progress));
                }
                Some((_, value)) => exactly(value),
                None if stopped => any_of_range(of),
                None => return Err(Unobservable::NotRecorded),
            }
        }
        Read::StepsTo(threshold) => return steps_to(values(), sign, threshold, of.from),
    };
    Ok(on_scale(of, value))
}

/// Any value of the metric, in what a contrast is made of; steps to a value have no end.
fn any_value(of: &StudyMetric) -> Censored {
    match of.read {
        Read::StepsTo(_) => Censored { low: f64::NEG_INFINITY, high: 0.0, finished: false },
        _ => on_scale(of, any_of_range(of)),
    }
}

/// Any value of the metric's range, which has no ends if the study states none.
fn any_of_range(of: &StudyMetric) -> Censored {
    let [least, largest] = of.metric.range.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
    let (one, other) = (of.metric.sign() * least, of.metric.sign() * largest);
    Censored { low: one.min(other), high: one.max(other), finished: false }
}

/// Minus the steps until a value is first reached: fewer are better. The bounds are the last step
/// below it and the first at or above it; a run that never reached it has none.
fn steps_to(
    values: impl Iterator<Item = (f64, f64)>,
    sign: f64,
    threshold: f64,
    from: f64,
) -> Result<Censored, Unobservable> {
    let (mut before, mut any) = (0.0, false);
    for (progress, value) in values {
        any = true;
        if sign * value >= sign * threshold {
            return Ok(Censored { low: from - progress, high: -before, finished: true });
        }
        before = progress - from;
    }
    let never = Censored { low: f64::NEG_INFINITY, high: -before, finished: true };
    if any { Ok(never) } else { Err(Unobservable::NotRecorded) }
}

/// A share in points on a logarithmic scale, kept half an item away from 0 and 1.
fn on_scale(of: &StudyMetric, value: Censored) -> Censored {
    let Some(scale) = of.scale else { return value };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a step is at least a part in four thousand million"
    )]
    let items = of.metric.step.map_or(1, |step| (100.0 / step).round().min(4e9) as u32);
    let sign = of.metric.sign();
    let (scale, percent) = (
        match scale {
            LogScale::LogOdds => Scale::LogOdds,
            LogScale::LogError => Scale::LogError,
        },
        Censored {
            low: (sign * value.low).min(sign * value.high),
            high: (sign * value.low).max(sign * value.high),
            ..value
        },
    );
    let on = percent.on(scale, items);
    if sign > 0.0 { on } else { Censored { low: -on.high, high: -on.low, ..on } }
}

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= ROUNDING * other.abs().max(1.0)
}

fn is_beyond(logged: &Logged, step: f64) -> bool {
    logged.progress.last().is_none_or(|last| *last < step)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::study::{
        self,
        raw::{Better, Scale as InFile},
    };

    /// A share in points, with 1,000 items.
    pub(in crate::judge) fn f1(better: Better, read: Read, scale: Option<LogScale>) -> StudyMetric {
        let metric = study::Metric {
            name: "f1".to_owned(),
            column: "f1".to_owned(),
            title: "F1".to_owned(),
            better,
            unit: "points".to_owned(),
            scale: InFile::Share,
            range: Some([0.0, 100.0]),
            step: Some(0.1),
        };
        let (metric, progress) = (metric.into(), "epoch".into());
        StudyMetric { index: 0, metric, read, scale, progress, from: 0.0 }
    }

    #[test]
    fn a_scale_keeps_the_order_of_bounds_whichever_direction_is_better() {
        let log_odds = |share: f64| (share / (1.0 - share)).ln();
        let bounds = |of: &StudyMetric, low, high| {
            let on = on_scale(of, Censored { low, high, finished: false });
            assert!(!on.finished);
            [on.low, on.high]
        };
        let near = |found: [f64; 2], expected: [f64; 2]| {
            found.iter().zip(expected).all(|(one, other)| (one - other).abs() < 1e-12)
        };
        let higher = f1(Better::Higher, Read::Last, Some(LogScale::LogOdds));
        assert!(near(bounds(&higher, 20.0, 70.0), [log_odds(0.2), log_odds(0.7)]));
        let lower = f1(Better::Lower, Read::Last, Some(LogScale::LogOdds));
        assert!(near(bounds(&lower, -70.0, -20.0), [-log_odds(0.7), -log_odds(0.2)]));
        let error = f1(Better::Higher, Read::Last, Some(LogScale::LogError));
        assert!(near(bounds(&error, 20.0, 70.0), [-0.8_f64.ln(), -0.3_f64.ln()]));
        // Half of one of 1,000 items away from 0 and 1.
        assert!(near(bounds(&higher, 0.0, 100.0), [log_odds(0.0005), log_odds(0.9995)]));
        let points = f1(Better::Higher, Read::Last, None);
        assert!(near(bounds(&points, 20.0, 70.0), [20.0, 70.0]));
    }

    #[test]
    fn a_step_is_found_in_spite_of_rounding_and_not_beside_it() {
        assert!(close(0.1 + 0.2, 0.3) && close(3e6 * (1.0 + 1e-13), 3e6));
        assert!(!close(1.0, 1.001) && !close(0.0, 0.001));
        let logged =
            Logged { progress: vec![1.0, 2.0], values: vec![0.5, 0.6], end: 3.0, from: None };
        assert!(is_beyond(&logged, 3.0) && !is_beyond(&logged, 2.0) && !is_beyond(&logged, 1.0));
    }
}
