//! A trial: a recipe and a seed, and the name by which its record is found.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    AdversarialTest, AdversarialTestError, Architecture, Inverse, Key, Protocol, ProtocolError,
    Resolution, Seed, TooManyBlocks, Trainable,
};

/// Version of the engine: raised by hand whenever the engine gives other results for the same
/// recipe and seed. Records of an older engine are then not found, and their trials run again.
pub const ENGINE_VERSION: u32 = 2;

/// Seeds in one seed stream: every seed is below this number, and stream `n` begins at `n` times
/// it.
pub(crate) const SEEDS_PER_STREAM: u64 = 1_000_000_000_000;

/// Everything that decides a fine-tune, except its seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The world that its source model and target belong to.
    ///
    /// Record names are digests of the id, so the world that is called `salman` now keeps its old
    /// id `sister` in what is serialised.
    #[serde(serialize_with = "old_world_id", deserialize_with = "new_world_id")]
    pub world: Arc<str>,
    /// Target, source, blocks, images, resolution, seed stream and influence.
    pub key: Key,
    /// The number of residual blocks that are trained, if it is not the key's number, which is the
    /// paper's name for a part of the network (`block_mapping` of a world).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained: Option<u32>,
    /// How it is done.
    pub protocol: Protocol,
    /// The inverses by which influence is measured at its end, if the key says that it is measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub influence: Vec<Inverse>,
    /// How adversarial accuracy is measured at its end, if it is. That does not change the
    /// fine-tune, but its record has a name of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adversarial: Option<AdversarialTest>,
}

/// What decides a fine-tune, beside its key and seed, as comparable values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecipeDigest {
    /// Epochs of the whole schedule; the learning rate drops tenfold every third of them.
    pub epochs: u32,
    /// A digest of everything else; empty for a published log, which states the schedule alone.
    pub rest: Arc<str>,
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
    /// It is not TOML, or not a recipe.
    #[error("{0}")]
    Grammar(String),
    /// Its protocol has an invalid value.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// It trains more blocks than the network has.
    #[error(transparent)]
    Blocks(#[from] TooManyBlocks),
    /// How it measures influence is invalid.
    #[error("influence: {0}")]
    Influence(String),
    /// How it measures adversarial accuracy is invalid.
    #[error("adversarial: {0}")]
    Adversarial(#[from] AdversarialTestError),
    /// The world has no such source, target or size.
    #[error("{0}")]
    Unavailable(String),
    /// The world, the target or the source has no name, or the name has control characters.
    #[error("{field} is {found:?}: it must be a name")]
    Name {
        /// The field.
        field: &'static str,
        /// Its value.
        found: String,
    },
    /// A subset without images.
    #[error("images is 0: it must be at least 1")]
    NoImages,
    /// Images can't be downscaled to this number of pixels.
    #[error(
        "resolution is {found}: it must be from 1 to {side} pixels, the side of the network's input"
    )]
    Resolution {
        /// The resolution.
        found: u32,
        /// The side of the network's input.
        side: u32,
    },
    /// A seed or a seed stream above the limit: its seeds would belong to another stream.
    #[error("{field} is {found}: it must be below {below}")]
    Seed {
        /// "seed" or "seed_stream".
        field: &'static str,
        /// Its value.
        found: u64,
        /// The limit.
        below: u64,
    },
}

/// The id of a world in records, and the one that it has in this version, where they differ.
const RENAMED_WORLD: (&str, &str) = ("sister", "salman");

fn old_world_id<S: Serializer>(world: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let (old, new) = RENAMED_WORLD;
    serializer.serialize_str(if world == new { old } else { world })
}

fn new_world_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    let world = String::deserialize(deserializer)?;
    let (old, new) = RENAMED_WORLD;
    Ok(if world == old { new.into() } else { world.into() })
}

impl Recipe {
    /// The number of residual blocks that are trained.
    #[must_use]
    pub fn trained_blocks(&self) -> u32 {
        self.trained.unwrap_or(self.key.blocks)
    }

    /// Checks that a network has the blocks, and an input of the pixels, that the recipe names.
    ///
    /// # Errors
    /// If it has fewer.
    pub fn fits(&self, network: &Architecture) -> Result<(), RecipeError> {
        Trainable::Blocks(self.trained_blocks()).names(network)?;
        self.check_resolution()
    }

    fn check_resolution(&self) -> Result<(), RecipeError> {
        let side = self.protocol.side;
        match self.key.resolution {
            Resolution::Pixels(found) if !(1..=side).contains(&found) => {
                Err(RecipeError::Resolution { found, side })
            }
            _ => Ok(()),
        }
    }

    /// Checks everything that holds in any world: the range of each field, that numbers are finite
    /// (JSON has no form for others, and two recipes would share a name), and that fields fit
    /// together. `World::check_recipe` checks the rest.
    ///
    /// # Errors
    /// The first invalid field.
    pub fn check(&self) -> Result<(), RecipeError> {
        self.protocol.check()?;
        let Key { target, source, images, seed_stream, influence, .. } = &self.key;
        if *influence == self.influence.is_empty() {
            let what = "`influence = true` in [key] and the list `influence` need each other";
            return Err(RecipeError::Influence(what.to_owned()));
        }
        for inverse in &self.influence {
            inverse.check().map_err(|error| RecipeError::Influence(error.to_string()))?;
        }
        self.check_resolution()?;
        if let Some(test) = &self.adversarial {
            test.check(u32::MAX)?;
        }
        for (field, name) in [("world", &self.world), ("target", target), ("source", source)] {
            if name.trim().is_empty() || name.chars().any(char::is_control) {
                return Err(RecipeError::Name { field, found: name.to_string() });
            }
        }
        if *images == 0 {
            return Err(RecipeError::NoImages);
        }
        let (found, below) = (u64::from(*seed_stream), u64::MAX / SEEDS_PER_STREAM);
        if found < below {
            Ok(())
        } else {
            Err(RecipeError::Seed { field: "seed_stream", found, below })
        }
    }

    /// A name for the features that the frozen part computes of a test set, if the frozen part is
    /// fixed. Fine-tunes from the same weights with equal names can share the features.
    #[must_use]
    pub fn of_test_features(&self) -> String {
        let Key { source, target, resolution, .. } = &self.key;
        let Protocol { side, normalisation, precision, .. } = &self.protocol;
        let blocks = self.trained_blocks();
        format!("{:?}", (source, target, blocks, resolution, side, normalisation, precision))
    }
}

impl Trial {
    /// The trial of a checked recipe and a seed.
    ///
    /// # Errors
    /// If the seed is beyond its stream.
    pub fn new(recipe: Recipe, seed: Seed) -> Result<Self, RecipeError> {
        let trial = Self { recipe, seed };
        trial.check_seed().map(|()| trial)
    }

    /// Checks the recipe, in any world, and the seed.
    ///
    /// # Errors
    /// As [`Recipe::check`], or if the seed is beyond its stream.
    pub fn check(&self) -> Result<(), RecipeError> {
        self.recipe.check()?;
        self.check_seed()
    }

    fn check_seed(&self) -> Result<(), RecipeError> {
        if self.seed.0 < SEEDS_PER_STREAM {
            Ok(())
        } else {
            Err(RecipeError::Seed { field: "seed", found: self.seed.0, below: SEEDS_PER_STREAM })
        }
    }

    /// The seed of the engine's random numbers: the seed that arms are joined by, in its stream.
    #[must_use]
    pub fn engine_seed(&self) -> Seed {
        Seed(self.seed.0 + SEEDS_PER_STREAM * u64::from(self.recipe.key.seed_stream))
    }

    /// A name for the family of trials that can run side by side (`engine::fine_tune`): everything
    /// that decides what their frozen parts compute. If the frozen part is fixed, the family is one
    /// trial, because features are then computed once anyway.
    #[must_use]
    pub fn family(&self) -> String {
        let mut shared = self.clone();
        let Recipe { key, trained, protocol, influence, adversarial, .. } = &mut shared.recipe;
        if !protocol.frozen_part_is_fixed() {
            key.blocks = 0;
            *trained = None;
            *protocol = protocol.of_family();
            // Influence and adversarial accuracy are measured after the last epoch.
            key.influence = false;
            influence.clear();
            *adversarial = None;
        }
        serde_json::to_string(&shared).expect("plain data")
    }

    /// The name of its record: BLAKE3 of the engine's version, recipe, seed, and the digests of
    /// weights and data.
    #[must_use]
    pub fn id(&self, weights: &str, data: &str) -> String {
        self.id_by(ENGINE_VERSION, weights, data)
    }

    /// The name of its record by an engine of another version.
    #[must_use]
    pub fn id_by(&self, engine: u32, weights: &str, data: &str) -> String {
        let named = (engine, self, weights, data);
        let canonical = serde_json::to_vec(&named).expect("plain data");
        blake3::hash(&canonical).to_hex().to_string()
    }
}
