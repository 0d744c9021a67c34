//! Source models pretrained for a quarter of each epoch's steps, as a choice: pretraining ends
//! where somebody chose, and a lead of robust over natural models may depend on it.
//!
//! Such a model shares initial weights, order of images and eps with the whole one of its seed, so
//! a seed is still a pair. No recipe changes: records differ by their digests of weights.

use crate::{
    assets::bundled::card_of,
    claim::Claim,
    world::{QUARTER, SeedZoos, World},
};

/// The zoos of a world's seeds, each pretrained for a quarter of its steps. Source models and seeds
/// without one are those that do not ship.
#[must_use]
pub fn zoos(world: &World) -> SeedZoos {
    let places: Vec<u32> = world.zoos.places.iter().map(|zoo| zoo + QUARTER).collect();
    let with = |source: &String| {
        places.iter().copied().filter(|zoo| card_of(source, *zoo).is_some()).collect()
    };
    let only_in = world.sources.keys().map(|source| (source.clone(), with(source))).collect();
    SeedZoos { places, only_in }
}

/// Why a claim can't be judged on such models; `None` if it can.
#[must_use]
pub fn unavailable(claim: &Claim, world: &World) -> Option<String> {
    let zoos = zoos(world);
    let terms = claim.hypothesis.contrasts.iter().flat_map(|contrast| &contrast.terms);
    let mut sources = terms.flat_map(|term| &term.arm.source);
    match zoos.places.first() {
        None => Some(format!("the {} set-up has no source model a seed", world.id)),
        Some(first) => sources
            .find(|source| zoos.only_in.get(&***source).is_none_or(|of| !of.contains(first)))
            .map(|source| format!("no `{source}` pretrained for a quarter ships")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{claim::suite::Suite, experiment::Key, world::SourceModels};

    fn smoke() -> World {
        let mut world = World::smoke();
        world.source_models = SourceModels::OneASeed;
        world.zoos.places = (2..=11).collect();
        world
    }

    #[test]
    fn the_first_three_places_take_models_of_a_quarter_and_later_ones_have_none() {
        let world = World { zoos: zoos(&smoke()), ..smoke() };
        let key = |source| Key::new("kmnist", source, 3, 400);
        for place in 0..10 {
            let (natural, seed) = (key("natural"), World::seed(place));
            assert_eq!(world.zoo_of(&natural, seed) as usize, 1002 + place);
            assert_eq!(world.unavailable_with(&natural, seed).is_some(), place >= 3, "{place}");
            assert!(world.unavailable_with(&key("linf_4"), seed).is_some());
        }
        assert_eq!(world.seeds_with_models(&[key("natural"), key("l2_3")], 10), 3);
        // A recipe does not state its zoo.
        assert_eq!(world.recipe(key("l2_3")), smoke().recipe(key("l2_3")));
    }

    #[test]
    fn claims_on_natural_and_l2_3_alone_have_models_of_a_quarter() {
        let suite = Suite::embedded(&smoke()).unwrap();
        let why = |id: &str, world: &World| unavailable(suite.get(id).unwrap(), world);
        assert_eq!(why("robust_beats_natural", &smoke()), None);
        let other = why("l2_best", &smoke()).unwrap();
        assert!(other.contains("no `linf_"), "{other}");
        let one = why("robust_beats_natural", &World::smoke_one_zoo()).unwrap();
        assert_eq!(one, "the smoke_one_zoo set-up has no source model a seed");
    }
}
