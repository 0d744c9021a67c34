//! The fine-tune itself: the authors' protocol, step by step, on tensors that lie on the device.

use crate::experiment::Outcome;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use tch::{Kind, Reduction, Tensor};

use super::{Test, passes::Passes, schedule::learning_rate};
use crate::experiment::Protocol;
use crate::{
    engine::{
        OnDevice,
        model::{Network, NoTf32, Sgd, Weights},
        transfer,
        transform::{Draw, Draws},
    },
    experiment::{
        Evaluation, Seed, TooManyBlocks, Trainable,
        random::{self, Purpose},
    },
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

/// What siblings may differ in: fine-tunes of one source on one subset by one seed, whose frozen parts
/// compute the same numbers at every step as far as they go, whatever is trained after them.
#[derive(Clone, Copy, Debug)]
pub struct Sibling<'a> {
    /// Residual blocks that are trained.
    pub blocks: u32,
    /// How. Of one family ([`Protocol::of_family`]) for all siblings.
    pub protocol: &'a Protocol,
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
    let siblings = [Sibling { blocks, protocol }];
    side_by_side(material, &siblings, seed, stop, watch).map(|mut ended| ended.remove(0).0)
}

/// As [`fine_tune`], of several siblings, step by step: images are augmented once, and go through what
/// all leave frozen once. Gives what each gives alone, to the last bit, in their order, each with the
/// network that came of it; what these leave frozen they share.
///
/// # Errors
/// As [`fine_tune`], if it is so of one of them.
///
/// # Panics
/// If there is none, if they are not of one family, or if there are several of a protocol whose frozen
/// part is fixed.
pub fn fine_tune_siblings(
    material: &Material<'_>,
    siblings: &[Sibling<'_>],
    seed: Seed,
    stop: &AtomicBool,
) -> Result<Vec<(Outcome, Network)>, Unfinished> {
    side_by_side(material, siblings, seed, stop, &mut |_, _| ())
}

/// A sibling on its way.
struct Run<'a> {
    protocol: &'a Protocol,
    network: Network,
    sgd: Sgd,
    outcome: Outcome,
    /// Summed losses and right answers of this epoch's steps; they stay on the device until it is over.
    losses: Vec<Tensor>,
    correct: Vec<Tensor>,
    /// Mean losses of the first steps, on the device until the end.
    first_losses: Vec<Tensor>,
}

impl<'a> Run<'a> {
    /// Begins from a source, of which what is frozen is shared.
    fn new(
        sibling: Sibling<'a>,
        source: &Weights,
        classes: u32,
        seed: Seed,
    ) -> Result<Self, Unfinished> {
        let Sibling { blocks, protocol } = sibling;
        let mut head = random::generator(seed, Purpose::Head);
        let weights = source.branch(blocks)?.with_head(classes, protocol.head, &mut head);
        let mut network = protocol.network(weights)?;
        network.train(Trainable::Blocks(blocks))?;
        let trained = network.trainable().map(|(_, parameter)| parameter);
        let sgd = Sgd::new(trained, protocol.momentum, protocol.weight_decay);
        let outcome = Outcome {
            evaluations: Vec::new(),
            first_losses: Vec::new(),
            test_loss_after_first_step: f64::NAN,
            correct: Vec::new(),
            weights: String::new(),
            influence: Vec::new(),
        };
        let (losses, correct, first_losses) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { protocol, network, sgd, outcome, losses, correct, first_losses })
    }

    /// A step on what the frozen part made of a batch. The mean loss in front of it, on the device.
    fn step(&mut self, input: &Tensor, labels: &Tensor, epoch: u32) -> Tensor {
        let Protocol { epochs, learning_rate: first, batch_norm, .. } = self.protocol;
        let logits = self.network.trained_part(input, batch_norm.mode());
        let loss = logits.cross_entropy_loss::<Tensor>(labels, None, Reduction::Mean, -100, 0.0);
        self.sgd.step(&self.network.gradients(&loss), learning_rate(*first, *epochs, epoch));
        let loss = loss.detach();
        self.correct.push(logits.detach().argmax(1, false).eq_tensor(labels).sum(Kind::Int64));
        self.losses.push(&loss * labels.size()[0] as f64);
        if self.first_losses.len() < FIRST_LOSSES {
            self.first_losses.push(loss.shallow_clone());
        }
        loss
    }

    /// An evaluation at the end of an epoch over so many images.
    fn evaluated(&mut self, tested: Test, epoch: u32, images: usize, seconds: f64) {
        let sum = |values: &[Tensor]| Tensor::stack(values, 0).sum(Kind::Double).double_value(&[]);
        self.outcome.evaluations.push(Evaluation {
            epoch,
            test_accuracy: tested.accuracy(),
            test_loss: tested.loss,
            train_accuracy: 100.0 * sum(&self.correct) / images as f64,
            train_loss: sum(&self.losses) / images as f64,
            seconds,
        });
        self.outcome.correct = tested.correct;
    }
}

fn side_by_side(
    material: &Material<'_>,
    siblings: &[Sibling<'_>],
    seed: Seed,
    stop: &AtomicBool,
    watch: &mut dyn FnMut(&Network, &Tensor),
) -> Result<Vec<(Outcome, Network)>, Unfinished> {
    let clock = Instant::now();
    let Material { source, train, classes, .. } = material;
    let protocol = siblings.first().expect("there is a sibling").protocol;
    let family = protocol.of_family();
    assert!(
        siblings.iter().all(|sibling| sibling.protocol.of_family() == family),
        "siblings are of one family"
    );
    let shared = source.copy_to(source.device());
    let runs = siblings.iter().map(|&sibling| Run::new(sibling, &shared, *classes, seed));
    let mut runs: Vec<Run<'_>> = runs.collect::<Result<_, _>>()?;
    let passes = Passes::new(&networks(&runs), protocol, material);
    let images = train.len() as usize;
    for epoch in 0..protocol.epochs {
        if stop.load(Ordering::Relaxed) {
            return Err(Unfinished::Interrupted);
        }
        let mut generator = random::epoch_generator(seed, Purpose::Order, epoch);
        let order = random::permutation(images, &mut generator);
        let draws = {
            let mut generator = random::epoch_generator(seed, Purpose::Augmentation, epoch);
            protocol.augmentation.draw(images, &mut || rand::RngExt::random(&mut generator))
        };
        // All that an epoch is drawn by goes to the device before its first step, and nobody waits for it.
        let draws: Vec<Draw> = order.iter().map(|&image| draws[image]).collect();
        let draws = Draws::new(&draws, [i64::from(protocol.side); 2], source.device());
        let order: Vec<i64> = order.iter().map(|&image| image as i64).collect();
        let mut order = Tensor::from_slice(&order);
        transfer::send([&mut order], source.device());
        for run in &mut runs {
            run.losses.clear();
            run.correct.clear();
        }
        for start in (0..images as i64).step_by(protocol.batch as usize) {
            let length = i64::from(protocol.batch).min(images as i64 - start);
            let part = passes.train.selected(&order.narrow(0, start, length));
            let draws = draws.narrow(start, length);
            let inputs = passes.train_inputs(&part.pixels, &draws);
            for (run, input) in runs.iter_mut().zip(&inputs) {
                let loss = run.step(input, &part.labels, epoch);
                watch(&run.network, &loss);
            }
            if (epoch, start) == (0, 0) {
                let tests = passes.evaluate(&networks(&runs));
                for (run, tested) in runs.iter_mut().zip(tests) {
                    run.outcome.test_loss_after_first_step = tested.loss;
                }
            }
        }
        if protocol.evaluate.contains(&(epoch + 1)) {
            let tests = passes.evaluate(&networks(&runs));
            for (run, tested) in runs.iter_mut().zip(tests) {
                run.evaluated(tested, epoch + 1, images, clock.elapsed().as_secs_f64());
            }
        }
    }
    let end = |mut run: Run<'_>| {
        let first_losses = run.first_losses.iter();
        run.outcome.first_losses = first_losses.map(|loss| loss.double_value(&[])).collect();
        run.outcome.weights = run.network.weights().digest();
        (run.outcome, run.network)
    };
    Ok(runs.into_iter().map(end).collect())
}

fn networks<'r>(runs: &'r [Run<'_>]) -> Vec<&'r Network> {
    runs.iter().map(|run| &run.network).collect()
}
