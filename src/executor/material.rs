//! What trials work on, prepared once: source models and test sets on the device, by name.

use std::collections::HashMap;

use tch::Device;

use crate::{
    data::{OnDevice, Subset, SubsetError},
    ledger::{Key, Resolution, Seed},
    model::Weights,
    random::{self, Purpose},
    shipped::{self, Target},
    trial::{self, Material, Trial},
};

/// Materials of one world on one device. Each thread has its own, since tensors are not shared.
pub(super) struct Materials {
    device: Device,
    sources: HashMap<String, Weights>,
    targets: HashMap<String, (Target, OnDevice)>,
    tests: HashMap<(String, Resolution, u32), OnDevice>,
}

/// Why there is nothing to work on.
#[derive(Debug, thiserror::Error)]
pub enum MaterialError {
    /// The world has no such thing.
    #[error("there is no `{0}` among what ships with the project")]
    Unknown(String),
    /// No subset of that size.
    #[error(transparent)]
    Subset(#[from] SubsetError),
    /// The weights can't be read.
    #[error(transparent)]
    Weights(#[from] crate::pretrain::CheckpointError),
}

/// Digests of a key's weights and of its target's files; `None` where they do not ship.
#[must_use]
pub fn digests(key: &Key) -> Option<(String, String)> {
    Some((shipped::card(&key.source)?.weights.clone(), shipped::target_digest(&key.target)?))
}

impl Materials {
    pub fn new(device: Device) -> Self {
        Self { device, sources: HashMap::new(), targets: HashMap::new(), tests: HashMap::new() }
    }

    /// Runs a function on what a trial works on.
    pub fn with<T>(
        &mut self,
        trial: &Trial,
        run: impl FnOnce(&Material<'_>) -> T,
    ) -> Result<T, MaterialError> {
        let trial::Recipe { key, protocol, .. } = &trial.recipe;
        let side = protocol.side;
        let unknown = |name: &str| MaterialError::Unknown(name.to_owned());
        if !self.sources.contains_key(&*key.source) {
            let (weights, _) =
                shipped::source(&key.source).ok_or_else(|| unknown(&key.source))??;
            self.sources.insert(key.source.to_string(), weights.copy_to(self.device));
        }
        if !self.targets.contains_key(&*key.target) {
            let target = shipped::target(&key.target).ok_or_else(|| unknown(&key.target))?;
            let train = OnDevice::new(&target.train, self.device);
            self.targets.insert(key.target.to_string(), (target, train));
        }
        let (target, train) = &self.targets[&*key.target];
        let test =
            self.tests.entry((key.target.to_string(), key.resolution, side)).or_insert_with(|| {
                OnDevice::new(&target.test, self.device).resized(key.resolution, side)
            });
        let subset = subset(target, key, trial.engine_seed())?;
        let train = train.select(subset.images()).resized(key.resolution, side);
        Ok(run(&Material {
            source: &self.sources[&*key.source],
            train: &train,
            test,
            classes: target.train.classes(),
        }))
    }
}

/// The images that a seed trains on.
fn subset(target: &Target, key: &Key, seed: Seed) -> Result<Subset, SubsetError> {
    let mut generator = random::generator(seed, Purpose::Subset);
    let order = random::permutation(target.train.len(), &mut generator);
    Subset::draw(&target.train, key.images as usize, &order)
}
