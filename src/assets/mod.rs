//! The source models and target images of a world on this machine, by name: those bundled with the
//! program, or those in a data folder that `fetch`, `pretrain` or a packing script filled.
//!
//! Finds missing and damaged files, and says as data how to fix them ([`Hint`]). Reading formats is
//! left to `data` and `checkpoint`, downloading to `fetch`, and spelling commands to `cli`.

pub mod bundled;
pub mod card;
mod data_folder;
pub mod further_zoos;
mod remedy;

use std::{fmt::Debug, path::Path};

pub use bundled::Bundled;
pub use data_folder::DataFolder;

use crate::{
    checkpoint::FittedTensors,
    data::Target,
    experiment::{Key, Pretraining, Trial},
    util::Hint,
    world::{FIRST_ZOO, World},
};

/// The source models and target images of a world, by name.
pub trait Assets: Debug + Send + Sync {
    /// The hexadecimal BLAKE3 digest of the weights of a zoo's source model, which record names
    /// contain. If the weights are missing, the digest that bundled records were computed with.
    ///
    /// # Errors
    /// If neither is available, or the zoo has no such model.
    fn weights_digest(&self, source: &str, zoo: u32) -> Result<String, Missing>;

    /// The hexadecimal BLAKE3 digest of a target's images, likewise.
    ///
    /// # Errors
    /// If neither is available.
    fn images_digest(&self, target: &str) -> Result<String, Missing>;

    /// The zoo whose source model has weights of this digest; `None` if no zoo here has them.
    fn zoo_with(&self, source: &str, weights: &str) -> Option<u32> {
        (self.weights_digest(source, FIRST_ZOO).as_deref() == Ok(weights)).then_some(FIRST_ZOO)
    }

    /// Computes the name of the record of a trial that starts from a zoo
    /// ([`World::zoo_of`] its key and seed).
    ///
    /// # Errors
    /// If its source model or its target has no digest.
    fn identify(&self, trial: Trial, zoo: u32) -> Result<IdentifiedTrial, Missing> {
        let key = &trial.recipe.key;
        let weights = self.weights_digest(&key.source, zoo)?;
        let data = self.images_digest(&key.target)?;
        let id = trial.id(&weights, &data);
        Ok(IdentifiedTrial { trial, weights, data, id })
    }

    /// The missing or damaged input that prevents a trial of this key from running on this machine
    /// from a zoo; `None` if it can run. The ledger may have its record in both cases.
    fn unavailable(&self, key: &Key, zoo: u32) -> Option<Missing>;

    /// A description of what a target's images were made from, if they were packed by a script.
    fn made_from(&self, _target: &str) -> Option<String> {
        None
    }

    /// What was taken off the names of a source model's tensors, and what of its file is not used,
    /// each in a sentence; nothing for models that ship, and when it is asked again.
    fn about_source(&self, _source: &str) -> Vec<String> {
        Vec::new()
    }

    /// The source models that have to be trained on this machine before any fine-tune; `None` if
    /// they exist, or are downloaded.
    fn zoo_to_make(&self) -> Option<ZooToMake> {
        None
    }

    /// The callback that receives the progress while images are read.
    fn progress(&self) -> ReadProgress {
        no_progress
    }

    /// The data folder; `None` for bundled assets.
    fn data_folder(&self) -> Option<&DataFolder> {
        None
    }
}

/// What the engine alone needs. These are no methods of the trait: a trait object would keep them,
/// and with them all bundled images and weights, in the program that judges.
impl dyn Assets + '_ {
    /// The tensors of a zoo's source model, in single precision.
    ///
    /// # Errors
    /// If they are missing, or can't be read.
    pub fn weights(&self, source: &str, zoo: u32) -> Result<FittedTensors, Missing> {
        match self.data_folder() {
            Some(folder) => folder.weights(source, zoo),
            None => bundled::weights_of(source, zoo).ok_or_else(|| bundled::no_model(source, zoo)),
        }
    }

    /// A target's training and test images, each of which can be decoded: at the first call all are
    /// decoded once.
    ///
    /// # Errors
    /// If they are missing, or can't be read or decoded.
    pub fn target(&self, name: &str) -> Result<Target, Missing> {
        match self.data_folder() {
            Some(folder) => folder.checked_target(name),
            None => bundled::target(name).map(Target::from).ok_or_else(|| bundled::missing(name)),
        }
    }
}

/// The assets of a world: bundled, or, for a world with checkpoints in files, in the data folder
/// `data`.
#[must_use]
pub fn for_world(world: &World, data: &Path, progress: ReadProgress) -> Box<dyn Assets> {
    match &world.zoo {
        None => Box::new(Bundled),
        Some(_) => Box::new(DataFolder::new(world, data, progress)),
    }
}

/// Progress callback while many images are read: what is done to which images, how many are done,
/// and how many there are. Called from any thread, often.
pub type ReadProgress = fn(what: &str, done: usize, total: usize);

/// A callback that reports nothing.
pub fn no_progress(_what: &str, _done: usize, _total: usize) {}

/// A missing or invalid input, and how to fix it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{what}")]
pub struct Missing {
    /// What is missing or wrong.
    pub what: String,
    /// How to fix it.
    pub help: Hint,
}

/// A trial with the name of its record.
#[derive(Clone, Debug, PartialEq)]
pub struct IdentifiedTrial {
    /// The trial.
    pub trial: Trial,
    /// Hexadecimal BLAKE3 digest of the source model's weights.
    pub weights: String,
    /// Hexadecimal BLAKE3 digest of the target's images.
    pub data: String,
    /// The record's name.
    pub id: String,
}

/// Source models that have to be trained first.
#[derive(Clone, Debug, PartialEq)]
pub struct ZooToMake {
    /// How they are trained.
    pub pretraining: Pretraining,
    /// Number of training images.
    pub train: u64,
    /// Number of test images.
    pub test: u64,
}
