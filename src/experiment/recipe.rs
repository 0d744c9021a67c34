//! A trial: a recipe and a seed, and the name by which its record is found.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Architecture, Inverse, Key, Protocol, ProtocolError, Resolution, Seed, TooManyBlocks, Trainable,
};

/// Bumped by hand whenever the engine gives other results for the same recipe and seed: records of
/// an older engine are then not found, and are run again.
pub const ENGINE_VERSION: u32 = 2;

/// Series of seeds lie this far apart: a seed lies below, and there are as many series as numbers hold.
pub(crate) const DRAW: u64 = 1_000_000_000_000;

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

/// What decides a fine-tune beside its key and seed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecipeDigest {
    /// Epochs of the whole schedule; the learning rate drops tenfold every third of them.
    pub epochs: u32,
    /// Everything else, in one word that differs wherever it does; empty for a published log, which
    /// tells the schedule alone.
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
    /// Residual blocks that are trained.
    #[must_use]
    pub fn trained_blocks(&self) -> u32 {
        self.trained.unwrap_or(self.key.blocks)
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

    /// What decides what its frozen part makes of a test set, where that is fixed: equal for fine-tunes that
    /// can share it.
    #[must_use]
    pub fn of_test_features(&self) -> String {
        let Key { source, target, resolution, .. } = &self.key;
        let Protocol { side, normalisation, precision, .. } = &self.protocol;
        let blocks = self.trained_blocks();
        format!("{:?}", (source, target, blocks, resolution, side, normalisation, precision))
    }
}

impl Trial {
    /// A recipe that was checked, and a seed.
    ///
    /// # Errors
    /// If the seed lies in the next series.
    pub fn new(recipe: Recipe, seed: Seed) -> Result<Self, RecipeError> {
        if seed.0 < DRAW {
            Ok(Self { recipe, seed })
        } else {
            Err(RecipeError::Seed { field: "seed", found: seed.0, below: DRAW })
        }
    }

    /// The seed that the engine draws by: the seed that arms are joined by, in its series.
    #[must_use]
    pub fn engine_seed(&self) -> Seed {
        Seed(self.seed.0 + DRAW * u64::from(self.recipe.key.draw))
    }

    /// What trials have in common that may run side by side (`engine::fine_tune`): all that
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
