//! The images and source models of the smoke world (`goldens/smoke`), embedded in the program with
//! the feature `bundled`. Their digests and cards are always embedded, since record names contain
//! them. Zoo 1 is in `goldens/smoke/zoo`; further zoos are those in `goldens/smoke/zoos`, each in a
//! folder of its number, which `build.rs` lists; those above [`QUARTER`] are pretrained for less.

#[cfg(feature = "bundled")]
mod embedded;

use std::sync::LazyLock;

use crate::{
    checkpoint::FittedTensors,
    data::{Dataset, Images, Target},
    experiment::{Card, Key},
    util::Hint,
    world::{FIRST_ZOO, QUARTER},
};

use super::{Assets, Missing};

/// The bundled assets: those of the smoke world.
#[derive(Clone, Copy, Debug)]
pub struct Bundled;

impl Assets for Bundled {
    fn weights_digest(&self, source: &str, zoo: u32) -> Result<String, Missing> {
        let card = card_of(source, zoo).ok_or_else(|| no_model(source, zoo))?;
        Ok(card.weights.clone())
    }

    fn zoo_with(&self, source: &str, weights: &str) -> Option<u32> {
        let is_it = |(_, card): &&(u32, Card)| card.role == source && card.weights == weights;
        cards().iter().find(is_it).map(|(zoo, _)| *zoo)
    }

    fn unavailable(&self, key: &Key, zoo: u32) -> Option<Missing> {
        card_of(&key.source, zoo).is_none().then(|| no_model(&key.source, zoo))
    }

    fn images_digest(&self, target: &str) -> Result<String, Missing> {
        target_digest(target).map(str::to_owned).ok_or_else(|| missing(target))
    }
}

/// A source model or a target that is not bundled.
pub(super) fn missing(name: &str) -> Missing {
    Missing {
        what: format!("`{name}` is not bundled with the program"),
        help: Hint::Manual("use a source model or target of the smoke set-up".to_owned()),
    }
}

/// A source model that a zoo does not have.
pub(super) fn no_model(source: &str, zoo: u32) -> Missing {
    if zoo == FIRST_ZOO || card(source).is_none() {
        return missing(source);
    }
    let has = |(zoo, card): &&(u32, Card)| card.role == source && *zoo < QUARTER;
    let zoos = cards().iter().filter(has).map(|(zoo, _)| zoo);
    let zoos: Vec<String> = zoos.map(ToString::to_string).collect();
    Missing {
        what: format!("zoo {zoo} has no `{source}` that is bundled with the program"),
        help: Hint::Manual(format!("use a seed of a zoo that has it: {}", zoos.join(", "))),
    }
}

/// A card of zoo 1 by the model's name.
///
/// # Panics
/// Never: the cards are embedded, and a test parses them.
#[must_use]
pub fn card(role: &str) -> Option<&'static Card> {
    card_of(role, FIRST_ZOO)
}

/// The card of a zoo's source model; `None` if the zoo has no such model.
///
/// # Panics
/// Never: the cards are embedded, and a test parses them.
#[must_use]
pub fn card_of(role: &str, zoo: u32) -> Option<&'static Card> {
    cards().iter().find(|(of, card)| (*of, card.role.as_str()) == (zoo, role)).map(|(_, card)| card)
}

/// Every card with the number of its zoo, in the order of zoos.
fn cards() -> &'static [(u32, Card)] {
    static PARSED: LazyLock<Vec<(u32, Card)>> = LazyLock::new(|| {
        let first = CARDS.iter().map(|text| (FIRST_ZOO, *text));
        let all = first.chain(FURTHER_CARDS.iter().copied());
        let parsed = |text| serde_json::from_str(text).expect("embedded cards are valid");
        all.map(|(zoo, text)| (zoo, parsed(text))).collect()
    });
    &PARSED
}

/// Cards of further zoos, each with its zoo's number.
const FURTHER_CARDS: &[(u32, &str)] = include!(concat!(env!("OUT_DIR"), "/zoo_cards.rs"));

/// The hexadecimal BLAKE3 digest of a target's files.
#[must_use]
pub(crate) fn target_digest(name: &str) -> Option<&'static str> {
    DIGESTS.iter().find(|(known, _)| *known == name).map(|(_, digest)| *digest)
}

/// Cards of source models.
const CARDS: [&str; 5] = [
    include_str!("../../goldens/smoke/zoo/natural.json"),
    include_str!("../../goldens/smoke/zoo/l2_3.json"),
    include_str!("../../goldens/smoke/zoo/linf_4.json"),
    include_str!("../../goldens/smoke/zoo/linf_8.json"),
    include_str!("../../goldens/smoke/zoo/gaussian.json"),
];

/// The BLAKE3 digest of each target's four files, which a test recomputes.
const DIGESTS: [(&str, &str); 3] = [
    ("kmnist", "cecd5a9488786dfc8793d0f66d10b67641eac7b07a588b49e7cc830faf6be1fd"),
    ("mnist", "c8db087670cbacedf9b3b3ee8bd47a72c96072f8b53c44dc06bc14e30a7c4008"),
    ("fmnist_held_out", "1a3b2e57013106953d03c67dcd927fbd85f0f94a490b009cc148a60f5765706d"),
];

/// A target's images.
#[derive(Clone, Debug)]
pub struct BundledImages {
    /// Training images, from which subsets are drawn.
    pub train: Dataset,
    /// Test images, on which accuracies are measured.
    pub test: Dataset,
}

impl From<BundledImages> for Target {
    fn from(bundled: BundledImages) -> Self {
        Self { train: Images::Bytes(bundled.train), test: Images::Bytes(bundled.test) }
    }
}

/// A target's images by its name; `None` if it is not bundled.
///
/// # Panics
/// Never: the files are embedded, and a test reads them.
#[must_use]
#[cfg(feature = "bundled")]
pub fn target(name: &str) -> Option<BundledImages> {
    embedded::target(name)
}

/// `None`: this build has no images (feature `bundled`).
#[must_use]
#[cfg(not(feature = "bundled"))]
pub fn target(_name: &str) -> Option<BundledImages> {
    None
}

/// The tensors of zoo 1's source model by its name; `None` if it is not bundled.
///
/// # Panics
/// Never: the files are embedded, and a test reads them.
#[must_use]
pub fn weights(role: &str) -> Option<FittedTensors> {
    weights_of(role, FIRST_ZOO)
}

/// The tensors of a zoo's source model, in single precision; `None` if it is not bundled.
///
/// # Panics
/// Never: the files are embedded, and a test reads them.
#[must_use]
#[cfg(feature = "bundled")]
pub fn weights_of(role: &str, zoo: u32) -> Option<FittedTensors> {
    embedded::weights(role, zoo)
}

/// `None`: this build has no weights (feature `bundled`).
#[must_use]
#[cfg(not(feature = "bundled"))]
pub fn weights_of(_role: &str, _zoo: u32) -> Option<FittedTensors> {
    None
}

#[cfg(feature = "bundled")]
pub use embedded::first_of_source;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assets::further_zoos,
        experiment::WeightsPrecision,
        world::{SourceModels, World},
    };

    /// Cards of further zoos are of the recipe that [`further_zoos`] gives: nothing but the seed
    /// differs from zoo 1.
    #[test]
    fn cards_of_further_zoos_are_of_zoo_1_s_recipe_with_another_seed() {
        let recipe = World::smoke().pretraining.unwrap();
        for (zoo, card) in cards().iter().filter(|(zoo, _)| *zoo != FIRST_ZOO) {
            let name = format!("zoo {zoo}, {}", card.role);
            let first = super::card(&card.role).unwrap_or_else(|| panic!("{name}"));
            let seed = zoo % QUARTER;
            let recipe = further_zoos::recipe(&recipe, crate::experiment::Seed(seed.into()));
            assert!(recipe.models.iter().any(|model| model.role == card.role), "{name}");
            assert_eq!((card.seed, card.threat), (u64::from(seed), first.threat), "{name}");
            assert_eq!(card.steps_share, (*zoo > QUARTER).then_some(0.25), "{name}");
            assert_eq!(card.weights_precision, WeightsPrecision::Half, "{name}");
            assert_eq!(card.architecture, first.architecture, "{name}");
            assert_ne!(card.weights, first.weights, "{name}");
            assert_eq!(Bundled.zoo_with(&card.role, &card.weights), Some(*zoo), "{name}");
        }
    }

    /// Models of a quarter of the steps see the first images of their seed's whole models: the
    /// same processor gives the same losses.
    #[test]
    fn cards_of_a_quarter_begin_as_those_of_the_whole_zoo_of_their_seed() {
        let quarter = cards().iter().filter(|(zoo, _)| *zoo > QUARTER);
        let mut names = Vec::new();
        for (zoo, card) in quarter {
            let whole = card_of(&card.role, zoo - QUARTER).unwrap();
            assert_eq!(card.first_losses, whole.first_losses, "{zoo} {}", card.role);
            let begun = |card: &Card| card.curve[0].first_losses.clone();
            assert_eq!(begun(card), begun(whole), "{zoo} {}", card.role);
            assert_ne!(card.weights, whole.weights, "{zoo} {}", card.role);
            assert!(card.clean_accuracy < whole.clean_accuracy, "{zoo} {}", card.role);
            names.push((zoo - QUARTER, card.role.as_str()));
        }
        let expected = [2, 3, 4].map(|zoo| [(zoo, "l2_3"), (zoo, "natural")]);
        assert_eq!(names, expected.concat());
    }

    /// What a world's file says of its zoos holds for those that ship.
    #[test]
    fn worlds_name_zoos_that_ship_and_the_models_that_they_have() {
        for world in World::all() {
            let several = world.source_models == SourceModels::OneASeed;
            assert_eq!(several, !world.zoos.places.is_empty(), "{}", world.id);
            for zoo in world.zoos.places.iter().copied() {
                for source in world.sources.keys() {
                    let key = Key { zoo: Some(zoo), ..Key::new("kmnist", source, 3, 400) };
                    let has = card_of(source, zoo).is_some();
                    assert_eq!(has, world.unavailable(&key).is_none(), "{source} {zoo}");
                }
            }
        }
    }

    #[test]
    fn a_model_that_a_zoo_does_not_have_is_missing() {
        assert_eq!(Bundled.zoo_with("natural", "no digest"), None);
        assert!(Bundled.weights_digest("natural", 900).unwrap_err().what.contains("zoo 900"));
        let key = Key::new("kmnist", "natural", 3, 400);
        assert_eq!(Bundled.unavailable(&key, FIRST_ZOO), None);
        assert!(Bundled.unavailable(&key, 900).is_some());
    }
}
