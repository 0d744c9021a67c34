//! The value of a metric in one record.
//!
//! A value is not always exact: epochs to an accuracy are interval-censored between logged epochs,
//! and a run that stopped early could have ended with any value. So a value is a pair of bounds,
//! and the judge requires that a verdict hold at both.

use super::of_study;
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

    /// A value that may be either of two.
    #[must_use]
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
            finished: self.finished && other.finished,
        }
    }

    /// Both bounds plus `by`.
    #[must_use]
    pub fn shifted(self, by: f64) -> Self {
        Self { low: self.low + by, high: self.high + by, ..self }
    }

    /// An accuracy in percent on a logarithmic scale; it increases, so bounds stay bounds.
    #[must_use]
    pub fn on(self, scale: Scale, test_images: u32) -> Self {
        let on = |percent| scale.of(percent, test_images);
        Self { low: on(self.low), high: on(self.high), ..self }
    }

    /// The value, where it is known exactly.
    #[must_use]
    #[expect(clippy::float_cmp, reason = "bounds of a known value are one number")]
    pub(super) fn exact(self) -> Option<f64> {
        (self.finished && self.low == self.high).then_some(self.low)
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

/// A logarithmic scale of accuracies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// ln(a / (1 - a)).
    LogOdds,
    /// -ln(1 - a).
    LogError,
}

impl Scale {
    /// An accuracy in percent on this scale. The accuracy is kept half a test image away from 0 and
    /// from 100 %, where the logarithms are infinite (as the empirical logit does; Haldane 1956).
    #[must_use]
    pub fn of(self, percent: f64, test_images: u32) -> f64 {
        let half = 0.5 / f64::from(test_images.max(1));
        let accuracy = (percent / 100.0).clamp(half, 1.0 - half);
        match self {
            Self::LogOdds => (accuracy / (1.0 - accuracy)).ln(),
            Self::LogError => -(1.0 - accuracy).ln(),
        }
    }

    /// The derivative at the share of images that are classified correctly, kept half an image away
    /// from 0 and 1 as above.
    pub(super) fn slope(self, correct: &[bool]) -> f64 {
        let images = correct.len().max(1) as f64;
        let share = correct.iter().filter(|correct| **correct).count() as f64 / images;
        let accuracy = share.clamp(0.5 / images, 1.0 - 0.5 / images);
        match self {
            Self::LogOdds => 1.0 / (accuracy * (1.0 - accuracy)),
            Self::LogError => 1.0 / (1.0 - accuracy),
        }
    }
}

/// Why a metric can't be read off a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Unobservable {
    /// This epoch was not logged.
    NotLogged(u32),
    /// The first logged epoch from a share of the schedule on lies beyond 1.5 times the share.
    FarFromShare {
        /// The share.
        share: f64,
        /// Epochs of the schedule.
        epochs: u32,
        /// The first logged epoch from the share on.
        logged: u32,
    },
    /// No step near this share of the planned length was logged; the first from there on.
    FarFromStep(f64, f64),
    /// This step was not logged.
    NotLoggedStep(f64),
    /// Records of this evidence don't contain the quantity.
    NotRecorded,
    /// The world does not say how many test images there are.
    UnknownTestSet,
    /// Planned runs of an arm are absent, and the metric has no range in which they may lie.
    AbsentWithoutRange {
        /// The arm.
        arm: String,
    },
    /// Planned runs are absent, and nothing says what units they belong to.
    AbsentWithoutUnit,
}

impl Unobservable {
    /// Whether the runs that can't be read are those that are absent.
    pub(super) fn is_of_absent_runs(&self) -> bool {
        matches!(self, Self::AbsentWithoutRange { .. } | Self::AbsentWithoutUnit)
    }
}

impl Unobservable {
    /// Whether runs have evaluations, but none near the share of the schedule that is read.
    pub(super) fn is_far_from_share(&self) -> bool {
        matches!(self, Self::FarFromShare { .. } | Self::FarFromStep(..))
    }
}

impl std::fmt::Display for Unobservable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotLogged(epoch) => write!(formatter, "epoch {epoch} was not logged"),
            Self::NotLoggedStep(step) => write!(formatter, "step {step} was not logged"),
            Self::FarFromStep(at, logged) => write!(
                formatter,
                "no step near {at} was logged: the first from there on is {logged}, beyond 1.5 \
                 times the share"
            ),
            Self::FarFromShare { share, epochs, logged } => {
                // Without the rounding error of the product.
                let percent = (share * 1e8).round() / 1e6;
                write!(
                    formatter,
                    "no epoch near {percent} % of {epochs} epochs was logged: the first from there \
                     on is {logged}, beyond 1.5 times the share"
                )
            }
            Self::NotRecorded => {
                formatter.write_str("the records don't contain the measured quantity")
            }
            Self::UnknownTestSet => {
                formatter.write_str("the number of test images, which this scale needs, is unknown")
            }
            Self::AbsentWithoutRange { arm } => write!(
                formatter,
                "planned runs of {arm} are not in the log, and the metric has no range in which \
                 they may lie"
            ),
            Self::AbsentWithoutUnit => formatter.write_str(
                "planned runs are not in the log, and nothing says what units they belong to",
            ),
        }
    }
}

/// Reads a metric off a record, in the metric's unit. `reference` is the record of the source model
/// that a threshold names, with the same seed in the same cell; `at` is the arm's own evaluation
/// epoch, which overrides the metric's. `test_images` is the size of the target's test set, which
/// only the logarithmic scales need.
///
/// # Errors
/// If a named epoch was not logged, none near a share of the schedule was, or the records don't
/// contain the quantity.
pub fn observe(
    metric: &Metric,
    at: Option<Moment>,
    record: &Record,
    reference: Option<&Record>,
    test_images: Option<u32>,
) -> Result<Censored, Unobservable> {
    match metric {
        Metric::Accuracy(own) => {
            let accuracy = |evaluation: &Evaluation| evaluation.test_accuracy;
            read(record, at.unwrap_or(*own), accuracy, 100.0, Better::Higher)
        }
        Metric::LogOdds(own) | Metric::LogError(own) => {
            let accuracy = observe(&Metric::Accuracy(*own), at, record, None, None)?;
            let images = test_images.ok_or(Unobservable::UnknownTestSet)?;
            let scale = match metric {
                Metric::LogOdds(_) => Scale::LogOdds,
                _ => Scale::LogError,
            };
            Ok(accuracy.on(scale, images))
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
        Metric::EpochsTo(Threshold::ShareOfOwnEnd(share)) => Ok(match end(record) {
            Some(end) => epochs_to(record, share * end),
            None => Censored { low: 0.0, high: f64::INFINITY, finished: false },
        }),
        Metric::AreaBelowOwnEnd => area_below_own_end(record),
        Metric::InfluenceMatch(of) => influence_match(record, *of),
        Metric::AdversarialAccuracy(_) => adversarial_accuracy(record),
        Metric::Study(of) => of_study::observe(&of.at(at), record),
    }
}

/// A run whose influence could not be computed, as after a divergence, could have any value.
fn influence_match(record: &Record, of: InfluenceMatch) -> Result<Censored, Unobservable> {
    let unknown = Censored { low: 0.0, high: 100.0, finished: false };
    match record.counts(of.inverse) {
        Err(NotMeasured) => Err(Unobservable::NotRecorded),
        Ok(None) => Ok(unknown),
        Ok(Some(counts)) => {
            let (matches, three_of_five, _) = counts.by(of.by).ok_or(Unobservable::NotRecorded)?;
            let count = match of.share {
                Share::ThreeOfFive => Some(three_of_five),
                Share::Rank(rank) => matches.get(rank as usize - 1).copied(),
            };
            let count = count.ok_or(Unobservable::NotRecorded)?;
            Ok(Censored::exactly(counts.percent(count)))
        }
    }
}

/// A run that stopped could have ended with any value.
fn adversarial_accuracy(record: &Record) -> Result<Censored, Unobservable> {
    match (&record.adversarial, record.status) {
        (_, Status::Stopped) => Ok(Censored { low: 0.0, high: 100.0, finished: false }),
        (Some(measured), Status::Finished) => Ok(Censored::exactly(measured.accuracy())),
        (None, Status::Finished) => Err(Unobservable::NotRecorded),
    }
}

/// How far the first logged epoch may lie from a share of the schedule, as a multiple of it.
pub(super) const FARTHEST: f64 = 1.5;
/// The rounding error of a share times a number of epochs, with room, relative to the product.
pub(super) const ROUNDING: f64 = 1e-9;

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
        Moment::FromShare(share) => {
            let epochs = record.recipe.epochs;
            let at = share * f64::from(epochs);
            // The product of 0.14 and 50 is 7.000000000000001, which must not exclude epoch 7.
            let found = first_from(at * (1.0 - ROUNDING));
            if let Some(&Evaluation { epoch: logged, .. }) = found
                && f64::from(logged) > FARTHEST * at * (1.0 + ROUNDING)
            {
                return Err(Unobservable::FarFromShare { share, epochs, logged });
            }
            found
        }
    };
    Ok(found.map_or(unknown, |evaluation| Censored::exactly(of(evaluation))))
}

/// The final test accuracy of a run, in percent; `None` for one that stopped.
fn end(record: &Record) -> Option<f64> {
    let last = record.last().filter(|_| record.status == Status::Finished);
    last.map(|last| last.test_accuracy)
}

/// The mean over epochs of the final test accuracy minus the test accuracy, in points, from the
/// first logged epoch to the last; between logged epochs the curve is a straight line. Epochs at
/// which the accuracy lies above the end count with a negative sign.
fn area_below_own_end(record: &Record) -> Result<Censored, Unobservable> {
    let Some(end) = end(record) else {
        return Ok(Censored { low: -100.0, high: 100.0, finished: false });
    };
    let logged = record.evaluations();
    let trapezoid = |pair: &[Evaluation]| {
        let epochs = f64::from(pair[1].epoch) - f64::from(pair[0].epoch);
        (epochs, epochs * (end - f64::midpoint(pair[0].test_accuracy, pair[1].test_accuracy)))
    };
    let (epochs, area) = logged
        .windows(2)
        .map(trapezoid)
        .fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    // One evaluation is no curve.
    if epochs > 0.0 { Ok(Censored::exactly(area / epochs)) } else { Err(Unobservable::NotRecorded) }
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

    #[test]
    fn the_slope_of_a_scale_is_its_derivative_and_finite_at_the_ends() {
        let correct = |count: usize| (0..1000).map(|image| image < count).collect::<Vec<bool>>();
        for scale in [Scale::LogOdds, Scale::LogError] {
            let (above, below) = (scale.of(80.05, 1000), scale.of(79.95, 1000));
            let slope = scale.slope(&correct(800));
            assert!((slope - (above - below) / 0.001).abs() < 1e-3, "{slope}");
            assert!(
                scale.slope(&correct(0)).is_finite() && scale.slope(&correct(1000)).is_finite()
            );
        }
    }

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
        observe(&Metric::Accuracy(at), None, &finished(), None, None)
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
    fn a_share_of_the_schedule_is_exact() {
        // Every whole percent of 25, 50 and 100 epochs: in binary, .07 of 100 is above 7.
        for epochs in [25, 50, 100] {
            let points: Vec<(u32, f64)> =
                (1..=epochs).map(|epoch| (epoch, f64::from(epoch) / 2.0)).collect();
            let mut record = record(Status::Finished, &points);
            record.recipe.epochs = epochs;
            for percent in 1_u32..=100 {
                let metric = Metric::Accuracy(Moment::FromShare(f64::from(percent) / 100.0));
                let first = (percent * epochs).div_ceil(100);
                // The first epoch of all may lie far from a small share.
                if 200 * first > 3 * percent * epochs {
                    continue;
                }
                let seen = observe(&metric, None, &record, None, None);
                assert_eq!(seen, Ok(Censored::exactly(f64::from(first) / 2.0)), "{percent} %");
            }
        }
    }

    #[test]
    fn a_share_without_a_logged_epoch_near_it_can_t_be_read() {
        let at = |share| accuracy(Moment::FromShare(share));
        // Logged: 1, 11, 21, 31 and 50 of 50. A fifth is 10, and 15 the farthest.
        assert_eq!(at(0.2), Ok(Censored::exactly(40.0)));
        assert_eq!(
            at(0.14),
            Err(Unobservable::FarFromShare { share: 0.14, epochs: 50, logged: 11 })
        );
        assert_eq!(at(0.28), Ok(Censored::exactly(60.0)));
        assert_eq!(
            at(0.14).unwrap_err().to_string(),
            "no epoch near 14 % of 50 epochs was logged: the first from there on is 11, beyond 1.5 \
             times the share"
        );
        // A run that stopped before the share could have reached anything.
        let stopped = record(Status::Stopped, &[(1, 10.0)]);
        let metric = Metric::Accuracy(Moment::FromShare(0.2));
        assert!(!observe(&metric, None, &stopped, None, None).unwrap().finished);
    }

    #[test]
    fn the_moment_of_an_arm_overrides_that_of_the_metric() {
        let metric = Metric::Accuracy(Moment::Last);
        let seen = observe(&metric, Some(Moment::Best), &finished(), None, None);
        assert_eq!(seen, Ok(Censored::exactly(60.0)));
    }

    #[test]
    fn the_best_loss_is_read_at_the_epoch_of_the_best_accuracy() {
        let seen = observe(&Metric::Loss(Moment::Best), None, &finished(), None, None);
        assert_eq!(seen, Ok(Censored::exactly(40.0)));
    }

    #[test]
    fn a_run_that_stopped_early_gets_the_widest_bounds() {
        let stopped = record(Status::Stopped, &[(1, 10.0), (11, 40.0)]);
        let unknown = Censored { low: 0.0, high: 100.0, finished: false };
        let read = |at| observe(&Metric::Accuracy(at), None, &stopped, None, None);
        assert_eq!(read(Moment::Last), Ok(unknown));
        assert_eq!(read(Moment::Best), Ok(Censored { low: 40.0, ..unknown }));
        assert_eq!(read(Moment::Epoch(11)), Ok(Censored::exactly(40.0)));
        assert_eq!(read(Moment::Epoch(50)), Ok(unknown));
    }

    #[test]
    fn epochs_to_an_accuracy_are_bounded_by_logged_epochs() {
        let to = |percent| {
            let metric = Metric::EpochsTo(Threshold::Accuracy(percent));
            let seen = observe(&metric, None, &finished(), None, None).unwrap();
            (seen.low, seen.high)
        };
        assert_eq!(to(5.0), (0.0, 1.0));
        assert_eq!(to(41.0), (11.0, 21.0));
        assert_eq!(to(60.5), (50.0, f64::INFINITY));
    }

    #[test]
    fn log_scales_increase_and_stay_half_an_image_from_the_ends() {
        let log_odds = |percent| Scale::LogOdds.of(percent, 2000);
        let log_error = |percent| Scale::LogError.of(percent, 2000);
        assert!((log_odds(75.0) - 3.0_f64.ln()).abs() < 1e-12);
        assert!((log_error(75.0) - 4.0_f64.ln()).abs() < 1e-12);
        // Half an image of 2,000: an accuracy of 1/4,000.
        assert!((log_odds(100.0) - 3999.0_f64.ln()).abs() < 1e-9);
        assert!((log_odds(0.0) + 3999.0_f64.ln()).abs() < 1e-9);
        assert!((log_error(100.0) - 4000.0_f64.ln()).abs() < 1e-9);
        assert!((log_error(0.0) - (4000.0_f64 / 3999.0).ln()).abs() < 1e-12);
        assert!(log_error(99.95) < log_error(100.0), "a whole image away is not clipped");
    }

    #[test]
    fn a_stopped_run_has_finite_bounds_on_a_log_scale() {
        let stopped = record(Status::Stopped, &[(1, 10.0), (11, 40.0)]);
        let metric = Metric::LogOdds(Moment::Last);
        let seen = observe(&metric, None, &stopped, None, Some(2000)).unwrap();
        assert!(!seen.finished && (seen.low + seen.high).abs() < 1e-9, "{seen:?}");
        let unknown = observe(&metric, None, &stopped, None, None);
        assert_eq!(unknown, Err(Unobservable::UnknownTestSet));
        let best = observe(&Metric::LogError(Moment::Best), None, &finished(), None, Some(2000));
        assert_eq!(best, Ok(Censored::exactly(Scale::LogError.of(60.0, 2000))));
    }

    #[test]
    fn epochs_to_a_share_of_the_own_end_need_a_run_that_ended() {
        let metric = Metric::EpochsTo(Threshold::ShareOfOwnEnd(0.95));
        // 95 % of the final 50 % is 47.5 %.
        let seen = observe(&metric, None, &finished(), None, None).unwrap();
        assert_eq!((seen.low, seen.high, seen.finished), (11.0, 21.0, true));
        let stopped = record(Status::Stopped, &[(1, 10.0), (11, 40.0)]);
        assert!(!observe(&metric, None, &stopped, None, None).unwrap().finished);
    }

    #[test]
    fn the_area_below_the_own_end_is_its_mean_over_the_logged_epochs() {
        let area = |record: &Record| observe(&Metric::AreaBelowOwnEnd, None, record, None, None);
        // (10 * 25 + 10 * 0 - 10 * 7.5 - 19 * 2.5) / 49, for an end of 50 %.
        let seen = area(&finished()).unwrap();
        assert!((seen.low - 127.5 / 49.0).abs() < 1e-12, "{seen:?}");
        // A constant curve has none, and one evaluation is no curve.
        let flat = record(Status::Finished, &[(1, 30.0), (50, 30.0)]);
        assert_eq!(area(&flat), Ok(Censored::exactly(0.0)));
        assert!(area(&record(Status::Finished, &[(50, 30.0)])).is_err());
        let stopped = area(&record(Status::Stopped, &[(1, 10.0), (11, 40.0)])).unwrap();
        assert_eq!((stopped.low, stopped.high, stopped.finished), (-100.0, 100.0, false));
    }

    #[test]
    fn a_negative_weight_swaps_bounds() {
        let first = Censored { low: 1.0, high: 2.0, finished: true };
        let second = Censored { low: 10.0, high: 20.0, finished: false };
        let difference = Censored::weighted([(1.0, first), (-1.0, second)]);
        assert_eq!(difference, Censored { low: -19.0, high: -8.0, finished: false });
    }
}
