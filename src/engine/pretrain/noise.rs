//! Where the random starts of attacks come from: one number a value, drawn by a generator of ours ahead of
//! the steps that need them. A GPU that waited for its noise would wait longer than it computes; a fast one
//! takes less time for a step than one thread for its noise.

use std::{
    cell::{Cell, RefCell},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, sync_channel},
    },
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
pub(super) struct Noise {
    /// One a thread; they draw batches alternately.
    sources: Vec<Source>,
    turn: Cell<usize>,
}

/// The values of batches, in their order.
type Batches = Box<dyn Iterator<Item = Vec<f32>> + Send>;

/// Where batches come from.
enum Source {
    /// A thread that draws ahead.
    Ahead(Receiver<Tensor>),
    /// This thread, when they are asked for: the machine has no more threads.
    Now(RefCell<Batches>, Device),
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
        Self { sources: vec![Source::of(drawn, device, &start)], turn: Cell::new(0) }
    }

    /// The same, each batch from a generator of its own, so that several threads draw.
    pub fn side_by_side(
        constraint: Constraint,
        batches: &[usize],
        generator: impl Fn(u32) -> ChaCha8Rng + Copy + Send + 'static,
        device: Device,
    ) -> Self {
        let sources = (0..SIDE_BY_SIDE).map(|first| {
            let batches = (0..).zip(batches.iter().copied());
            let own: Vec<(u32, usize)> = batches.skip(first).step_by(SIDE_BY_SIDE).collect();
            let drawn = own.into_iter();
            let drawn = drawn
                .map(move |(batch, count)| attack::noise(constraint, count, &mut generator(batch)));
            Source::of(drawn, device, &start)
        });
        Self { sources: sources.collect(), turn: Cell::new(0) }
    }

    /// That of the next batch, of the images' shape and on their device.
    ///
    /// # Panics
    /// If there are no more batches, or this one has another number of values.
    pub fn like(&self, images: &Tensor) -> Tensor {
        let turn = self.turn.get();
        self.turn.set((turn + 1) % self.sources.len());
        let values = self.sources[turn].next().expect("as many batches as were announced");
        transfer::from_pinned(&values, images.device()).view(images.size().as_slice())
    }
}

impl Source {
    /// `start` starts a thread, unless the machine has none left.
    fn of(
        batches: impl Iterator<Item = Vec<f32>> + Send + 'static,
        device: Device,
        start: &dyn Fn(Box<dyn FnOnce() + Send>) -> bool,
    ) -> Self {
        let (sender, receiver) = sync_channel(AHEAD);
        let batches: Arc<Mutex<Option<Batches>>> = Arc::new(Mutex::new(Some(Box::new(batches))));
        let take = |from: &Mutex<Option<Batches>>| from.lock().expect("no panic holds it").take();
        let theirs = batches.clone();
        let draw = move || {
            for drawn in take(&theirs).into_iter().flatten() {
                // Nobody listens where a training was stopped.
                if sender.send(pinned(&drawn, device)).is_err() {
                    break;
                }
            }
        };
        if start(Box::new(draw)) {
            return Self::Ahead(receiver);
        }
        Self::Now(RefCell::new(take(&batches).expect("no thread took them")), device)
    }

    fn next(&self) -> Option<Tensor> {
        match self {
            Self::Ahead(receiver) => receiver.recv().ok(),
            Self::Now(batches, device) => {
                batches.borrow_mut().next().map(|drawn| pinned(&drawn, *device))
            }
        }
    }
}

fn start(work: Box<dyn FnOnce() + Send>) -> bool {
    std::thread::Builder::new().spawn(work).is_ok()
}

fn pinned(drawn: &[f32], device: Device) -> Tensor {
    transfer::pinned(&Tensor::from_slice(drawn), device)
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

    #[test]
    fn a_machine_without_threads_draws_the_same() {
        let drawn = || (0..9).map(|batch| vec![batch as f32; 4]);
        let all = |source: &Source| -> Vec<Vec<f32>> {
            let next = || source.next().map(|values| Vec::<f32>::try_from(values).unwrap());
            std::iter::from_fn(next).collect()
        };
        for start in [&start as &dyn Fn(Box<dyn FnOnce() + Send>) -> bool, &|_| false] {
            let source = Source::of(drawn(), Device::Cpu, start);
            assert_eq!(all(&source), drawn().collect::<Vec<_>>());
        }
    }
}
