//! The stopping rule: at which look (interim analysis) a hypothesis is decided, and how many looks
//! each of its units (cells, or averages over cells) uses. Pure; other seeds in the evidence do not
//! change the result.
//!
//! Every unit starts at the first look. While the hypothesis is undecided, its undecided units
//! continue to their next look. If no undecided unit can continue, and the quantifier's count is
//! reached but its combined p is not below alpha, the decided units continue.
//!
//! A unit's answer is that of the first look that decides it. Its p for the quantifier is the
//! smallest p over the looks used, times the number of planned looks (Bonferroni), which is valid
//! at any stopping time. With the p of the deciding look alone, further seeds could never lower it,
//! and a quantifier over many cells, which needs a smaller p than the cell's own level, could stay
//! undecided.

use super::{
    decide::{Answer, Side},
    quantify::{Unit, quantify},
};
use crate::{
    claim::{Design, Holds},
    experiment::Verdict,
};

/// The answers of a unit at each look.
#[derive(Clone, Debug)]
pub struct Interim {
    /// The unit in a few words.
    pub name: String,
    /// One answer for each look that its seeds reach, in order.
    pub answers: Vec<Answer>,
    /// Planned looks; one in a fixed design.
    pub looks: usize,
    /// Whether records are missing for an arm, or no record contains the metric.
    pub incomplete: bool,
    /// Whether more seeds than those of `answers` can help: false where recipes are mixed, the
    /// metric can't be read, or the zoos of the next look's seeds have no model of an arm.
    pub can_continue: bool,
}

impl Interim {
    /// The unit as the quantifier counts it after `looks_used` looks.
    #[must_use]
    pub fn unit(&self, looks_used: usize) -> Unit {
        let used = &self.answers[..looks_used];
        #[expect(clippy::cast_precision_loss, reason = "a handful of looks")]
        let looks = self.looks as f64;
        let bonferroni = |p: fn(&Answer) -> Option<f64>| {
            used.iter().filter_map(p).fold(1.0, |min, p| f64::min(min, p * looks))
        };
        Unit {
            name: self.name.clone(),
            side: self.decisive(looks_used).map_or(Side::Undecided, |answer| answer.1.side),
            p: bonferroni(|answer| answer.p),
            p_refuted: bonferroni(|answer| answer.p_refuted),
            incomplete: self.incomplete,
        }
    }

    /// The first answer that decides among `looks_used` looks, otherwise the last one; with the
    /// index of its look.
    #[must_use]
    pub(crate) fn decisive(&self, looks_used: usize) -> Option<(usize, &Answer)> {
        let mut used = self.answers[..looks_used].iter().enumerate();
        let first = used.find(|(_, answer)| answer.side != Side::Undecided);
        first.or_else(|| self.answers[..looks_used].iter().enumerate().next_back())
    }
}

/// Where a hypothesis stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopping {
    /// The verdict.
    pub verdict: Verdict,
    /// The reason.
    pub reason: String,
    /// Looks that each unit used.
    pub looks_used: Vec<usize>,
    /// Indices of units that need the seeds of their next look, which the evidence does not have.
    pub undecided: Vec<usize>,
}

/// Adds looks until the hypothesis is decided, or no unit can continue.
#[must_use]
pub fn stop(holds: Holds, design: &Design, interims: &[Interim]) -> Stopping {
    let mut looks_used: Vec<usize> =
        interims.iter().map(|interim| interim.answers.len().min(1)).collect();
    loop {
        let units: Vec<Unit> =
            interims.iter().zip(&looks_used).map(|(interim, looks)| interim.unit(*looks)).collect();
        let (verdict, reason) = quantify(holds, &units, design.alpha);
        let next = match verdict {
            Verdict::Supported | Verdict::Refuted => Vec::new(),
            Verdict::Inconclusive | Verdict::Incomplete => {
                to_continue(holds, interims, &units, &looks_used)
            }
        };
        let (available, undecided): (Vec<usize>, Vec<usize>) =
            next.into_iter().partition(|&unit| looks_used[unit] < interims[unit].answers.len());
        if available.is_empty() {
            return Stopping { verdict, reason, looks_used, undecided };
        }
        for unit in available {
            looks_used[unit] += 1;
        }
    }
}

/// The units that continue to their next look.
fn to_continue(
    holds: Holds,
    interims: &[Interim],
    units: &[Unit],
    looks_used: &[usize],
) -> Vec<usize> {
    let on_side = |side: Side| -> Vec<usize> {
        (0..units.len()).filter(|&unit| units[unit].side == side).collect()
    };
    let with_next_look = |among: Vec<usize>| -> Vec<usize> {
        let has_next = |unit: &usize| {
            let Interim { answers, looks, can_continue, .. } = &interims[*unit];
            looks_used[*unit] < if *can_continue { *looks } else { answers.len() }
        };
        among.into_iter().filter(has_next).collect()
    };
    let undecided = with_next_look(on_side(Side::Undecided));
    if !undecided.is_empty() {
        return undecided;
    }
    let (supported, refuted) = (on_side(Side::Supported), on_side(Side::Refuted));
    match holds {
        // Supported as soon as every unit is; refuted when one is after Holm.
        Holds::Every => with_next_look(refuted),
        Holds::AtLeast(least) if supported.len() >= least => with_next_look(supported),
        Holds::AtLeast(least) if refuted.len() > units.len() - least => with_next_look(refuted),
        // Counts verdicts, which further looks do not change.
        Holds::AtLeast(_) | Holds::MoreThanChance => Vec::new(),
    }
}
