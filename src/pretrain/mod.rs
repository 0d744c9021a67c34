//! Source models of our own: one network trained on the source, naturally, against an attack, or on
//! noisy images. Which models a zoo has and how strong their attacks are is in [`zoo`], what is
//! written about each in [`card`].

mod attacked;
mod average;
pub mod card;
mod checkpoint;
mod cost;
mod keeper;
mod noise;
mod room;
pub mod zoo;

use std::{path::Path, time::Instant};

use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Reduction, Tensor};

pub use attacked::robust_accuracy;
pub use card::{Card, Epoch};
pub use checkpoint::{CheckpointError, read_weights, write_weights};
pub use cost::Cost;

use crate::{
    attack::{Attack, Constraint},
    bus,
    data::OnDevice,
    device,
    ledger::Seed,
    model::{
        Architecture, Implementation, Mode, Network, Normalisation, Precision, Sgd, Trainable,
        Weights,
    },
    random::{self, Purpose},
    transform::{self, Augmentation, Draw, Draws},
    trial::{ENGINE_VERSION, evaluate, schedule::learning_rate},
};
use attacked::perturbed;
use average::Average;
use checkpoint::Kept;
use keeper::Keeper;
use noise::Noise;

/// How a source model is trained, whatever it is trained against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pretraining {
    /// What is trained.
    pub architecture: Architecture,
    /// Rows and columns of its input.
    pub side: u32,
    /// The source's own statistics.
    pub normalisation: Normalisation,
    /// The seed of first weights, order, attacks and noise; the same for every model of the zoo.
    pub seed: Seed,
    /// Epochs; the learning rate drops tenfold after every third.
    pub epochs: u32,
    /// Images a step.
    pub batch: u32,
    /// First learning rate.
    pub learning_rate: f64,
    /// Momentum.
    pub momentum: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Changes that an image gets anew in every epoch; none where there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augmentation: Option<Augmentation>,
    /// Of a mean over the latest weights, the share that stays at each step; where there is nothing, the
    /// weights of the last step are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub averaging: Option<f64>,
    /// What convolutions are computed in; operation by operation as PyTorch does, in single precision,
    /// where there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
    /// Steps of the attack in training, each 2.5 x eps / steps long (the evaluation convention of the
    /// `robustness` library), from a random start, the best point kept.
    pub attack_steps: u32,
    /// Steps of the attack that measures robust accuracy.
    pub test_steps: u32,
    /// Test images that are attacked to measure it.
    pub attacked: u32,
    /// The models, in the order in which they are made.
    pub models: Vec<zoo::Model>,
    /// Points of clean source accuracy that a chosen eps may cost.
    pub most_cost: f64,
}

/// What a model is trained against.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threat {
    /// Nothing.
    None,
    /// The strongest perturbation that projected gradient ascent finds.
    Attack {
        /// Norm.
        constraint: Constraint,
        /// Radius.
        epsilon: f64,
    },
    /// Gaussian noise whose expected Euclidean length is about this; no attack.
    Noise {
        /// Length.
        epsilon: f64,
    },
}

impl Pretraining {
    fn implementation(&self) -> Implementation {
        self.precision.map_or(Implementation::Reference, Implementation::Fused)
    }

    /// What images become in an epoch, in the order in which they are seen.
    fn draws(&self, epoch: u32, order: &[usize], device: Device) -> Option<Draws> {
        let augmentation = self.augmentation.filter(|some| *some != Augmentation::NONE)?;
        let mut generator = random::epoch_generator(self.seed, Purpose::Augmentation, epoch);
        let draws = augmentation.draw(order.len(), &mut || rand::RngExt::random(&mut generator));
        let draws: Vec<Draw> = order.iter().map(|&image| draws[image]).collect();
        Some(Draws::new(&draws, [i64::from(self.side); 2], device))
    }

    /// The noise of an epoch's batches, of so many values each. A recipe that says what convolutions are
    /// computed in is for a GPU, whose steps are shorter than one thread needs for their noise: it has a
    /// generator a batch. Others have one an epoch.
    fn noise(
        &self,
        constraint: Constraint,
        epoch: u32,
        batches: Vec<usize>,
        device: Device,
    ) -> Noise {
        let (seed, purpose) = (self.seed, Purpose::Attack);
        match self.precision {
            Some(_) => {
                let generator = move |batch| random::batch_generator(seed, purpose, epoch, batch);
                Noise::side_by_side(constraint, &batches, generator, device)
            }
            None => {
                let generator = random::epoch_generator(seed, purpose, epoch);
                Noise::ahead(constraint, batches, generator, device)
            }
        }
    }
}

impl Threat {
    /// Where the noise that it needs is drawn from.
    fn noise(self) -> Option<Constraint> {
        match self {
            Self::None => None,
            Self::Attack { constraint, .. } => Some(constraint),
            Self::Noise { .. } => Some(Constraint::L2),
        }
    }
}

impl Attack {
    /// The `robustness` library's convention: steps of 2.5 x eps / steps, from a random start, and
    /// the best point kept.
    #[must_use]
    pub fn conventional(constraint: Constraint, epsilon: f64, steps: u32) -> Self {
        let step = 2.5 * epsilon / f64::from(steps.max(1));
        Self { constraint, epsilon, step, steps, random_start: true, best: true }
    }
}

/// The source, at the network's input size.
#[derive(Debug)]
pub struct Source<'a> {
    /// Training images.
    pub train: &'a OnDevice,
    /// Test images.
    pub test: &'a OnDevice,
}

/// Where a training is kept, to be gone on from.
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint<'a> {
    /// The file.
    pub path: &'a Path,
    /// What the source's images are called by: a training on others is another training.
    pub source: &'a str,
}

/// How a training goes on.
#[derive(Clone, Copy, Debug)]
pub enum Told<'a> {
    /// After each step of an epoch; on a GPU, after what it is asked to do, not after it is done.
    Images {
        /// The epoch, counted from 1.
        epoch: u32,
        /// Images that it has had.
        done: usize,
        /// Of how many.
        in_all: usize,
    },
    /// An epoch is done.
    Epoch(&'a Epoch),
    /// Another process makes models in the same folder, and is waited for.
    Waits,
}

/// Losses of single steps that are kept of each epoch.
const FIRST_LOSSES: usize = 5;

/// A run that was asked to stop, that libtorch could not do, or whose checkpoint can't be read or written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum PretrainError {
    /// Somebody asked to stop; what there is was kept.
    #[error("stopped {}", kept(*.epoch))]
    Interrupted {
        /// Epochs that are kept of the model that was being trained.
        epoch: u32,
    },
    /// The same when all models were trained.
    #[error(
        "stopped while the models were measured; all of them are kept, and the same command goes on from there"
    )]
    Unmeasured,
    /// The same while another process made models in the same folder.
    #[error("stopped while another process made models in the same folder; nothing was done here")]
    Waited,
    /// libtorch could not do it, such as for want of memory.
    #[error("failed to {what}: {said}")]
    #[diagnostic(help(
        "finished models are kept: the same command goes on with this one, on another device too"
    ))]
    Failed {
        /// What was done.
        what: String,
        /// What libtorch said, and what there is to do about it.
        said: String,
    },
    /// A checkpoint.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Checkpoint(#[from] CheckpointError),
}

/// What there is after so many epochs.
fn kept(epochs: u32) -> String {
    match epochs {
        0 => "before the first epoch of a model was done; the same command goes on with that model"
            .to_owned(),
        _ => format!("after epoch {epochs}; the same command goes on from there"),
    }
}

/// Trains one model, or goes on from its checkpoint; tells every step and epoch to `progress`, and asks
/// `stop` at every step whether to stop.
///
/// # Errors
/// If it was stopped, or the checkpoint is of another training or can't be read or written.
pub fn train(
    pretraining: &Pretraining,
    threat: Threat,
    source: &Source<'_>,
    checkpoint: Option<Checkpoint<'_>>,
    stop: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(Told<'_>),
) -> Result<(Network, Vec<Epoch>), PretrainError> {
    let device = source.train.labels.device();
    let mut keeper = checkpoint.map(|Checkpoint { path, source }| {
        Keeper::new(path, identity(pretraining, threat, source), keeper::EVERY)
    });
    let kept = match &keeper {
        Some(keeper) => keeper.read(&pretraining.architecture)?,
        None => None,
    };
    let mut generator = random::generator(pretraining.seed, Purpose::Initialisation);
    let (weights, velocities, mean, mut curve) = match kept {
        Some(kept) => (kept.weights, Some(kept.velocities), kept.mean, kept.curve),
        None => {
            let first = Weights::initialise(pretraining.architecture.clone(), &mut generator);
            (first, None, None, vec![])
        }
    };
    device::allow_tf32(pretraining.precision == Some(Precision::Tf32));
    let (normalisation, implementation) = (pretraining.normalisation, pretraining.implementation());
    let in_all = source.train.len() as usize;
    let weights = weights.copy_to(device);
    let mut average = pretraining.averaging.map(|decay| {
        let mean = mean.map_or_else(|| weights.copy_to(device), |mean| mean.copy_to(device));
        let steps = curve.len() * in_all.div_ceil(pretraining.batch as usize);
        Average::new(&mean, normalisation, implementation, decay, steps as u64)
    });
    let mut network = Network::new(weights, normalisation, implementation);
    network.train(Trainable::Everything).expect("everything there is");
    let parameters = network.trainable().map(|(_, parameter)| parameter);
    let mut sgd = Sgd::new(parameters, pretraining.momentum, pretraining.weight_decay);
    if let Some(velocities) = velocities {
        sgd.resume(&velocities);
    }
    for epoch in curve.len() as u32..pretraining.epochs {
        let start = Instant::now();
        let rate = learning_rate(pretraining.learning_rate, pretraining.epochs, epoch);
        let mut order = random::epoch_generator(pretraining.seed, Purpose::Order, epoch);
        let order = random::permutation(in_all, &mut order);
        let draws = pretraining.draws(epoch, &order, device);
        let noise = threat.noise().map(|constraint| {
            let values = source.train.pixels.numel() / in_all;
            let batches = order.chunks(pretraining.batch as usize);
            let batches = batches.map(|batch| batch.len() * values).collect();
            pretraining.noise(constraint, epoch, batches, device)
        });
        let order: Vec<i64> = order.into_iter().map(|image| image as i64).collect();
        let mut order = Tensor::from_slice(&order);
        bus::send([&mut order], device);
        let (mut losses, mut first_losses) = (Vec::new(), Vec::new());
        for first in (0..in_all as i64).step_by(pretraining.batch as usize) {
            if stop() {
                if let Some(keeper) = &mut keeper {
                    keeper.write()?;
                }
                return Err(PretrainError::Interrupted { epoch });
            }
            let length = i64::from(pretraining.batch).min(in_all as i64 - first);
            let part = source.train.selected(&order.narrow(0, first, length));
            let pixels = match &draws {
                Some(draws) => draws.narrow(first, length).apply(&part.pixels),
                None => part.pixels,
            };
            let images = transform::to_unit(&pixels);
            let noise = noise.as_ref().map(|noise| noise.like(&images));
            let images = perturbed(pretraining, threat, &network, &images, &part.labels, noise);
            let loss = network.logits(&images, Mode::Train).cross_entropy_loss::<Tensor>(
                &part.labels,
                None,
                Reduction::Mean,
                -100,
                0.0,
            );
            sgd.step(&network.gradients(&loss), rate);
            if let Some(average) = &mut average {
                average.follow(network.weights());
            }
            let loss = loss.detach();
            losses.push(&loss * length as f64);
            if first_losses.len() < FIRST_LOSSES {
                first_losses.push(loss);
            }
            let done = (first + length) as usize;
            progress(Told::Images { epoch: epoch + 1, done, in_all });
        }
        let loss = Tensor::stack(&losses, 0).sum(Kind::Double).double_value(&[]);
        let tested = evaluate(average.as_ref().map_or(&network, Average::network), source.test);
        let done = Epoch {
            epoch: epoch + 1,
            train_loss: loss / in_all as f64,
            test_loss: tested.loss,
            test_accuracy: tested.accuracy(),
            seconds: start.elapsed().as_secs_f64(),
            first_losses: first_losses.iter().map(|loss| loss.double_value(&[])).collect(),
        };
        progress(Told::Epoch(&done));
        curve.push(done);
        if let Some(keeper) = &mut keeper {
            let copied = |weights: &Weights| weights.copy_to(device);
            keeper.keep(Kept {
                weights: copied(network.weights()),
                velocities: sgd.velocities().iter().map(Tensor::copy).collect(),
                mean: average.as_ref().map(|average| copied(average.network().weights())),
                curve: curve.clone(),
            })?;
        }
    }
    if let Some(keeper) = &mut keeper {
        keeper.write()?;
    }
    Ok((average.map_or(network, Average::into_network), curve))
}

/// Source images that ship with the project: ten steps.
pub const FIRST_IMAGES: usize = 1280;

/// Losses of the first steps of a training on the source's first images alone: the first epoch of it.
///
/// # Errors
/// If it was stopped.
pub fn first_losses(
    pretraining: &Pretraining,
    threat: Threat,
    first: &OnDevice,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<f64>, PretrainError> {
    let short = Pretraining { epochs: 1, ..pretraining.clone() };
    let source = Source { train: first, test: first };
    let (_, curve) = train(&short, threat, &source, None, stop, &mut |_| ())?;
    Ok(curve.into_iter().flat_map(|epoch| epoch.first_losses).collect())
}

/// What a checkpoint must be of, to be gone on from.
fn identity(pretraining: &Pretraining, threat: Threat, source: &str) -> String {
    let mut common = pretraining.clone();
    // Which other models the zoo has changes nothing about this one.
    common.models.clear();
    common.most_cost = 0.0;
    serde_json::to_string(&(ENGINE_VERSION, common, threat, source)).expect("plain data")
}
