//! The fine-tune itself: the authors' protocol, step by step, on tensors that lie on the device.

use crate::experiment::Outcome;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use tch::{Device, Kind, Reduction, Tensor};

use super::{Keeper, Saved, Test, features::Features, schedule::learning_rate};
use crate::experiment::Protocol;
use crate::{
    engine::{
        OnDevice,
        model::{Network, NoTf32, Sgd, Weights},
        no_grad, transfer,
        transform::{Draw, Draws},
    },
    experiment::{
        Evaluation, Seed, TooManyBlocks, Trainable,
        random::{self, Purpose},
    },
};

/// The number of first steps whose losses are kept, to compare machines by.
const FIRST_LOSSES: usize = 5;

/// The inputs of a fine-tune, on the device.
#[derive(Debug)]
pub struct Material<'a> {
    /// The source model, on the device.
    pub source: &'a Weights,
    /// The subset, at the network's input size.
    pub train: &'a OnDevice,
    /// The test set, at the network's input size.
    pub test: &'a OnDevice,
    /// Fixed features of the test set ([`super::fixed_features`]), if the caller caches them for several
    /// fine-tunes; otherwise computed here where the protocol allows it.
    pub test_features: Option<&'a OnDevice>,
    /// Classes of the target.
    pub classes: u32,
}

/// Why a fine-tune has no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FineTuneError {
    /// The network has fewer blocks than are to be trained.
    #[error(transparent)]
    TooManyBlocks(#[from] TooManyBlocks),
    /// The device does not support the recipe's precision.
    #[error(transparent)]
    Precision(#[from] NoTf32),
    /// Interrupted.
    #[error("interrupted before the last epoch")]
    Interrupted,
}

/// One of several fine-tunes of one source on one subset by one seed. Their frozen prefixes compute the
/// same numbers at every step; siblings differ in what is trained after these, and how.
#[derive(Clone, Copy, Debug)]
pub struct Sibling<'a> {
    /// Residual blocks that are trained.
    pub blocks: u32,
    /// The protocol, of one family ([`Protocol::of_family`]) for all siblings.
    pub protocol: &'a Protocol,
}

/// Fine-tunes the last `blocks` residual blocks of a source, and a new head, on a subset.
///
/// The seed fixes the head, the order of images and their augmentation, each from a generator of its
/// own, so that arms that share a seed are paired. `stop` is checked once an epoch.
///
/// # Errors
/// If the network has fewer blocks, or `stop` was set.
pub fn fine_tune(
    material: &Material<'_>,
    blocks: u32,
    protocol: &Protocol,
    seed: Seed,
    stop: &AtomicBool,
) -> Result<Outcome, FineTuneError> {
    fine_tune_watched(material, blocks, protocol, seed, stop, &mut |_, _| ())
}

/// As [`fine_tune`]; calls `watch` after each step with the network and the mean loss of the step's batch
/// before the step (one number, on the device).
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
) -> Result<Outcome, FineTuneError> {
    let siblings = [Sibling { blocks, protocol }];
    side_by_side(material, &siblings, seed, stop, watch, None).map(|mut ended| ended.remove(0).0)
}

/// As [`fine_tune`], for several siblings, step by step: images are augmented once and pass once through
/// the prefix that all siblings freeze. Each outcome equals that of the sibling alone, to the last bit.
/// Outcomes are in the order of the siblings, each with its network; networks share frozen tensors.
///
/// # Errors
/// As [`fine_tune`], for any of them.
///
/// # Panics
/// If there is no sibling, they are not of one family, or there are several and the frozen part of their
/// protocol is fixed.
pub fn fine_tune_siblings(
    material: &Material<'_>,
    siblings: &[Sibling<'_>],
    seed: Seed,
    stop: &AtomicBool,
) -> Result<Vec<(Outcome, Network)>, FineTuneError> {
    side_by_side(material, siblings, seed, stop, &mut |_, _| (), None)
}

/// As [`fine_tune_siblings`], with states that are kept after epochs: it resumes from those that
/// `keeper` has, and gives the bits of fine-tunes that were never interrupted.
///
/// # Errors
/// As [`fine_tune_siblings`].
///
/// # Panics
/// As [`fine_tune_siblings`].
pub fn fine_tune_kept(
    material: &Material<'_>,
    siblings: &[Sibling<'_>],
    seed: Seed,
    stop: &AtomicBool,
    keeper: &dyn Keeper,
) -> Result<Vec<(Outcome, Network)>, FineTuneError> {
    side_by_side(material, siblings, seed, stop, &mut |_, _| (), Some(keeper))
}

/// The state of a sibling in training.
struct Run<'a> {
    protocol: &'a Protocol,
    network: Network,
    sgd: Sgd,
    outcome: Outcome,
    /// Summed losses and correct predictions of this epoch; on the device until it ends.
    losses: Vec<Tensor>,
    correct: Vec<Tensor>,
    /// Mean losses of the first steps, on the device until the end.
    first_losses: Vec<Tensor>,
}

impl<'a> Run<'a> {
    /// Starts from a source; frozen tensors are shared with it.
    fn new(
        sibling: Sibling<'a>,
        source: &Weights,
        classes: u32,
        seed: Seed,
    ) -> Result<Self, FineTuneError> {
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
            adversarial: None,
        };
        let (losses, correct, first_losses) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { protocol, network, sgd, outcome, losses, correct, first_losses })
    }

    /// One step on the frozen part's output for a batch. Gives the mean loss before the step, on the device.
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

    /// The state after so many epochs, on the CPU.
    fn saved(&self, epochs: u32, seconds: f64) -> Saved {
        let first_losses = self.first_losses.iter().map(|loss| loss.double_value(&[])).collect();
        let outcome = Outcome { first_losses, ..self.outcome.clone() };
        let owned = |tensor: &Tensor| tensor.detach().to_device(Device::Cpu).copy();
        let named = self.named_state().into_iter();
        let tensors = named.map(|(name, tensor)| (name, owned(&tensor))).collect();
        Saved { epochs, seconds, outcome, tensors }
    }

    /// Everything that training changes, by name: parameters, velocities, and running statistics, also
    /// of frozen batch norms, which training may move.
    fn named_state(&self) -> Vec<(String, Tensor)> {
        let trained: Vec<(String, Tensor)> = self
            .network
            .trainable()
            .map(|(name, parameter)| (name.to_owned(), parameter.shallow_clone()))
            .collect();
        let names = trained.iter().map(|(name, _)| format!("velocity.{name}"));
        let velocities: Vec<(String, Tensor)> = names.zip(self.sgd.velocities()).collect();
        let buffers = self.network.weights().buffers().iter();
        let buffers = buffers.map(|(name, tensor)| (name.clone(), tensor.shallow_clone()));
        trained.into_iter().chain(velocities).chain(buffers).collect()
    }

    /// Whether a state has the tensors of this run.
    fn fits(&self, saved: &Saved) -> bool {
        let state = self.named_state();
        let has = |(name, tensor): &(String, Tensor)| {
            saved.tensors.get(name).is_some_and(|saved| saved.size() == tensor.size())
        };
        state.len() == saved.tensors.len() && state.iter().all(has)
    }

    /// Takes over a state that fits, in place: networks of siblings share what is frozen.
    fn resume(&mut self, saved: Saved) {
        no_grad::without(|| {
            for (name, mut tensor) in self.named_state() {
                let device = tensor.device();
                tensor.copy_(&saved.tensors[&name].to_device(device));
            }
        });
        let first_losses = saved.outcome.first_losses.iter();
        self.first_losses = first_losses.map(|loss| Tensor::from(*loss)).collect();
        self.outcome = saved.outcome;
    }

    /// Adds the evaluation at the end of an epoch over `images` images.
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
    keeper: Option<&dyn Keeper>,
) -> Result<Vec<(Outcome, Network)>, FineTuneError> {
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
    let (mut done, mut before) = (0, 0.0);
    if let Some(saved) = keeper.and_then(Keeper::load)
        && saved.len() == runs.len()
        && saved.iter().all(|saved| saved.epochs < protocol.epochs)
        && runs.iter().zip(&saved).all(|(run, saved)| run.fits(saved))
    {
        (done, before) = (saved[0].epochs, saved[0].seconds);
        runs.iter_mut().zip(saved).for_each(|(run, saved)| run.resume(saved));
    }
    let seconds = || before + clock.elapsed().as_secs_f64();
    let passes = Features::new(&networks(&runs), protocol, material);
    let images = train.len() as usize;
    let states =
        |runs: &[Run<'_>], done| runs.iter().map(|run| run.saved(done, seconds())).collect();
    let mut kept = done;
    for epoch in done..protocol.epochs {
        if stop.load(Ordering::Relaxed) {
            if let Some(keeper) = keeper.filter(|_| epoch > kept) {
                keeper.keep(states(&runs, epoch));
            }
            return Err(FineTuneError::Interrupted);
        }
        let mut generator = random::epoch_generator(seed, Purpose::Order, epoch);
        let order = random::permutation(images, &mut generator);
        let draws = {
            let mut generator = random::epoch_generator(seed, Purpose::Augmentation, epoch);
            protocol.augmentation.draw(images, &mut || rand::RngExt::random(&mut generator))
        };
        // The epoch's random draws are uploaded before its first step; no transfer or synchronisation
        // happens between steps.
        let draws: Vec<Draw> = order.iter().map(|&image| draws[image]).collect();
        let draws = Draws::new(&draws, [i64::from(protocol.side); 2], source.device());
        let order: Vec<i64> = order.iter().map(|&image| image as i64).collect();
        let mut order = Tensor::from_slice(&order);
        transfer::upload([&mut order], source.device());
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
                run.evaluated(tested, epoch + 1, images, seconds());
            }
        }
        if let Some(keeper) = keeper
            && keeper.is_due(epoch + 1, protocol.epochs, seconds())
        {
            keeper.keep(states(&runs, epoch + 1));
            kept = epoch + 1;
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
