//! What a metric reads off one record. A value is not always a point: epochs to an accuracy are
//! known up to the logged epochs, and a run that stopped early could have ended anywhere. So a
//! reading is a pair of bounds, and whoever judges has to make the verdict hold at both.

use crate::{
    claim::{InfluenceMatch, Metric, Share, Threshold},
    evidence::{NotMeasured, Record, Status},
    experiment::{Evaluation, Moment},
};

/// Bounds of a value in the metric's unit; equal where it is known exactly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observed {
    /// The least it can be.
    pub low: f64,
    /// The most it can be; infinite where nothing bounds it.
    pub high: f64,
    /// Whether the run reached the moment that was asked for. Bounds of one that did not are the
    /// worst allowed values (0 and 100 % for an accuracy).
    pub finished: bool,
}

impl Observed {
    /// A value that is known.
    #[must_use]
    pub fn exactly(value: f64) -> Self {
        Self { low: value, high: value, finished: true }
    }

    /// The sum of these values with these weights; a negative weight turns bounds around.
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

    /// The same, so much higher.
    #[must_use]
    pub fn raised(self, by: f64) -> Self {
        Self { low: self.low + by, high: self.high + by, ..self }
    }

    /// The value between the bounds that stands for them in a table; `None` where there is none.
    #[must_use]
    pub fn middle(self) -> Option<f64> {
        #[expect(clippy::float_cmp, reason = "a known value must come back unchanged")]
        let middle =
            if self.low == self.high { self.low } else { f64::midpoint(self.low, self.high) };
        middle.is_finite().then_some(middle)
    }
}

/// Why a record can't be read at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unobservable {
    /// Nothing was logged at this epoch.
    NotLogged(u32),
    /// Records of this evidence do not hold the quantity.
    NotRecorded,
}

impl std::fmt::Display for Unobservable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotLogged(epoch) => write!(formatter, "epoch {epoch} was not logged"),
            Self::NotRecorded => formatter.write_str("these records do not hold the quantity"),
        }
    }
}

/// Reads a metric off a record. `reference` is the record of the source that a threshold names,
/// under the same seed in the same cell; `at` is the arm's own moment, if it has one.
///
/// # Errors
/// Where a named epoch was not logged, or the records do not hold the quantity.
pub fn observe(
    metric: &Metric,
    at: Option<Moment>,
    record: &Record,
    reference: Option<&Record>,
) -> Result<Observed, Unobservable> {
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
            _ => Observed { low: 0.0, high: f64::INFINITY, finished: false },
        }),
        Metric::InfluenceMatch(of) => influence_match(record, *of),
    }
}

/// One that could not be measured, as after a divergence, could have been anything.
fn influence_match(record: &Record, of: InfluenceMatch) -> Result<Observed, Unobservable> {
    let unknown = Observed { low: 0.0, high: 100.0, finished: false };
    match record.counts(of.inverse) {
        Err(NotMeasured) => Err(Unobservable::NotRecorded),
        Ok(None) => Ok(unknown),
        Ok(Some(counts)) => {
            let count = match of.share {
                Share::ThreeOfFive => Some(counts.three_of_five),
                Share::Rank(rank) => counts.matches.get(rank as usize - 1).copied(),
            };
            let count = count.ok_or(Unobservable::NotRecorded)?;
            Ok(Observed::exactly(counts.percent(count)))
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
) -> Result<Observed, Unobservable> {
    let stopped = record.status == Status::Stopped;
    let unknown = Observed { low: 0.0, high: worst_high, finished: false };
    let logged = record.evaluations();
    // The best by test accuracy whatever is read there, as the authors chose it.
    let best = || {
        let accuracy = |evaluation: &&Evaluation| evaluation.test_accuracy;
        logged.iter().max_by(|left, right| accuracy(left).total_cmp(&accuracy(right)))
    };
    let first_from = |epoch: f64| logged.iter().find(|e| f64::from(e.epoch) >= epoch);
    let found = match at {
        Moment::Last if stopped => return Ok(unknown),
        Moment::Last => record.last(),
        Moment::Best if stopped => {
            // A run that went on could only have found a better one.
            let so_far = best().map_or(0.0, &of);
            return Ok(match better {
                Better::Higher => Observed { low: so_far, ..unknown },
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
    Ok(found.map_or(unknown, |evaluation| Observed::exactly(of(evaluation))))
}

/// Epochs to first reach an accuracy: after the last logged epoch that lies below it, and at the
/// latest at the first that does not. A run that never reached it needs more than it logged.
fn epochs_to(record: &Record, percent: f64) -> Observed {
    let mut low = 0.0;
    for evaluation in record.evaluations() {
        let epoch = f64::from(evaluation.epoch);
        if evaluation.test_accuracy >= percent {
            return Observed { low, high: epoch, finished: true };
        }
        low = epoch;
    }
    Observed { low, high: f64::INFINITY, finished: true }
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

    fn accuracy(at: Moment) -> Result<Observed, Unobservable> {
        observe(&Metric::Accuracy(at), None, &finished(), None)
    }

    #[test]
    fn each_moment_finds_its_own_evaluation() {
        assert_eq!(accuracy(Moment::Last), Ok(Observed::exactly(50.0)));
        assert_eq!(accuracy(Moment::Best), Ok(Observed::exactly(60.0)));
        assert_eq!(accuracy(Moment::Epoch(11)), Ok(Observed::exactly(40.0)));
        // A fifth of 50 epochs is 10; the first logged epoch from there on is 11.
        assert_eq!(accuracy(Moment::FromShare(0.2)), Ok(Observed::exactly(40.0)));
        assert_eq!(accuracy(Moment::Epoch(12)), Err(Unobservable::NotLogged(12)));
    }

    #[test]
    fn an_arm_s_own_moment_goes_before_the_metric_s() {
        let metric = Metric::Accuracy(Moment::Last);
        let seen = observe(&metric, Some(Moment::Best), &finished(), None);
        assert_eq!(seen, Ok(Observed::exactly(60.0)));
    }

    #[test]
    fn the_best_epoch_s_loss_is_read_where_the_accuracy_is_best() {
        let seen = observe(&Metric::Loss(Moment::Best), None, &finished(), None);
        assert_eq!(seen, Ok(Observed::exactly(40.0)));
    }

    #[test]
    fn a_run_that_stopped_early_could_have_ended_anywhere() {
        let stopped = record(Status::Stopped, &[(1, 10.0), (11, 40.0)]);
        let unknown = Observed { low: 0.0, high: 100.0, finished: false };
        let read = |at| observe(&Metric::Accuracy(at), None, &stopped, None);
        assert_eq!(read(Moment::Last), Ok(unknown));
        assert_eq!(read(Moment::Best), Ok(Observed { low: 40.0, ..unknown }));
        assert_eq!(read(Moment::Epoch(11)), Ok(Observed::exactly(40.0)));
        assert_eq!(read(Moment::Epoch(50)), Ok(unknown));
    }

    #[test]
    fn epochs_to_an_accuracy_are_known_up_to_the_logged_epochs() {
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
    fn a_negative_weight_turns_bounds_around() {
        let first = Observed { low: 1.0, high: 2.0, finished: true };
        let second = Observed { low: 10.0, high: 20.0, finished: false };
        let difference = Observed::weighted([(1.0, first), (-1.0, second)]);
        assert_eq!(difference, Observed { low: -19.0, high: -8.0, finished: false });
    }
}
