//! Where the random starts of attacks come from: one number a value, drawn in their order by a
//! generator of ours, ahead of the steps that need them. A GPU takes less time for a step than one
//! thread for its noise, if it must wait for it.

use std::sync::mpsc::{Receiver, sync_channel};

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal, Uniform};
use tch::{Device, Tensor};

use crate::{attack::Constraint, bus};

/// Batches that are drawn ahead.
const AHEAD: usize = 2;

/// Noise for one batch after the other.
#[derive(Debug)]
pub(super) struct Noise(Receiver<Tensor>);

impl Noise {
    /// Begins to draw for batches of so many values each: standard normal ones for L2, uniform ones in
    /// [-1, 1] for L-infinity. What is drawn is the same as if it were drawn when it is asked for. For a GPU
    /// it lies in memory that one reads while everything else goes on.
    pub fn ahead(
        constraint: Constraint,
        batches: impl Iterator<Item = usize> + Send + 'static,
        mut generator: ChaCha8Rng,
        device: Device,
    ) -> Self {
        let (sender, receiver) = sync_channel(AHEAD);
        std::thread::spawn(move || {
            for count in batches {
                let drawn = Tensor::from_slice(&draw(constraint, count, &mut generator));
                // Nobody listens where a training was stopped.
                if sender.send(bus::pinned(&drawn, device)).is_err() {
                    break;
                }
            }
        });
        Self(receiver)
    }

    /// That of the next batch, of the images' shape and on their device.
    ///
    /// # Panics
    /// If there are no more batches, or this one has another number of values.
    pub fn like(&self, images: &Tensor) -> Tensor {
        let values = self.0.recv().expect("as many batches as were announced");
        bus::fetched(&values, images.device()).view(images.size().as_slice())
    }
}

fn draw(constraint: Constraint, count: usize, generator: &mut ChaCha8Rng) -> Vec<f32> {
    match constraint {
        Constraint::L2 => StandardNormal.sample_iter(generator).take(count).collect(),
        Constraint::Linf => {
            let uniform = Uniform::new_inclusive(-1.0, 1.0).expect("finite bounds");
            uniform.sample_iter(generator).take(count).collect()
        }
    }
}
