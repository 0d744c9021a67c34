//! Cells near the ceiling of a metric: an arm's mean lies so near to the highest possible value
//! that values are skewed, and a t interval errs more often than its level says.

use super::join::Joined;
use crate::{claim::Metric, evidence::Evidence, stats::Sample};

/// The share of a metric's range above which an arm is near its ceiling. With an arm above 97 % the
/// measured type I error is .11 to .13 in place of .025.
const NEAR: f64 = 0.97;

/// The least and the largest value of a metric that has a ceiling: a share of test images in
/// points. The logarithmic scales have none.
fn range(metric: &Metric) -> Option<(f64, f64)> {
    match metric {
        Metric::Accuracy(_) | Metric::InfluenceMatch(_) | Metric::AdversarialAccuracy(_) => {
            Some((0.0, 100.0))
        }
        // Of values that are better the higher they are, the best is the ceiling.
        Metric::Study(of) if of.scale.is_none() && of.is_a_value() => {
            let [least, largest] = of.metric.range?;
            let (one, other) = (of.metric.sign() * least, of.metric.sign() * largest);
            Some((one.min(other), one.max(other)))
        }
        Metric::Study(_)
        | Metric::LogOdds(_)
        | Metric::LogError(_)
        | Metric::Loss(_)
        | Metric::EpochsTo(_)
        | Metric::AreaBelowOwnEnd => None,
    }
}

/// Whether the mean of an arm is near the metric's ceiling; asked of users' logs alone.
pub(super) fn is_near(metric: &Metric, joined: &Joined, evidence: &Evidence) -> bool {
    let Some((low, high)) = range(metric).filter(|_| evidence.is_a_log()) else {
        return false;
    };
    let near = low + NEAR * (high - low);
    let samples =
        std::iter::once(&joined.rows).chain(joined.independent.iter().map(|arm| &arm.rows));
    samples.filter_map(|rows| Some((rows, rows.first()?.arms.len()))).any(|(rows, arms)| {
        (0..arms).any(|arm| {
            let known = rows.iter().filter_map(|row| row.arms[arm].exact());
            Sample::new(known.collect()).is_ok_and(|sample| sample.mean() > near)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        claim::{LogScale, Read},
        experiment::Moment,
        judge::of_study::tests::f1,
        study::raw::Better,
    };

    #[test]
    fn a_ceiling_is_the_best_end_of_a_range_of_values() {
        let of = |better, read, scale| range(&Metric::Study(f1(better, read, scale)));
        assert_eq!(of(Better::Higher, Read::Last, None), Some((0.0, 100.0)));
        assert_eq!(of(Better::Lower, Read::Best, None), Some((-100.0, 0.0)));
        for scale in [LogScale::LogOdds, LogScale::LogError] {
            assert_eq!(of(Better::Higher, Read::Last, Some(scale)), None);
        }
        assert_eq!(of(Better::Higher, Read::StepsTo(50.0), None), None);
        assert_eq!(range(&Metric::Accuracy(Moment::Last)), Some((0.0, 100.0)));
        assert_eq!(range(&Metric::LogError(Moment::Last)), None);
    }
}
