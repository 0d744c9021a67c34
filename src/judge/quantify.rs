//! From judged cells to one verdict: every cell, or at least so many of them.

use super::Side;
use crate::{
    claim::Holds,
    experiment::Verdict,
    stats::{Alpha, binomial_upper_tail, holm, partial_conjunction},
};

/// What the quantifier needs of a judged cell.
#[derive(Clone, Debug)]
pub struct Unit {
    /// The cell in a few words, for reasons.
    pub name: String,
    /// Its own answer, at the whole level.
    pub side: Side,
    /// One-sided p towards the hypothesis; 1 for a cell that can't be judged.
    pub p: f64,
    /// One-sided p away from it; 1 for a cell that can't be judged.
    pub p_refuted: f64,
    /// Whether records that it needs are not there at all.
    pub incomplete: bool,
}

/// The verdict over cells and its reason.
///
/// * Every cell: supported when each is, at its own level (an intersection-union test needs no
///   correction); refuted when one is after Holm.
/// * At least u of m: supported when (m - u + 1) p(u) is below alpha (partial conjunction, Benjamini
///   and Heller 2008); refuted when at least m - u + 1 cells are refuted by the same rule.
/// * More than chance: supported when so many cells are, each at its own level, that a binomial
///   count at that level would reach it with a probability below alpha; otherwise inconclusive.
#[must_use]
pub fn quantify(holds: Holds, units: &[Unit], alpha: Alpha) -> (Verdict, String) {
    let total = units.len();
    let supported = units.iter().filter(|unit| unit.side == Side::Supported).count();
    let incomplete = units.iter().filter(|unit| unit.incomplete).count();
    if incomplete > 0 {
        return (Verdict::Incomplete, format!("{incomplete} of {total} cells lack records"));
    }
    let p: Vec<f64> = units.iter().map(|unit| unit.p).collect();
    let p_refuted: Vec<f64> = units.iter().map(|unit| unit.p_refuted).collect();
    let not_holding = named(units, |unit| unit.side != Side::Supported);
    match holds {
        Holds::Every => {
            let refuting = holm(&p_refuted);
            let refuted: Vec<&Unit> = units
                .iter()
                .zip(&refuting)
                .filter(|(unit, adjusted)| unit.side == Side::Refuted && **adjusted < alpha.level())
                .map(|(unit, _)| unit)
                .collect();
            if supported == total {
                (Verdict::Supported, format!("every one of {total} cells is supported"))
            } else if refuted.is_empty() {
                let reason = format!("{supported} of {total} cells supported; not: {not_holding}");
                (Verdict::Inconclusive, reason)
            } else {
                let names = list(refuted.iter().map(|unit| unit.name.as_str()));
                let reason = format!(
                    "asked of every cell, and refuted in {} of {total} after Holm: {names}",
                    refuted.len()
                );
                (Verdict::Refuted, reason)
            }
        }
        Holds::MoreThanChance => {
            let p = binomial_upper_tail(total, supported, alpha.level());
            let counted = format!("{supported} of {total} cells supported");
            let chance = format!(
                "chance would support {:.1} and this many or more with probability {}",
                alpha.level() * total as f64,
                small(p)
            );
            if p < alpha.level() {
                (Verdict::Supported, format!("{counted}, more than chance: {chance}"))
            } else {
                (Verdict::Inconclusive, format!("{counted}, as chance would: {chance}"))
            }
        }
        Holds::AtLeast(least) => {
            let conjunction = partial_conjunction(&p, least);
            let against = partial_conjunction(&p_refuted, total + 1 - least);
            let counted = format!("{supported} of {total} cells supported, {least} needed");
            if conjunction < alpha.level() {
                let but = if supported == total {
                    String::new()
                } else {
                    format!("; not: {not_holding}")
                };
                let reason =
                    format!("{counted} (partial conjunction p = {}){but}", small(conjunction));
                (Verdict::Supported, reason)
            } else if against < alpha.level() {
                let refuted = named(units, |unit| unit.side == Side::Refuted);
                let reason = format!("{counted}; refuted in: {refuted} (p = {})", small(against));
                (Verdict::Refuted, reason)
            } else {
                let p = small(conjunction);
                let reason = format!("{counted} (partial conjunction p = {p}); not: {not_holding}");
                (Verdict::Inconclusive, reason)
            }
        }
    }
}

fn named(units: &[Unit], which: impl Fn(&Unit) -> bool) -> String {
    list(units.iter().filter(|unit| which(unit)).map(|unit| unit.name.as_str()))
}

/// The first few names, and how many more there are.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 6;
    let names: Vec<&str> = names.collect();
    let more = names.len().saturating_sub(SHOWN);
    let shown = names[..names.len() - more].join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

fn small(p: f64) -> String {
    if p < 0.001 { format!("{p:.1e}") } else { format!("{p:.3}") }
}
