//! Stochastic gradient descent in PyTorch's form. The schedule sets the learning rate.

use tch::Tensor;

use crate::engine::no_grad;

/// Gradient descent with momentum (dampening 0, not Nesterov's) and weight decay on all trained
/// parameters, biases and batch norms included, as in the paper's code. The learning rate
/// multiplies the velocity, not the gradient, so that a drop of the rate takes effect at once.
///
/// The parameters are moved into one tensor, one after the other, so that a step is a few
/// operations, however many parameters there are. On small networks, and on a GPU, starting an
/// operation costs more than its arithmetic. The arithmetic is the same, element by element.
#[derive(Debug)]
pub struct Sgd {
    momentum: f64,
    weight_decay: f64,
    /// Shapes of the parameters, in their order.
    shapes: Vec<Vec<i64>>,
    /// The elements of all parameters, in their order in memory.
    values: Tensor,
    /// The velocity of each element.
    velocity: Tensor,
}

impl Sgd {
    /// The paper's momentum (the `robustness` library's default).
    pub const PAPER_MOMENTUM: f64 = 0.9;
    /// The paper's weight decay (the `robustness` library's default for CIFAR, used for every
    /// target).
    pub const PAPER_WEIGHT_DECAY: f64 = 5e-4;

    /// Starts with velocity 0. Steps change the parameters in place. Tensors that shared memory
    /// with a parameter before no longer do.
    ///
    /// # Panics
    /// If there are no parameters, or they have several kinds or devices.
    #[must_use]
    pub fn new<'a>(
        parameters: impl IntoIterator<Item = &'a Tensor>,
        momentum: f64,
        weight_decay: f64,
    ) -> Self {
        let parameters: Vec<&Tensor> = parameters.into_iter().collect();
        let shapes: Vec<Vec<i64>> = parameters.iter().map(|parameter| parameter.size()).collect();
        let values = no_grad::without(|| {
            let values: Vec<Tensor> = parameters.iter().map(|tensor| flat(tensor)).collect();
            Tensor::cat(&values, 0)
        });
        for (parameter, part) in parameters.into_iter().zip(parts(&values, &shapes)) {
            parameter.shallow_clone().set_data(&part);
        }
        let velocity = values.zeros_like();
        Self { momentum, weight_decay, shapes, values, velocity }
    }

    /// The velocity of each parameter, in the order of the parameters.
    #[must_use]
    pub(crate) fn velocities(&self) -> Vec<Tensor> {
        parts(&self.velocity, &self.shapes)
    }

    /// Resumes from saved velocities, in the order of the parameters.
    ///
    /// # Panics
    /// If there is not one velocity for each parameter, of its shape.
    pub fn resume(&mut self, velocities: &[Tensor]) {
        assert_eq!(velocities.len(), self.shapes.len(), "one velocity for each parameter");
        for (mut velocity, saved) in self.velocities().into_iter().zip(velocities) {
            velocity.copy_(&saved.to_device(velocity.device()));
        }
    }

    /// One step against the gradients, given in the order of the parameters.
    ///
    /// # Panics
    /// If there is not one gradient for each parameter, of its shape.
    pub fn step(&mut self, gradients: &[Tensor], learning_rate: f64) {
        assert_eq!(gradients.len(), self.shapes.len(), "one gradient for each parameter");
        no_grad::without(|| {
            let gradients: Vec<Tensor> = gradients.iter().map(flat).collect();
            self.velocity *= self.momentum;
            self.velocity += Tensor::cat(&gradients, 0);
            self.velocity += &self.values * self.weight_decay;
            self.values -= &self.velocity * learning_rate;
        });
    }
}

/// A tensor's elements in the order of parameters in memory: kernels are channels last.
fn flat(tensor: &Tensor) -> Tensor {
    match tensor.dim() {
        4 => tensor.permute([0, 2, 3, 1]).reshape([-1]),
        _ => tensor.reshape([-1]),
    }
}

/// Views of these shapes into a flat tensor.
fn parts(flat: &Tensor, shapes: &[Vec<i64>]) -> Vec<Tensor> {
    let mut start = 0;
    let part = |shape: &Vec<i64>| {
        let length = shape.iter().product();
        let part = flat.narrow(0, start, length);
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
