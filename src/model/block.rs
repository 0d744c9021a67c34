//! Convolution with batch norm, and the residual block made of them.

use tch::{Device, Tensor};

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
            // With gradients it would have to be undone, and taken back through.
            ([..=HALF_A_VECTOR, ..=HALF_A_VECTOR, 3, 3], [_, width], 1)
                if brief
                    && width % 2 == 0
                    && input.device() == Device::Cpu
                    && !(input.requires_grad() || kernel.requires_grad()) =>
            {
                convolve_pairs(input, kernel, bias.as_ref())
            }
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
    // For output pixel (row, column), input pixel (0, 0) meets the tap at (1 - row, 1 - column). The last
    // output pixel comes first, since gradients of a tap are added up in this order: another would
    // round otherwise.
    const TAPS: [i64; 16] = [0, 1, 3, 4, 1, 2, 4, 5, 3, 4, 6, 7, 4, 5, 7, 8];
    const IN_ORDER: [i64; 4] = [3, 2, 1, 0];
    let (output, channels) = (kernel.size()[0], kernel.size()[1]);
    let device = kernel.device();
    let indices = |indices: &[i64]| Tensor::from_slice(indices).to_device(device);
    let matrix = kernel
        .permute([0, 2, 3, 1])
        .reshape([output, 9, channels])
        .index_select(1, &indices(&TAPS))
        .view([output, 4, 4, channels])
        .permute([1, 0, 2, 3])
        .index_select(0, &indices(&IN_ORDER))
        .reshape([4 * output, 4 * channels]);
    let bias = bias.map(|bias| bias.repeat([4]));
    let pixels = input.permute([0, 2, 3, 1]).flatten(1, 3);
    pixels.linear(&matrix, bias).view([-1, 2, 2, output]).permute([0, 3, 1, 2])
}

/// Channels that fill half of a vector of a processor with AVX-512.
const HALF_A_VECTOR: i64 = 8;

/// A padded 3 x 3 convolution of so few channels that they leave half of each vector empty, as a 3 x 2 one
/// of neighbouring columns as twice as many channels: a pair of output columns sees four input columns,
/// which are two pairs if these begin one column early. A third more arithmetic, zeros, in 86 % of the
/// time; and every output is summed in the same order, so that bits are the same.
fn convolve_pairs(input: &Tensor, kernel: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let (images, channels, height, width) = input.size4().expect("images have four dimensions");
    let output = kernel.size()[0];
    // Taps by row and column; of four columns the left output meets the first three, the right one the
    // last.
    let kernel = kernel.permute([0, 2, 3, 1]);
    let taps = [[0, 0, 0, 1], [0, 0, 1, 0]].map(|beside| kernel.constant_pad_nd(beside));
    let kernel = Tensor::cat(&taps, 0).reshape([2 * output, 3, 2, 2 * channels]);
    let pairs = input.permute([0, 2, 3, 1]).constant_pad_nd([0, 0, 1, 1]);
    let pairs = pairs.reshape([images, height, width / 2 + 1, 2 * channels]);
    let bias = bias.map(|bias| bias.repeat([2]));
    pairs
        .permute([0, 3, 1, 2])
        .conv2d(&kernel.permute([0, 3, 1, 2]), bias.as_ref(), [1, 1], [1, 0], [1, 1], 1)
        .permute([0, 2, 3, 1])
        .reshape([images, height, width, output])
        .permute([0, 3, 1, 2])
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

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;

    /// Numbers of a shape, channels last, that no two orders of summing round alike.
    fn numbers(shape: [i64; 4]) -> Tensor {
        let count = shape.iter().product::<i64>();
        let values = (Tensor::arange(count, (Kind::Float, Device::Cpu)) * 0.734_69).sin();
        let [first, channels, rows, columns] = shape;
        values.view([first, rows, columns, channels]).permute([0, 3, 1, 2])
    }

    #[test]
    fn a_convolution_of_pairs_of_columns_is_the_convolution() {
        for (images, channels, output, height, width) in [(3, 8, 8, 14, 14), (2, 3, 5, 4, 6)] {
            let input = numbers([images, channels, height, width]);
            let (kernel, bias) = (numbers([output, channels, 3, 3]), numbers([output, 1, 1, 1]));
            for bias in [None, Some(&bias.view([-1]))] {
                let expected = input.conv2d(&kernel, bias, [1, 1], [1, 1], [1, 1], 1);
                let found = convolve_pairs(&input, &kernel, bias);
                assert_eq!(found.size(), expected.size());
                let off = (&found - &expected).abs().max().double_value(&[]);
                assert!(off < 1e-5, "{off}");
            }
        }
    }
}
