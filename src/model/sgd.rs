//! Stochastic gradient descent in PyTorch's form. When the learning rate drops is left to the
//! schedule.

use tch::Tensor;

/// Gradient descent with momentum (dampening 0, not Nesterov's) and weight decay on all it trains,
/// biases and batch norms included, as in the paper's code. The learning rate multiplies the
/// velocity, not the gradient, so that a drop of it slows what is already moving.
#[derive(Debug)]
pub struct Sgd {
    momentum: f64,
    weight_decay: f64,
    /// Each parameter with its velocity.
    parameters: Vec<(Tensor, Tensor)>,
}

impl Sgd {
    /// The paper's momentum (the `robustness` library's default).
    pub const PAPER_MOMENTUM: f64 = 0.9;
    /// The paper's weight decay (the `robustness` library's default for CIFAR, used for every
    /// target).
    pub const PAPER_WEIGHT_DECAY: f64 = 5e-4;

    /// Begins at rest. The parameters are changed where they are.
    #[must_use]
    pub fn new<'a>(
        parameters: impl IntoIterator<Item = &'a Tensor>,
        momentum: f64,
        weight_decay: f64,
    ) -> Self {
        let at_rest =
            |parameter: &Tensor| (parameter.shallow_clone(), parameter.detach().zeros_like());
        let parameters = parameters.into_iter().map(at_rest).collect();
        Self { momentum, weight_decay, parameters }
    }

    /// The velocity of each parameter, in their order.
    #[must_use]
    pub fn velocities(&self) -> Vec<Tensor> {
        self.parameters.iter().map(|(_, velocity)| velocity.shallow_clone()).collect()
    }

    /// Takes velocities over, in the order of the parameters, in place of being at rest.
    ///
    /// # Panics
    /// If there is not one a parameter, of its shape.
    pub fn resume(&mut self, velocities: &[Tensor]) {
        assert_eq!(velocities.len(), self.parameters.len(), "one velocity a parameter");
        for ((_, velocity), kept) in self.parameters.iter_mut().zip(velocities) {
            velocity.copy_(&kept.to_device(velocity.device()));
        }
    }

    /// One step against the gradients, given in the order of the parameters.
    ///
    /// # Panics
    /// If there is not one gradient a parameter, of its shape.
    pub fn step(&mut self, gradients: &[Tensor], learning_rate: f64) {
        assert_eq!(gradients.len(), self.parameters.len(), "one gradient a parameter");
        tch::no_grad(|| {
            for ((parameter, velocity), gradient) in self.parameters.iter_mut().zip(gradients) {
                *velocity *= self.momentum;
                *velocity += gradient;
                *velocity += &*parameter * self.weight_decay;
                *parameter -= &*velocity * learning_rate;
            }
        });
    }
}
