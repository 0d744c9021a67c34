//! The value of a metric in one record.
//!
//! A value is not always exact: epochs to an accuracy are interval-censored between logged epochs,
//! and a run that stopped early could have ended with any value. So a value is a pair of bounds,
//! and the judge requires that a verdict hold at both.

use crate::{
    claim::{InfluenceMatch, Metric, Share, Threshold},
    evidence::{NotMeasured, Record, Status},
    experiment::{Evaluation, Moment},
};

/// Bounds of a value in the metric's unit; equal where it is known exactly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Censored {
    /// Lower bound.
    pub low: f64,
    /// Upper bound; infinite where the value is unbounded.
    pub high: f64,
    /// Whether the run reached the epoch of the metric. If not, the bounds are the worst allowed
    /// values (0 and 100 % for an accuracy).
    pub finished: bool,
}

impl Censored {
    /// A value that is known exactly.
    #[must_use]
    pub fn exactly(value: f64) -> Self {
        Self { low: value, high: value, finished: true }
    }

    /// The weighted sum; a negative weight swaps the bounds of its value.
    #[must_use]
    pub fn weighted(values: impl IntoIterator<Item = (f64, Self)>) -> Self {
        values.into_iter().fold(Self::exactly(0.0), |sum, (weight, value)| {
            let (low, high) =
                if weight < 0.0 { (value.high, value.low) } else { (value.low, value.high) };
            Self {
                low: sum.low + weight * low,
                high: sum.high + weight * high,
                finished: sum.finished && value.finished,
            }
        })
    }

    /// Both bounds plus `by`.
    #[must_use]
    pub fn shifted(self, by: f64) -> Self {
        Self { low: self.low + by, high: self.high + by, ..self }
    }

    /// The midpoint of the bounds, for tables; `None` where it is not finite.
    #[must_use]
    pub fn middle(self) -> Option<f64> {
        #[expect(clippy::float_cmp, reason = "a known value must be returned unchanged")]
        let middle =
            if self.low == self.high { self.low } else { f64::midpoint(self.low, self.high) };
        middle.is_finite().then_some(middle)
    }
}

/// Why a metric can't be read off a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unobservable {
    /// This epoch was not logged.
    NotLogged(u32),
    /// Records of this evidence don't contain the quantity.
    NotRecorded,
}

impl std::fmt::Display for Unobservable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotLogged(epoch) => write!(formatter, "epoch {epoch} was not logged"),
            Self::NotRecorded => {
                formatter.write_str("the records don't contain the measured quantity")
            }
        }
    }
}

/// Reads a metric off a record, in the metric's unit. `reference` is the record of the source model
/// that a threshold names, with the same seed in the same cell; `at` is the arm's own evaluation
/// epoch, which overrides the metric's.
///
/// # Errors
/// If a named epoch was not logged, or the records don't contain the quantity.
pub fn observe(
    metric: &Metric,
    at: Option<Moment>,
    record: &Record,
    reference: Option<&Record>,
) -> Result<Censored, Unobservable> {
    match metric {
        Metric::Accuracy(own) => {
            let accuracy = |evaluation: &Evaluation| evaluation.test_accuracy;
            read(record, at.unwrap_or(*own), accuracy, 100.0, Better::Higher)
        }
        Metric::Loss(own) => {
            let loss = |evaluation: &Evaluation| evaluation.test_loss;
            read(record, at.unwrap_or(*own), loss, f64::INFINITY, Better::Lower)
        }
        Metric::EpochsTo(Threshold::Accuracy(percent)) => Ok(epochs_to(record, *percent)),
        Metric::EpochsTo(Threshold::FinalAccuracyOf(_)) => Ok(match reference {
            Some(Record { status: Status::Finished, .. }) => {
                let last = reference.and_then(Record::last);
                epochs_to(record, last.map_or(f64::INFINITY, |last| last.test_accuracy))
            }
            _ => Censored { low: 0.0, high: f64::INFINITY, finished: false },
        }),
        Metric::InfluenceMatch(of) => influence_match(record, *of),
    }
}

/// A run whose influence could not be computed, as after a divergence, could have any value.
fn influence_match(record: &Record, of: InfluenceMatch) -> Result<Censored, Unobservable> {
    let unknown = Censored { low: 0.0, high: 100.0, finished: false };
    match record.counts(of.inverse) {
        Err(NotMeasured) => Err(Unobservable::NotRecorded),
        Ok(None) => Ok(unknown),
        Ok(Some(counts)) => {
            let count = match of.share {
                Share::ThreeOfFive => Some(counts.three_of_five),
                Share::Rank(rank) => counts.matches.get(rank as usize - 1).copied(),
            };
            let count = count.ok_or(Unobservable::NotRecorded)?;
            Ok(Censored::exactly(counts.percent(count)))
        }
    }
}

enum Better {
    Higher,
    Lower,
}

fn read(
    record: &Record,
    at: Moment,
    of: impl Fn(&Evaluation) -> f64,
    worst_high: f64,
    better: Better,
) -> Result<Censored, Unobservable> {
    let stopped = record.status == Status::Stopped;
    let unknown = Censored { low: 0.0, high: worst_high, finished: false };
    let logged = record.evaluations();
    // The epoch of the best test accuracy, for losses too, as the authors chose it.
    let best = || {
        let accuracy = |evaluation: &&Evaluation| evaluation.test_accuracy;
        logged.iter().max_by(|left, right| accuracy(left).total_cmp(&accuracy(right)))
    };
    let first_from = |epoch: f64| logged.iter().find(|e| f64::from(e.epoch) >= epoch);
    let found = match at {
        Moment::Last if stopped => return Ok(unknown),
        Moment::Last => record.last(),
        Moment::Best if stopped => {
            // Had the run continued, its best accuracy could only have been higher.
            let so_far = best().map_or(0.0, &of);
            return Ok(match better {
                Better::Higher => Censored { low: so_far, ..unknown },
                Better::Lower => unknown,
            });
        }
        Moment::Best => best(),
        Moment::Epoch(epoch) => {
            let found = logged.iter().find(|evaluation| evaluation.epoch == epoch);
            let reached = record.last().map_or(0, |last| last.epoch);
            if found.is_none() && !(stopped && epoch > reached) {
                return Err(Unobservable::NotLogged(epoch));
            }
            found
        }
        Moment::FromShare(share) => first_from(share * f64::from(record.recipe.epochs)),
    };
    Ok(found.map_or(unknown, |evaluation| Censored::exactly(of(evaluation))))
}

/// Epochs until an accuracy is first reached. Bounds: the last logged epoch below it and the first
/// logged epoch at or above it. A run that never reached it has no upper bound.
fn epochs_to(record: &Record, percent: f64) -> Censored {
    let mut low = 0.0;
    for evaluation in record.evaluations() {
        let epoch = f64::from(evaluation.epoch);
        if evaluation.test_accuracy >= percent {
            return Censored { low, high: epoch, finished: true };
        }
        low = epoch;
    }
    Censored { low, high: f64::INFINITY, finished: true }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        experiment::RecipeDigest,
        experiment::{Key, Seed},
    };

    fn record(status: Status, points: &[(u32, f64)]) -> Record {
        let key = Key::new("svhn", "natural", 3, 100);
        let evaluations = points
            .iter()
            .map(|&(epoch, test_accuracy)| Evaluation {
                epoch,
                test_accuracy,
                test_loss: 100.0 - test_accuracy,
                train_accuracy: 0.0,
                train_loss: 0.0,
                seconds: 0.0,
            })
            .collect();
        Record::new(
            key,
            Seed(1),
            RecipeDigest { epochs: 50, ..RecipeDigest::default() },
            status,
            evaluations,
        )
        .unwrap()
    }

    fn finished() -> Record {
        record(Status::Finished, &[(1, 10.0), (11, 40.0), (21, 60.0), (31, 55.0), (50, 50.0)])
    }

    fn accuracy(at: Moment) -> Result<Censored, Unobservable> {
        observe(&Metric::Accuracy(at), None, &finished(), None)
    }

    #[test]
    fn each_moment_reads_its_evaluation() {
        assert_eq!(accuracy(Moment::Last), Ok(Censored::exactly(50.0)));
        assert_eq!(accuracy(Moment::Best), Ok(Censored::exactly(60.0)));
        assert_eq!(accuracy(Moment::Epoch(11)), Ok(Censored::exactly(40.0)));
        // A fifth of 50 epochs is 10; the first logged epoch at or after 10 is 11.
        assert_eq!(accuracy(Moment::FromShare(0.2)), Ok(Censored::exactly(40.0)));
        assert_eq!(accuracy(Moment::Epoch(12)), Err(Unobservable::NotLogged(12)));
    }

    #[test]
    fn the_moment_of_an_arm_overrides_that_of_the_metric() {
        let metric = Metric::Accuracy(Moment::Last);
        let seen = observe(&metric, Some(Moment::Best), &finished(), None);
        assert_eq!(seen, Ok(Censored::exactly(60.0)));
    }

    #[test]
    fn the_best_loss_is_read_at_the_epoch_of_the_best_accuracy() {
        let seen = observe(&Metric::Loss(Moment::Best), None, &finished(), None);
        assert_eq!(seen, Ok(Censored::exactly(40.0)));
    }

    #[test]
    fn a_run_that_stopped_early_gets_the_widest_bounds() {
        let stopped = record(Status::Stopped, &[(1, 10.0), (11, 40.0)]);
        let unknown = Censored { low: 0.0, high: 100.0, finished: false };
        let read = |at| observe(&Metric::Accuracy(at), None, &stopped, None);
        assert_eq!(read(Moment::Last), Ok(unknown));
        assert_eq!(read(Moment::Best), Ok(Censored { low: 40.0, ..unknown }));
        assert_eq!(read(Moment::Epoch(11)), Ok(Censored::exactly(40.0)));
        assert_eq!(read(Moment::Epoch(50)), Ok(unknown));
    }

    #[test]
    fn epochs_to_an_accuracy_are_bounded_by_logged_epochs() {
        let to = |percent| {
            let metric = Metric::EpochsTo(Threshold::Accuracy(percent));
            let seen = observe(&metric, None, &finished(), None).unwrap();
            (seen.low, seen.high)
        };
        assert_eq!(to(5.0), (0.0, 1.0));
        assert_eq!(to(41.0), (11.0, 21.0));
        assert_eq!(to(60.5), (50.0, f64::INFINITY));
    }

    #[test]
    fn a_negative_weight_swaps_bounds() {
        let first = Censored { low: 1.0, high: 2.0, finished: true };
        let second = Censored { low: 10.0, high: 20.0, finished: false };
        let difference = Censored::weighted([(1.0, first), (-1.0, second)]);
        assert_eq!(difference, Censored { low: -19.0, high: -8.0, finished: false });
    }
}
