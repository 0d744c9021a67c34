//! The numbers of a verdict in a few characters.

use crate::{
    claim::Unit,
    experiment::Verdict,
    judge::{CellVerdict, ClaimVerdict},
    util::decimals::{decimals, signed},
};

/// What [`in_short`] prints.
pub(in crate::report) const LEGEND: &str = concat!(
    "numbers: mean (confidence interval) of one cell; of several, how many are supported after ",
    "Holm, the lowest to the highest mean; in points unless a unit is given"
);

/// The cells that a verdict counts: averages where it has any.
#[must_use]
pub(in crate::report) fn units(verdict: &ClaimVerdict) -> &[CellVerdict] {
    if verdict.averages.is_empty() { &verdict.cells } else { &verdict.averages }
}

/// How many of its cells are supported, after Holm over them.
#[must_use]
pub(in crate::report) fn supported_after_holm(verdict: &ClaimVerdict) -> usize {
    let is_sure = |unit: &&CellVerdict| {
        unit.verdict == Verdict::Supported && unit.p_adjusted.is_some_and(|p| p < verdict.alpha)
    };
    units(verdict).iter().filter(is_sure).count()
}

/// `+2.45 (+0.87 to +4.02)` of one cell, `50/54, -0.21 to +23.10` of several. Empty where nothing
/// was computed.
#[must_use]
pub(in crate::report) fn in_short(verdict: &ClaimVerdict) -> String {
    let unit = if verdict.unit == Unit::Points { String::new() } else { verdict.unit.after() };
    let numbers = match units(verdict) {
        [only] => {
            let Some(mean) = only.mean else { return String::new() };
            let places = decimals([only.mean, only.low, only.high].into_iter().flatten());
            match interval(only.low, only.high, places) {
                Some(interval) => format!("{} ({interval})", signed(mean, places)),
                None => signed(mean, places),
            }
        }
        several => {
            let Some((low, high)) = range(several.iter().filter_map(|unit| unit.mean)) else {
                return String::new();
            };
            let places = decimals([low, high]);
            let (low, high) = (signed(low, places), signed(high, places));
            format!("{}/{}, {low} to {high}", supported_after_holm(verdict), several.len())
        }
    };
    numbers + &unit
}

/// `+0.87 to +4.02`; an unbounded end is a dash, and no end at all is `None`.
#[must_use]
pub(in crate::report) fn interval(
    low: Option<f64>,
    high: Option<f64>,
    places: usize,
) -> Option<String> {
    let end = |end: Option<f64>| end.map_or_else(|| "-".to_owned(), |end| signed(end, places));
    (low.is_some() || high.is_some()).then(|| format!("{} to {}", end(low), end(high)))
}

/// The lowest and the highest value.
#[must_use]
pub(in crate::report) fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |range, value| match range {
        None => Some((value, value)),
        Some((low, high)) => Some((f64::min(low, value), f64::max(high, value))),
    })
}
