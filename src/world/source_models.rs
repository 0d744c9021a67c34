//! Which zoo a fine-tune starts from. In a world with one source model for each arm every seed
//! starts from zoo 1. In a world with a source model a seed, the place of a seed in the order of
//! seeds decides, and the arms of a seed are paired: they start from models of one zoo. No recipe
//! states its zoo; the name of a record depends on it by the digest of the weights.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::World;
use crate::experiment::{Key, Seed};

/// The number of the zoo that a fine-tune starts from unless its world or its key names another.
pub const FIRST_ZOO: u32 = 1;

/// The zoo of a seed that was pretrained for a quarter of each epoch's steps has the number of the
/// whole zoo of that seed, plus this.
pub const QUARTER: u32 = 1000;

/// Which population of source models the seeds of a world sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceModels {
    /// One source model for each arm: every seed starts from it.
    #[default]
    One,
    /// A new source model for each arm and seed.
    OneASeed,
}

/// The zoos of a world with a source model a seed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedZoos {
    /// The zoo of each place in the order of seeds. Seeds at other places start from zoo 1.
    pub places: Vec<u32>,
    /// Source models that some zoos do not have, by name, with the zoos that have them.
    #[serde(default)]
    pub only_in: BTreeMap<String, Vec<u32>>,
}

impl World {
    /// The place of a seed in the order of seeds, counted from 0; `None` for a seed outside that
    /// order, such as that of a pilot. The inverse of [`World::seed`].
    #[must_use]
    pub fn place(seed: Seed) -> Option<usize> {
        let after_first = seed.0.checked_sub(Self::seed(0).0)?;
        let step = Self::seed(1).0 - Self::seed(0).0;
        (after_first % step == 0).then(|| usize::try_from(after_first / step).ok()).flatten()
    }

    /// The number of the zoo that a fine-tune starts from: the one that its key fixes, else that of
    /// its seed's place, in any seed stream.
    #[must_use]
    pub fn zoo_of(&self, key: &Key, seed: Seed) -> u32 {
        let of_place = || self.zoos.places.get(Self::place(seed)?).copied();
        key.zoo.or_else(of_place).unwrap_or(FIRST_ZOO)
    }

    /// Why a fine-tune of this key is impossible here with this seed; `None` if it is possible.
    #[must_use]
    pub fn unavailable_with(&self, key: &Key, seed: Seed) -> Option<String> {
        self.unavailable(key).or_else(|| self.no_model(&key.source, self.zoo_of(key, seed)))
    }

    /// How many of the first `seeds` seeds can be run of all these keys: fewer than `seeds` if the
    /// zoo of a later seed has no model of one of them.
    #[must_use]
    pub fn seeds_with_models<'a>(
        &self,
        keys: impl IntoIterator<Item = &'a Key>,
        seeds: usize,
    ) -> usize {
        let most = |key: &Key| {
            let zoo = |place| self.zoo_of(key, Self::seed(place));
            let has = |place: &usize| self.no_model(&key.source, zoo(*place)).is_none();
            (0..seeds).take_while(has).count()
        };
        keys.into_iter().map(most).min().unwrap_or(seeds)
    }

    /// Why a zoo has no model of this name; `None` if it has one.
    pub(super) fn no_model(&self, source: &str, zoo: u32) -> Option<String> {
        if zoo != FIRST_ZOO && !self.zoos.places.contains(&zoo) {
            return Some(format!("the {} set-up has no zoo {zoo}", self.id));
        }
        let only_in = self.zoos.only_in.get(source)?;
        let has = zoo == FIRST_ZOO || only_in.contains(&zoo);
        (!has).then(|| format!("zoo {zoo} of the {} set-up has no `{source}`", self.id))
    }

    /// The name of this world in recipes and records. Worlds that differ only in the zoos of their
    /// seeds share it: their records differ by the digests of weights.
    #[must_use]
    pub fn recorded_as(&self) -> &str {
        self.recorded_as.as_deref().unwrap_or(&self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_seed_is_the_inverse_of_the_order_of_seeds() {
        for place in [0, 1, 9, 10, 900] {
            assert_eq!(World::place(World::seed(place)), Some(place));
        }
        for seed in [0, 1, 9001, 19_900_000, 20_000_001, 20_050_000] {
            assert_eq!(World::place(Seed(seed)), None, "{seed}");
        }
    }

    #[test]
    fn the_ten_places_take_zoos_2_to_11_in_order_and_other_seeds_zoo_1() {
        let world = World::smoke();
        let key = Key::new("kmnist", "natural", 3, 400);
        for place in 0..10 {
            let seed = World::seed(place);
            assert_eq!(world.zoo_of(&key, seed) as usize, place + 2);
            // By the seed's number, in any stream: a stream has the same order of seeds.
            let of_stream = Key { seed_stream: 2, ..key.clone() };
            assert_eq!(world.zoo_of(&of_stream, seed) as usize, place + 2);
            assert_eq!(World::smoke_one_zoo().zoo_of(&key, seed), FIRST_ZOO);
        }
        for seed in [Seed(1), Seed(9001), World::seed(10), World::seed(900)] {
            assert_eq!(world.zoo_of(&key, seed), FIRST_ZOO, "{seed:?}");
        }
        let fixed = Key { zoo: Some(7), ..key };
        assert_eq!(world.zoo_of(&fixed, World::seed(0)), 7);
    }

    #[test]
    fn gaussian_is_unavailable_beyond_its_fifth_further_zoo() {
        let world = World::smoke();
        let key = |source: &str| Key::new("kmnist", source, 3, 400);
        for place in 0..12 {
            let why = world.unavailable_with(&key("gaussian"), World::seed(place));
            assert_eq!(why.is_some(), (5..10).contains(&place), "{place}: {why:?}");
            assert_eq!(world.unavailable_with(&key("natural"), World::seed(place)), None);
        }
        let both = [key("natural"), key("gaussian")];
        assert_eq!(world.seeds_with_models(&both, 10), 5);
        assert_eq!(world.seeds_with_models(&both, 3), 3);
        assert_eq!(world.seeds_with_models(&both[..1], 10), 10);
        assert_eq!(World::smoke_one_zoo().seeds_with_models(&both, 10), 10);
        let why = world.unavailable_with(&key("gaussian"), World::seed(5)).unwrap();
        assert_eq!(why, "zoo 7 of the smoke set-up has no `gaussian`");
        let fixed = |source: &str, zoo| Key { zoo: Some(zoo), ..key(source) };
        assert_eq!(world.unavailable(&fixed("natural", 11)), None);
        assert!(world.unavailable(&fixed("natural", 12)).unwrap().contains("no zoo 12"));
        assert!(world.unavailable(&fixed("gaussian", 7)).is_some());
        let salman = World::salman().unavailable(&fixed("natural", 2));
        assert!(salman.is_some());
    }

    #[test]
    fn one_zoo_is_the_smoke_world_whatever_its_seeds_take() {
        let (smoke, one) = (World::smoke(), World::smoke_one_zoo());
        assert_eq!((one.source_models, one.zoos.places.len()), (SourceModels::One, 0));
        assert_eq!((smoke.recorded_as(), one.recorded_as()), ("smoke", "smoke"));
        let key = Key::new("kmnist", "natural", 3, 100);
        assert_eq!(smoke.recipe(key.clone()), one.recipe(key));
        // The records of 0.1.0 have no adversarial accuracy.
        let attacked = Key::new("kmnist", "natural", 3, 400);
        assert!(smoke.recipe(attacked.clone()).adversarial.is_some());
        assert_eq!(one.recipe(attacked).adversarial, None);
    }
}
