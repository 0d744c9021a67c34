//! Equivalence by two one-sided tests (TOST): "not significant" is not "equal". The claim sets the
//! margin.

use super::interval::{Alpha, Interval, t_interval};
use super::sample::Sample;
use super::ttest::paired_t;
use serde::Serialize;

/// The result of two one-sided tests.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Equivalence {
    /// The larger of the two one-sided p: equivalence is shown when it is below alpha.
    pub p: f64,
    /// The 1 − 2·alpha interval for the mean: equivalence is shown when it lies within the margin.
    /// The two statements agree.
    pub interval: Interval,
}

/// Two one-sided t tests of −`margin` < mean < `margin` (Schuirmann 1987), in the metric's units.
///
/// With a margin of zero, below zero or NaN, equivalence is never shown.
///
/// For comparison in tests and simulations; no verdict uses it.
pub fn tost(differences: &Sample, margin: f64, alpha: Alpha) -> Equivalence {
    let above_low = paired_t(differences, -margin).p_greater;
    let below_high = paired_t(differences, margin).p_less;
    // `f64::max` ignores a NaN; here both are NaN or neither is.
    Equivalence { p: above_low.max(below_high), interval: t_interval(differences, alpha) }
}
