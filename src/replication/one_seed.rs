//! What one seed alone would have concluded: the reproduction had one seed an experiment, and saw
//! outliers. Each seed of the evidence plays that reader once. One seed has no spread, so its
//! reader concludes by the value alone: a cell (or average) holds where the contrast lies beyond
//! the margin, and the hypothesis where as many hold as its quantifier asks. Pure.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    claim::{Claim, Holds, Hypothesis, Relation},
    evidence::Evidence,
    experiment::{Seed, Verdict},
    judge::{join::join, judge},
};

/// What each seed alone would have concluded on a primary hypothesis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OneSeed {
    /// The claim's id.
    pub claim: String,
    /// The verdict of all seeds.
    pub verdict: Verdict,
    /// Seeds that have a value in at least one cell, or average.
    pub seeds: usize,
    /// Seeds by whose values alone the hypothesis holds.
    pub holds: usize,
    /// Cells, or averages, of all seeds: a seed counts where it has every arm.
    pub values: usize,
    /// Of those, the ones in which the cell holds by the seed's value alone.
    pub values_hold: usize,
}

impl OneSeed {
    /// Seeds whose conclusion is not the verdict of all seeds, where that is one.
    #[must_use]
    pub fn differ(&self) -> Option<usize> {
        match self.verdict {
            Verdict::Supported => Some(self.seeds - self.holds),
            Verdict::Refuted => Some(self.holds),
            Verdict::Inconclusive | Verdict::Incomplete => None,
        }
    }
}

/// What each seed alone would have concluded on a claim; `None` where the evidence has no seed
/// with every arm of a cell, or the quantifier counts against chance, which one value can't.
#[must_use]
pub fn one_seed(claim: &Claim, evidence: &Evidence) -> Option<OneSeed> {
    let hypothesis = &claim.hypothesis;
    let needed = |values: usize| match hypothesis.holds {
        Holds::Every => Some(values),
        // The same share of the cells that the seed has, rounded up.
        Holds::AtLeast(least) => Some((least * values).div_ceil(hypothesis.units())),
        Holds::MoreThanChance => None,
    };
    let by_seed = values(hypothesis, evidence);
    let mut found = OneSeed {
        claim: claim.id.clone(),
        verdict: judge(claim, evidence).verdict,
        seeds: by_seed.len(),
        holds: 0,
        values: 0,
        values_hold: 0,
    };
    for held in by_seed.values() {
        let count = held.iter().filter(|held| **held).count();
        found.holds += usize::from(count >= needed(held.len())?);
        found.values += held.len();
        found.values_hold += count;
    }
    (found.seeds > 0).then_some(found)
}

/// For each seed, whether each cell or average of which it has every arm holds by its value.
/// Cells of mixed recipes can't be judged and are left out.
fn values(hypothesis: &Hypothesis, evidence: &Evidence) -> BTreeMap<Seed, Vec<bool>> {
    let mut by_seed: BTreeMap<Seed, Vec<bool>> = BTreeMap::new();
    for contrast in &hypothesis.contrasts {
        for (_, cells) in contrast.units(&hypothesis.average_over) {
            let joined = join(&contrast.terms, &cells, &hypothesis.metric, evidence);
            let rows = joined.rows.iter().filter(|_| joined.mixed_recipes.is_none());
            for row in rows.filter(|row| row.contrast.finished) {
                if let Some(value) = row.contrast.middle() {
                    by_seed.entry(row.seed).or_default().push(holds(hypothesis.relation, value));
                }
            }
        }
    }
    by_seed
}

fn holds(relation: Relation, value: f64) -> bool {
    match relation {
        Relation::GreaterThan(margin) => value > margin,
        Relation::NotWorseThan(margin) => value > -margin,
        Relation::EquivalentWithin(margin) => value.abs() < margin,
    }
}

/// The same for several claims; those without an answer are left out, by their ids.
#[must_use]
pub fn one_seed_of(claims: &[&Claim], evidence: &Evidence) -> (Vec<OneSeed>, BTreeSet<String>) {
    let mut without = BTreeSet::new();
    let mut found = Vec::new();
    for claim in claims {
        match one_seed(claim, evidence) {
            Some(one) => found.push(one),
            None => _ = without.insert(claim.id.clone()),
        }
    }
    (found, without)
}
