//! Where a pretraining keeps its latest whole epoch: on disk now and then, since a large network's takes
//! as long as some steps do, and in memory between.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::checkpoint::{self, CheckpointError, TrainingState};
use crate::experiment::Architecture;

/// So much work may be lost where a process is killed, beside the epoch that it is in.
pub(super) const EVERY: Duration = Duration::from_secs(10);

/// Keeps the latest whole epoch of one training.
pub(super) struct Checkpointer<'a> {
    path: &'a Path,
    identity: String,
    every: Duration,
    written: Instant,
    unwritten: Option<TrainingState>,
}

impl<'a> Checkpointer<'a> {
    /// For the training of an identity, whose checkpoint is at a path. After writing, or from now on, it
    /// writes no more for `every`.
    pub fn new(path: &'a Path, identity: String, every: Duration) -> Self {
        Self { path, identity, every, written: Instant::now(), unwritten: None }
    }

    /// The checkpoint that is there, or `None` where there is none.
    pub fn read(
        &self,
        architecture: &Architecture,
    ) -> Result<Option<TrainingState>, CheckpointError> {
        checkpoint::read(self.path, &self.identity, architecture)
    }

    /// Takes an epoch, which shares nothing with what is trained on, in place of the one before.
    pub fn keep(&mut self, epoch: TrainingState) -> Result<(), CheckpointError> {
        self.unwritten = Some(epoch);
        if self.written.elapsed() < self.every { Ok(()) } else { self.write() }
    }

    /// Writes what is in memory alone.
    pub fn write(&mut self) -> Result<(), CheckpointError> {
        let Some(epoch) = self.unwritten.take() else { return Ok(()) };
        checkpoint::write(self.path, &self.identity, &epoch)?;
        self.written = Instant::now();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::*;
    use crate::{
        engine::model::Weights,
        experiment::{
            Epoch, Seed,
            random::{self, Purpose},
        },
        world::World,
    };

    fn epoch(epochs: u32) -> TrainingState {
        let architecture = World::smoke().architecture().clone();
        let shapes = architecture.parameter_shapes();
        let mut generator = random::generator(Seed(1), Purpose::Initialisation);
        let curve = (1..=epochs).map(|epoch| Epoch {
            epoch,
            train_loss: f64::NAN,
            test_loss: f64::INFINITY,
            test_accuracy: 10.0,
            seconds: 1.0,
            first_losses: vec![1.5, f64::NEG_INFINITY],
        });
        TrainingState {
            weights: Weights::initialise(architecture, &mut generator),
            velocities: shapes
                .iter()
                .map(|(_, shape)| Tensor::full(shape, -1.5, (Kind::Float, Device::Cpu)))
                .collect(),
            mean: None,
            curve: curve.collect(),
        }
    }

    #[test]
    fn an_epoch_is_written_after_the_interval_or_on_demand() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        let architecture = World::smoke().architecture().clone();
        let there = |keeper: &Checkpointer<'_>| {
            keeper.read(&architecture).unwrap().map_or(0, |kept| kept.curve.len())
        };
        let mut seldom = Checkpointer::new(&path, "a".to_owned(), Duration::from_secs(3600));
        seldom.keep(epoch(1)).unwrap();
        seldom.keep(epoch(2)).unwrap();
        assert_eq!(there(&seldom), 0);
        seldom.write().unwrap();
        assert_eq!(there(&seldom), 2);
        // Nothing new is nothing to write.
        std::fs::remove_file(&path).unwrap();
        seldom.write().unwrap();
        assert_eq!(there(&seldom), 0);
        let mut always = Checkpointer::new(&path, "a".to_owned(), Duration::ZERO);
        always.keep(epoch(3)).unwrap();
        assert_eq!(there(&always), 3);
    }

    #[test]
    fn a_checkpoint_is_read_back_to_the_last_bit_with_infinite_losses() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        let mut keeper = Checkpointer::new(&path, "a".to_owned(), Duration::ZERO);
        let kept = epoch(2);
        let (digest, curve) = (kept.weights.digest(), format!("{:?}", kept.curve));
        let velocities: Vec<Tensor> = kept.velocities.iter().map(Tensor::copy).collect();
        keeper.keep(kept).unwrap();
        let found = keeper.read(World::smoke().architecture()).unwrap().unwrap();
        assert_eq!(found.weights.digest(), digest);
        // By its text, in which a NaN is equal to itself.
        assert_eq!(format!("{:?}", found.curve), curve);
        assert!(found.mean.is_none());
        assert_eq!(found.velocities, velocities);
        let other = Checkpointer::new(&path, "b".to_owned(), Duration::ZERO);
        let error = other.read(World::smoke().architecture()).err().unwrap();
        assert!(matches!(error, CheckpointError::AnotherTraining { .. }), "{error}");
    }
}
