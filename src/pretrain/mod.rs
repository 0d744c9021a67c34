//! Source models of our own: one network trained on the source, naturally, against an attack, or on
//! noisy images. Which models a zoo has and how strong their attacks are is in [`zoo`], what is
//! written about each in [`card`].

pub mod card;
mod checkpoint;
pub mod zoo;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rand_distr::{Distribution, StandardNormal, Uniform};
use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, Tensor};

pub use card::{Card, Epoch};
pub use checkpoint::{CheckpointError, read_weights, write_weights};

use crate::{
    attack::{Attack, Constraint},
    data::OnDevice,
    ledger::Seed,
    model::{Architecture, Implementation, Mode, Network, Normalisation, Sgd, Trainable, Weights},
    random::{self, Purpose},
    transform,
    trial::{evaluate, schedule::learning_rate},
};

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

/// Losses of single steps that are kept of each epoch.
const FIRST_LOSSES: usize = 5;

/// A run that was asked to stop, or whose checkpoint can't be read or written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum PretrainError {
    /// Somebody asked to stop; what there is was kept.
    #[error("stopped after epoch {epoch}; the same command goes on from there")]
    Interrupted {
        /// Epochs that are kept.
        epoch: u32,
    },
    /// A checkpoint.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Checkpoint(#[from] CheckpointError),
}

/// Trains one model, or goes on from its checkpoint; tells every epoch to `progress`.
///
/// # Errors
/// If `stop` was set, or the checkpoint can't be read or written.
pub fn train(
    pretraining: &Pretraining,
    threat: Threat,
    source: &Source<'_>,
    checkpoint: Option<&Path>,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(&Epoch),
) -> Result<(Network, Vec<Epoch>), PretrainError> {
    let device = source.train.labels.device();
    let identity = identity(pretraining, threat);
    let kept = match checkpoint {
        Some(path) => checkpoint::read(path, &identity, &pretraining.architecture)?,
        None => None,
    };
    let mut generator = random::generator(pretraining.seed, Purpose::Initialisation);
    let (weights, velocities, mut curve) = match kept {
        Some(kept) => (kept.weights, Some(kept.velocities), kept.curve),
        None => {
            (Weights::initialise(pretraining.architecture.clone(), &mut generator), None, vec![])
        }
    };
    let weights = weights.copy_to(device);
    let mut network = Network::new(weights, pretraining.normalisation, Implementation::Reference);
    network.train(Trainable::Everything).expect("everything there is");
    let parameters = network.trainable().map(|(_, parameter)| parameter);
    let mut sgd = Sgd::new(parameters, pretraining.momentum, pretraining.weight_decay);
    if let Some(velocities) = velocities {
        sgd.resume(&velocities);
    }
    for epoch in curve.len() as u32..pretraining.epochs {
        let start = std::time::Instant::now();
        let rate = learning_rate(pretraining.learning_rate, pretraining.epochs, epoch);
        let mut order = random::epoch_generator(pretraining.seed, Purpose::Order, epoch);
        let order = random::permutation(source.train.len() as usize, &mut order);
        let mut noise = random::epoch_generator(pretraining.seed, Purpose::Attack, epoch);
        let (mut losses, mut first_losses) = (Vec::new(), Vec::new());
        for batch in order.chunks(pretraining.batch as usize) {
            if stop.load(Ordering::Relaxed) {
                return Err(PretrainError::Interrupted { epoch });
            }
            let part = source.train.select(batch);
            let images = transform::to_unit(&part.pixels);
            let images =
                perturbed(pretraining, threat, &network, &images, &part.labels, &mut noise);
            let loss = network.logits(&images, Mode::Train).cross_entropy_loss::<Tensor>(
                &part.labels,
                None,
                Reduction::Mean,
                -100,
                0.0,
            );
            sgd.step(&network.gradients(&loss), rate);
            if first_losses.len() < FIRST_LOSSES {
                first_losses.push(loss.double_value(&[]));
            }
            losses.push(loss.detach() * batch.len() as f64);
        }
        let loss = Tensor::stack(&losses, 0).sum(Kind::Double).double_value(&[]);
        let tested = evaluate(&network, source.test);
        let done = Epoch {
            epoch: epoch + 1,
            train_loss: loss / source.train.len() as f64,
            test_loss: tested.loss,
            test_accuracy: tested.accuracy(),
            seconds: start.elapsed().as_secs_f64(),
            first_losses,
        };
        progress(&done);
        curve.push(done);
        if let Some(path) = checkpoint {
            checkpoint::write(path, &identity, network.weights(), sgd.velocities(), &curve)?;
        }
    }
    Ok((network, curve))
}

/// Source images that ship with the project: ten steps.
pub const FIRST_IMAGES: usize = 1280;

/// Losses of the first steps of a training on the source's first images alone: the first epoch of it.
///
/// # Errors
/// If `stop` was set.
pub fn first_losses(
    pretraining: &Pretraining,
    threat: Threat,
    first: &OnDevice,
    stop: &AtomicBool,
) -> Result<Vec<f64>, PretrainError> {
    let short = Pretraining { epochs: 1, ..pretraining.clone() };
    let source = Source { train: first, test: first };
    let (_, curve) = train(&short, threat, &source, None, stop, &mut |_| ())?;
    Ok(curve.into_iter().flat_map(|epoch| epoch.first_losses).collect())
}

/// What a checkpoint must be of, to be gone on from.
fn identity(pretraining: &Pretraining, threat: Threat) -> String {
    let mut common = pretraining.clone();
    // Which other models the zoo has changes nothing about this one.
    common.models.clear();
    common.most_cost = 0.0;
    serde_json::to_string(&(common, threat)).expect("plain data")
}

/// A batch as the model is to see it in training.
fn perturbed(
    pretraining: &Pretraining,
    threat: Threat,
    network: &Network,
    images: &Tensor,
    labels: &Tensor,
    generator: &mut rand_chacha::ChaCha8Rng,
) -> Tensor {
    match threat {
        Threat::None => images.shallow_clone(),
        Threat::Attack { constraint, epsilon } => {
            let attack = Attack::conventional(constraint, epsilon, pretraining.attack_steps);
            let noise = noise(constraint, images, generator);
            let logits = |images: &Tensor| network.logits(images, Mode::Evaluate);
            attack.perturb(logits, images, labels, Some(&noise)).images
        }
        Threat::Noise { epsilon } => {
            let values = (images.numel() as f64) / images.size()[0] as f64;
            let noise = noise(Constraint::L2, images, generator);
            (images + noise * (epsilon / values.sqrt())).clamp(0.0, 1.0)
        }
    }
}

/// Where an attack's random start comes from: one number a value, drawn in their order.
fn noise(
    constraint: Constraint,
    images: &Tensor,
    generator: &mut rand_chacha::ChaCha8Rng,
) -> Tensor {
    let count = images.numel();
    let values: Vec<f32> = match constraint {
        Constraint::L2 => StandardNormal.sample_iter(generator).take(count).collect(),
        Constraint::Linf => {
            let uniform = Uniform::new_inclusive(-1.0, 1.0).expect("finite bounds");
            uniform.sample_iter(generator).take(count).collect()
        }
    };
    Tensor::from_slice(&values).view(images.size().as_slice()).to_device(images.device())
}

/// Accuracy in percent on the first test images, each attacked in the way that the zoo is measured
/// by, from a random start that the seed fixes.
#[must_use]
pub fn robust_accuracy(
    network: &Network,
    pretraining: &Pretraining,
    test: &OnDevice,
    constraint: Constraint,
    epsilon: f64,
) -> f64 {
    let attack = Attack::conventional(constraint, epsilon, pretraining.test_steps);
    let mut generator = random::generator(pretraining.seed, Purpose::Attack);
    let attacked = i64::from(pretraining.attacked).min(test.len());
    let (mut correct, mut seen) = (0, 0);
    for part in test.parts(i64::from(pretraining.batch)) {
        if seen + part.len() > attacked {
            break;
        }
        let images = transform::to_unit(&part.pixels);
        let noise = noise(constraint, &images, &mut generator);
        let logits = |images: &Tensor| network.logits(images, Mode::Evaluate);
        let found = attack.perturb(logits, &images, &part.labels, Some(&noise));
        let logits = tch::no_grad(|| logits(&found.images));
        correct +=
            logits.argmax(1, false).eq_tensor(&part.labels).sum(Kind::Int64).int64_value(&[]);
        seen += part.len();
    }
    100.0 * correct as f64 / seen.max(1) as f64
}
