//! Convolution with batch norm, and the residual block made of them.

use tch::Tensor;

use super::{Mode, Weights, plan};

/// What batch norm adds to a variance (PyTorch's default).
const EPSILON: f64 = 1e-5;
/// The share of a batch in the running statistics after it (PyTorch's default).
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
}

impl Convolution {
    pub fn new(plan: &plan::Convolution, weights: &Weights) -> Self {
        let norm = |part: &str| weights.tensor(&format!("{}.{part}", plan.norm)).shallow_clone();
        Self {
            kernel: weights.tensor(&format!("{}.weight", plan.name)).shallow_clone(),
            stride: plan.stride,
            padding: plan.kernel / 2,
            weight: norm("weight"),
            bias: norm("bias"),
            running_mean: norm("running_mean"),
            running_var: norm("running_var"),
        }
    }

    /// `[N,C,H,W]` to [N,C',H/stride,W/stride], rounded up. In train mode it moves the running
    /// statistics towards the batch's, with or without gradients.
    pub fn forward(&self, input: &Tensor, mode: Mode) -> Tensor {
        let (stride, padding) = ([self.stride; 2], [self.padding; 2]);
        input.conv2d(&self.kernel, None::<&Tensor>, stride, padding, [1, 1], 1).batch_norm(
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

/// A residual block: rectifiers between its convolutions, and after the sum with its input.
#[derive(Debug)]
pub(super) struct Residual {
    body: Vec<Convolution>,
    shortcut: Option<Convolution>,
}

impl Residual {
    pub fn new(plan: &plan::Residual, weights: &Weights) -> Self {
        let convolution = |plan| Convolution::new(plan, weights);
        Self {
            body: plan.body.iter().map(convolution).collect(),
            shortcut: plan.shortcut.as_ref().map(convolution),
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
