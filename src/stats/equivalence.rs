//! Equality that has to be shown: two one-sided tests, because "not significant" is never "equal".
//!
//! Which margin counts as equal is the claim's.

use super::interval::{Alpha, Interval, t_interval};
use super::sample::Sample;
use super::ttest::paired_t;
use serde::Serialize;

/// What two one-sided tests say about a mean and a margin.
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
/// A margin of zero, below zero or NaN is one that no sample lies within.
///
/// Here to compare with, in tests and simulations: no verdict is taken from it.
pub fn tost(differences: &Sample, margin: f64, alpha: Alpha) -> Equivalence {
    let above_low = paired_t(differences, -margin).p_greater;
    let below_high = paired_t(differences, margin).p_less;
    // `f64::max` would pass over a NaN; here both are NaN or neither is.
    Equivalence { p: above_low.max(below_high), interval: t_interval(differences, alpha) }
}
