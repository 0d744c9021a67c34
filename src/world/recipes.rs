//! Recipes in a world: the recipe of a key, recipes that users write (`repro run --recipe`), and
//! how a recipe differs from its world's.

use serde::Deserialize;
use toml::de::{DeTable, Deserializer};

use super::World;
use crate::experiment::{Key, Protocol, Recipe, RecipeDigest, RecipeError};
use crate::util::{
    OldSpelling,
    spelling::{self, Renamed},
    suggest::{did_you_mean, with_suggestion},
};

/// Spellings of older versions.
const RENAMED: [Renamed; 2] = [
    Renamed::Value { key: "world", old: "sister", new: "salman" },
    Renamed::Key { at: &["key"], old: "draw", new: "seed_stream" },
];

impl World {
    /// The recipe of a key, with the world's protocol.
    #[must_use]
    pub fn recipe(&self, key: Key) -> Recipe {
        let mut protocol = self.protocol(key.images);
        protocol.normalisation = self.normalisation(&key.source);
        if let Some(rate) = self.learning_rates.get(&*key.source) {
            protocol.learning_rate = *rate;
        }
        let influence = if key.influence { self.influence.clone() } else { Vec::new() };
        let trained = Some(self.blocks(key.blocks)).filter(|here| *here != key.blocks);
        let adversarial = self.adversarial_test(&key);
        let world = self.recorded_as().into();
        Recipe { world, key, trained, protocol, influence, adversarial }
    }

    /// Reads a user's recipe, the text of `file`, for one of `worlds`. Missing fields of the
    /// protocol are the world's. Returns the recipe, its world, and the old spellings in the file.
    ///
    /// # Errors
    /// If the recipe is malformed, or names a target, source or size that the world does not have.
    pub(crate) fn read_recipe(
        file: &str,
        text: &str,
        worlds: &[Self],
    ) -> Result<(Recipe, Self, Vec<OldSpelling>), RecipeError> {
        let grammar =
            |error: toml::de::Error| RecipeError::Grammar(with_suggestion(&error.to_string()));
        let mut document = DeTable::parse(text).map_err(grammar)?;
        let found = spelling::modernise(document.get_mut(), &RENAMED)
            .map_err(|both| RecipeError::Grammar(both.to_string()))?;
        let document = Deserializer::from(document);
        let mut table = toml::Table::deserialize(document).map_err(grammar)?;
        let name = table.get("world").and_then(toml::Value::as_str).unwrap_or_default();
        let world = worlds.iter().find(|world| world.id == name).ok_or_else(|| {
            let known: Vec<&str> = worlds.iter().map(|world| world.id.as_str()).collect();
            let hint = did_you_mean(name, known.iter().copied());
            RecipeError::Grammar(format!(
                "world is `{name}`{hint}; it must be one of {}",
                known.join(", ")
            ))
        })?;
        let key: Key = table
            .get("key")
            .cloned()
            .ok_or_else(|| RecipeError::Grammar("the table [key] is missing".to_owned()))?
            .try_into()
            .map_err(grammar)?;
        let changes = match table.remove("protocol") {
            None => toml::Table::new(),
            Some(toml::Value::Table(changes)) => changes,
            Some(_) => return Err(RecipeError::Grammar("protocol must be a table".to_owned())),
        };
        let usual = world.recipe(key.clone()).protocol;
        let mut protocol = toml::Table::try_from(usual).expect("plain data");
        // The world's evaluations do not fit a schedule of another length: the last epoch does.
        if let (Some(epochs), false) = (changes.get("epochs"), changes.contains_key("evaluate")) {
            protocol.insert("evaluate".to_owned(), toml::Value::Array(vec![epochs.clone()]));
        }
        protocol.extend(changes);
        table.insert("protocol".to_owned(), toml::Value::Table(protocol));
        if key.influence && !table.contains_key("influence") {
            let influence = toml::Value::try_from(&world.influence).expect("plain data");
            table.insert("influence".to_owned(), influence);
        }
        if let (Some(test), false) =
            (world.adversarial_test(&key), table.contains_key("adversarial"))
        {
            let test = toml::Value::try_from(test).expect("plain data");
            table.insert("adversarial".to_owned(), test);
        }
        let mut recipe: Recipe = toml::Value::Table(table).try_into().map_err(grammar)?;
        recipe.world = world.recorded_as().into();
        if recipe.trained.is_none() {
            recipe.trained = world.recipe(recipe.key.clone()).trained;
        }
        world.check_recipe(&recipe)?;
        Ok((recipe, world.clone(), found.notes(file, text)))
    }

    /// Checks that a recipe can be run here.
    ///
    /// # Errors
    /// The first reason why it can't.
    pub(crate) fn check_recipe(&self, recipe: &Recipe) -> Result<(), RecipeError> {
        recipe.check()?;
        recipe.fits(self.architecture())?;
        if let (Some(test), Some(target)) =
            (&recipe.adversarial, self.targets.get(&*recipe.key.target))
        {
            test.check(target.test)?;
        }
        match self.unavailable(&recipe.key) {
            Some(reason) => Err(RecipeError::Unavailable(reason)),
            None => Ok(()),
        }
    }

    /// The fields of a recipe's protocol that differ from its world's for this number of images,
    /// each as `name value`, sorted by name; empty if no world has the recipe's id.
    #[must_use]
    pub(crate) fn unusual(recipe: &Recipe) -> Vec<String> {
        // By the text, since a value would have the digits of double precision.
        let fields = |protocol: &Protocol| -> serde_json::Map<String, serde_json::Value> {
            let text = serde_json::to_string(protocol).expect("plain data");
            serde_json::from_str(&text).expect("a protocol is a struct")
        };
        let worlds = World::all();
        let Some(world) = worlds.iter().find(|world| *world.id == *recipe.world) else {
            return Vec::new();
        };
        let usual = fields(&world.recipe(recipe.key.clone()).protocol);
        let found = fields(&recipe.protocol).into_iter();
        let differs = |(name, value): &(String, serde_json::Value)| usual.get(name) != Some(value);
        found.filter(differs).map(|(name, value)| format!("{name} {value}")).collect()
    }

    /// What decides whether two records are comparable: the epochs, and a digest of the rest of the
    /// protocol and of how influence is measured. A learning rate and a normalisation that belong to
    /// a source model (`learning_rates`, `normalisations`) are part of the arm, so they are left
    /// out.
    #[must_use]
    pub fn digest(&self, recipe: &Recipe) -> RecipeDigest {
        let mut rest = recipe.protocol.clone();
        if self.learning_rates.contains_key(&*recipe.key.source) {
            rest.learning_rate = self.protocol.learning_rate;
        }
        if self.normalisations.get(&*recipe.key.source) == Some(&rest.normalisation) {
            rest.normalisation = self.protocol.normalisation;
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
    use crate::experiment::{Seed, Trial, recipe::SEEDS_PER_STREAM};

    fn recipe(world: &str, blocks: u32, seed_stream: u32) -> String {
        let target = if world.starts_with("smoke") { "kmnist" } else { "cifar10" };
        format!(
            "world = \"{world}\"\n[key]\ntarget = \"{target}\"\nsource = \"natural\"\n\
             blocks = {blocks}\nimages = 100\nseed_stream = {seed_stream}\n"
        )
    }

    fn read(text: &str) -> Result<Recipe, RecipeError> {
        World::read_recipe("mine.toml", text, &World::all()).map(|(recipe, ..)| recipe)
    }

    #[test]
    fn more_blocks_than_the_network_has_are_an_error_in_every_world() {
        for world in World::all() {
            assert!(read(&recipe(&world.id, 3, 0)).is_ok(), "{}", world.id);
            let error = read(&recipe(&world.id, 99, 0));
            assert!(matches!(error, Err(RecipeError::Blocks(_))), "{}: {error:?}", world.id);
        }
    }

    /// Every place of a number with decimals in a document.
    fn floats(value: &toml::Value, at: &[String]) -> Vec<Vec<String>> {
        let inner: Vec<(String, &toml::Value)> = match value {
            toml::Value::Float(_) => return vec![at.to_vec()],
            toml::Value::Table(table) => table.iter().map(|(key, of)| (key.clone(), of)).collect(),
            toml::Value::Array(list) => {
                list.iter().enumerate().map(|(index, of)| (index.to_string(), of)).collect()
            }
            _ => Vec::new(),
        };
        inner
            .iter()
            .flat_map(|(key, of)| floats(of, &[at, std::slice::from_ref(key)].concat()))
            .collect()
    }

    fn at<'a>(document: &'a mut toml::Value, place: &[String]) -> &'a mut toml::Value {
        place.iter().fold(document, |value, step| match value {
            toml::Value::Array(list) => &mut list[step.parse::<usize>().unwrap()],
            value => &mut value[step.as_str()],
        })
    }

    /// JSON has no form for them, so that such a recipe could be run and its record never read, and
    /// all such recipes would share one name.
    #[test]
    fn no_number_of_a_recipe_can_be_nan_or_infinite() {
        let world = World::smoke();
        let key = Key { influence: true, ..Key::new("kmnist", "natural", 3, 400) };
        let mut full = world.recipe(key);
        full.adversarial = world.recipe(Key::new("kmnist", "natural", 3, 400)).adversarial;
        let full = toml::Value::try_from(full).unwrap();
        read(&toml::to_string(&full).unwrap()).unwrap();
        let places = floats(&full, &[]);
        let names: Vec<String> = places.iter().map(|place| place.join(".")).collect();
        for name in ["learning_rate", "momentum", "weight_decay", "normalisation.mean.2"] {
            assert!(names.contains(&format!("protocol.{name}")), "{names:?}");
        }
        for name in ["influence.1.truncation", "influence.1.damping", "adversarial.epsilon"] {
            assert!(names.contains(&name.to_owned()), "{names:?}");
        }
        for place in places {
            let field = place.iter().rfind(|step| step.parse::<usize>().is_err()).unwrap();
            for number in [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                let mut changed = full.clone();
                *at(&mut changed, &place) = number.into();
                let error = read(&toml::to_string(&changed).unwrap()).expect_err(&place.join("."));
                assert!(error.to_string().contains(field.as_str()), "{place:?}: {error}");
            }
        }
        // A number that is finite in double precision only.
        let mut changed = full.clone();
        changed["protocol"]["normalisation"]["mean"][0] = 1e300.into();
        let error = read(&toml::to_string(&changed).unwrap()).unwrap_err().to_string();
        assert!(error.contains("normalisation.mean is [inf, "), "{error}");
    }

    #[test]
    fn seed_streams_share_no_seed() {
        let limit = u32::try_from(u64::MAX / SEEDS_PER_STREAM).unwrap();
        let last = read(&recipe("smoke", 0, limit - 1)).unwrap();
        let error = read(&recipe("smoke", 0, limit)).unwrap_err();
        assert_eq!(error.to_string(), "seed_stream is 18446744: it must be below 18446744");
        let engine_seed = |seed| Trial::new(last.clone(), Seed(seed)).map(|of| of.engine_seed().0);
        let end = SEEDS_PER_STREAM * u64::from(limit);
        assert_eq!(engine_seed(SEEDS_PER_STREAM - 1).unwrap(), end - 1);
        let error = engine_seed(SEEDS_PER_STREAM).unwrap_err().to_string();
        assert_eq!(error, "seed is 1000000000000: it must be below 1000000000000");
    }

    #[test]
    fn a_recipe_in_old_spellings_is_the_same_recipe_with_notes() {
        let worlds = World::all();
        let new = recipe("salman", 3, 2);
        let old = new.replace("salman", "sister").replace("seed_stream", "draw");
        let (found, _, notes) = World::read_recipe("mine.toml", &old, &worlds).unwrap();
        assert_eq!(found, read(&new).unwrap());
        let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
        assert_eq!(
            notes,
            [
                "mine.toml, line 1: `sister` is now called `salman`",
                "mine.toml, line 7: `draw` is now called `seed_stream`",
            ]
        );
        let both = format!("{new}draw = 1\n");
        let error = read(&both).unwrap_err().to_string();
        assert!(error.contains("`seed_stream` and its old spelling `draw`"), "{error}");
    }

    #[test]
    fn an_unusual_number_is_printed_as_it_was_written() {
        let protocol =
            "[protocol]\nnormalisation = { mean = [0.5, 0.4, 0.3], std = [0.1, 0.2, 0.3] }\n";
        let unusual = World::unusual(&read(&(recipe("salman", 3, 2) + protocol)).unwrap());
        let expected = r#"normalisation {"mean":[0.5,0.4,0.3],"std":[0.1,0.2,0.3]}"#;
        assert!(unusual.iter().any(|line| line == expected), "{unusual:?}");
    }

    /// Names of records are digests of these bytes.
    #[test]
    fn a_recipe_is_serialised_in_the_spellings_of_0_1_0() {
        let recipe = read(&recipe("salman", 3, 2)).unwrap();
        let json = serde_json::to_string(&recipe).unwrap();
        assert!(json.starts_with("{\"world\":\"sister\","), "{json}");
        assert!(json.contains("\"draw\":2") && !json.contains("seed_stream"), "{json}");
        assert_eq!(serde_json::from_str::<Recipe>(&json).unwrap(), recipe);
        let renamed = json.replace("sister", "salman").replace("draw", "seed_stream");
        assert_eq!(serde_json::from_str::<Recipe>(&renamed).unwrap(), recipe);
    }
}
