//! Convolution with batch norm, and the residual block made of them.

use std::cell::OnceCell;

use tch::Tensor;

use super::{Implementation, Mode, Weights, kernel::Kernel};
use crate::engine::no_grad;
use crate::experiment as layers;

/// Epsilon that batch norm adds to a variance (PyTorch's default).
const EPSILON: f64 = 1e-5;
/// Momentum of the running statistics (PyTorch's default).
const MOMENTUM: f64 = 0.1;

/// A convolution and its batch norm.
#[derive(Debug)]
pub(super) struct Convolution {
    kernel: Tensor,
    stride: i64,
    padding: i64,
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    implementation: Implementation,
    /// The kernel prepared for a mode, after its first use.
    prepared: Option<(Mode, OnceCell<Kernel>)>,
}

impl Convolution {
    pub fn new(
        plan: &layers::Convolution,
        weights: &Weights,
        implementation: Implementation,
    ) -> Self {
        let norm = |part: &str| weights.tensor(&format!("{}.{part}", plan.norm)).shallow_clone();
        Self {
            kernel: weights.tensor(&format!("{}.weight", plan.name)).shallow_clone(),
            stride: plan.stride,
            padding: plan.kernel / 2,
            weight: norm("weight"),
            bias: norm("bias"),
            running_mean: norm("running_mean"),
            running_var: norm("running_var"),
            implementation,
            prepared: None,
        }
    }

    /// A copy for use in one mode while no weight changes: its kernel is prepared once. Gradients
    /// reach images, but no weights.
    pub fn prepared(&self, mode: Mode) -> Self {
        Self {
            kernel: self.kernel.shallow_clone(),
            stride: self.stride,
            padding: self.padding,
            weight: self.weight.shallow_clone(),
            bias: self.bias.shallow_clone(),
            running_mean: self.running_mean.shallow_clone(),
            running_var: self.running_var.shallow_clone(),
            implementation: self.implementation,
            prepared: Some((mode, OnceCell::new())),
        }
    }

    /// `[N,C,H,W]` to `[N,C',H/stride,W/stride]`, rounded up. In train mode it moves the running
    /// statistics towards the batch's, with or without gradients.
    ///
    /// # Panics
    /// If it was prepared for another mode, or for images of another size.
    pub fn forward(&self, input: &Tensor, mode: Mode) -> Tensor {
        let convolved = match &self.prepared {
            None => self.kernel(input, mode).convolve(input),
            Some((of, kernel)) => {
                assert_eq!(*of, mode, "the convolution is prepared for one mode");
                let make = || no_grad::without(|| self.kernel(input, mode));
                kernel.get_or_init(make).convolve(input)
            }
        };
        if self.folds_norm(mode) {
            convolved
        } else {
            convolved.batch_norm(
                Some(&self.weight),
                Some(&self.bias),
                Some(&self.running_mean),
                Some(&self.running_var),
                mode == Mode::Train,
                MOMENTUM,
                EPSILON,
                true,
            )
        }
    }

    /// Whether the batch norm is folded into the kernel. With running statistics it is an affine
    /// map of each channel.
    fn folds_norm(&self, mode: Mode) -> bool {
        mode == Mode::Evaluate && matches!(self.implementation, Implementation::Fused(_))
    }

    fn kernel(&self, input: &Tensor, mode: Mode) -> Kernel {
        let new = |kernel: &Tensor, bias: Option<&Tensor>| {
            Kernel::new(kernel, bias, self.stride, self.padding, self.implementation, input)
        };
        if !self.folds_norm(mode) {
            return new(&self.kernel, None);
        }
        let scale = &self.weight / (&self.running_var + EPSILON).sqrt();
        let bias = &self.bias - &self.running_mean * &scale;
        new(&(&self.kernel * scale.view([-1, 1, 1, 1])), Some(&bias))
    }
}

/// A residual block: ReLUs between its convolutions, and after the sum with its input.
#[derive(Debug)]
pub(super) struct Residual {
    body: Vec<Convolution>,
    shortcut: Option<Convolution>,
}

impl Residual {
    pub fn new(plan: &layers::Residual, weights: &Weights, implementation: Implementation) -> Self {
        let convolution = |plan| Convolution::new(plan, weights, implementation);
        Self {
            body: plan.body.iter().map(convolution).collect(),
            shortcut: plan.shortcut.as_ref().map(convolution),
        }
    }

    /// As [`Convolution::prepared`].
    pub fn prepared(&self, mode: Mode) -> Self {
        let prepared = |convolution: &Convolution| convolution.prepared(mode);
        Self {
            body: self.body.iter().map(prepared).collect(),
            shortcut: self.shortcut.as_ref().map(prepared),
        }
    }

    pub fn forward(&self, input: &Tensor, mode: Mode) -> Tensor {
        let (last, rest) = self.body.split_last().expect("a block has two convolutions or three");
        let mut inner = input.shallow_clone();
        for convolution in rest {
            inner = convolution.forward(&inner, mode).relu_();
        }
        let mut sum = last.forward(&inner, mode);
        sum += match &self.shortcut {
            Some(shortcut) => shortcut.forward(input, mode),
            None => input.shallow_clone(),
        };
        sum.relu_()
    }
}
