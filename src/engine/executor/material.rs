//! What trials work on, prepared once: source models and test sets on the device, by name.

use std::collections::HashMap;

use miette::Diagnostic as _;
use tch::Device;

use crate::{
    assets::{Lacking, Reading, Stock},
    data::{DataError, Images, Subset, SubsetError, Target},
    engine::{
        OnDevice,
        fine_tune::{Material, fixed_features},
        model::Weights,
    },
    experiment::{
        Key, Recipe, Resolution, Seed, Trial,
        random::{self, Purpose},
    },
};

/// Test sets are kept up to so many bytes; SVHN's at 224 pixels has four billion.
const MOST_BYTES: usize = 8 << 30;

/// Materials of one world on one device. Each thread has its own, since tensors are not shared.
pub(super) struct Materials<'a> {
    device: Device,
    stock: &'a Stock,
    sources: HashMap<String, Weights>,
    targets: HashMap<String, Pool>,
    tests: HashMap<(String, Resolution, u32), OnDevice>,
    /// The latest fixed features of a test set, with what they depend on: fine-tunes of one recipe
    /// follow each other, and all of a large test set's would not fit.
    features: Option<(String, OnDevice)>,
}

/// A target, with its training images on the device where they all have one size.
struct Pool {
    target: Target,
    train: Option<OnDevice>,
}

/// Why there is nothing to work on.
#[derive(Debug, thiserror::Error)]
pub enum MaterialError {
    /// Its source or its target is not here.
    #[error(transparent)]
    Lacking(Box<Lacking>),
    /// No subset of that size.
    #[error(transparent)]
    Subset(#[from] SubsetError),
    /// An image can't be read.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl From<Lacking> for MaterialError {
    fn from(lacking: Lacking) -> Self {
        Self::Lacking(Box::new(lacking))
    }
}

impl MaterialError {
    /// What mends it.
    pub(super) fn mended(&self) -> String {
        let mended = match self {
            Self::Data(error) => error.help().map(|help| format!("{help}; ")),
            // Their own words say it.
            Self::Lacking(_) | Self::Subset(_) => None,
        };
        mended.unwrap_or_default() + "finished fine-tunes are kept"
    }
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

    /// The same with nothing kept yet.
    pub fn anew(&self) -> Self {
        Self::new(self.device, self.stock)
    }

    /// Runs a function on what a trial works on, and on which of the target's images that is.
    pub fn with<T>(
        &mut self,
        trial: &Trial,
        run: impl FnOnce(&Material<'_>, &Subset) -> T,
    ) -> Result<T, MaterialError> {
        let Recipe { key, protocol, .. } = &trial.recipe;
        let side = protocol.side;
        if !self.sources.contains_key(&*key.source) {
            let weights = self.stock.weights(&key.source)?;
            self.sources
                .insert(key.source.to_string(), Weights::from(weights).copy_to(self.device));
        }
        if !self.targets.contains_key(&*key.target) {
            let pool = Pool::new(self.stock.target(&key.target)?, self.device);
            self.targets.insert(key.target.to_string(), pool);
        }
        let pool = &self.targets[&*key.target];
        let of_test = (key.target.to_string(), key.resolution, side);
        if !self.tests.contains_key(&of_test) {
            let bytes = |test: &OnDevice| test.pixels.numel();
            if self.tests.values().map(bytes).sum::<usize>() > MOST_BYTES {
                self.tests.clear();
            }
            let test = pool.test(key, side, self.device, self.stock.reading())?;
            self.tests.insert(of_test.clone(), test);
        }
        let test = &self.tests[&of_test];
        let source = &self.sources[&*key.source];
        let depend = trial.recipe.of_test_features();
        if self.features.as_ref().is_none_or(|(of, _)| *of != depend) {
            // What can't be computed is the fine-tune's to say.
            let features = fixed_features(source, test, trial.recipe.trained_blocks(), protocol)
                .ok()
                .flatten();
            self.features = features.map(|features| (depend, features));
        }
        let subset = pool.drawn(key, trial.engine_seed())?;
        let train = pool.subset(&subset, key, side, self.device, self.stock.reading())?;
        let material = Material {
            source,
            train: &train,
            test,
            test_features: self.features.as_ref().map(|(_, features)| features),
            classes: pool.target.train.classes(),
        };
        Ok(run(&material, &subset))
    }
}

impl Pool {
    fn new(target: Target, device: Device) -> Self {
        let train = match &target.train {
            Images::Bytes(dataset) => Some(OnDevice::new(dataset, device)),
            Images::Files(_) => None,
        };
        Self { target, train }
    }

    /// Which images a seed trains on.
    fn drawn(&self, key: &Key, seed: Seed) -> Result<Subset, SubsetError> {
        let labels = self.target.train.labels();
        let mut generator = random::generator(seed, Purpose::Subset);
        let order = random::permutation(labels.len(), &mut generator);
        Subset::of_labels(labels, key.images as usize, &order)
    }

    /// These images.
    fn subset(
        &self,
        subset: &Subset,
        key: &Key,
        side: u32,
        device: Device,
        reading: Reading,
    ) -> Result<OnDevice, MaterialError> {
        match &self.train {
            Some(train) => Ok(train.select(subset.images()).resized(key.resolution, side)),
            None => {
                let images = &self.target.train;
                let what = format!("{}: training images", key.target);
                let told = |done| reading(&what, done, subset.images().len());
                let decoded = images.at(subset.images(), key.resolution, side, &told)?;
                Ok(OnDevice::new(&decoded, device))
            }
        }
    }

    fn test(
        &self,
        key: &Key,
        side: u32,
        device: Device,
        reading: Reading,
    ) -> Result<OnDevice, MaterialError> {
        let resolution = key.resolution;
        match &self.target.test {
            Images::Bytes(dataset) => Ok(OnDevice::new(dataset, device).resized(resolution, side)),
            images @ Images::Files(_) => {
                let all: Vec<usize> = (0..images.len()).collect();
                let what = format!("{}: test images", key.target);
                let told = |done| reading(&what, done, all.len());
                Ok(OnDevice::new(&images.at(&all, resolution, side, &told)?, device))
            }
        }
    }
}
