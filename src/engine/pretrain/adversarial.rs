//! Images as a threat makes them: a batch to be trained on, and the test images that a model's robust
//! accuracy is of.

use tch::{Kind, Tensor};

use super::Noise;
use crate::experiment::{Pretraining, Threat};
use crate::{
    engine::{
        OnDevice,
        attack::Attack,
        model::{Mode, Network},
        no_grad, transform,
    },
    experiment::{
        Constraint,
        random::{self, Purpose},
    },
};

/// A batch as the model is to see it in training.
pub(super) fn perturbed(
    pretraining: &Pretraining,
    threat: Threat,
    network: &Network,
    images: &Tensor,
    labels: &Tensor,
    noise: Option<Tensor>,
) -> Tensor {
    match (threat, noise) {
        (Threat::Attack { constraint, epsilon }, noise) => {
            let attack = Attack::conventional(constraint, epsilon, pretraining.attack_steps);
            // Through kernels that are made once for all of its steps.
            let network = network.prepared(Mode::Evaluate);
            let logits = |images: &Tensor| network.logits(images, Mode::Evaluate);
            attack.perturb(logits, images, labels, noise.as_ref()).images
        }
        (Threat::Noise { epsilon }, Some(noise)) => {
            let values = (images.numel() as f64) / images.size()[0] as f64;
            (images + noise * (epsilon / values.sqrt())).clamp(0.0, 1.0)
        }
        (Threat::None | Threat::Noise { .. }, _) => images.shallow_clone(),
    }
}

/// Accuracy in percent on the first test images, each attacked in the way that the zoo is measured
/// by, from a random start that the seed fixes; and how many these are.
#[must_use]
pub fn robust_accuracy(
    network: &Network,
    pretraining: &Pretraining,
    test: &OnDevice,
    constraint: Constraint,
    epsilon: f64,
) -> (f64, u32) {
    let attack = Attack::conventional(constraint, epsilon, pretraining.test_steps);
    let generator = random::generator(pretraining.seed, Purpose::Attack);
    let attacked = i64::from(pretraining.attack_images).min(test.len());
    // Parts that would go beyond are left out whole.
    let mut seen = 0;
    let parts = test.parts(i64::from(pretraining.batch)).take_while(|part| {
        seen += part.len();
        seen <= attacked
    });
    let parts: Vec<OnDevice> = parts.collect();
    let values: Vec<usize> = parts.iter().map(|part| part.pixels.numel()).collect();
    let noise = Noise::ahead(constraint, values, generator, test.labels.device());
    let (mut correct, mut seen) = (0, 0);
    let network = network.prepared(Mode::Evaluate);
    for part in parts {
        let images = transform::to_unit(&part.pixels);
        let noise = noise.like(&images);
        let logits = |images: &Tensor| network.logits(images, Mode::Evaluate);
        let found = attack.perturb(logits, &images, &part.labels, Some(&noise));
        let logits = no_grad::without(|| logits(&found.images));
        correct +=
            logits.argmax(1, false).eq_tensor(&part.labels).sum(Kind::Int64).int64_value(&[]);
        seen += part.len();
    }
    (100.0 * correct as f64 / seen.max(1) as f64, seen as u32)
}
