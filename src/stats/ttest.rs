//! Student's t test for paired differences, and Welch's t test for contrasts of unpaired arms.
//!
//! Both tails are returned; the judge selects the tail and compares the two tests.

use super::distribution::{t_upper_quantile, t_upper_tail};
use super::interval::{Alpha, Interval};
use super::sample::Sample;
use serde::Serialize;
use std::cmp::Ordering;

/// An estimate against a null value, with both one-sided p.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TTest {
    /// The mean or contrast, in the metric's units.
    pub estimate: f64,
    /// Its standard error, in the metric's units.
    pub standard_error: f64,
    /// The degrees of freedom of the standard error, fractional for Welch's test.
    pub degrees_of_freedom: f64,
    /// The value tested against, in the metric's units.
    pub null: f64,
    /// (estimate − null) / standard error; infinite where the error is zero and the two differ.
    pub t: f64,
    /// The p of the alternative that the truth lies above `null`.
    pub p_greater: f64,
    /// The p of the alternative that the truth lies below `null`.
    pub p_less: f64,
}

impl TTest {
    pub(super) fn new(
        estimate: f64,
        standard_error: f64,
        degrees_of_freedom: f64,
        null: f64,
    ) -> TTest {
        let t = standardised(estimate - null, standard_error);
        TTest {
            estimate,
            standard_error,
            degrees_of_freedom,
            null,
            t,
            p_greater: t_upper_tail(t, degrees_of_freedom),
            p_less: t_upper_tail(-t, degrees_of_freedom),
        }
    }

    /// The p of the alternative that the truth differs from `null` on either side.
    pub fn p_two_sided(&self) -> f64 {
        2.0 * t_upper_tail(self.t.abs(), self.degrees_of_freedom)
    }

    /// The 1 − 2·alpha interval for the estimate: estimate ± t(1 − alpha, degrees of
    /// freedom)·standard error.
    pub fn interval(&self, alpha: Alpha) -> Interval {
        let critical = t_upper_quantile(alpha.level(), self.degrees_of_freedom);
        Interval::around(self.estimate, critical * self.standard_error)
    }
}

/// Paired t test (Student 1908): the mean of `differences`, one per seed, against `null`.
pub fn paired_t(differences: &Sample, null: f64) -> TTest {
    TTest::new(
        differences.mean(),
        differences.standard_error(),
        differences.degrees_of_freedom(),
        null,
    )
}

/// Welch's t for the contrast Σ weight·mean of independent arms with unequal variances, against
/// `null` (Welch 1947; the degrees of freedom are those of Satterthwaite 1946). Weights (1, −1)
/// give the two-sample test.
///
/// Without arms, every field but `null` is NaN.
pub fn welch_contrast(arms: &[(f64, &Sample)], null: f64) -> TTest {
    if arms.is_empty() {
        return TTest::new(f64::NAN, f64::NAN, f64::NAN, null);
    }
    let estimate = arms.iter().map(|(weight, sample)| weight * sample.mean()).sum();
    let errors = arms.iter().map(|(weight, sample)| (weight * sample.standard_error()).abs());
    // Relative to the largest error, so that fourth powers neither overflow nor underflow.
    let largest = errors.clone().fold(0.0, f64::max);
    if largest == 0.0 {
        // No spread in any arm: the smallest degrees of freedom are conservative.
        let fewest = arms.iter().map(|(_, sample)| sample.degrees_of_freedom());
        return TTest::new(estimate, 0.0, fewest.fold(f64::INFINITY, f64::min), null);
    }
    let shares = errors.map(|error| (error / largest).powi(2));
    let total: f64 = shares.clone().sum();
    let by_arm = shares.zip(arms);
    let divisor: f64 =
        by_arm.map(|(share, (_, sample))| share.powi(2) / sample.degrees_of_freedom()).sum();
    TTest::new(estimate, largest * total.sqrt(), total.powi(2) / divisor, null)
}

/// difference / error; with an error of zero ±infinity, or 0 for a difference of zero.
fn standardised(difference: f64, error: f64) -> f64 {
    if error == 0.0 {
        match difference.partial_cmp(&0.0) {
            Some(Ordering::Greater) => f64::INFINITY,
            Some(Ordering::Less) => f64::NEG_INFINITY,
            Some(Ordering::Equal) => 0.0,
            None => f64::NAN,
        }
    } else {
        difference / error
    }
}
