//! Source models of our own: one network trained on the source, naturally, against an attack, or on
//! noisy images. Which models a zoo has and how strong their attacks are is in [`zoo`], what is
//! written about each in [`Card`](crate::experiment::Card).

mod adversarial;
mod checkpoint;
mod checkpointer;
mod ema;
mod noise;
mod out_of_memory;
mod training;
pub mod zoo;

use std::path::Path;

use tch::Device;

pub use adversarial::robust_accuracy;
pub use checkpoint::{CheckpointError, read_weights, write_weights};
pub(in crate::engine) use checkpoint::{
    tensors as safetensors_tensors, to_bytes as safetensors_bytes,
};

use crate::{
    engine::{
        OnDevice,
        attack::Attack,
        model::{Implementation, Network},
        transform::{Draw, Draws},
    },
    experiment::{
        Augmentation, Constraint, ENGINE_VERSION, Epoch, Pretraining, Threat,
        random::{self, Purpose},
    },
};
use adversarial::perturbed;
use checkpointer::Checkpointer;
use noise::Noise;
use training::{Stopped, Training};

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
    pub(crate) fn conventional(constraint: Constraint, epsilon: f64, steps: u32) -> Self {
        let step = 2.5 * epsilon / f64::from(steps.max(1));
        Self { constraint, epsilon, step, steps, random_start: true, best: true }
    }
}

/// The source, at the network's input size.
#[derive(Debug)]
pub struct SourceImages<'a> {
    /// Training images.
    pub train: &'a OnDevice,
    /// Test images.
    pub test: &'a OnDevice,
}

/// The checkpoint file of a training, to resume from.
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint<'a> {
    /// The file.
    pub path: &'a Path,
    /// What the source's images are called by: a training on others is another training.
    pub source: &'a str,
}

/// Progress of a training.
#[derive(Clone, Copy, Debug)]
pub enum TrainingEvent<'a> {
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
        "interrupted while the models were measured; all of them are kept: run the same command again to \
         continue"
    )]
    Unmeasured,
    /// The same while another process made models in the same folder.
    #[error("stopped while another process made models in the same folder; nothing was done here")]
    Waited,
    /// libtorch failed, for example because it ran out of memory.
    #[error("failed to {what}: {said}")]
    #[diagnostic(help(
        "finished models are kept: run the same command again to continue with this one, on any device"
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
        0 => {
            "before the first epoch of a model was finished; run the same command again to continue"
                .to_owned()
        }
        _ => format!("after epoch {epochs}; run the same command again to continue"),
    }
}

/// Trains one model, or resumes from its checkpoint; reports every step and epoch to `progress`, and asks
/// `stop` at every step whether to stop.
///
/// # Errors
/// If it was stopped, or the checkpoint is of another training or can't be read or written.
pub fn train(
    pretraining: &Pretraining,
    threat: Threat,
    source: &SourceImages<'_>,
    checkpoint: Option<Checkpoint<'_>>,
    stop: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(TrainingEvent<'_>),
) -> Result<(Network, Vec<Epoch>), PretrainError> {
    let mut keeper = checkpoint.map(|Checkpoint { path, source }| {
        Checkpointer::new(path, identity(pretraining, threat, source), checkpointer::EVERY)
    });
    let kept = match &keeper {
        Some(keeper) => keeper.read(&pretraining.architecture)?,
        None => None,
    };
    let mut training = Training::begin(pretraining, threat, source, kept);
    while training.epochs() < pretraining.epochs {
        let epoch = training.epochs();
        let outcome = training.epoch(stop, progress);
        if let Some(keeper) = &mut keeper {
            match outcome {
                Ok(()) => keeper.keep(training.kept())?,
                Err(Stopped) => keeper.write()?,
            }
        }
        outcome.map_err(|Stopped| PretrainError::Interrupted { epoch })?;
    }
    if let Some(keeper) = &mut keeper {
        keeper.write()?;
    }
    Ok(training.finish())
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
    let short = Pretraining { epochs: 1, steps_share: None, ..pretraining.clone() };
    let source = SourceImages { train: first, test: first };
    let (_, curve) = train(&short, threat, &source, None, stop, &mut |_| ())?;
    Ok(curve.into_iter().flat_map(|epoch| epoch.first_losses).collect())
}

/// The identity that a checkpoint must have to be resumed from.
fn identity(pretraining: &Pretraining, threat: Threat, source: &str) -> String {
    let mut common = pretraining.clone();
    // Which other models the zoo has changes nothing about this one.
    common.models.clear();
    common.max_accuracy_drop = 0.0;
    serde_json::to_string(&(ENGINE_VERSION, common, threat, source)).expect("plain data")
}
