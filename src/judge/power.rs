//! How much a design can see, from verdicts that there are: the seeds that each cell of a primary
//! hypothesis would need, and the smallest effect that the seeds in hand can see. An effect that was seen
//! is not the true one: this tells how much a design can see, not whether the effect is there.

use crate::{
    claim::{Claim, Holds, Relation},
    evidence::{Evidence, Looking},
    judge::{CellVerdict, ClaimVerdict},
    stats::{MOST_SEEDS, detectable, seeds_needed, t_upper_quantile},
};

/// The chance that is asked for.
pub const POWER: f64 = 0.8;

/// What a claim's design can see.
#[derive(Clone, Debug)]
pub(crate) struct ClaimPower<'a> {
    /// One a cell, or average, that has a spread.
    pub cells: Vec<CellPower<'a>>,
    /// Cells, or averages, that the hypothesis is about.
    pub asked: usize,
    /// How many of them must hold; `None` where the hypothesis counts against chance.
    pub must_hold: Option<usize>,
    /// Why there are no cells, where there are none.
    pub nothing: Option<&'static str>,
}

/// What one cell's design can see. Effects and spreads are in the metric's unit.
#[derive(Clone, Debug)]
pub(crate) struct CellPower<'a> {
    /// The cell.
    pub cell: &'a CellVerdict,
    /// Mean over the margin.
    pub effect: f64,
    /// Standard deviation over seeds.
    pub spread: f64,
    /// Seeds that would support that effect, with that spread, with the chance [`POWER`].
    pub needed: Needed,
    /// The smallest effect that the seeds in hand support with that chance.
    pub sees: f64,
}

/// A number of seeds, if any is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Needed {
    /// This many.
    Seeds(usize),
    /// More than [`MOST_SEEDS`].
    TooMany,
    /// The effect lies against the hypothesis, or on the margin.
    Never,
}

impl std::fmt::Display for Needed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Seeds(seeds) => write!(formatter, "{seeds}"),
            Self::TooMany => write!(formatter, "over {MOST_SEEDS}"),
            Self::Never => formatter.write_str("never"),
        }
    }
}

impl ClaimPower<'_> {
    /// Cells whose seeds in hand reach the chance [`POWER`] at the effect and spread that were seen.
    #[must_use]
    pub fn enough(&self) -> usize {
        let has = |of: &&CellPower<'_>| of.needed <= Needed::Seeds(of.cell.seeds);
        self.cells.iter().filter(has).count()
    }

    /// Seeds at which as many cells as must hold each have the chance [`POWER`], at what was seen. The
    /// claim's own chance is then somewhat lower: all of them have to come out. `None` where fewer cells
    /// than that have a spread, or the hypothesis counts against chance.
    #[must_use]
    pub fn needed(&self) -> Option<Needed> {
        let mut needed: Vec<Needed> = self.cells.iter().map(|cell| cell.needed).collect();
        needed.sort_unstable();
        needed.get(self.must_hold?.checked_sub(1)?).copied()
    }

    /// The least and the largest of the smallest effects that the seeds in hand can see.
    #[must_use]
    pub fn sees(&self) -> Option<(f64, f64)> {
        let sees = self.cells.iter().map(|cell| cell.sees);
        Some((sees.clone().min_by(f64::total_cmp)?, sees.max_by(f64::total_cmp)?))
    }
}

/// What a claim's design can see of its primary hypothesis, from the verdict on it.
#[must_use]
pub fn of<'a>(claim: &Claim, evidence: &Evidence, verdict: &'a ClaimVerdict) -> ClaimPower<'a> {
    let hypothesis = &claim.hypothesis;
    let judged = if verdict.averages.is_empty() { &verdict.cells } else { &verdict.averages };
    let looks = match evidence.looking {
        Looking::Fixed => 1.0,
        Looking::Sequential => claim.design.looks.count() as f64,
    };
    let level = claim.design.alpha.level() / looks;
    let two_margins = matches!(hypothesis.relation, Relation::EquivalentWithin(_));
    let cells: Vec<CellPower<'a>> = if two_margins {
        Vec::new()
    } else {
        judged.iter().filter_map(|cell| of_cell(cell, verdict.margin, level)).collect()
    };
    let nothing = match (two_margins, cells.is_empty()) {
        (true, _) => Some("an equivalence has two margins, and no effect over them"),
        (false, true) => Some("no cell has two seeds"),
        (false, false) => None,
    };
    let must_hold = match hypothesis.holds {
        Holds::Every => Some(judged.len()),
        Holds::AtLeast(count) => Some(count),
        Holds::MoreThanChance => None,
    };
    ClaimPower { cells, asked: judged.len(), must_hold, nothing }
}

fn of_cell(cell: &CellVerdict, margin: f64, level: f64) -> Option<CellPower<'_>> {
    let (mean, spread) = (cell.mean?, spread(cell, level)?);
    let effect = mean - margin;
    let needed = match seeds_needed(effect / spread, level, POWER) {
        Some(seeds) => Needed::Seeds(seeds),
        None if effect <= 0.0 => Needed::Never,
        None => Needed::TooMany,
    };
    let sees = detectable(cell.seeds, level, POWER) * spread;
    Some(CellPower { cell, effect, spread, needed, sees })
}

/// The standard deviation over seeds, from the interval that the verdict used.
fn spread(cell: &CellVerdict, level: f64) -> Option<f64> {
    let (low, high) = (cell.low?, cell.high?);
    let seeds = cell.seeds as f64;
    let spread = (high - low) / 2.0 * seeds.sqrt() / t_upper_quantile(level, seeds - 1.0);
    (spread.is_finite() && spread > 0.0).then_some(spread)
}
