//! The specification curve of a claim: the claim judged under every combination of four choices,
//! each read at the last and at the best epoch, so that no single recipe stands for all
//! (Simonsohn, Simmons and Nelson 2020, Specification curve analysis, Nature Human Behaviour 4).
//!
//! Every specification gets the seeds of the claim's first look and is judged at one look. The
//! [`result`] holds the value of each seed, so that its numbers can be computed again without a
//! fine-tune. [`kept`] has the curves that ship with the program.

pub mod kept;
pub mod result;

use std::collections::BTreeMap;

pub use result::{Counts, Curve, Factor, Specification, SpecifiedUnit, Value};

use super::{CHOICES, Change, Choice, Estimate, Used, units};
use crate::{
    claim::Claim,
    evidence::Evidence,
    experiment::{Seed, Trial},
    judge::{CellVerdict, ClaimVerdict, UnitValues, judge, result::FORMAT_VERSION, unit_values},
    plan::{self, cost::Cost},
    stats::Looks,
    world::World,
};

/// The choices that are combined: 16 recipes.
pub const FACTORS: [&str; 4] = ["learning_rate", "head", "batch_norm", "augmentation"];
/// The choice that reads the same fine-tunes at another epoch.
const BEST: &str = "best_epoch";

/// One recipe: some of the [`FACTORS`] in place of the paper's.
#[derive(Clone, Debug)]
pub struct Combination(Vec<Choice>);

impl Combination {
    /// Every combination, the paper's recipe first.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let factors = FACTORS.map(named);
        let combination = |bits: usize| {
            let chosen = factors.iter().enumerate().filter(|(place, _)| bits >> place & 1 == 1);
            Self(chosen.map(|(_, choice)| *choice).collect())
        };
        (0..1 << FACTORS.len()).map(combination).collect()
    }

    /// The world with all its choices, for a claim that is judged in it.
    #[must_use]
    pub fn world(&self, claim: &Claim, world: World) -> World {
        self.0.iter().fold(world, |world, choice| choice.world(claim, world))
    }

    /// The choices that differ from the paper's.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.0.iter().map(|choice| choice.id.to_owned()).collect()
    }
}

fn named(id: &str) -> Choice {
    *CHOICES.iter().find(|choice| choice.id == id).expect("a choice of the list")
}

/// The claim as a specification is judged: its primary hypothesis, at the first look alone.
///
/// # Panics
/// Never: the first of valid looks is a valid look.
#[must_use]
pub fn at_first_look(claim: &Claim) -> Claim {
    let mut claim = Claim { readings: Vec::new(), associations: Vec::new(), ..claim.clone() };
    let first = claim.design.looks.seeds()[..1].to_vec();
    claim.design.looks = Looks::new(first).expect("the first of valid looks");
    claim
}

/// How many fine-tunes the curve of a claim needs if none is recorded, and their cost.
#[must_use]
pub fn price(claim: &Claim, world: &World) -> (usize, Cost) {
    let claim = at_first_look(claim);
    let of = |combination: &Combination| {
        let world = combination.world(&claim, world.clone());
        let needed = plan::at_most(&[&claim], &world).into_keys();
        let trials: Vec<Trial> =
            needed.map(|(key, seed)| Trial { recipe: world.recipe(key), seed }).collect();
        (trials.len(), Cost::of_trials(&trials, &world))
    };
    let all = Combination::all();
    all.iter().map(of).fold((0, Cost::default()), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

impl Curve {
    /// Judges a claim under every specification. `evidence` has the records of each combination,
    /// in the order of [`Combination::all`].
    ///
    /// # Panics
    /// If there is no combination.
    #[must_use]
    pub fn new(claim: &Claim, evidence: &[(Combination, Evidence)]) -> Self {
        let last = at_first_look(claim);
        let best = named(BEST).claim(&last);
        let seeds = seeds(&last);
        let mut specifications = Vec::new();
        for (combination, evidence) in evidence {
            let mut choices = combination.ids();
            specifications.push(specification(choices.clone(), &last, evidence, &seeds));
            if let Some(best) = &best {
                choices.push(BEST.to_owned());
                specifications.push(specification(choices, best, evidence, &seeds));
            }
        }
        let mean = |of: &Specification| of.estimate.mean.unwrap_or(f64::INFINITY);
        // Specifications of one mean stay in the order of combinations.
        specifications.sort_by(|left, right| mean(left).total_cmp(&mean(right)));
        let (_, paper) = evidence.first().expect("the paper's recipe");
        Self {
            format_version: FORMAT_VERSION,
            claim: claim.id.clone(),
            evidence: paper.kind,
            statement: claim.hypothesis.statement.clone(),
            unit: claim.hypothesis.metric.unit(),
            margin: claim.hypothesis.relation.threshold(),
            alpha: claim.design.alpha.level(),
            seeds,
            factors: factors(claim, &paper.world),
            counts: Counts::of(specifications.iter().map(|one| one.verdict)),
            specifications,
        }
    }

    /// Whether it is a curve of this claim in this world: the same hypothesis, seeds and choices.
    #[must_use]
    pub fn is_of(&self, claim: &Claim, world: &World) -> bool {
        self.claim == claim.id
            && self.statement == claim.hypothesis.statement
            && self.unit == claim.hypothesis.metric.unit()
            && self.margin.total_cmp(&claim.hypothesis.relation.threshold()).is_eq()
            && self.alpha.total_cmp(&claim.design.alpha.level()).is_eq()
            && self.seeds == seeds(&at_first_look(claim))
            && self.factors == factors(claim, world)
    }
}

/// The seeds of a claim's looks, by increasing seed.
fn seeds(claim: &Claim) -> Vec<u64> {
    let mut seeds: Vec<u64> =
        (0..claim.design.looks.last()).map(|place| World::seed(place).0).collect();
    seeds.sort_unstable();
    seeds
}

fn specification(
    choices: Vec<String>,
    claim: &Claim,
    evidence: &Evidence,
    seeds: &[u64],
) -> Specification {
    let verdict = judge(claim, evidence);
    let values = Used::new(claim, evidence, &verdict).mean();
    let (alpha, resolution) = (claim.design.alpha, claim.hypothesis.metric.resolution());
    Specification {
        choices,
        estimate: Estimate::new(&values, alpha, resolution),
        units: specified(claim, evidence, &verdict, seeds),
        verdict: verdict.verdict,
        reason: verdict.reason,
    }
}

fn specified(
    claim: &Claim,
    evidence: &Evidence,
    verdict: &ClaimVerdict,
    seeds: &[u64],
) -> Vec<SpecifiedUnit> {
    let of = |(unit, judged): (UnitValues, &CellVerdict)| {
        let by_seed: BTreeMap<Seed, _> = unit.values.iter().copied().collect();
        let value = |seed: &u64| by_seed.get(&Seed(*seed)).copied().map(Value::from);
        SpecifiedUnit {
            verdict: judged.verdict,
            values: seeds.iter().map(value).collect(),
            name: unit.name,
            contrast: unit.contrast,
        }
    };
    unit_values(&claim.hypothesis, evidence).into_iter().zip(units(verdict)).map(of).collect()
}

/// What is varied for a claim in a world, with both values as a recipe writes them.
fn factors(claim: &Claim, paper: &World) -> Vec<Factor> {
    let value = |world: &World, field: &str| {
        let protocol = serde_json::to_value(&world.protocol).expect("plain data");
        match &protocol[field] {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    };
    let of = |id: &str| {
        let choice = named(id);
        let (paper, other) = match choice.change {
            Change::BestEpoch => ("last".to_owned(), "best".to_owned()),
            _ => (value(paper, id), value(&choice.world(claim, paper.clone()), id)),
        };
        Factor { choice: id.to_owned(), words: choice.words.to_owned(), paper, other }
    };
    let best = named(BEST).claim(claim).map(|_| BEST);
    FACTORS.into_iter().chain(best).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::suite::Suite;

    fn suite() -> Suite {
        Suite::embedded(&World::smoke()).unwrap()
    }

    #[test]
    fn sixteen_distinct_recipes_share_those_of_single_choices() {
        let suite = suite();
        let claim = suite.get("shape_bias").unwrap();
        let worlds: Vec<World> =
            Combination::all().iter().map(|one| one.world(claim, World::smoke())).collect();
        assert_eq!(worlds.len(), 16);
        for (at, world) in worlds.iter().enumerate() {
            assert!(worlds[..at].iter().all(|other| other.protocol != world.protocol), "{at}");
            // The paper's recipe has the records of other commands; no other recipe is attacked.
            assert_eq!(world.adversarial.is_some(), at == 0, "{at}");
        }
        let protocol = |id: &str| named(id).world(claim, World::smoke()).protocol;
        assert_eq!(worlds[0].protocol, protocol("paper"));
        for (place, id) in FACTORS.iter().enumerate() {
            assert_eq!(worlds[1 << place].protocol, protocol(id), "{id}");
        }
        assert_eq!(worlds[15].protocol, protocol("gentle"));
    }

    #[test]
    fn both_values_of_a_factor_are_as_in_a_recipe() {
        let found = factors(suite().get("shape_bias").unwrap(), &World::smoke());
        let values: Vec<(&str, &str, &str)> =
            found.iter().map(|one| (&*one.choice, &*one.paper, &*one.other)).collect();
        assert_eq!(values[0], ("learning_rate", "0.1", "0.01"));
        assert_eq!(values[1], ("head", "standard_normal", "linear"));
        assert_eq!(values[2], ("batch_norm", "train", "frozen"));
        assert!(values[3].1.contains("\"flip\":0.5") && values[3].2.contains("\"flip\":0.0"));
        assert_eq!(values[4], ("best_epoch", "last", "best"));
    }

    #[test]
    fn a_curve_costs_the_first_look_of_every_cell_in_sixteen_recipes() {
        let suite = suite();
        let of = |id: &str| price(suite.get(id).unwrap(), &World::smoke());
        // Nine cells, and three; two arms and three seeds.
        assert_eq!(of("robust_beats_natural").0, 16 * 9 * 2 * 3);
        assert_eq!(of("shape_bias").0, 16 * 3 * 2 * 3);
        assert!(of("shape_bias").1.flops > 0.0);
    }
}
