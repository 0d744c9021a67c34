//! Source models, training images and test sets on the device, prepared once. Source models and
//! what they compute are cached by the digest of their weights: a world may have several of one name.

use std::collections::HashMap;

use miette::Diagnostic as _;
use tch::Device;

use crate::{
    assets::{Assets, Missing, ReadProgress},
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
    util::Hint,
};

/// Limit of cached test sets, in bytes; SVHN's at 224 pixels has four billion.
const MOST_BYTES: usize = 8 << 30;

/// The materials of one world on one device. Each thread has its own, since tensors are not shared.
pub(super) struct Materials<'a> {
    device: Device,
    assets: &'a dyn Assets,
    /// By the digest of the weights.
    sources: HashMap<String, Weights>,
    targets: HashMap<String, Pool>,
    tests: HashMap<(String, Resolution, u32), OnDevice>,
    /// The latest fixed features of a test set, with what they depend on: the digest of the weights, and
    /// a name for the rest. Only the latest are
    /// kept: fine-tunes of one recipe follow each other, and several large sets would not fit.
    features: Option<((String, String), OnDevice)>,
}

/// A target, with its training images on the device if they all have one size.
struct Pool {
    target: Target,
    train: Option<OnDevice>,
}

/// Why source models or images are not available.
#[derive(Debug, thiserror::Error)]
pub enum MaterialError {
    /// The source or the target is missing.
    #[error(transparent)]
    Missing(Box<Missing>),
    /// The target has too few images for the subset.
    #[error(transparent)]
    Subset(#[from] SubsetError),
    /// An image can't be read.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl From<Missing> for MaterialError {
    fn from(missing: Missing) -> Self {
        Self::Missing(Box::new(missing))
    }
}

impl MaterialError {
    /// What the user can do about it.
    pub(super) fn help(&self) -> String {
        let help = match self {
            Self::Data(error) => error.help().map(|help| format!("{help}; ")),
            // The message says it.
            Self::Missing(_) | Self::Subset(_) => None,
        };
        help.unwrap_or_default() + "finished fine-tunes are kept"
    }
}

impl<'a> Materials<'a> {
    pub fn new(device: Device, assets: &'a dyn Assets) -> Self {
        Self {
            device,
            assets,
            sources: HashMap::new(),
            targets: HashMap::new(),
            tests: HashMap::new(),
            features: None,
        }
    }

    /// The same materials with empty caches.
    pub fn emptied(&self) -> Self {
        Self::new(self.device, self.assets)
    }

    /// Runs a function with the materials of a trial that starts from weights of this digest, and the
    /// subset that its seed draws.
    pub fn with<T>(
        &mut self,
        trial: &Trial,
        weights: &str,
        run: impl FnOnce(&Material<'_>, &Subset) -> T,
    ) -> Result<T, MaterialError> {
        let Recipe { key, protocol, .. } = &trial.recipe;
        let side = protocol.side;
        if !self.sources.contains_key(weights) {
            let zoo = self.assets.zoo_with(&key.source, weights);
            let zoo = zoo.ok_or_else(|| Missing {
                what: format!("no zoo here has a `{}` of the digest {weights}", key.source),
                help: Hint::Manual("run the same command again".to_owned()),
            })?;
            let tensors = Weights::from(self.assets.weights(&key.source, zoo)?);
            self.sources.insert(weights.to_owned(), tensors.copy_to(self.device));
        }
        if !self.targets.contains_key(&*key.target) {
            let pool = Pool::new(self.assets.target(&key.target)?, self.device);
            self.targets.insert(key.target.to_string(), pool);
        }
        let pool = &self.targets[&*key.target];
        let of_test = (key.target.to_string(), key.resolution, side);
        if !self.tests.contains_key(&of_test) {
            let bytes = |test: &OnDevice| test.pixels.numel();
            if self.tests.values().map(bytes).sum::<usize>() > MOST_BYTES {
                self.tests.clear();
            }
            let test = pool.test(key, side, self.device, self.assets.progress())?;
            self.tests.insert(of_test.clone(), test);
        }
        let test = &self.tests[&of_test];
        let source = &self.sources[weights];
        let depend = (weights.to_owned(), trial.recipe.of_test_features());
        if self.features.as_ref().is_none_or(|(of, _)| *of != depend) {
            // The fine-tune reports what can't be computed.
            let features = fixed_features(source, test, trial.recipe.trained_blocks(), protocol)
                .ok()
                .flatten();
            self.features = features.map(|features| (depend, features));
        }
        let subset = pool.draw(key, trial.engine_seed())?;
        let train = pool.subset(&subset, key, side, self.device, self.assets.progress())?;
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

    /// The subset of training images that a seed draws.
    fn draw(&self, key: &Key, seed: Seed) -> Result<Subset, SubsetError> {
        let labels = self.target.train.labels();
        let mut generator = random::generator(seed, Purpose::Subset);
        let order = random::permutation(labels.len(), &mut generator);
        Subset::draw_from_labels(labels, key.images as usize, &order)
    }

    /// The images of a subset, N x 3 x side x side bytes on the device.
    fn subset(
        &self,
        subset: &Subset,
        key: &Key,
        side: u32,
        device: Device,
        reading: ReadProgress,
    ) -> Result<OnDevice, MaterialError> {
        match &self.train {
            Some(train) => Ok(train.select(subset.images()).resized(key.resolution, side)),
            None => {
                let images = &self.target.train;
                let what = format!("{}: training images", key.target);
                let progress = |done| reading(&what, done, subset.images().len());
                let decoded = images.at(subset.images(), key.resolution, side, &progress)?;
                Ok(OnDevice::new(&decoded, device))
            }
        }
    }

    fn test(
        &self,
        key: &Key,
        side: u32,
        device: Device,
        reading: ReadProgress,
    ) -> Result<OnDevice, MaterialError> {
        let resolution = key.resolution;
        match &self.target.test {
            Images::Bytes(dataset) => Ok(OnDevice::new(dataset, device).resized(resolution, side)),
            images @ Images::Files(_) => {
                let all: Vec<usize> = (0..images.len()).collect();
                let what = format!("{}: test images", key.target);
                let progress = |done| reading(&what, done, all.len());
                Ok(OnDevice::new(&images.at(&all, resolution, side, &progress)?, device))
            }
        }
    }
}
