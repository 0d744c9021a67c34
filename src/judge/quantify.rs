//! The quantifier: combines the answers of cells into one verdict.

use super::Side;
use crate::{
    claim::Holds,
    experiment::Verdict,
    stats::{Alpha, binomial_upper_tail, holm, partial_conjunction},
};

/// A judged cell (or average over cells) as the quantifier counts it.
#[derive(Clone, Debug)]
pub struct Unit {
    /// The cell in a few words, for reasons.
    pub name: String,
    /// Its own answer, at level alpha.
    pub side: Side,
    /// One-sided p in the direction of the hypothesis; 1 for a cell that can't be judged.
    pub p: f64,
    /// One-sided p in the other direction; 1 for a cell that can't be judged.
    pub p_refuted: f64,
    /// Whether records that it needs are missing.
    pub incomplete: bool,
}

/// The verdict over cells and its reason.
///
/// * Every cell: supported when each is, at level alpha (an intersection-union test needs no
///   correction; Berger 1982); refuted when one is after Holm's correction.
/// * At least u of m: supported when (m - u + 1) p(u) is below alpha (partial conjunction,
///   Benjamini and Heller 2008); refuted when the same rule finds at least m - u + 1 refuted cells.
/// * More than chance: supported when the number of cells supported at level alpha has a binomial
///   tail probability below alpha; otherwise inconclusive.
#[must_use]
pub fn quantify(holds: Holds, units: &[Unit], alpha: Alpha) -> (Verdict, String) {
    let (total, incomplete) = (units.len(), units.iter().filter(|unit| unit.incomplete).count());
    if incomplete > 0 {
        return (Verdict::Incomplete, format!("missing records in {incomplete} of {total} cells"));
    }
    match holds {
        Holds::Every => every(units, alpha),
        Holds::MoreThanChance => more_than_chance(units, alpha),
        Holds::AtLeast(least) => at_least(least, units, alpha),
    }
}

fn every(units: &[Unit], alpha: Alpha) -> (Verdict, String) {
    let (total, after_holm) = (units.len(), supported_after_holm(units, alpha));
    let refuted = refuted_after_holm(units, alpha);
    if supported(units) == total {
        let surely = match after_holm.len() {
            sure if sure == total => String::new(),
            sure => format!(", each at alpha ({sure} after Holm)"),
        };
        (Verdict::Supported, format!("all {total} cells are supported{surely}"))
    } else if refuted.is_empty() {
        let reason = format!("{}; {}", counted(units, alpha), not_supported(units, alpha));
        (Verdict::Inconclusive, reason)
    } else {
        let count = refuted.len();
        let names = list(refuted.iter().map(|unit| unit.name.as_str()));
        let reason =
            format!("every cell must hold, but {count} of {total} are refuted after Holm: {names}");
        (Verdict::Refuted, reason)
    }
}

fn more_than_chance(units: &[Unit], alpha: Alpha) -> (Verdict, String) {
    let (total, supported) = (units.len(), supported(units));
    let p = binomial_upper_tail(total, supported, alpha.level());
    let counted = format!("{supported} of {total} cells supported, each at alpha");
    let expected = alpha.level() * total as f64;
    let chance = format!("{expected:.1} expected by chance, binomial p = {}", small(p));
    if p < alpha.level() {
        (Verdict::Supported, format!("{counted}, more than by chance ({chance})"))
    } else {
        (Verdict::Inconclusive, format!("{counted}, consistent with chance ({chance})"))
    }
}

fn at_least(least: usize, units: &[Unit], alpha: Alpha) -> (Verdict, String) {
    let total = units.len();
    let p: Vec<f64> = units.iter().map(|unit| unit.p).collect();
    let p_refuted: Vec<f64> = units.iter().map(|unit| unit.p_refuted).collect();
    let towards = partial_conjunction(&p, least);
    let away = partial_conjunction(&p_refuted, total + 1 - least);
    let counted = format!("{}, {least} needed", counted(units, alpha));
    let with_p = format!("{counted} (partial conjunction p = {})", small(towards));
    if towards < alpha.level() && supported_after_holm(units, alpha).len() == total {
        (Verdict::Supported, with_p)
    } else if towards < alpha.level() {
        (Verdict::Supported, format!("{with_p}; {}", not_supported(units, alpha)))
    } else if away < alpha.level() {
        let refuted = refuted_after_holm(units, alpha);
        let refuted = if refuted.is_empty() { on_side(units, Side::Refuted) } else { refuted };
        let refuted = list(refuted.iter().map(|unit| unit.name.as_str()));
        (Verdict::Refuted, format!("{counted}; refuted: {refuted} (p = {})", small(away)))
    } else {
        (Verdict::Inconclusive, format!("{with_p}; {}", not_supported(units, alpha)))
    }
}

fn on_side(units: &[Unit], side: Side) -> Vec<&Unit> {
    units.iter().filter(|unit| unit.side == side).collect()
}

/// Cells supported at level alpha, each by itself.
fn supported(units: &[Unit]) -> usize {
    on_side(units, Side::Supported).len()
}

/// Cells supported after Holm over the cells: those that are counted in words.
fn supported_after_holm(units: &[Unit], alpha: Alpha) -> Vec<&Unit> {
    after_holm(units, alpha, Side::Supported, |unit| unit.p)
}

fn refuted_after_holm(units: &[Unit], alpha: Alpha) -> Vec<&Unit> {
    after_holm(units, alpha, Side::Refuted, |unit| unit.p_refuted)
}

fn after_holm(units: &[Unit], alpha: Alpha, side: Side, p: fn(&Unit) -> f64) -> Vec<&Unit> {
    let adjusted = holm(&units.iter().map(p).collect::<Vec<f64>>());
    let sure = units.iter().zip(adjusted);
    let sure = sure.filter(|(unit, p)| unit.side == side && *p < alpha.level());
    sure.map(|(unit, _)| unit).collect()
}

/// `6 of 9 cells supported after Holm`, with the number before Holm where it differs.
fn counted(units: &[Unit], alpha: Alpha) -> String {
    let (sure, alone) = (supported_after_holm(units, alpha).len(), supported(units));
    let alone = if alone == sure { String::new() } else { format!(" ({alone} each at alpha)") };
    format!("{sure} of {} cells supported after Holm{alone}", units.len())
}

fn not_supported(units: &[Unit], alpha: Alpha) -> String {
    let sure = supported_after_holm(units, alpha);
    let not = units.iter().filter(|unit| !sure.iter().any(|sure| std::ptr::eq(*sure, *unit)));
    format!("not supported: {}", list(not.map(|unit| unit.name.as_str())))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(p: f64) -> Unit {
        let name = "cell".to_owned();
        Unit { name, side: Side::Supported, p, p_refuted: 1.0 - p, incomplete: false }
    }

    #[test]
    fn cells_that_are_supported_at_alpha_alone_are_counted_after_holm() {
        let reason = |p: [f64; 3]| every(&p.map(unit), Alpha::CONVENTIONAL);
        let (supported, all) = (Verdict::Supported, "all 3 cells are supported");
        assert_eq!(reason([0.001; 3]), (supported, all.to_owned()));
        let found = reason([0.001, 0.02, 0.02]);
        assert_eq!(found, (supported, format!("{all}, each at alpha (1 after Holm)")));
    }
}
