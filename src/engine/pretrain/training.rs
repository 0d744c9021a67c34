//! One training in memory: the network after so many epochs, and the state that it resumes from.

use std::time::Instant;

use tch::{Kind, Reduction, Tensor};

use super::{Noise, SourceImages, TrainingEvent, checkpoint::TrainingState, ema::Ema, perturbed};
use crate::{
    engine::{
        OnDevice, device,
        fine_tune::{evaluate, schedule::learning_rate},
        model::{Mode, Network, Sgd, Weights},
        transfer,
        transform::{self, Draws},
    },
    experiment::{
        Epoch, Precision, Pretraining, Threat, Trainable,
        random::{self, Purpose},
    },
};

/// Losses of single steps that are kept of each epoch.
const FIRST_LOSSES: usize = 5;

/// Somebody asked to stop.
pub(super) struct Stopped;

/// A training between two epochs.
pub(super) struct Training<'a> {
    pretraining: &'a Pretraining,
    threat: Threat,
    source: &'a SourceImages<'a>,
    network: Network,
    sgd: Sgd,
    average: Option<Ema>,
    curve: Vec<Epoch>,
}

/// What an epoch is taken with, drawn before its first step.
struct Drawn {
    rate: f64,
    /// Images in the order in which they are seen.
    order: Tensor,
    /// What becomes of them, in that order.
    draws: Option<Draws>,
    noise: Option<Noise>,
}

/// Losses of an epoch's steps.
#[derive(Default)]
struct Losses {
    /// Of each step, times its images.
    sums: Vec<Tensor>,
    /// Of the first steps, as they are.
    first: Vec<Tensor>,
}

impl<'a> Training<'a> {
    /// Resumes from a saved state, or starts with initial weights.
    pub fn begin(
        pretraining: &'a Pretraining,
        threat: Threat,
        source: &'a SourceImages<'a>,
        kept: Option<TrainingState>,
    ) -> Self {
        let device = source.train.labels.device();
        let (weights, velocities, mean, curve) = match kept {
            Some(kept) => (kept.weights, Some(kept.velocities), kept.mean, kept.curve),
            None => (first_weights(pretraining), None, None, vec![]),
        };
        device::allow_tf32(pretraining.precision == Some(Precision::Tf32));
        let weights = weights.copy_to(device);
        let (normalisation, implementation) =
            (pretraining.normalisation, pretraining.implementation());
        let average = pretraining.ema_decay.map(|decay| {
            let mean = mean.map_or_else(|| weights.copy_to(device), |mean| mean.copy_to(device));
            let in_all = pretraining.images_of_epoch(source.train.len() as usize);
            let steps = curve.len() * in_all.div_ceil(pretraining.batch as usize);
            Ema::new(&mean, normalisation, implementation, decay, steps as u64)
        });
        let mut network = Network::new(weights, normalisation, implementation);
        network.train(Trainable::Everything).expect("everything there is");
        let parameters = network.trainable().map(|(_, parameter)| parameter);
        let mut sgd = Sgd::new(parameters, pretraining.momentum, pretraining.weight_decay);
        if let Some(velocities) = velocities {
            sgd.resume(&velocities);
        }
        Self { pretraining, threat, source, network, sgd, average, curve }
    }

    /// Epochs that are done.
    pub fn epochs(&self) -> u32 {
        self.curve.len() as u32
    }

    /// Another epoch. One that is stopped leaves the network amid it, of no use any more.
    pub fn epoch(
        &mut self,
        stop: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(TrainingEvent<'_>),
    ) -> Result<(), Stopped> {
        let start = Instant::now();
        let epoch = self.epochs();
        let drawn = self.draw(epoch);
        let losses = self.steps(epoch, &drawn, stop, progress)?;
        let loss = Tensor::stack(&losses.sums, 0).sum(Kind::Double).double_value(&[]);
        let tested = self.average.as_ref().map_or(&self.network, Ema::network);
        let tested = evaluate(tested, self.source.test);
        let done = Epoch {
            epoch: epoch + 1,
            train_loss: loss / self.in_all() as f64,
            test_loss: tested.loss,
            test_accuracy: tested.accuracy(),
            seconds: start.elapsed().as_secs_f64(),
            first_losses: losses.first.iter().map(|loss| loss.double_value(&[])).collect(),
        };
        progress(TrainingEvent::Epoch(&done));
        self.curve.push(done);
        Ok(())
    }

    /// The state to resume from; it shares no memory with the training.
    pub fn kept(&self) -> TrainingState {
        let copied = |weights: &Weights| weights.copy_to(weights.device());
        TrainingState {
            weights: copied(self.network.weights()),
            velocities: self.sgd.velocities().iter().map(Tensor::copy).collect(),
            mean: self.average.as_ref().map(|average| copied(average.network().weights())),
            curve: self.curve.clone(),
        }
    }

    /// The trained network, or that of the mean where there is one, and how it went.
    pub fn finish(self) -> (Network, Vec<Epoch>) {
        (self.average.map_or(self.network, Ema::into_network), self.curve)
    }

    /// Images of an epoch.
    fn in_all(&self) -> usize {
        self.pretraining.images_of_epoch(self.source.train.len() as usize)
    }

    fn draw(&self, epoch: u32) -> Drawn {
        let (pretraining, source) = (self.pretraining, self.source);
        let (images, seen) = (source.train.len() as usize, self.in_all());
        let device = source.train.labels.device();
        let rate = learning_rate(pretraining.learning_rate, pretraining.epochs, epoch);
        let mut order = random::epoch_generator(pretraining.seed, Purpose::Order, epoch);
        let order = random::permutation(images, &mut order);
        let draws = pretraining.draws(epoch, &order, device);
        let noise = self.threat.noise().map(|constraint| {
            let values = source.train.pixels.numel() / images;
            let batches = order[..seen].chunks(pretraining.batch as usize);
            let batches = batches.map(|batch| batch.len() * values).collect();
            pretraining.noise(constraint, epoch, batches, device)
        });
        let order: Vec<i64> = order.into_iter().map(|image| image as i64).collect();
        let mut order = Tensor::from_slice(&order);
        transfer::upload([&mut order], device);
        Drawn { rate, order, draws, noise }
    }

    /// All steps of an epoch.
    fn steps(
        &mut self,
        epoch: u32,
        drawn: &Drawn,
        stop: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(TrainingEvent<'_>),
    ) -> Result<Losses, Stopped> {
        let in_all = self.in_all();
        let mut losses = Losses::default();
        for first in (0..in_all as i64).step_by(self.pretraining.batch as usize) {
            if stop() {
                return Err(Stopped);
            }
            let length = i64::from(self.pretraining.batch).min(in_all as i64 - first);
            let (images, labels) = self.batch(drawn, first, length);
            let loss = self.step(&images, &labels, drawn.rate);
            losses.sums.push(&loss * length as f64);
            if losses.first.len() < FIRST_LOSSES {
                losses.first.push(loss);
            }
            let done = (first + length) as usize;
            progress(TrainingEvent::Images { epoch: epoch + 1, done, in_all });
        }
        Ok(losses)
    }

    /// So many images from `first` on as the network is to see them, and their labels.
    fn batch(&self, drawn: &Drawn, first: i64, length: i64) -> (Tensor, Tensor) {
        let OnDevice { pixels, labels } =
            self.source.train.selected(&drawn.order.narrow(0, first, length));
        let pixels = match &drawn.draws {
            Some(draws) => draws.narrow(first, length).apply(&pixels),
            None => pixels,
        };
        let images = transform::to_unit(&pixels);
        let noise = drawn.noise.as_ref().map(|noise| noise.like(&images));
        let (pretraining, threat) = (self.pretraining, self.threat);
        let images = perturbed(pretraining, threat, &self.network, &images, &labels, noise);
        (images, labels)
    }

    /// One step, and its loss.
    fn step(&mut self, images: &Tensor, labels: &Tensor, rate: f64) -> Tensor {
        let logits = self.network.logits(images, Mode::Train);
        let loss = logits.cross_entropy_loss::<Tensor>(labels, None, Reduction::Mean, -100, 0.0);
        self.sgd.step(&self.network.gradients(&loss), rate);
        if let Some(average) = &mut self.average {
            average.follow(self.network.weights());
        }
        loss.detach()
    }
}

/// Weights that the recipe's seed draws.
fn first_weights(pretraining: &Pretraining) -> Weights {
    let mut generator = random::generator(pretraining.seed, Purpose::Initialisation);
    Weights::initialise(pretraining.architecture.clone(), &mut generator)
}
