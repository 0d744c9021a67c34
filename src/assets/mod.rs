//! What a world's names stand for on this machine: its source models and its targets' images, those
//! that ship with the project or those that `repro fetch`, `repro pretrain` and a packer's script brought.

pub mod bundled;
pub mod card;
mod data_folder;
mod remedy;

use std::path::Path;

pub use data_folder::DataFolder;

use crate::{
    checkpoint::FittedTensors,
    data::Target,
    experiment::{Key, Pretraining, Trial},
    util::Hint,
    world::World,
};

/// Where source models and images are.
#[derive(Debug)]
pub enum Stock {
    /// In the program.
    Shipped,
    /// In the data folder.
    Fetched(Box<DataFolder>),
}

/// Is told how reading many files goes on: what is done to which images, and how many of how many are
/// done. From any thread, often.
pub type Reading = fn(what: &str, done: usize, in_all: usize);

/// What is not here, or not what it should be, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{what}")]
pub struct Lacking {
    /// What is missing or wrong.
    pub what: String,
    /// What to do about it.
    pub help: Hint,
}

/// A trial with the name of its record.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// The trial.
    pub trial: Trial,
    /// Digest of the source's weights.
    pub weights: String,
    /// Digest of the target's files.
    pub data: String,
    /// The record's name.
    pub id: String,
}

/// Source models that have to be made first.
#[derive(Clone, Debug, PartialEq)]
pub struct ZooToMake {
    /// How they are trained.
    pub pretraining: Pretraining,
    /// Training images.
    pub train: u64,
    /// Test images.
    pub test: u64,
}

impl Stock {
    /// A world's: what ships, or, for a world with checkpoints of its own, what lies in a data folder.
    #[must_use]
    pub fn of(world: &World, data: &Path) -> Self {
        match &world.zoo {
            None => Self::Shipped,
            Some(_) => Self::Fetched(Box::new(DataFolder::new(world, data))),
        }
    }

    /// The same, which tells how reading its images goes on.
    #[must_use]
    pub fn told(mut self, reading: Reading) -> Self {
        if let Self::Fetched(fetched) = &mut self {
            fetched.reading = reading;
        }
        self
    }

    /// What is told while images are read; of those that ship, nothing.
    #[cfg(feature = "engine")]
    pub(crate) fn reading(&self) -> Reading {
        match self {
            Self::Shipped => |_, _, _| (),
            Self::Fetched(fetched) => fetched.reading,
        }
    }

    /// Names a trial.
    ///
    /// # Errors
    /// If its source or its target is not here, or can't be read.
    pub fn named(&self, trial: Trial) -> Result<Named, Lacking> {
        let key = &trial.recipe.key;
        let weights = self.digest_of_weights(&key.source)?;
        let data = self.digest_of_images(&key.target)?;
        let id = trial.id(&weights, &data);
        Ok(Named { trial, weights, data, id })
    }

    fn digest_of_weights(&self, source: &str) -> Result<String, Lacking> {
        match self {
            Self::Shipped => bundled::card(source)
                .map(|card| card.weights.clone())
                .ok_or_else(|| does_not_ship(source)),
            Self::Fetched(fetched) => fetched.found_or_shipped(source, fetched.source(source)),
        }
    }

    fn digest_of_images(&self, target: &str) -> Result<String, Lacking> {
        match self {
            Self::Shipped => bundled::target_digest(target)
                .map(str::to_owned)
                .ok_or_else(|| does_not_ship(target)),
            Self::Fetched(fetched) => fetched.found_or_shipped(target, fetched.images(target)),
        }
    }

    /// What keeps a trial from being run here; `None` where nothing does. Its record may be at hand all the
    /// same.
    #[must_use]
    pub fn lacks(&self, key: &Key) -> Option<Lacking> {
        match self {
            Self::Shipped => None,
            Self::Fetched(fetched) => {
                let source = fetched.source(&key.source).err();
                source.or_else(|| fetched.images(&key.target).err())
            }
        }
    }

    /// What a target's images are made from, in words, where that is not the official bytes or nobody
    /// knows better than their file.
    #[must_use]
    pub fn made_from(&self, target: &str) -> Option<String> {
        match self {
            Self::Shipped => None,
            Self::Fetched(fetched) => fetched.made_from(target),
        }
    }

    /// Source models of our own that have to be made before anything is fine-tuned; `None` where they are
    /// there, or are not our own.
    #[must_use]
    pub fn zoo_to_make(&self) -> Option<ZooToMake> {
        match self {
            Self::Shipped => None,
            Self::Fetched(fetched) => fetched.zoo_to_make(),
        }
    }

    /// A source model's tensors.
    ///
    /// # Errors
    /// If it is not here, or can't be read.
    pub fn weights(&self, source: &str) -> Result<FittedTensors, Lacking> {
        match self {
            Self::Shipped => bundled::weights(source).ok_or_else(|| does_not_ship(source)),
            Self::Fetched(fetched) => fetched.weights(source),
        }
    }

    /// A target's images.
    ///
    /// # Errors
    /// If they are not here, or can't be read.
    pub fn target(&self, target: &str) -> Result<Target, Lacking> {
        match self {
            Self::Shipped => {
                bundled::target(target).map(Target::from).ok_or_else(|| does_not_ship(target))
            }
            Self::Fetched(fetched) => fetched.target(target),
        }
    }
}

fn does_not_ship(name: &str) -> Lacking {
    Lacking {
        what: format!("`{name}` does not ship with the project"),
        help: Hint::Manual("the smoke world's sources and targets do".to_owned()),
    }
}
