//! The recipe of a key in a world, recipes that users write, and what a recipe has that its world has
//! not.

use super::World;
use crate::experiment::recipe::DRAW;
use crate::experiment::{Key, Protocol, Recipe, RecipeDigest, RecipeError};

impl World {
    /// The recipe of a key here, by the world's own protocol.
    #[must_use]
    pub fn recipe(&self, key: Key) -> Recipe {
        let mut protocol = self.protocol(key.images);
        if let Some(own) = self.learning_rates.get(&*key.source) {
            protocol.learning_rate = *own;
        }
        let influence = if key.influence { self.influence.clone() } else { Vec::new() };
        let trained = Some(self.blocks(key.blocks)).filter(|here| *here != key.blocks);
        Recipe { world: self.id.as_str().into(), key, trained, protocol, influence }
    }

    /// Reads a recipe as a user writes it: fields of the protocol that are left out are the world's.
    ///
    /// # Errors
    /// If it is malformed, or names what the world does not have.
    pub(crate) fn read_recipe(text: &str, worlds: &[Self]) -> Result<(Recipe, Self), RecipeError> {
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
        let mut recipe: Recipe = toml::Value::Table(table).try_into().map_err(grammar)?;
        if recipe.trained.is_none() {
            recipe.trained = world.recipe(recipe.key.clone()).trained;
        }
        world.check_recipe(&recipe)?;
        Ok((recipe, world.clone()))
    }

    /// Finds what can't be run of a recipe here.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub(crate) fn check_recipe(&self, recipe: &Recipe) -> Result<(), RecipeError> {
        recipe.protocol.check()?;
        if recipe.key.influence == recipe.influence.is_empty() {
            let what = "`influence = true` in [key] and a list of inverses go together";
            return Err(RecipeError::Influence(what.to_owned()));
        }
        for inverse in &recipe.influence {
            inverse.check().map_err(|error| RecipeError::Influence(error.to_string()))?;
        }
        recipe.fits(self.architecture())?;
        if let Some(lacks) = self.lacks(&recipe.key) {
            return Err(RecipeError::Lacks(lacks));
        }
        let (found, below) = (u64::from(recipe.key.draw), u64::MAX / DRAW);
        if found < below { Ok(()) } else { Err(RecipeError::Seed { field: "draw", found, below }) }
    }

    /// What of a recipe's protocol is not as its world has it for so many images, each as `name value` and in the
    /// order of names; nothing where the world is not known here.
    #[must_use]
    pub(crate) fn unusual(recipe: &Recipe) -> Vec<String> {
        let fields = |protocol: &Protocol| match serde_json::to_value(protocol) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => unreachable!("a protocol is a struct of plain data"),
        };
        let worlds = World::all();
        let Some(world) = worlds.iter().find(|world| *world.id == *recipe.world) else {
            return Vec::new();
        };
        let usual = fields(&world.recipe(recipe.key.clone()).protocol);
        let own = fields(&recipe.protocol).into_iter();
        let differs = |(name, value): &(String, serde_json::Value)| usual.get(name) != Some(value);
        own.filter(differs).map(|(name, value)| format!("{name} {value}")).collect()
    }

    /// What records are compared by: the epochs, and one word for the rest of the protocol and for how
    /// influence is measured, where it is. Where sources have learning rates of their own, these are part
    /// of what the arms are.
    #[must_use]
    pub fn digest(&self, recipe: &Recipe) -> RecipeDigest {
        let mut rest = recipe.protocol.clone();
        if self.learning_rates.contains_key(&*recipe.key.source) {
            rest.learning_rate = self.protocol.learning_rate;
        }
        let epochs = std::mem::take(&mut rest.epochs);
        rest.evaluate.clear();
        let rest = match recipe.influence.as_slice() {
            [] => serde_json::to_vec(&rest),
            influence => serde_json::to_vec(&(rest, influence)),
        };
        let rest = rest.expect("plain data");
        RecipeDigest { epochs, rest: blake3::hash(&rest).to_hex().as_str()[..16].into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Seed, Trial};

    fn recipe(world: &str, blocks: u32, draw: u32) -> String {
        let target = if world == "smoke" { "kmnist" } else { "cifar10" };
        format!(
            "world = \"{world}\"\n[key]\ntarget = \"{target}\"\nsource = \"natural\"\nblocks = {blocks}\n\
             images = 100\ndraw = {draw}\n"
        )
    }

    fn read(text: &str) -> Result<Recipe, RecipeError> {
        World::read_recipe(text, &World::all()).map(|(recipe, _)| recipe)
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
