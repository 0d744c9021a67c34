//! A convolution's kernel, in the form that is fastest for images of a given size.

use tch::{Device, Tensor};

use super::Implementation;

/// A kernel, prepared for images of one size, with a bias for each channel.
#[derive(Debug)]
pub(super) struct Kernel {
    form: Form,
    weight: Tensor,
    bias: Option<Tensor>,
    stride: i64,
    padding: i64,
    implementation: Implementation,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    /// `[C',C,k,k]`, unchanged.
    Plain,
    /// `[2C',2C,3,2]`: a padded 3 x 3 kernel over pairs of neighbouring columns.
    Pairs,
    /// `[4C',4C]`: a padded 3 x 3 kernel over the pixels of a 2 x 2 image.
    Matrix,
}

impl Kernel {
    /// Prepares a kernel `[C',C,k,k]` and a bias `[C']` for images of the size and device of
    /// `input`.
    pub fn new(
        kernel: &Tensor,
        bias: Option<&Tensor>,
        stride: i64,
        padding: i64,
        implementation: Implementation,
        input: &Tensor,
    ) -> Self {
        let cast = |tensor: &Tensor| implementation.cast(tensor);
        let (kernel, bias) = (cast(kernel), bias.map(cast));
        let form = match (implementation, input.device()) {
            (Implementation::Fused(_), Device::Cpu) => Form::for_input(&kernel, stride, input),
            // On a GPU, cuDNN chooses the fastest algorithm itself.
            _ => Form::Plain,
        };
        let repeated = |times: i64| bias.as_ref().map(|bias| bias.repeat([times]));
        let (weight, bias) = match form {
            Form::Plain => (kernel, bias),
            Form::Pairs => (pair_kernel(&kernel), repeated(2)),
            Form::Matrix => (matrix_2x2(&kernel), repeated(4)),
        };
        Self { form, weight, bias, stride, padding, implementation }
    }

    /// `[N,C,H,W]` to `[N,C',H/stride,W/stride]`, rounded up.
    ///
    /// # Panics
    /// If it was prepared for images of another size.
    pub fn convolve(&self, input: &Tensor) -> Tensor {
        let Self { form, weight, bias, stride, padding, implementation } = self;
        let (input, bias) = (&implementation.cast(input), bias.as_ref());
        match form {
            Form::Plain => input.conv2d(weight, bias, [*stride; 2], [*padding; 2], [1, 1], 1),
            Form::Pairs => convolve_pairs(input, weight, bias),
            Form::Matrix => convolve_2x2(input, weight, bias),
        }
    }
}

/// Channels that fill half of an AVX-512 register in single precision.
const HALF_A_VECTOR: i64 = 8;

impl Form {
    fn for_input(kernel: &Tensor, stride: i64, input: &Tensor) -> Self {
        match (kernel.size().as_slice(), &input.size()[2..], stride) {
            ([.., 3, 3], [2, 2], 1) => Self::Matrix,
            // With gradients the rearrangement would have to be differentiated as well.
            ([(..=HALF_A_VECTOR), (..=HALF_A_VECTOR), 3, 3], [_, width], 1)
                if width % 2 == 0 && !(input.requires_grad() || kernel.requires_grad()) =>
            {
                Self::Pairs
            }
            _ => Self::Plain,
        }
    }
}

/// The matrix that computes a padded 3 x 3 convolution of 2 x 2 images as one matrix product. Each
/// output pixel sees all four input pixels, so that only products with the padding are left out. It
/// takes four fifths of the convolution's time on one core, with gradients (`benches/README.md`).
fn matrix_2x2(kernel: &Tensor) -> Tensor {
    // For output pixel (row, column), input pixel (0, 0) meets the tap at (1 - row, 1 - column).
    // The last output pixel is first, since gradients of a tap are summed in this order: another
    // order would round differently.
    const TAPS: [i64; 16] = [0, 1, 3, 4, 1, 2, 4, 5, 3, 4, 6, 7, 4, 5, 7, 8];
    const IN_ORDER: [i64; 4] = [3, 2, 1, 0];
    let (output, channels) = (kernel.size()[0], kernel.size()[1]);
    kernel
        .permute([0, 2, 3, 1])
        .reshape([output, 9, channels])
        .index_select(1, &Tensor::from_slice(&TAPS))
        .view([output, 4, 4, channels])
        .permute([1, 0, 2, 3])
        .index_select(0, &Tensor::from_slice(&IN_ORDER))
        .reshape([4 * output, 4 * channels])
}

fn convolve_2x2(input: &Tensor, matrix: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let pixels = input.permute([0, 2, 3, 1]).flatten(1, 3);
    let output = matrix.size()[0] / 4;
    pixels.linear(matrix, bias).view([-1, 2, 2, output]).permute([0, 3, 1, 2])
}

/// The kernel that computes a padded 3 x 3 convolution of few channels as a 3 x 2 convolution, with
/// each pair of neighbouring columns as twice as many channels. Few channels alone would leave half
/// of each vector register empty. A pair of output columns sees four input columns, which are two
/// pairs that begin one column early. This is a third more arithmetic, all of it zeros, in 86 % of
/// the time. Each output is summed in the same order, so that the bits are the same.
fn pair_kernel(kernel: &Tensor) -> Tensor {
    let (output, channels) = (kernel.size()[0], kernel.size()[1]);
    // Taps by row and column. Of the four input columns, the left output column uses the first
    // three and the right one the last three.
    let kernel = kernel.permute([0, 2, 3, 1]);
    let taps = [[0, 0, 0, 1], [0, 0, 1, 0]].map(|padding| kernel.constant_pad_nd(padding));
    let taps = Tensor::cat(&taps, 0).reshape([2 * output, 3, 2, 2 * channels]);
    taps.permute([0, 3, 1, 2])
}

fn convolve_pairs(input: &Tensor, kernel: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let (images, channels, height, width) = input.size4().expect("images have four dimensions");
    let pairs = input.permute([0, 2, 3, 1]).constant_pad_nd([0, 0, 1, 1]);
    let pairs = pairs.reshape([images, height, width / 2 + 1, 2 * channels]);
    pairs
        .permute([0, 3, 1, 2])
        .conv2d(kernel, bias, [1, 1], [1, 0], [1, 1], 1)
        .permute([0, 2, 3, 1])
        .reshape([images, height, width, kernel.size()[0] / 2])
        .permute([0, 3, 1, 2])
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;
    use crate::experiment::Precision;

    /// Test values, channels last, whose sums round differently in each order.
    fn numbers(shape: [i64; 4]) -> Tensor {
        let count = shape.iter().product::<i64>();
        let values = (Tensor::arange(count, (Kind::Float, Device::Cpu)) * 0.734_69).sin();
        let [first, channels, rows, columns] = shape;
        values.view([first, rows, columns, channels]).permute([0, 3, 1, 2])
    }

    #[test]
    fn every_form_of_a_kernel_computes_the_convolution() {
        for (images, channels, output, height, width, form) in [
            (3, 8, 8, 14, 14, "Pairs"),
            (2, 3, 5, 4, 6, "Pairs"),
            (2, 8, 8, 7, 7, "Plain"),
            (3, 9, 8, 14, 14, "Plain"),
            (5, 9, 4, 2, 2, "Matrix"),
        ] {
            let input = numbers([images, channels, height, width]);
            let (weight, bias) = (numbers([output, channels, 3, 3]), numbers([output, 1, 1, 1]));
            for bias in [None, Some(&bias.view([-1]))] {
                let expected = input.conv2d(&weight, bias, [1, 1], [1, 1], [1, 1], 1);
                let fused = Implementation::Fused(Precision::Fp32);
                let kernel = Kernel::new(&weight, bias, 1, 1, fused, &input);
                assert_eq!(format!("{:?}", kernel.form), form);
                let found = kernel.convolve(&input);
                assert_eq!(found.size(), expected.size());
                let error = (&found - &expected).abs().max().double_value(&[]);
                assert!(error < 1e-5, "{form}: {error}");
            }
        }
    }
}
