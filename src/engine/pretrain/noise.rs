//! Where the random starts of attacks come from: one number a value, drawn by a generator of ours ahead of
//! the steps that need them. A GPU that waited for its noise would wait longer than it computes; a fast one
//! takes less time for a step than one thread for its noise.

use std::{
    cell::Cell,
    sync::mpsc::{Receiver, sync_channel},
};

use rand_chacha::ChaCha8Rng;
use tch::{Device, Tensor};

use crate::{
    engine::{attack, transfer},
    experiment::Constraint,
};

/// Batches that a thread draws ahead.
const AHEAD: usize = 2;
/// Threads that draw where batches have generators of their own.
const SIDE_BY_SIDE: usize = 4;

/// Noise for one batch after the other: standard normal values for L2, uniform ones in [-1, 1] for
/// L-infinity. What is drawn is the same as if it were drawn when it is asked for. For a GPU it lies in
/// memory that one reads asynchronously.
#[derive(Debug)]
pub(super) struct Noise {
    /// One a thread; they draw batches alternately.
    threads: Vec<Receiver<Tensor>>,
    turn: Cell<usize>,
}

impl Noise {
    /// Begins to draw for batches of so many values each, all from one generator in their order.
    pub fn ahead(
        constraint: Constraint,
        batches: Vec<usize>,
        mut generator: ChaCha8Rng,
        device: Device,
    ) -> Self {
        let drawn =
            batches.into_iter().map(move |count| attack::noise(constraint, count, &mut generator));
        Self { threads: vec![thread(drawn, device)], turn: Cell::new(0) }
    }

    /// The same, each batch from a generator of its own, so that several threads draw.
    pub fn side_by_side(
        constraint: Constraint,
        batches: &[usize],
        generator: impl Fn(u32) -> ChaCha8Rng + Copy + Send + 'static,
        device: Device,
    ) -> Self {
        let threads = (0..SIDE_BY_SIDE).map(|first| {
            let batches = (0..).zip(batches.iter().copied());
            let own: Vec<(u32, usize)> = batches.skip(first).step_by(SIDE_BY_SIDE).collect();
            let drawn = own.into_iter();
            let drawn = drawn
                .map(move |(batch, count)| attack::noise(constraint, count, &mut generator(batch)));
            thread(drawn, device)
        });
        Self { threads: threads.collect(), turn: Cell::new(0) }
    }

    /// That of the next batch, of the images' shape and on their device.
    ///
    /// # Panics
    /// If there are no more batches, or this one has another number of values.
    pub fn like(&self, images: &Tensor) -> Tensor {
        let turn = self.turn.get();
        self.turn.set((turn + 1) % self.threads.len());
        let values = self.threads[turn].recv().expect("as many batches as were announced");
        transfer::from_pinned(&values, images.device()).view(images.size().as_slice())
    }
}

/// A thread that draws, and where it puts what it drew.
fn thread(
    batches: impl Iterator<Item = Vec<f32>> + Send + 'static,
    device: Device,
) -> Receiver<Tensor> {
    let (sender, receiver) = sync_channel(AHEAD);
    std::thread::spawn(move || {
        for drawn in batches {
            // Nobody listens where a training was stopped.
            if sender.send(transfer::pinned(&Tensor::from_slice(&drawn), device)).is_err() {
                break;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;
    use crate::experiment::{
        Seed,
        random::{self, Purpose},
    };

    #[test]
    fn batches_come_in_order_from_any_thread() {
        // More batches than threads draw at once, and not a multiple of them.
        let batches: Vec<usize> = (10..33).collect();
        let of = |batch| random::batch_generator(Seed(1), Purpose::Attack, 2, batch);
        let one = || random::epoch_generator(Seed(1), Purpose::Attack, 2);
        for constraint in [Constraint::L2, Constraint::Linf] {
            let alone = Noise::ahead(constraint, batches.clone(), one(), Device::Cpu);
            let several = Noise::side_by_side(constraint, &batches, of, Device::Cpu);
            let mut in_order = one();
            for (batch, count) in (0..).zip(&batches) {
                let images = Tensor::zeros([*count as i64], (Kind::Float, Device::Cpu));
                let next = |noise: &Noise| Vec::<f32>::try_from(noise.like(&images)).unwrap();
                assert_eq!(next(&alone), attack::noise(constraint, *count, &mut in_order));
                assert_eq!(
                    next(&several),
                    attack::noise(constraint, *count, &mut of(batch)),
                    "{batch}"
                );
            }
        }
    }
}
