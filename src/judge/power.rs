//! Power of a primary hypothesis, from its verdict: the seeds that each cell would need, and the
//! smallest effect that its seeds can detect. The observed effect is not the true one, so this
//! describes the design and is no evidence for the effect.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::{
    claim::{Claim, Holds, Hypothesis, Relation},
    evidence::{Evidence, SamplingDesign},
    judge::{CellVerdict, ClaimVerdict, Unpaired, cell::Analysis},
    stats::{
        MOST_SEEDS, TestDesign, binomial_upper_tail, detectable, seeds_needed, t_upper_quantile,
    },
};

/// The power that a design should have.
pub const POWER: f64 = 0.8;

/// The power of a claim's design.
#[derive(Clone, Debug)]
pub(crate) struct ClaimPower<'a> {
    /// One entry per cell, or average, that has a standard deviation.
    pub cells: Vec<CellPower<'a>>,
    /// Cells, or averages, of the hypothesis.
    pub units: usize,
    /// How many of them must hold; `None` where the hypothesis counts against chance.
    pub must_hold: Option<usize>,
    /// Why there is no power, where `cells` is empty.
    pub unavailable: Option<&'static str>,
}

/// The power of one cell's design. Effects and standard deviations are in the metric's unit.
#[derive(Clone, Debug)]
pub(crate) struct CellPower<'a> {
    /// The cell.
    pub cell: &'a CellVerdict,
    /// Mean minus margin.
    pub effect: f64,
    /// Standard deviation over seeds.
    pub spread: f64,
    /// Seeds that give power [`POWER`] at that effect and standard deviation.
    pub needed: Needed,
    /// The smallest effect that the cell's seeds detect with power [`POWER`].
    pub detectable: f64,
    /// The spread times the critical t: a contrast of single runs that lies nearer to the margin is
    /// within what runs differ in by themselves.
    pub single_runs: f64,
}

/// The number of seeds that is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Needed {
    /// This number.
    Seeds(usize),
    /// More than [`MOST_SEEDS`].
    TooMany,
    /// No number: the effect is zero or against the hypothesis, or too small for folds, which share
    /// training items however many they are.
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
    /// Cells whose seeds have power [`POWER`] at the observed effect and standard deviation.
    #[must_use]
    pub fn powered(&self) -> usize {
        let has = |cell: &&CellPower<'_>| cell.needed <= Needed::Seeds(cell.cell.seeds);
        self.cells.iter().filter(has).count()
    }

    /// Seeds at which as many cells as must hold each have power [`POWER`] at the observed effects.
    /// The claim's power is somewhat lower, since all of them must be supported at once. `None`
    /// where fewer cells than that have a standard deviation, or the hypothesis counts against
    /// chance.
    #[must_use]
    pub fn needed(&self) -> Option<Needed> {
        let mut needed: Vec<Needed> = self.cells.iter().map(|cell| cell.needed).collect();
        needed.sort_unstable();
        needed.get(self.must_hold?.checked_sub(1)?).copied()
    }

    /// The range over cells of the smallest detectable effect.
    #[must_use]
    pub fn detectable(&self) -> Option<(f64, f64)> {
        let effects = self.cells.iter().map(|cell| cell.detectable);
        Some((effects.clone().min_by(f64::total_cmp)?, effects.max_by(f64::total_cmp)?))
    }
}

/// The power of a claim's primary hypothesis, from the verdict on it.
#[must_use]
pub fn claim_power<'a>(
    claim: &Claim,
    evidence: &Evidence,
    verdict: &'a ClaimVerdict,
) -> ClaimPower<'a> {
    let hypothesis = &claim.hypothesis;
    let judged = if verdict.averages.is_empty() { &verdict.cells } else { &verdict.averages };
    let looks = match evidence.design {
        SamplingDesign::FixedSample => 1.0,
        SamplingDesign::GroupSequential => claim.design.looks.count() as f64,
    };
    let level = claim.design.alpha.level() / looks;
    let two_margins = matches!(hypothesis.relation, Relation::EquivalentWithin(_));
    let test_to_train = evidence.replicates.structure.test_to_train();
    let of_cell = |cell: &'a CellVerdict| match &cell.unpaired {
        None if test_to_train == 0.0 => of_cell(cell, verdict.margin, level),
        _ => {
            let design = test_design(hypothesis, cell, test_to_train, level)?;
            of_design(cell, &design, verdict.margin, level)
        }
    };
    let cells: Vec<CellPower<'a>> =
        if two_margins { Vec::new() } else { judged.iter().filter_map(of_cell).collect() };
    let unavailable = match cells.is_empty() {
        _ if two_margins => Some("an equivalence has two margins, so no single effect"),
        true => Some("no cell has two seeds"),
        false => None,
    };
    let must_hold = match hypothesis.holds {
        Holds::Every => Some(judged.len()),
        Holds::AtLeast(count) => Some(count),
        Holds::MoreThanChance => None,
    };
    ClaimPower { cells, units: judged.len(), must_hold, unavailable }
}

fn of_cell(cell: &CellVerdict, margin: f64, level: f64) -> Option<CellPower<'_>> {
    let (mean, spread) = (cell.mean?, spread(cell, level)?);
    let effect = mean - margin;
    let needed = match seeds_needed(effect / spread, level, POWER) {
        Some(seeds) => Needed::Seeds(seeds),
        None if effect <= 0.0 => Needed::Never,
        None => Needed::TooMany,
    };
    let detectable = known_detectable(cell.seeds, level, POWER) * spread;
    let single_runs = t_upper_quantile(level, cell.seeds as f64 - 1.0) * spread;
    Some(CellPower { cell, effect, spread, needed, detectable, single_runs })
}

/// The test of a cell whose arms share no replicates, or whose replicates are folds. The variances
/// are those behind the verdict's interval, which has floors of spreads.
fn test_design(
    hypothesis: &Hypothesis,
    cell: &CellVerdict,
    test_to_train: f64,
    level: f64,
) -> Option<TestDesign> {
    let (low, high) = (cell.low?, cell.high?);
    let Some(Unpaired { df, arms }) = &cell.unpaired else {
        let spread = spread(cell, level)?;
        let shares = 1.0 + cell.seeds as f64 * test_to_train;
        return Some(TestDesign { variances: vec![spread * spread / shares], test_to_train });
    };
    let contrast = hypothesis.contrasts.iter().find(|of| of.label == cell.contrast)?;
    let mut variances = Vec::with_capacity(arms.len());
    let mut together = 0.0;
    for arm in arms {
        let weight = contrast.terms.iter().find(|term| term.arm.name == arm.arm)?.weight;
        let variance = (weight * arm.standard_deviation?).powi(2);
        together += variance * (1.0 / arm.replicates as f64 + test_to_train);
        variances.push(variance);
    }
    let error = (high - low) / 2.0 / t_upper_quantile(level, (*df)?);
    let factor = error * error / together;
    let valid = factor.is_finite() && factor > 0.0;
    variances.iter_mut().for_each(|variance| *variance *= factor);
    valid.then_some(TestDesign { variances, test_to_train })
}

/// As [`of_cell`], for such a test; its spread is that of a difference of single runs.
fn of_design<'a>(
    cell: &'a CellVerdict,
    design: &TestDesign,
    margin: f64,
    level: f64,
) -> Option<CellPower<'a>> {
    let effect = cell.mean? - margin;
    let needed = match design.needed(effect, level, POWER) {
        Some(replicates) => Needed::Seeds(replicates),
        None if design.never(effect, level, POWER) => Needed::Never,
        None => Needed::TooMany,
    };
    let detectable = match &cell.unpaired {
        Some(Unpaired { df, .. }) => detectable_unpaired(cell, (*df)?, level, level, POWER)?,
        None => known_detectable(cell.seeds, level, POWER) * spread(cell, level)?,
    };
    let spread = design.variances.iter().sum::<f64>().sqrt();
    let df = cell.unpaired.as_ref().map_or(Some(cell.seeds as f64 - 1.0), |of| of.df)?;
    let single_runs = t_upper_quantile(level, df) * spread;
    Some(CellPower { cell, effect, spread, needed, detectable, single_runs })
}

/// The distance from the margin that a cell's seeds find with power [`POWER`] at a one-sided
/// `level`, given its spread. For an equivalence, the margin within which they would show it if
/// there were no difference, by two tests that each fail with half the probability.
pub(super) fn detectable_in(
    analysis: &Analysis<'_>,
    cell: &CellVerdict,
    level: f64,
) -> Option<f64> {
    let power = match analysis.hypothesis.relation {
        Relation::EquivalentWithin(_) => f64::midpoint(1.0, POWER),
        Relation::GreaterThan(_) | Relation::NotWorseThan(_) => POWER,
    };
    let of_interval = analysis.level().level();
    if let Some(Unpaired { df, .. }) = cell.unpaired {
        return detectable_unpaired(cell, df?, of_interval, level, power);
    }
    let spread = spread(cell, of_interval)?;
    Some(known_detectable(cell.seeds, level, power) * spread)
}

/// The same for arms that share no seeds, by Welch's degrees of freedom, rounded down.
fn detectable_unpaired(
    cell: &CellVerdict,
    df: f64,
    of_interval: f64,
    level: f64,
    power: f64,
) -> Option<f64> {
    let error = (cell.high? - cell.low?) / 2.0 / t_upper_quantile(of_interval, df);
    let seeds = df.floor() as usize + 1;
    let effect = known_detectable(seeds, level, power) * (seeds as f64).sqrt() * error;
    (effect.is_finite() && effect > 0.0).then_some(effect)
}

/// The distance from the margin that as many cells as must hold each find with power [`POWER`], at
/// the level that the quantifier gives them. `None` where fewer cells have a spread.
pub(super) fn detectable_by_all(analysis: &Analysis<'_>, judged: &[CellVerdict]) -> Option<f64> {
    let (total, level) = (judged.len(), analysis.level().level());
    let (must_hold, share) = match analysis.hypothesis.holds {
        Holds::Every => (total, 1),
        // The partial conjunction multiplies the p of this cell by the number of those after it.
        Holds::AtLeast(least) => (least, total + 1 - least),
        Holds::MoreThanChance => {
            let alpha = analysis.design.alpha.level();
            ((1..=total).find(|count| binomial_upper_tail(total, *count, alpha) < alpha)?, 1)
        }
    };
    let effect = |cell| detectable_in(analysis, cell, level / share as f64);
    let mut effects: Vec<f64> = judged.iter().filter_map(effect).collect();
    effects.sort_by(f64::total_cmp);
    effects.get(must_hold.checked_sub(1)?).copied()
}

/// [`detectable`], computed once for each of the few designs that claims have.
fn known_detectable(seeds: usize, level: f64, power: f64) -> f64 {
    type Known = Mutex<BTreeMap<(usize, [u64; 2]), f64>>;
    static KNOWN: Known = Mutex::new(BTreeMap::new());
    let design = (seeds, [level, power].map(f64::to_bits));
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    *known.entry(design).or_insert_with(|| detectable(seeds, level, power))
}

/// The standard deviation over seeds, from the confidence interval of the verdict.
fn spread(cell: &CellVerdict, level: f64) -> Option<f64> {
    let (low, high) = (cell.low?, cell.high?);
    let seeds = cell.seeds as f64;
    let spread = (high - low) / 2.0 * seeds.sqrt() / t_upper_quantile(level, seeds - 1.0);
    (spread.is_finite() && spread > 0.0).then_some(spread)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        claim::suite::Suite,
        evidence::{Evidence, Replicates, Structure},
        judge::judge,
        world::World,
    };

    /// The power of two claims on the authors' runs, with replicates that share this.
    fn each(of: Replicates, check: impl Fn(&CellVerdict, &CellPower<'_>)) -> usize {
        let published = Evidence::published().unwrap();
        let evidence = Evidence { replicates: of, ..published };
        let suite = Suite::embedded(&World::paper()).unwrap();
        let mut checked = 0;
        for id in ["robust_beats_natural", "l2_best"] {
            let claim = suite.get(id).unwrap();
            let verdict = judge(claim, &evidence);
            let power = claim_power(claim, &evidence, &verdict);
            let all: Vec<f64> = power.cells.iter().map(|cell| cell.detectable).collect();
            let ends = all.iter().copied().fold(None, |ends: Option<(f64, f64)>, next| {
                Some(ends.map_or((next, next), |(low, high)| (low.min(next), high.max(next))))
            });
            assert_eq!(power.detectable(), ends, "{}", claim.id);
            for cell in &power.cells {
                check(cell.cell, cell);
                checked += 1;
            }
        }
        checked
    }

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() <= 1e-9 * other.abs().max(1.0)
    }

    /// A mean of n runs lies n.sqrt() times as near as a single run, at the same critical t.
    #[test]
    fn single_runs_differ_by_the_interval_without_the_number_of_seeds() {
        let checked = each(Replicates::default(), |cell, power| {
            let half = (cell.high.unwrap() - cell.low.unwrap()) / 2.0;
            assert!(near(power.single_runs, half * (cell.seeds as f64).sqrt()), "{}", cell.name);
            let detected = crate::stats::power(power.detectable / power.spread, cell.seeds, 0.025);
            assert!((detected - POWER).abs() < 1e-6, "{}: {detected}", cell.name);
        });
        assert!(checked > 20, "{checked}");
    }

    /// Arms of n runs each: the variance of a difference of two means is that of two runs over n.
    #[test]
    fn unpaired_single_runs_have_the_spreads_of_both_arms() {
        let unpaired = Replicates { paired: false, ..Replicates::default() };
        let checked = each(unpaired, |cell, power| {
            let arms = &cell.unpaired.as_ref().unwrap().arms;
            let runs = arms[0].replicates;
            if arms.iter().all(|arm| arm.replicates == runs) {
                let half = (cell.high.unwrap() - cell.low.unwrap()) / 2.0;
                assert!(near(power.single_runs, half * (runs as f64).sqrt()), "{}", cell.name);
            }
        });
        assert!(checked > 20, "{checked}");
    }

    /// The corrected resampled t has 1/k + test/train in place of 1/k.
    #[test]
    fn folds_have_the_variance_that_their_correction_leaves() {
        let structure = Structure::Folds { test_to_train: 0.25 };
        let folds = Replicates { structure, ..Replicates::default() };
        let checked = each(folds, |cell, power| {
            let half = (cell.high.unwrap() - cell.low.unwrap()) / 2.0;
            let shares = (1.0 / cell.seeds as f64 + 0.25).sqrt();
            assert!(near(power.single_runs, half / shares), "{}", cell.name);
        });
        assert!(checked > 20, "{checked}");
    }
}
