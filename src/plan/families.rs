//! Groups trials into families, which run side by side from the same weights.

use std::collections::{HashMap, VecDeque};

use crate::assets::IdentifiedTrial;

/// Trials grouped into families, in the order of each family's first trial.
pub(super) fn whole(trials: &[IdentifiedTrial]) -> VecDeque<Vec<&IdentifiedTrial>> {
    let mut places: HashMap<(&str, String), usize> = HashMap::new();
    let mut families: VecDeque<Vec<&IdentifiedTrial>> = VecDeque::new();
    for named in trials {
        let shared = (named.weights.as_str(), named.trial.family());
        let place = *places.entry(shared).or_insert(families.len());
        match families.get_mut(place) {
            Some(family) => family.push(named),
            None => families.push_back(vec![named]),
        }
    }
    families
}

/// Families for threads. If there are fewer families than threads, the largest are halved until
/// there are enough: an idle core costs more than a repeated pass through the frozen part.
pub(super) fn families(
    trials: &[IdentifiedTrial],
    threads: usize,
) -> VecDeque<Vec<&IdentifiedTrial>> {
    halved(whole(trials), threads, trials.len())
}

/// The same for families in an order of their own, with so many trials in all.
pub(super) fn halved<T>(
    mut families: VecDeque<Vec<T>>,
    threads: usize,
    trials: usize,
) -> VecDeque<Vec<T>> {
    while families.len() < threads.min(trials) {
        let largest = families.iter_mut().max_by_key(|family| family.len());
        let largest = largest.expect("there are trials");
        let half = largest.split_off(largest.len() / 2);
        families.push_back(half);
    }
    families
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        experiment::{Augmentation, BatchNorm, Key, Recipe, Seed, Trial},
        world::World,
    };

    fn named(blocks: u32, images: u32, seed: u64, change: impl Fn(&mut Recipe)) -> IdentifiedTrial {
        let key = Key::new("kmnist", "natural", blocks, images);
        let mut recipe = World::smoke().recipe(key);
        change(&mut recipe);
        let id = format!("{blocks} {images} {seed} {}", recipe.protocol.learning_rate);
        let trial = Trial { recipe, seed: Seed(seed) };
        IdentifiedTrial { trial, weights: String::new(), data: String::new(), id }
    }

    fn ids<'a>(families: &VecDeque<Vec<&'a IdentifiedTrial>>) -> Vec<Vec<&'a str>> {
        families.iter().map(|family| family.iter().map(|named| &*named.id).collect()).collect()
    }

    #[test]
    fn trials_that_share_source_subset_seed_and_augmentation_are_a_family() {
        let same = |_: &mut Recipe| ();
        let trials = [
            named(9, 400, 1, same),
            named(9, 400, 2, same),
            named(3, 400, 1, same),
            named(3, 400, 1, |recipe| recipe.protocol.learning_rate = 0.01),
            named(3, 100, 1, same),
            named(3, 400, 1, |recipe| recipe.key.seed_stream = 1),
            named(3, 400, 1, |recipe| recipe.protocol.augmentation = Augmentation::NONE),
        ];
        assert_eq!(
            ids(&families(&trials, 1)),
            [
                vec!["9 400 1 0.1", "3 400 1 0.1", "3 400 1 0.01"],
                vec!["9 400 2 0.1"],
                vec!["3 100 1 0.1"],
                vec!["3 400 1 0.1"],
                vec!["3 400 1 0.1"],
            ]
        );
    }

    #[test]
    fn trials_from_other_weights_are_no_family() {
        let mut trials = [9, 3, 1].map(|blocks| named(blocks, 400, 1, |_| ()));
        trials[1].weights = "another zoo's".to_owned();
        let found = families(&trials, 1);
        assert_eq!(ids(&found), [vec!["9 400 1 0.1", "1 400 1 0.1"], vec!["3 400 1 0.1"]]);
    }

    #[test]
    fn cached_features_need_no_family() {
        let fixed = |recipe: &mut Recipe| {
            recipe.protocol.augmentation = Augmentation::NONE;
            recipe.protocol.batch_norm = BatchNorm::Frozen;
        };
        let trials = [named(3, 400, 1, fixed), named(0, 400, 1, fixed)];
        assert_eq!(families(&trials, 1).len(), 2);
    }

    #[test]
    fn no_worker_is_idle_while_there_are_trials() {
        let trials = [9, 3, 1, 0].map(|blocks| named(blocks, 400, 1, |_| ()));
        let sizes = |workers| {
            let families = families(&trials, workers);
            families.iter().map(Vec::len).collect::<Vec<usize>>()
        };
        assert_eq!(sizes(1), [4]);
        assert_eq!(sizes(2), [2, 2]);
        assert_eq!(sizes(3).iter().sum::<usize>(), 4);
        assert_eq!(sizes(3).len(), 3);
        assert_eq!(sizes(16), [1, 1, 1, 1]);
        assert!(families(&[], 2).is_empty());
    }
}
