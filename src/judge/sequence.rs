//! When to stop: at which look a hypothesis is decided, and how far each of its units is looked at until
//! then. Pure, and the same whatever other seeds the evidence holds.
//!
//! Every unit is looked at first at the first look. While the hypothesis is open, those of its units
//! that are open go on to their next look. Where none of them can, and as many units are decided as the
//! quantifier asks for, but not surely enough for all of them together, these go on.
//!
//! A unit's own answer is that of the first look that decides it. Its p for the quantifier is the least
//! over the looks it has had, times the number of looks that there are: a p-value whenever one stops
//! (Bonferroni). Were it that of the deciding look alone, no seed could ever make it smaller, and a
//! quantifier over many cells, which asks more of each than the cell's own level, could not be decided.

use super::{
    decide::{Answer, Side},
    quantify::{Unit, quantify},
};
use crate::{
    claim::{Design, Holds},
    experiment::Verdict,
};

/// What the seeds of a unit say at each look.
#[derive(Clone, Debug)]
pub struct Looked {
    /// The unit in a few words.
    pub name: String,
    /// An answer for each look that its seeds reach, in their order.
    pub answers: Vec<Answer>,
    /// Looks that there are; one in a fixed design.
    pub looks: usize,
    /// Whether records that it needs are not there at all, or none of them holds what is measured.
    pub incomplete: bool,
    /// Whether more seeds could be judged: false where recipes are mixed or a metric can't be read.
    pub hopeful: bool,
}

impl Looked {
    /// What the quantifier is given of it after so many looks.
    #[must_use]
    pub fn unit(&self, reached: usize) -> Unit {
        let seen = &self.answers[..reached];
        #[expect(clippy::cast_precision_loss, reason = "a handful of looks")]
        let looks = self.looks as f64;
        let whole = |p: fn(&Answer) -> Option<f64>| {
            seen.iter().filter_map(p).fold(1.0, |least, p| f64::min(least, p * looks))
        };
        Unit {
            name: self.name.clone(),
            side: self.decisive(reached).map_or(Side::Undecided, |answer| answer.1.side),
            p: whole(|answer| answer.p),
            p_refuted: whole(|answer| answer.p_refuted),
            incomplete: self.incomplete,
        }
    }

    /// The first answer that decides, or the last there is, after so many looks; with the look's place.
    #[must_use]
    pub(crate) fn decisive(&self, reached: usize) -> Option<(usize, &Answer)> {
        let mut seen = self.answers[..reached].iter().enumerate();
        let first = seen.find(|(_, answer)| answer.side != Side::Undecided);
        first.or_else(|| self.answers[..reached].iter().enumerate().next_back())
    }
}

/// Where a hypothesis stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Its verdict.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// Looks that each unit has had.
    pub reached: Vec<usize>,
    /// Units that are to go on to their next look and lack its seeds.
    pub wanting: Vec<usize>,
}

/// Looks at units until the hypothesis is decided, or nothing can go on.
#[must_use]
pub fn settle(holds: Holds, design: &Design, looked: &[Looked]) -> Settled {
    let mut reached: Vec<usize> = looked.iter().map(|unit| unit.answers.len().min(1)).collect();
    loop {
        let with = |(unit, reached): (&Looked, &usize)| unit.unit(*reached);
        let units: Vec<Unit> = looked.iter().zip(&reached).map(with).collect();
        let (verdict, reason) = quantify(holds, &units, design.alpha);
        let next = match verdict {
            Verdict::Supported | Verdict::Refuted => Vec::new(),
            Verdict::Inconclusive | Verdict::Incomplete => {
                going_on(holds, looked, &units, &reached)
            }
        };
        let (can, wanting): (Vec<usize>, Vec<usize>) =
            next.into_iter().partition(|&at| reached[at] < looked[at].answers.len());
        if can.is_empty() {
            return Settled { verdict, reason, reached, wanting };
        }
        for at in can {
            reached[at] += 1;
        }
    }
}

/// Which units are to go on to their next look.
fn going_on(holds: Holds, looked: &[Looked], units: &[Unit], reached: &[usize]) -> Vec<usize> {
    let on_side = |side: Side| -> Vec<usize> {
        (0..units.len()).filter(|&at| units[at].side == side).collect()
    };
    let further = |among: Vec<usize>| -> Vec<usize> {
        let has_next = |at: &usize| looked[*at].hopeful && reached[*at] < looked[*at].looks;
        among.into_iter().filter(has_next).collect()
    };
    let open = further(on_side(Side::Undecided));
    if !open.is_empty() {
        return open;
    }
    let (supported, refuted) = (on_side(Side::Supported), on_side(Side::Refuted));
    match holds {
        // Supported as soon as each is; refuted when one is after Holm.
        Holds::Every => further(refuted),
        Holds::AtLeast(least) if supported.len() >= least => further(supported),
        Holds::AtLeast(least) if refuted.len() > units.len() - least => further(refuted),
        // Counts verdicts, whose number no further look changes.
        Holds::AtLeast(_) | Holds::MoreThanChance => Vec::new(),
    }
}
