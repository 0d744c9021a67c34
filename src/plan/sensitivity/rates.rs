//! The best learning rate of each source model, chosen on held-out seeds that no verdict uses.

use std::collections::{BTreeMap, BTreeSet};

use super::reads_attack;
use crate::{
    assets::IdentifiedTrial,
    claim::Claim,
    experiment::{Key, Recipe, Trial},
    plan,
    store::Ended,
    world::World,
};

/// Candidate learning rates; the paper's comes first.
pub const RATES: [f64; 3] = [0.1, 0.03, 0.01];

/// Indices of the held-out seeds that rates are chosen on, far beyond those that verdicts use.
pub const HELD_OUT: std::ops::Range<usize> = 1000..1003;

/// The fine-tunes that the learning rates are chosen from: every key that a claim may need, at each
/// of the [`RATES`], with the seeds [`HELD_OUT`]. None is attacked.
#[must_use]
pub fn tuning(claim: &Claim, world: &World) -> Vec<Trial> {
    let keys: BTreeSet<Key> =
        plan::at_most(&[claim], world).into_keys().map(|(key, _)| key).collect();
    let mut trials = Vec::new();
    for key in keys {
        for rate in RATES {
            let mut recipe = Recipe { adversarial: None, ..world.recipe(key.clone()) };
            recipe.protocol.learning_rate = rate;
            let seeds = HELD_OUT.map(World::seed);
            trials.extend(seeds.map(|seed| Trial { recipe: recipe.clone(), seed }));
        }
    }
    trials
}

/// The world with chosen rates, for a claim that is judged in it. As under any other protocol, a
/// source whose rate is not the world's own is attacked only if the claim reads adversarial
/// accuracy.
#[must_use]
pub fn at_rates(claim: &Claim, mut world: World, rates: BTreeMap<String, f64>) -> World {
    let own = world.protocol.learning_rate;
    if let Some(adversarial) = world.adversarial.as_mut().filter(|_| !reads_attack(claim)) {
        let unchanged = |source: &String| rates.get(source).is_none_or(|rate| *rate == own);
        adversarial.sources.retain(unchanged);
    }
    World { learning_rates: rates, ..world }
}

/// A fine-tune that rates are chosen from.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuned {
    /// The trial with its record name.
    pub named: IdentifiedTrial,
    /// Its outcome; `None` if it has not run.
    pub ended: Option<Ended>,
}

impl Tuned {
    /// The last test accuracy in percent; 0 if it failed or has not run.
    fn accuracy(&self) -> f64 {
        match &self.ended {
            Some(Ended::Finished(outcome)) => {
                outcome.evaluations.last().map_or(0.0, |last| last.test_accuracy)
            }
            Some(Ended::Failed { .. }) | None => 0.0,
        }
    }
}

/// The fine-tunes that have not run yet. A failed one has run.
#[must_use]
pub fn missing(tuned: &[Tuned]) -> Vec<IdentifiedTrial> {
    let missing = tuned.iter().filter(|tuned| tuned.ended.is_none());
    missing.map(|tuned| tuned.named.clone()).collect()
}

/// The best rate of each source model, by the mean of the last test accuracies (percent) over all
/// its fine-tunes, with 0 for a failed one. Of equal means, the first of [`RATES`].
#[must_use]
pub fn best_rates(tuned: &[Tuned]) -> BTreeMap<String, Rate> {
    best_of(tuned.iter().map(|tuned| (&tuned.named.trial.recipe, tuned.accuracy())))
}

/// The best rates, from recipes with their accuracies in percent.
fn best_of<'a>(tuned: impl IntoIterator<Item = (&'a Recipe, f64)>) -> BTreeMap<String, Rate> {
    let mut sums: BTreeMap<String, [(f64, u32); RATES.len()]> = BTreeMap::new();
    for (recipe, accuracy) in tuned {
        let Some(at) = RATES.iter().position(|rate| *rate == recipe.protocol.learning_rate) else {
            continue;
        };
        let (sum, count) = &mut sums.entry(recipe.key.source.to_string()).or_default()[at];
        *sum += accuracy;
        *count += 1;
    }
    let best = |(source, sums): (String, [(f64, u32); RATES.len()])| {
        let means = sums.map(|(sum, count)| sum / f64::from(count.max(1)));
        // `max_by` returns the last of equal elements, so the order is reversed.
        let best =
            (0..RATES.len()).rev().max_by(|&left, &right| means[left].total_cmp(&means[right]));
        let best = best.expect("RATES is not empty");
        (source, Rate { chosen: RATES[best], means })
    };
    sums.into_iter().map(best).collect()
}

/// The best learning rate of a source model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// The best.
    pub chosen: f64,
    /// Mean accuracies in percent at each of the [`RATES`].
    pub means: [f64; RATES.len()],
}

#[cfg(test)]
mod tests {
    use super::{super::tests::of_attack, *};
    use crate::{
        claim::suite::Suite,
        experiment::{Evaluation, Outcome, Seed},
    };

    fn recipe(source: &str, images: u32, rate: f64) -> Recipe {
        let key = Key::new("kmnist", source, 3, images);
        let mut recipe = World::smoke().recipe(key);
        recipe.protocol.learning_rate = rate;
        recipe
    }

    #[test]
    fn each_source_gets_the_rate_with_the_highest_mean() {
        // natural: .1 has 50 and 90, .03 has 75 and 75, .01 has 40; l2_3 has two equal rates.
        let tuned = [
            (recipe("natural", 100, 0.1), 50.0),
            (recipe("natural", 400, 0.1), 90.0),
            (recipe("natural", 100, 0.03), 75.0),
            (recipe("natural", 400, 0.03), 75.0),
            (recipe("natural", 100, 0.01), 40.0),
            (recipe("l2_3", 100, 0.03), 60.0),
            (recipe("l2_3", 100, 0.1), 60.0),
        ];
        let best = best_of(tuned.iter().map(|(recipe, accuracy)| (recipe, *accuracy)));
        assert_eq!(best["natural"], Rate { chosen: 0.03, means: [70.0, 75.0, 40.0] });
        assert_eq!(best["l2_3"].chosen, 0.1);
    }

    #[test]
    fn a_failed_fine_tune_is_not_missing_and_counts_as_zero() {
        let tuned = |seed: u64, rate: f64, ended: Option<Ended>| {
            let trial = Trial { recipe: recipe("natural", 100, rate), seed: Seed(seed) };
            let (weights, data) = ("w".to_owned(), "d".to_owned());
            Tuned {
                named: IdentifiedTrial { id: trial.id(&weights, &data), trial, weights, data },
                ended,
            }
        };
        let finished = |accuracy: f64| {
            let last = Evaluation {
                epoch: 24,
                test_accuracy: accuracy,
                test_loss: 1.0,
                train_accuracy: 100.0,
                train_loss: 0.0,
                seconds: 1.0,
            };
            Some(Ended::Finished(Outcome {
                evaluations: vec![last],
                first_losses: Vec::new(),
                test_loss_after_first_step: 1.0,
                correct: Vec::new(),
                weights: "w".to_owned(),
                influence: Vec::new(),
                adversarial: None,
            }))
        };
        let failed = Some(Ended::Failed { reason: "a test".to_owned() });
        let all = [
            tuned(1, 0.1, finished(80.0)),
            tuned(2, 0.1, failed),
            tuned(1, 0.03, finished(50.0)),
            tuned(2, 0.03, None),
        ];
        assert_eq!(missing(&all), [all[3].named.clone()]);
        let best = best_rates(&all[..3]);
        assert_eq!(best["natural"], Rate { chosen: 0.03, means: [40.0, 50.0, 0.0] });
    }

    #[test]
    fn only_a_rate_per_source_may_differ_between_arms() {
        let mut world = World::smoke();
        let natural = |world: &World| world.recipe(recipe("natural", 100, 0.1).key);
        let robust = |world: &World| world.recipe(recipe("l2_3", 100, 0.1).key);
        world.learning_rates = BTreeMap::from([("natural".to_owned(), 0.01)]);
        assert_eq!(natural(&world).protocol.learning_rate, 0.01);
        assert_eq!(world.digest(&natural(&world)), world.digest(&robust(&world)));
        let plain = World::smoke();
        assert_ne!(plain.digest(&natural(&world)), plain.digest(&robust(&world)));
        let mut other = natural(&world);
        other.protocol.momentum = 0.5;
        assert_ne!(world.digest(&other), world.digest(&robust(&world)));
    }

    #[test]
    fn only_a_source_at_the_world_s_own_rate_stays_attacked() {
        let suite = Suite::embedded(&World::smoke()).unwrap();
        let rates = BTreeMap::from([("natural".to_owned(), 0.03), ("l2_3".to_owned(), 0.1)]);
        let claim = suite.get("robust_beats_natural").unwrap();
        let attacked = |claim: &Claim, source: &str| {
            let world = at_rates(claim, World::smoke(), rates.clone());
            world.recipe(Key::new("kmnist", source, 3, 400)).adversarial.is_some()
        };
        assert!(attacked(claim, "l2_3") && !attacked(claim, "natural"));
        assert!(attacked(&of_attack(claim), "natural"));
        let tuned = tuning(claim, &World::smoke());
        assert!(tuned.iter().all(|trial| trial.recipe.adversarial.is_none()));
    }

    #[test]
    fn rates_are_chosen_on_seeds_that_no_verdict_uses() {
        let suite = Suite::embedded(&World::smoke()).unwrap();
        for claim in suite.claims() {
            let last = claim.design.looks.last().max(claim.design.for_secondary().looks.last());
            assert!(last < HELD_OUT.start, "{}", claim.id);
        }
    }
}
