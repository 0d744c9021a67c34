//! A trial: a recipe and a seed, and the name by which its record is found.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Protocol, ProtocolError};
use crate::{
    influence::Inverse,
    ledger::{Key, Recipe as Compared, Resolution, Seed},
    model::{Architecture, TooManyBlocks, Trainable},
    world::World,
};

/// Bumped by hand whenever the engine gives other results for the same recipe and seed: records of
/// an older engine are then not found, and are run again.
pub const ENGINE_VERSION: u32 = 2;

/// Series of seeds lie this far apart: a seed lies below, and there are as many series as numbers hold.
const DRAW: u64 = 1_000_000_000_000;

/// Everything that decides a fine-tune but its seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The world whose source model and target it takes.
    pub world: Arc<str>,
    /// Source, target, blocks, images and resolution.
    pub key: Key,
    /// How many residual blocks the key's number stands for, where it is the paper's name of other parts
    /// than the last so many of this network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained: Option<u32>,
    /// How it is done.
    pub protocol: Protocol,
    /// How influence is measured at its end, where the key says that it is: by each of these inverses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub influence: Vec<Inverse>,
}

/// A recipe and a seed: one fine-tune.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// The recipe.
    pub recipe: Recipe,
    /// The seed that arms are joined by.
    pub seed: Seed,
}

/// A recipe that can't be read or run.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// It is no TOML of a recipe.
    #[error("{0}")]
    Grammar(String),
    /// Its protocol makes no sense.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The network has fewer blocks.
    #[error(transparent)]
    Blocks(#[from] TooManyBlocks),
    /// It measures influence in a way that means nothing.
    #[error("influence: {0}")]
    Influence(String),
    /// The world has no such source, target or size.
    #[error("{0}")]
    Lacks(String),
    /// Images can't be brought down to so many pixels.
    #[error(
        "resolution is {found}: images are brought down to 1 to {side} pixels, what the network takes"
    )]
    Resolution {
        /// What was asked for.
        found: u32,
        /// The side of the network's input.
        side: u32,
    },
    /// A seed, or a series of them, that would be another's.
    #[error("{field} is {found}: below {below}")]
    Seed {
        /// "seed" or "draw".
        field: &'static str,
        /// What was asked for.
        found: u64,
        /// The first that there is not.
        below: u64,
    },
}

impl Recipe {
    /// The recipe of a key in a world, by the world's own protocol.
    #[must_use]
    pub fn of(world: &World, key: Key) -> Self {
        let mut protocol = world.protocol(key.images);
        if let Some(own) = world.learning_rates.get(&*key.source) {
            protocol.learning_rate = *own;
        }
        let influence = if key.influence { world.influence.clone() } else { Vec::new() };
        let trained = Some(world.blocks(key.blocks)).filter(|here| *here != key.blocks);
        Self { world: world.id.as_str().into(), key, trained, protocol, influence }
    }

    /// Residual blocks that are trained.
    #[must_use]
    pub fn trained_blocks(&self) -> u32 {
        self.trained.unwrap_or(self.key.blocks)
    }

    /// Reads a recipe as a user writes it: fields of the protocol that are left out are the world's.
    ///
    /// # Errors
    /// If it is malformed, or names what the world does not have.
    pub fn read(text: &str, worlds: &[World]) -> Result<(Self, World), RecipeError> {
        let grammar = |error: toml::de::Error| RecipeError::Grammar(error.to_string());
        let mut table: toml::Table = toml::from_str(text).map_err(grammar)?;
        let name = table.get("world").and_then(toml::Value::as_str).unwrap_or_default();
        let world = worlds.iter().find(|world| world.id == name).ok_or_else(|| {
            let known: Vec<&str> = worlds.iter().map(|world| world.id.as_str()).collect();
            RecipeError::Grammar(format!("world is `{name}`: one of {}", known.join(", ")))
        })?;
        let key: Key = table
            .get("key")
            .cloned()
            .ok_or_else(|| RecipeError::Grammar("it has no [key]".to_owned()))?
            .try_into()
            .map_err(grammar)?;
        let own = match table.remove("protocol") {
            None => toml::Table::new(),
            Some(toml::Value::Table(own)) => own,
            Some(_) => return Err(RecipeError::Grammar("protocol is a table".to_owned())),
        };
        let mut protocol = toml::Table::try_from(world.protocol(key.images)).expect("plain data");
        // A schedule of another length needs evaluations of its own: the last epoch alone.
        if let (Some(epochs), false) = (own.get("epochs"), own.contains_key("evaluate")) {
            protocol.insert("evaluate".to_owned(), toml::Value::Array(vec![epochs.clone()]));
        }
        protocol.extend(own);
        table.insert("protocol".to_owned(), toml::Value::Table(protocol));
        if key.influence && !table.contains_key("influence") {
            let own = toml::Value::try_from(&world.influence).expect("plain data");
            table.insert("influence".to_owned(), own);
        }
        let mut recipe: Self = toml::Value::Table(table).try_into().map_err(grammar)?;
        if recipe.trained.is_none() {
            recipe.trained = Self::of(world, recipe.key.clone()).trained;
        }
        recipe.check(world)?;
        Ok((recipe, world.clone()))
    }

    /// Finds what can't be run.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self, world: &World) -> Result<(), RecipeError> {
        self.protocol.check()?;
        if self.key.influence == self.influence.is_empty() {
            let what = "`influence = true` in [key] and a list of inverses go together";
            return Err(RecipeError::Influence(what.to_owned()));
        }
        for inverse in &self.influence {
            inverse.check().map_err(|error| RecipeError::Influence(error.to_string()))?;
        }
        self.fits(world.architecture())?;
        if let Some(lacks) = world.lacks(&self.key) {
            return Err(RecipeError::Lacks(lacks));
        }
        let (found, below) = (u64::from(self.key.draw), u64::MAX / DRAW);
        match found < below {
            true => Ok(()),
            false => Err(RecipeError::Seed { field: "draw", found, below }),
        }
    }

    /// Whether a network has the blocks and takes the pixels that it asks for.
    ///
    /// # Errors
    /// Which of them it has not.
    pub fn fits(&self, network: &Architecture) -> Result<(), RecipeError> {
        Trainable::Blocks(self.trained_blocks()).names(network)?;
        let side = self.protocol.side;
        match self.key.resolution {
            Resolution::Pixels(found) if !(1..=side).contains(&found) => {
                Err(RecipeError::Resolution { found, side })
            }
            _ => Ok(()),
        }
    }

    /// What of its protocol is not as its world has it for so many images, each as `name value` and in the
    /// order of names; nothing where the world is not known here.
    #[must_use]
    pub fn unlike_its_world(&self) -> Vec<String> {
        let fields = |protocol: &Protocol| match serde_json::to_value(protocol) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => unreachable!("a protocol is a struct of plain data"),
        };
        let worlds = World::all();
        let Some(world) = worlds.iter().find(|world| *world.id == *self.world) else {
            return Vec::new();
        };
        let usual = fields(&Self::of(world, self.key.clone()).protocol);
        let own = fields(&self.protocol).into_iter();
        let differs = |(name, value): &(String, serde_json::Value)| usual.get(name) != Some(value);
        own.filter(differs).map(|(name, value)| format!("{name} {value}")).collect()
    }

    /// What decides what its frozen part makes of a test set, where that is fixed: equal for fine-tunes that
    /// can share it.
    #[must_use]
    pub fn of_test_features(&self) -> String {
        let Key { source, target, resolution, .. } = &self.key;
        let Protocol { side, normalisation, precision, .. } = &self.protocol;
        let blocks = self.trained_blocks();
        format!("{:?}", (source, target, blocks, resolution, side, normalisation, precision))
    }

    /// What records are compared by: the epochs, and one word for the rest of the protocol and for how
    /// influence is measured, where it is. Where sources have learning rates of their own, these are part
    /// of what the arms are.
    #[must_use]
    pub fn compared(&self, world: &World) -> Compared {
        let mut rest = self.protocol.clone();
        if world.learning_rates.contains_key(&*self.key.source) {
            rest.learning_rate = world.protocol.learning_rate;
        }
        let epochs = std::mem::take(&mut rest.epochs);
        rest.evaluate.clear();
        let rest = match self.influence.as_slice() {
            [] => serde_json::to_vec(&rest),
            influence => serde_json::to_vec(&(rest, influence)),
        };
        let rest = rest.expect("plain data");
        Compared { epochs, rest: blake3::hash(&rest).to_hex().as_str()[..16].into() }
    }
}

impl Trial {
    /// A recipe that was checked, and a seed.
    ///
    /// # Errors
    /// If the seed lies in the next series.
    pub fn new(recipe: Recipe, seed: Seed) -> Result<Self, RecipeError> {
        match seed.0 < DRAW {
            true => Ok(Self { recipe, seed }),
            false => Err(RecipeError::Seed { field: "seed", found: seed.0, below: DRAW }),
        }
    }

    /// The seed that the engine draws by: the seed that arms are joined by, in its series.
    #[must_use]
    pub fn engine_seed(&self) -> Seed {
        Seed(self.seed.0 + DRAW * u64::from(self.recipe.key.draw))
    }

    /// What trials have in common that may run side by side ([`super::fine_tune_siblings`]): all that
    /// decides what their frozen parts compute. Of one trial alone where that is fixed, for then it is
    /// computed once anyway.
    #[must_use]
    pub fn family(&self) -> String {
        let mut shared = self.clone();
        let Recipe { key, trained, protocol, influence, .. } = &mut shared.recipe;
        if !protocol.frozen_part_is_fixed() {
            key.blocks = 0;
            *trained = None;
            *protocol = protocol.of_family();
            // Measured when all is over.
            key.influence = false;
            influence.clear();
        }
        serde_json::to_string(&shared).expect("plain data")
    }

    /// The name of its record: BLAKE3 of recipe, seed, engine, and the digests of weights and data.
    #[must_use]
    pub fn id(&self, weights: &str, data: &str) -> String {
        let named = (ENGINE_VERSION, self, weights, data);
        let canonical = serde_json::to_vec(&named).expect("plain data");
        blake3::hash(&canonical).to_hex().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(world: &str, blocks: u32, draw: u32) -> String {
        let target = if world == "smoke" { "kmnist" } else { "cifar10" };
        format!(
            "world = \"{world}\"\n[key]\ntarget = \"{target}\"\nsource = \"natural\"\nblocks = {blocks}\n\
             images = 100\ndraw = {draw}\n"
        )
    }

    fn read(text: &str) -> Result<Recipe, RecipeError> {
        Recipe::read(text, &World::all()).map(|(recipe, _)| recipe)
    }

    #[test]
    fn more_blocks_than_the_network_has_are_refused_in_every_world() {
        for world in World::all() {
            assert!(read(&recipe(&world.id, 3, 0)).is_ok(), "{}", world.id);
            let refused = read(&recipe(&world.id, 99, 0));
            assert!(matches!(refused, Err(RecipeError::Blocks(_))), "{}: {refused:?}", world.id);
        }
    }

    #[test]
    fn no_seed_of_one_series_is_one_of_another() {
        let most = u32::try_from(u64::MAX / DRAW).unwrap();
        let last = read(&recipe("smoke", 0, most - 1)).unwrap();
        let error = read(&recipe("smoke", 0, most)).unwrap_err();
        assert_eq!(error.to_string(), "draw is 18446744: below 18446744");
        let engine_seed = |seed| Trial::new(last.clone(), Seed(seed)).map(|of| of.engine_seed().0);
        assert_eq!(engine_seed(DRAW - 1).unwrap(), DRAW * u64::from(most) - 1);
        let error = engine_seed(DRAW).unwrap_err().to_string();
        assert_eq!(error, "seed is 1000000000000: below 1000000000000");
    }
}
