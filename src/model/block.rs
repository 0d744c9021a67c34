//! Convolution with batch norm, and the residual block made of them.

use tch::Tensor;

use super::{Implementation, Mode, Weights, plan};

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
    implementation: Implementation,
}

impl Convolution {
    pub fn new(
        plan: &plan::Convolution,
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
        }
    }

    /// `[N,C,H,W]` to [N,C',H/stride,W/stride], rounded up. In train mode it moves the running
    /// statistics towards the batch's, with or without gradients.
    pub fn forward(&self, input: &Tensor, mode: Mode) -> Tensor {
        match (mode, self.implementation) {
            (Mode::Train, _) | (_, Implementation::Reference) => {
                self.convolve(input, &self.kernel, None).batch_norm(
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
            // The norm is then a line for each channel, which the kernel takes in.
            (Mode::Evaluate, Implementation::Fused(_)) => {
                let scale = &self.weight / (&self.running_var + EPSILON).sqrt();
                let bias = &self.bias - &self.running_mean * &scale;
                self.convolve(input, &(&self.kernel * scale.view([-1, 1, 1, 1])), Some(&bias))
            }
        }
    }

    fn convolve(&self, input: &Tensor, kernel: &Tensor, bias: Option<&Tensor>) -> Tensor {
        let (kind, brief) = match self.implementation {
            Implementation::Reference => (None, false),
            Implementation::Fused(precision) => (precision.kind(), true),
        };
        let cast = |tensor: &Tensor| match kind {
            Some(kind) => tensor.to_kind(kind),
            None => tensor.shallow_clone(),
        };
        let (input, kernel, bias) = (&cast(input), &cast(kernel), bias.map(cast));
        match (kernel.size().as_slice(), &input.size()[2..], self.stride) {
            ([.., 3, 3], [2, 2], 1) if brief => convolve_2x2(input, kernel, bias.as_ref()),
            _ => {
                input.conv2d(kernel, bias.as_ref(), [self.stride; 2], [self.padding; 2], [1, 1], 1)
            }
        }
    }
}

/// A padded 3 x 3 convolution of pictures of 2 x 2 pixels as one matrix product: each output pixel
/// sees all four input pixels, so that only zeros of the padding are left out. Four fifths of the
/// convolution's time on a core, with gradients (`benches/README.md`).
fn convolve_2x2(input: &Tensor, kernel: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let output = kernel.size()[0];
    let kernel = kernel.permute([0, 2, 3, 1]);
    // For output pixel (row, column), input pixel (0, 0) meets the tap at (1 - row, 1 - column).
    let taps = |row: i64, column: i64| kernel.narrow(1, 1 - row, 2).narrow(2, 1 - column, 2);
    let matrix = Tensor::cat(&[taps(0, 0), taps(0, 1), taps(1, 0), taps(1, 1)], 0).flatten(1, 3);
    let bias = bias.map(|bias| bias.repeat([4]));
    let pixels = input.permute([0, 2, 3, 1]).flatten(1, 3);
    pixels.linear(&matrix, bias).view([-1, 2, 2, output]).permute([0, 3, 1, 2])
}

/// A residual block: rectifiers between its convolutions, and after the sum with its input.
#[derive(Debug)]
pub(super) struct Residual {
    body: Vec<Convolution>,
    shortcut: Option<Convolution>,
}

impl Residual {
    pub fn new(plan: &plan::Residual, weights: &Weights, implementation: Implementation) -> Self {
        let convolution = |plan| Convolution::new(plan, weights, implementation);
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
