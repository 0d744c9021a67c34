//! What trials work on, prepared once: source models and test sets on the device, by name.

use std::collections::HashMap;

use tch::Device;

use crate::{
    data::{OnDevice, Subset, SubsetError},
    ledger::{Key, Resolution, Seed},
    model::Weights,
    random::{self, Purpose},
    shipped::Target,
    stock::{Lacking, Stock},
    trial::{self, Material, Protocol, Trial, fixed_features},
};

/// Materials of one world on one device. Each thread has its own, since tensors are not shared.
pub(super) struct Materials<'a> {
    device: Device,
    stock: &'a Stock,
    sources: HashMap<String, Weights>,
    targets: HashMap<String, (Target, OnDevice)>,
    tests: HashMap<(String, Resolution, u32), OnDevice>,
    /// The latest fixed features of a test set, with what they depend on: fine-tunes of one recipe
    /// follow each other, and all of a large test set's would not fit.
    features: Option<(String, OnDevice)>,
}

/// Why there is nothing to work on.
#[derive(Debug, thiserror::Error)]
pub enum MaterialError {
    /// Its source or its target is not here.
    #[error(transparent)]
    Lacking(#[from] Lacking),
    /// No subset of that size.
    #[error(transparent)]
    Subset(#[from] SubsetError),
}

impl<'a> Materials<'a> {
    pub fn new(device: Device, stock: &'a Stock) -> Self {
        Self {
            device,
            stock,
            sources: HashMap::new(),
            targets: HashMap::new(),
            tests: HashMap::new(),
            features: None,
        }
    }

    /// Runs a function on what a trial works on.
    pub fn with<T>(
        &mut self,
        trial: &Trial,
        run: impl FnOnce(&Material<'_>) -> T,
    ) -> Result<T, MaterialError> {
        let trial::Recipe { key, protocol, .. } = &trial.recipe;
        let side = protocol.side;
        if !self.sources.contains_key(&*key.source) {
            let weights = self.stock.weights(&key.source)?;
            self.sources.insert(key.source.to_string(), weights.copy_to(self.device));
        }
        if !self.targets.contains_key(&*key.target) {
            let target = self.stock.target(&key.target)?;
            let train = OnDevice::new(&target.train, self.device);
            self.targets.insert(key.target.to_string(), (target, train));
        }
        let (target, train) = &self.targets[&*key.target];
        let test =
            self.tests.entry((key.target.to_string(), key.resolution, side)).or_insert_with(|| {
                OnDevice::new(&target.test, self.device).resized(key.resolution, side)
            });
        let source = &self.sources[&*key.source];
        let depend = depend(key, protocol);
        if self.features.as_ref().is_none_or(|(of, _)| *of != depend) {
            // What can't be computed is the fine-tune's to say.
            let features = fixed_features(source, test, key.blocks, protocol).ok().flatten();
            self.features = features.map(|features| (depend, features));
        }
        let subset = subset(target, key, trial.engine_seed())?;
        let train = train.select(subset.images()).resized(key.resolution, side);
        Ok(run(&Material {
            source,
            train: &train,
            test,
            test_features: self.features.as_ref().map(|(_, features)| features),
            classes: target.train.classes(),
        }))
    }
}

/// What fixed features of a test set depend on: all of a recipe but the subset and how the rest is
/// trained.
fn depend(key: &Key, protocol: &Protocol) -> String {
    let Key { source, target, blocks, resolution, .. } = key;
    let Protocol { side, normalisation, precision, .. } = protocol;
    format!("{:?}", (source, target, blocks, resolution, side, normalisation, precision))
}

/// The images that a seed trains on.
fn subset(target: &Target, key: &Key, seed: Seed) -> Result<Subset, SubsetError> {
    let mut generator = random::generator(seed, Purpose::Subset);
    let order = random::permutation(target.train.len(), &mut generator);
    Subset::draw(&target.train, key.images as usize, &order)
}
