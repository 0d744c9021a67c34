//! The fine-tune itself: the authors' protocol, step by step, on tensors that lie on the device.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, Tensor};

use super::{Protocol, passes::Passes, schedule::learning_rate};
use crate::{
    data::OnDevice,
    ledger::{Evaluation, MeasuredInfluence, Seed, bits, number},
    model::{Network, NoTf32, Sgd, TooManyBlocks, Trainable, Weights},
    random::{self, Purpose},
    transform::{self, Draw, Draws},
};

/// Losses of single steps that are kept: what another machine is compared by.
const FIRST_LOSSES: usize = 5;

/// What a fine-tune works on.
#[derive(Debug)]
pub struct Material<'a> {
    /// The source model, on the device.
    pub source: &'a Weights,
    /// The subset, at the network's input size.
    pub train: &'a OnDevice,
    /// The test set, at the network's input size.
    pub test: &'a OnDevice,
    /// What the source's frozen part makes of the test set ([`super::fixed_features`]), from whoever
    /// keeps it for several fine-tunes; computed where a protocol allows it and it is not there.
    pub test_features: Option<&'a OnDevice>,
    /// Classes of the target.
    pub classes: u32,
}

/// What a fine-tune gave. All but the seconds in `evaluations` is the same, bit for bit, for the same
/// recipe, seed, weights and data on one processor with one thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Accuracies and losses at each evaluated epoch.
    pub evaluations: Vec<Evaluation>,
    /// Mean loss of each of the first steps, in front of the step. The very first says whether
    /// weights, head and normalisation are the authors'.
    #[serde(with = "number::list")]
    pub first_losses: Vec<f64>,
    /// Test loss after the first step: how nearly the learning rate and the head blow the network up.
    #[serde(with = "number")]
    pub test_loss_after_first_step: f64,
    /// Whether each test image got its own class after the last epoch.
    #[serde(with = "bits")]
    pub correct: Vec<bool>,
    /// BLAKE3 of the fine-tuned weights.
    pub weights: String,
    /// Influence after the last epoch, by each inverse that the recipe names
    /// ([`super::measure_influence`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub influence: Vec<MeasuredInfluence>,
}

/// Why a fine-tune has no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfinished {
    /// The network has fewer blocks than should be trained.
    #[error(transparent)]
    TooManyBlocks(#[from] TooManyBlocks),
    /// The device lacks the recipe's precision.
    #[error(transparent)]
    Precision(#[from] NoTf32),
    /// Somebody asked to stop.
    #[error("stopped before its end")]
    Interrupted,
}

/// Fine-tunes the last `blocks` residual blocks of a source, and a new head, on a subset.
///
/// The seed fixes the head, the order of images and their augmentation, each from a generator of its
/// own, so that arms that share a seed are paired. `stop` is looked at once an epoch.
///
/// # Errors
/// If there are fewer blocks than that, or `stop` was set.
pub fn fine_tune(
    material: &Material<'_>,
    blocks: u32,
    protocol: &Protocol,
    seed: Seed,
    stop: &AtomicBool,
) -> Result<Outcome, Unfinished> {
    fine_tune_watched(material, blocks, protocol, seed, stop, &mut |_, _| ())
}

/// As [`fine_tune`]; `watch` is shown the network after each step, with the mean loss of the step's
/// images in front of it (one number, on the device).
///
/// # Errors
/// As [`fine_tune`].
pub fn fine_tune_watched(
    material: &Material<'_>,
    blocks: u32,
    protocol: &Protocol,
    seed: Seed,
    stop: &AtomicBool,
    watch: &mut dyn FnMut(&Network, &Tensor),
) -> Result<Outcome, Unfinished> {
    fine_tuned(material, blocks, protocol, seed, stop, watch).map(|(outcome, _)| outcome)
}

/// As [`fine_tune_watched`], with the network that came of it.
///
/// # Errors
/// As [`fine_tune`].
pub fn fine_tuned(
    material: &Material<'_>,
    blocks: u32,
    protocol: &Protocol,
    seed: Seed,
    stop: &AtomicBool,
    watch: &mut dyn FnMut(&Network, &Tensor),
) -> Result<(Outcome, Network), Unfinished> {
    let start = Instant::now();
    let Material { source, train, classes, .. } = material;
    let mut head = random::generator(seed, Purpose::Head);
    let weights = source.copy_to(source.device()).with_head(*classes, protocol.head, &mut head);
    let mut network = protocol.network(weights)?;
    network.train(Trainable::Blocks(blocks))?;
    let mut sgd = Sgd::new(
        network.trainable().map(|(_, parameter)| parameter),
        protocol.momentum,
        protocol.weight_decay,
    );
    let passes = Passes::new(&network, protocol, material);
    let mode = protocol.batch_norm.mode();
    let mut outcome = Outcome {
        evaluations: Vec::new(),
        first_losses: Vec::new(),
        test_loss_after_first_step: f64::NAN,
        correct: Vec::new(),
        weights: String::new(),
        influence: Vec::new(),
    };
    let images = train.len() as usize;
    let mut steps = 0_usize;
    for epoch in 0..protocol.epochs {
        if stop.load(Ordering::Relaxed) {
            return Err(Unfinished::Interrupted);
        }
        let rate = learning_rate(protocol.learning_rate, protocol.epochs, epoch);
        let mut generator = random::epoch_generator(seed, Purpose::Order, epoch);
        let order = random::permutation(images, &mut generator);
        let draws = {
            let mut generator = random::epoch_generator(seed, Purpose::Augmentation, epoch);
            protocol.augmentation.draw(images, &mut || rand::RngExt::random(&mut generator))
        };
        // All that an epoch is drawn by goes to the device at once, before its first step.
        let draws: Vec<Draw> = order.iter().map(|&image| draws[image]).collect();
        let draws = Draws::new(&draws, [i64::from(protocol.side); 2], source.device());
        let order: Vec<i64> = order.iter().map(|&image| image as i64).collect();
        let order = Tensor::from_slice(&order).to_device(source.device());
        // Sums stay on the device until the epoch is over.
        let (mut losses, mut correct) = (Vec::new(), Vec::new());
        for start in (0..images as i64).step_by(protocol.batch as usize) {
            let length = i64::from(protocol.batch).min(images as i64 - start);
            let part = passes.train.selected(&order.narrow(0, start, length));
            let input = match passes.fixed {
                true => part.pixels,
                false => transform::to_unit(&draws.narrow(start, length).apply(&part.pixels)),
            };
            let logits = match passes.fixed {
                true => network.trained_part(&input, mode),
                false => network.logits(&input, mode),
            };
            let loss =
                logits.cross_entropy_loss::<Tensor>(&part.labels, None, Reduction::Mean, -100, 0.0);
            sgd.step(&network.gradients(&loss), rate);
            let loss = loss.detach();
            correct.push(logits.detach().argmax(1, false).eq_tensor(&part.labels).sum(Kind::Int64));
            losses.push(&loss * length as f64);
            if steps < FIRST_LOSSES {
                outcome.first_losses.push(loss.double_value(&[]));
            }
            if steps == 0 {
                outcome.test_loss_after_first_step = passes.evaluate(&network).loss;
            }
            watch(&network, &loss);
            steps += 1;
        }
        if protocol.evaluate.contains(&(epoch + 1)) {
            let tested = passes.evaluate(&network);
            let sum =
                |values: &[Tensor]| Tensor::stack(values, 0).sum(Kind::Double).double_value(&[]);
            outcome.evaluations.push(Evaluation {
                epoch: epoch + 1,
                test_accuracy: tested.accuracy(),
                test_loss: tested.loss,
                train_accuracy: 100.0 * sum(&correct) / images as f64,
                train_loss: sum(&losses) / images as f64,
                seconds: start.elapsed().as_secs_f64(),
            });
            outcome.correct = tested.correct;
        }
    }
    outcome.weights = network.weights().digest();
    Ok((outcome, network))
}
