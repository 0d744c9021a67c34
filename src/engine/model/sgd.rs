//! Stochastic gradient descent in PyTorch's form. When the learning rate drops is left to the
//! schedule.

use tch::Tensor;

use crate::engine::no_grad;

/// Gradient descent with momentum (dampening 0, not Nesterov's) and weight decay on all it trains,
/// biases and batch norms included, as in the paper's code. The learning rate multiplies the
/// velocity, not the gradient, so that a drop of it slows what is already moving.
///
/// It moves the parameters into one piece of memory, one after the other, so that a step is a handful of
/// operations however many there are: on small networks, and on a GPU, each operation costs more than
/// what it computes. What is computed is the same, element by element.
#[derive(Debug)]
pub struct Sgd {
    momentum: f64,
    weight_decay: f64,
    /// Shapes of the parameters, in their order.
    shapes: Vec<Vec<i64>>,
    /// All parameters' elements, in the order in which they lie in memory.
    values: Tensor,
    /// Their velocities.
    velocity: Tensor,
}

impl Sgd {
    /// The paper's momentum (the `robustness` library's default).
    pub const PAPER_MOMENTUM: f64 = 0.9;
    /// The paper's weight decay (the `robustness` library's default for CIFAR, used for every
    /// target).
    pub const PAPER_WEIGHT_DECAY: f64 = 5e-4;

    /// Begins at rest. The parameters are changed where they are from then on; whatever shared their
    /// memory before no longer does.
    ///
    /// # Panics
    /// If there is none, or they are of several kinds or devices.
    #[must_use]
    pub fn new<'a>(
        parameters: impl IntoIterator<Item = &'a Tensor>,
        momentum: f64,
        weight_decay: f64,
    ) -> Self {
        let parameters: Vec<&Tensor> = parameters.into_iter().collect();
        let shapes: Vec<Vec<i64>> = parameters.iter().map(|parameter| parameter.size()).collect();
        let values = no_grad::without(|| {
            let values: Vec<Tensor> = parameters.iter().map(|tensor| in_a_row(tensor)).collect();
            Tensor::cat(&values, 0)
        });
        for (parameter, placed) in parameters.into_iter().zip(parts(&values, &shapes)) {
            parameter.shallow_clone().set_data(&placed);
        }
        let velocity = values.zeros_like();
        Self { momentum, weight_decay, shapes, values, velocity }
    }

    /// The velocity of each parameter, in their order.
    #[must_use]
    pub(crate) fn velocities(&self) -> Vec<Tensor> {
        parts(&self.velocity, &self.shapes)
    }

    /// Takes velocities over, in the order of the parameters, in place of being at rest.
    ///
    /// # Panics
    /// If there is not one a parameter, of its shape.
    pub fn resume(&mut self, velocities: &[Tensor]) {
        assert_eq!(velocities.len(), self.shapes.len(), "one velocity a parameter");
        for (mut velocity, kept) in self.velocities().into_iter().zip(velocities) {
            velocity.copy_(&kept.to_device(velocity.device()));
        }
    }

    /// One step against the gradients, given in the order of the parameters.
    ///
    /// # Panics
    /// If there is not one gradient a parameter, of its shape.
    pub fn step(&mut self, gradients: &[Tensor], learning_rate: f64) {
        assert_eq!(gradients.len(), self.shapes.len(), "one gradient a parameter");
        no_grad::without(|| {
            let gradients: Vec<Tensor> = gradients.iter().map(in_a_row).collect();
            self.velocity *= self.momentum;
            self.velocity += Tensor::cat(&gradients, 0);
            self.velocity += &self.values * self.weight_decay;
            self.values -= &self.velocity * learning_rate;
        });
    }
}

/// A tensor's elements in the order in which parameters lie in memory: kernels channels last.
fn in_a_row(tensor: &Tensor) -> Tensor {
    match tensor.dim() {
        4 => tensor.permute([0, 2, 3, 1]).reshape([-1]),
        _ => tensor.reshape([-1]),
    }
}

/// Tensors of these shapes in a row of elements, which they share.
fn parts(row: &Tensor, shapes: &[Vec<i64>]) -> Vec<Tensor> {
    let mut start = 0;
    let part = |shape: &Vec<i64>| {
        let length = shape.iter().product();
        let part = row.narrow(0, start, length);
        start += length;
        match shape.as_slice() {
            [output, input, height, width] => {
                part.view([*output, *height, *width, *input]).permute([0, 3, 1, 2])
            }
            shape => part.view(shape),
        }
    };
    shapes.iter().map(part).collect()
}
