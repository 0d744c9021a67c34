//! One pass over a test set.

use tch::{Kind, Reduction, Tensor};

use crate::engine::{
    OnDevice,
    model::{Mode, Network},
    no_grad, transform,
};

/// The result of a test pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// Whether each image was classified correctly.
    pub correct: Vec<bool>,
    /// Mean cross-entropy in nats; not finite where the network has diverged.
    pub loss: f64,
}

impl Test {
    /// Accuracy in percent.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        let correct = self.correct.iter().filter(|correct| **correct).count();
        100.0 * correct as f64 / self.correct.len() as f64
    }
}

/// Evaluates a network, with its running statistics, on images at its input size.
#[must_use]
pub fn evaluate(network: &Network, images: &OnDevice) -> Test {
    let network = network.prepared(Mode::Evaluate);
    let logits =
        |pixels: &Tensor| vec![network.logits(&transform::to_unit(pixels), Mode::Evaluate)];
    evaluate_with(images, logits).remove(0)
}

/// Evaluates a function from pixels (or features in their place) to logits, one tensor for each
/// network: one test each.
pub(super) fn evaluate_with(
    images: &OnDevice,
    logits: impl Fn(&Tensor) -> Vec<Tensor>,
) -> Vec<Test> {
    no_grad::without(|| {
        let mut tests: Vec<(Vec<Tensor>, Vec<Tensor>)> = Vec::new();
        for part in images.parts(images.at_once()) {
            let logits = logits(&part.pixels);
            tests.resize_with(logits.len(), Default::default);
            for ((correct, losses), logits) in tests.iter_mut().zip(logits) {
                correct.push(logits.argmax(1, false).eq_tensor(&part.labels));
                losses.push(logits.cross_entropy_loss::<Tensor>(
                    &part.labels,
                    None,
                    Reduction::Sum,
                    -100,
                    0.0,
                ));
            }
        }
        let test = |(correct, losses): (Vec<Tensor>, Vec<Tensor>)| {
            let loss = Tensor::stack(&losses, 0).sum(Kind::Double).double_value(&[]);
            let correct = Vec::<bool>::try_from(Tensor::cat(&correct, 0)).expect("one dimension");
            Test { loss: loss / correct.len() as f64, correct }
        };
        tests.into_iter().map(test).collect()
    })
}
