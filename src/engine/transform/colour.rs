//! Brightness, contrast and saturation as in PIL's `ImageEnhance`: each blends the image with a
//! degenerate image (black, its mean grey, itself in grey) and clips the result to bytes.
//!
//! Computed in single precision, like PIL's `Blend.c`: whole numbers under 2^24 are exact, the two
//! roundings of a blend happen in the same places, and so the bytes are the same.

use tch::{Kind, Tensor};

use crate::engine::transfer;

use super::{assert_one_each, per_image};

/// Weights of red, green and blue in grey, in 1/65536 (ITU-R 601-2, as in PIL's `Convert.c`).
const GREY: [f32; 3] = [19_595.0, 38_470.0, 7_471.0];

/// A colour operation of a jitter, in the order of [`Jitter::factors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Blends with black.
    Brightness,
    /// Blends with the image's mean grey.
    Contrast,
    /// Blends with the image in grey; an image of one channel stays unchanged.
    Saturation,
}

/// One image's change of colours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jitter {
    /// Factors of brightness, contrast and saturation: 0 is the degenerate image, 1 the image
    /// itself.
    pub factors: [f32; 3],
    /// The first, second and third operation.
    pub order: [Operation; 3],
}

impl Jitter {
    /// Leaves an image unchanged.
    pub const NONE: Self = Self {
        factors: [1.0; 3],
        order: [Operation::Brightness, Operation::Contrast, Operation::Saturation],
    };
}

/// Changes each image's colours by its own factors in its own order (torchvision's `ColorJitter` on
/// PIL images, without hue). Bytes `[N,C,H,W]` to bytes.
///
/// # Panics
/// If there is not one jitter for each image, or images have neither one nor three channels.
pub fn jitter(pixels: &Tensor, jitters: &[Jitter]) -> Tensor {
    assert_one_each(pixels, jitters.len());
    match Jitters::new(jitters) {
        Some(mut jitters) => {
            transfer::upload(jitters.tensors(), pixels.device());
            jitters.apply(pixels)
        }
        None => pixels.shallow_clone(),
    }
}

/// Jitters, one for each image.
#[derive(Debug)]
pub(super) struct Jitters {
    /// The first, second and third operation.
    steps: [Step; 3],
    /// The same for images of one channel, which saturation leaves unchanged.
    grey_steps: [Step; 2],
    /// [`GREY`] by channel, `[1,3,1,1]`.
    weights: Tensor,
}

/// The operation of every image at one position in its order, each `[N,1,1,1]`.
#[derive(Debug)]
struct Step {
    factor: Tensor,
    /// 1 where the operation is contrast, else 0.
    contrast: Tensor,
    /// 1 where the operation is saturation, else 0.
    saturation: Tensor,
}

impl Jitters {
    /// `None` where every image stays unchanged.
    pub fn new(jitters: &[Jitter]) -> Option<Self> {
        if jitters.iter().all(|jitter| jitter.factors == Jitter::NONE.factors) {
            return None;
        }
        let each = |value: &dyn Fn(&Jitter) -> f32| per_image(jitters.iter().map(value));
        let step = |operation: &dyn Fn(&Jitter) -> Operation| {
            let is = |expected| each(&|jitter| f32::from(u8::from(operation(jitter) == expected)));
            Step {
                factor: each(&|jitter| jitter.factors[operation(jitter) as usize]),
                contrast: is(Operation::Contrast),
                saturation: is(Operation::Saturation),
            }
        };
        let grey_operation = |position: usize| {
            move |jitter: &Jitter| {
                let mut order = jitter.order.into_iter();
                let mut seen = order.by_ref().filter(|done| *done != Operation::Saturation);
                seen.nth(position).unwrap_or(Operation::Saturation)
            }
        };
        Some(Self {
            steps: [0, 1, 2].map(|position| step(&|jitter| jitter.order[position])),
            grey_steps: [0, 1].map(|position| step(&grey_operation(position))),
            weights: Tensor::from_slice(&GREY).view([1, 3, 1, 1]),
        })
    }

    /// All tensors, which must be on the images' device.
    pub fn tensors(&mut self) -> impl Iterator<Item = &mut Tensor> {
        let Self { steps, grey_steps, weights } = self;
        let steps = steps.iter_mut().chain(grey_steps);
        steps
            .flat_map(|Step { factor, contrast, saturation }| [factor, contrast, saturation])
            .chain([weights])
    }

    /// The jitters of `length` images from the one at `start` on.
    pub fn narrow(&self, start: i64, length: i64) -> Self {
        let narrow = |tensor: &Tensor| tensor.narrow(0, start, length);
        let step = |Step { factor, contrast, saturation }: &Step| Step {
            factor: narrow(factor),
            contrast: narrow(contrast),
            saturation: narrow(saturation),
        };
        let Self { steps, grey_steps, weights } = self;
        Self {
            steps: steps.each_ref().map(step),
            grey_steps: grey_steps.each_ref().map(step),
            weights: weights.shallow_clone(),
        }
    }

    pub fn apply(&self, pixels: &Tensor) -> Tensor {
        let mut values = pixels.to_kind(Kind::Float);
        let is_grey = values.size()[1] == 1;
        let steps = if is_grey { &self.grey_steps[..] } else { &self.steps[..] };
        for Step { factor, contrast, saturation } in steps {
            // One blend for all images: only the degenerate image depends on the operation.
            let degenerate = if is_grey {
                mean(&values) * contrast
            } else {
                let grey = self.grey(&values);
                mean(&grey) * contrast + grey * saturation
            };
            values -= &degenerate;
            values *= factor;
            values += &degenerate;
            let _ = values.floor_().clamp_(0.0, 255.0);
        }
        values.to_kind(Kind::Uint8)
    }

    /// Images of three channels in grey, `[N,1,H,W]`: a sum in 1/65536, then rounded. The sum is
    /// exact, since it is below 2^24.
    fn grey(&self, values: &Tensor) -> Tensor {
        let channels = values.size()[1];
        assert_eq!(channels, 3, "images have one channel or three, not {channels}");
        let sum = (values * &self.weights).sum_dim_intlist(1, true, Kind::Float);
        ((sum + 32_768.0) / 65_536.0).floor()
    }
}

/// The mean of a grey image, rounded half up to a whole number: `[N,1,1,1]`.
fn mean(grey: &Tensor) -> Tensor {
    let shape = grey.size();
    let count = shape[2] * shape[3];
    let sum = grey.sum_dim_intlist([2, 3].as_slice(), true, Kind::Double).to_kind(Kind::Int64);
    // In whole numbers: a GPU divides floats by a scalar with more than one rounding.
    (sum * 2 + count).divide_scalar_mode(2 * count, "floor").to_kind(Kind::Float)
}
