//! Estimates how long it still takes to make several zoos: the additions and multiplications that
//! remain, at the pace of those that this process has computed. Epochs that an earlier process left
//! in checkpoints count as neither.

use std::{collections::BTreeMap, time::Duration};

use crate::experiment::{Model, Pretraining};

/// The work of several zoos, which are made one after the other.
pub(super) struct Estimate {
    /// Training and test images of an epoch.
    images: [u64; 2],
    /// Operations that are neither computed nor known to be in checkpoints.
    remaining: f64,
    /// Operations that this process has computed.
    computed: f64,
    /// Epochs of each training of the current zoo that are computed or in its checkpoint.
    epochs: BTreeMap<String, u32>,
    /// The operations of these epochs.
    of_zoo: f64,
}

impl Estimate {
    /// Nothing is computed yet. `images`: training and test images of an epoch.
    pub fn new(zoos: &[&Pretraining], images: [u64; 2]) -> Self {
        let (remaining, computed, epochs, of_zoo) = (0.0, 0.0, BTreeMap::new(), 0.0);
        let mut new = Self { images, remaining, computed, epochs, of_zoo };
        new.remaining = zoos.iter().map(|zoo| new.operations(zoo)).sum();
        new
    }

    /// Records that a training of the current zoo has computed an epoch, counted from 1. Returns
    /// the seconds that all zoos still take, where this process has computed for `spent`. The
    /// name of a training begins with the role of its model.
    pub fn epoch(&mut self, zoo: &Pretraining, training: &str, epoch: u32, spent: Duration) -> f64 {
        let is_it = |model: &&Model| {
            let rest = training.strip_prefix(&model.role);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let model = zoo.models.iter().find(is_it);
        let of_epoch = model.map_or(0.0, |model| self.flops_of_epoch(zoo, model));
        let before = self.epochs.insert(training.to_owned(), epoch).unwrap_or(0);
        let more = f64::from(epoch.saturating_sub(before)) * of_epoch;
        self.computed += of_epoch;
        self.remaining -= more;
        self.of_zoo += more;
        spent.as_secs_f64() * self.remaining.max(0.0) / self.computed.max(f64::MIN_POSITIVE)
    }

    /// Records that the current zoo is complete: its epochs that this process did not compute were
    /// in checkpoints.
    pub fn complete(&mut self, zoo: &Pretraining) {
        self.remaining -= self.operations(zoo) - self.of_zoo;
        self.of_zoo = 0.0;
        self.epochs.clear();
    }

    fn operations(&self, zoo: &Pretraining) -> f64 {
        let epochs = f64::from(zoo.epochs);
        zoo.models.iter().map(|model| epochs * self.flops_of_epoch(zoo, model)).sum()
    }

    fn flops_of_epoch(&self, zoo: &Pretraining, model: &Model) -> f64 {
        let [train, test] = self.images;
        zoo.flops_of_epoch(model, train, test)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;

    #[test]
    fn the_remaining_time_is_estimated_from_what_this_process_computed() {
        let mut zoo = World::smoke().pretraining.unwrap();
        zoo.models.truncate(2);
        // In passes of an image, an epoch costs the natural model 3 and the attacked one 10, so
        // both zoos cost 156.
        let mut estimate = Estimate::new(&[&zoo, &zoo], [100, 0]);
        let mut after = |training, epoch, seconds| {
            estimate.epoch(&zoo, training, epoch, Duration::from_secs(seconds)).round()
        };
        assert_eq!(after("natural", 1, 3), 153.0);
        // Epochs 2 and 3 were in a checkpoint.
        assert_eq!(after("natural", 4, 6), 144.0);
        assert_eq!(after("l2_3-1.5", 1, 16), 134.0);
        // So was the remainder of this zoo.
        estimate.complete(&zoo);
        let left = estimate.epoch(&zoo, "natural", 1, Duration::from_secs(19));
        assert_eq!(left.round(), 75.0);
    }
}
