//! Adversarial accuracy at the end of a fine-tune: its network in evaluation mode on the first test
//! images, each attacked from a random start. The starts come from a generator of their own, and
//! the attack changes no weight, so the fine-tune is the same with and without it.

use tch::Tensor;

use crate::{
    engine::{
        OnDevice,
        attack::{Attack, noise},
        model::{Mode, Network},
        transform,
    },
    experiment::{
        AdversarialTest, MeasuredAdversarial, Seed,
        random::{self, Purpose},
    },
};

/// Measures adversarial accuracy. `test` has the test set at the network's input size; `at_once`
/// images are attacked together, which takes the memory of a training step of as many.
#[must_use]
pub fn measure_adversarial(
    network: &Network,
    test: &OnDevice,
    how: AdversarialTest,
    at_once: u32,
    seed: Seed,
) -> MeasuredAdversarial {
    let AdversarialTest { constraint, epsilon, step, steps, images } = how;
    let attack = Attack { constraint, epsilon, step, steps, random_start: true, best: true };
    let mut generator = random::generator(seed, Purpose::AdversarialTest);
    // Kernels are made once for all steps; no gradient reaches a weight.
    let network = network.prepared(Mode::Evaluate);
    let logits = |images: &Tensor| network.logits(images, Mode::Evaluate);
    let mut correct = Vec::new();
    for part in test.first(images as usize).parts(at_once.into()) {
        let images = transform::to_unit(&part.pixels);
        let start = Tensor::from_slice(&noise(constraint, images.numel(), &mut generator));
        let start = start.to_device(images.device()).view(images.size().as_slice());
        let right = attack.withstood(logits, &images, &part.labels, Some(&start));
        correct.extend(Vec::<bool>::try_from(right).expect("one dimension"));
    }
    MeasuredAdversarial { test: how, correct }
}
