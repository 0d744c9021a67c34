//! Confidence and prediction intervals for a mean, and their level.
//!
//! `sequential` sets the level of a look; the judge compares intervals with margins.

use super::distribution::t_upper_quantile;
use super::sample::Sample;
use serde::{Deserialize, Serialize};

/// Why a number isn't a one-sided level.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error(
    "failed to use {0} as a one-sided level: it must lie above 0 and below 0.5 (0.025 gives 95 % \
     intervals)"
)]
pub struct AlphaError(f64);

/// A one-sided level: the probability of error allowed on one side, above 0 and below 0.5.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Alpha(f64);

impl Alpha {
    /// One-sided 0.025, that of a two-sided 95 % interval.
    pub const CONVENTIONAL: Alpha = Alpha(0.025);

    /// Checks a one-sided level.
    ///
    /// # Errors
    /// [`AlphaError`] when `level` is not above 0 and below 0.5.
    pub fn new(level: f64) -> Result<Alpha, AlphaError> {
        if level > 0.0 && level < 0.5 { Ok(Alpha(level)) } else { Err(AlphaError(level)) }
    }

    /// The level, a probability above 0 and below 0.5.
    pub fn level(self) -> f64 {
        self.0
    }

    /// The level of each of `parts` tests that share this level (Bonferroni). 0 parts count as 1.
    #[must_use]
    pub fn split(self, parts: usize) -> Alpha {
        // At least the smallest positive number, since a tiny level could underflow to 0.
        Alpha((self.0 / parts.max(1) as f64).max(f64::MIN_POSITIVE))
    }
}

/// A closed interval, in the units of the estimate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// The interval `centre` ± `half_width`.
    pub fn around(centre: f64, half_width: f64) -> Interval {
        Interval { low: centre - half_width, high: centre + half_width }
    }

    /// Whether `value` lies in the interval, ends included.
    pub fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Whether the whole interval lies above `value`.
    pub fn lies_above(self, value: f64) -> bool {
        self.low > value
    }

    /// Whether the whole interval lies below `value`.
    pub fn lies_below(self, value: f64) -> bool {
        self.high < value
    }

    /// Whether the whole interval lies strictly between −`margin` and `margin`.
    pub fn lies_within(self, margin: f64) -> bool {
        self.lies_above(-margin) && self.lies_below(margin)
    }

    /// The distance between the ends.
    pub fn width(self) -> f64 {
        self.high - self.low
    }
}

/// The 1 − 2·alpha interval for the mean: mean ± t(1 − alpha, k − 1)·s/√k (Student 1908).
///
/// With [`Alpha::CONVENTIONAL`], the 95 % interval of a fixed design.
pub fn t_interval(sample: &Sample, alpha: Alpha) -> Interval {
    let critical = t_upper_quantile(alpha.level(), sample.degrees_of_freedom());
    Interval::around(sample.mean(), critical * sample.standard_error())
}

/// The 1 − 2·alpha prediction interval for the mean of `k_published` further values of the same
/// normal distribution: mean ± t(1 − alpha, k − 1)·s·√(1/k + 1/k_published).
///
/// Of folds, which share training items, both means have the variance of [`Sample::as_folds`]. That
/// is the interval for folds of other data of the same kind; for other folds of the same data it is
/// too wide, since both means then have the data in common.
///
/// A published mean outside it is incompatible with the sample. Unbounded for `k_published` of 0.
pub fn prediction_interval(sample: &Sample, k_published: usize, alpha: Alpha) -> Interval {
    if k_published == 0 {
        return Interval { low: f64::NEG_INFINITY, high: f64::INFINITY };
    }
    let critical = t_upper_quantile(alpha.level(), sample.degrees_of_freedom());
    let shares = sample.variance_of_mean(sample.len()) + sample.variance_of_mean(k_published);
    Interval::around(sample.mean(), critical * sample.standard_deviation() * shares.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_lies_on_a_side_only_with_both_ends() {
        let interval = Interval { low: 1.0, high: 3.0 };
        assert_eq!(
            [0.5, 1.0, 2.0, 4.0].map(|at| interval.lies_above(at)),
            [true, false, false, false]
        );
        assert_eq!(
            [0.5, 2.0, 3.0, 4.0].map(|at| interval.lies_below(at)),
            [false, false, false, true]
        );
        assert_eq!(
            [2.0, 3.0, 3.5].map(|margin| interval.lies_within(margin)),
            [false, false, true]
        );
        let below = Interval { low: -3.0, high: -1.0 };
        assert!(!below.lies_within(2.0) && below.lies_within(3.5));
    }
}
