//! Brightness, contrast and saturation as PIL's `ImageEnhance` changes them: each blends the image
//! with a degenerate one (black, its mean grey, itself in grey) and cuts the result to bytes.
//!
//! In single precision, like PIL's `Blend.c`: whole numbers under 2^24 are exact, the two roundings
//! of a blend happen in the same places, and so the bytes are the same.

use tch::{Kind, Tensor};

use crate::engine::transfer;

use super::{assert_one_each, per_image};

/// What red, green and blue give to grey, in 1/65536 (ITU-R 601-2, as in PIL's `Convert.c`).
const GREY: [f32; 3] = [19_595.0, 38_470.0, 7_471.0];

/// What a jitter changes, in the order of [`Jitter::factors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Blends with black.
    Brightness,
    /// Blends with the image's mean grey.
    Contrast,
    /// Blends with the image in grey; leaves an image of one channel as it is.
    Saturation,
}

/// One image's change of colours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jitter {
    /// Factors of brightness, contrast and saturation: 0 is the degenerate image, 1 the image itself.
    pub factors: [f32; 3],
    /// Which is changed first, second and third.
    pub order: [Operation; 3],
}

impl Jitter {
    /// Leaves an image as it is.
    pub const NONE: Self = Self {
        factors: [1.0; 3],
        order: [Operation::Brightness, Operation::Contrast, Operation::Saturation],
    };
}

/// Changes each image's colours by its own factors in its own order (torchvision's `ColorJitter` on
/// PIL images, without hue). Bytes `[N,C,H,W]` to bytes.
///
/// # Panics
/// If there is not one jitter an image, or images have neither one nor three channels.
pub fn jitter(pixels: &Tensor, jitters: &[Jitter]) -> Tensor {
    assert_one_each(pixels, jitters.len());
    match Jitters::new(jitters) {
        Some(mut jitters) => {
            transfer::send(jitters.tensors(), pixels.device());
            jitters.apply(pixels)
        }
        None => pixels.shallow_clone(),
    }
}

/// Jitters, one an image.
#[derive(Debug)]
pub(super) struct Jitters {
    /// For what is done first, second and third.
    places: [Place; 3],
    /// The same of an image of one channel, which saturation leaves as it is.
    of_grey: [Place; 2],
    /// [`GREY`] by channel, `[1,3,1,1]`.
    weights: Tensor,
}

/// What each image does at one place of its order.
#[derive(Debug)]
struct Place {
    factor: Tensor,
    /// 1 where it is contrast, or saturation; else 0.
    contrast: Tensor,
    saturation: Tensor,
}

impl Jitters {
    /// `None` where every image stays as it is.
    pub fn new(jitters: &[Jitter]) -> Option<Self> {
        if jitters.iter().all(|jitter| jitter.factors == Jitter::NONE.factors) {
            return None;
        }
        let each = |value: &dyn Fn(&Jitter) -> f32| per_image(jitters.iter().map(value));
        let place = |done: &dyn Fn(&Jitter) -> Operation| {
            let does = |operation| each(&|jitter| f32::from(u8::from(done(jitter) == operation)));
            Place {
                factor: each(&|jitter| jitter.factors[done(jitter) as usize]),
                contrast: does(Operation::Contrast),
                saturation: does(Operation::Saturation),
            }
        };
        let of_grey = |place: usize| {
            move |jitter: &Jitter| {
                let mut order = jitter.order.into_iter();
                let mut seen = order.by_ref().filter(|done| *done != Operation::Saturation);
                seen.nth(place).unwrap_or(Operation::Saturation)
            }
        };
        Some(Self {
            places: [0, 1, 2].map(|at| place(&|jitter| jitter.order[at])),
            of_grey: [0, 1].map(|at| place(&of_grey(at))),
            weights: Tensor::from_slice(&GREY).view([1, 3, 1, 1]),
        })
    }

    /// All that goes where images are.
    pub fn tensors(&mut self) -> impl Iterator<Item = &mut Tensor> {
        let Self { places, of_grey, weights } = self;
        let places = places.iter_mut().chain(of_grey);
        places
            .flat_map(|Place { factor, contrast, saturation }| [factor, contrast, saturation])
            .chain([weights])
    }

    /// Those of some of the images, which follow each other.
    pub fn narrow(&self, start: i64, length: i64) -> Self {
        let narrow = |tensor: &Tensor| tensor.narrow(0, start, length);
        let place = |Place { factor, contrast, saturation }: &Place| Place {
            factor: narrow(factor),
            contrast: narrow(contrast),
            saturation: narrow(saturation),
        };
        let Self { places, of_grey, weights } = self;
        Self {
            places: places.each_ref().map(place),
            of_grey: of_grey.each_ref().map(place),
            weights: weights.shallow_clone(),
        }
    }

    pub fn apply(&self, pixels: &Tensor) -> Tensor {
        let mut values = pixels.to_kind(Kind::Float);
        let grey_already = values.size()[1] == 1;
        let places = if grey_already { &self.of_grey[..] } else { &self.places[..] };
        for Place { factor, contrast, saturation } in places {
            // One blend for all, whatever each image does here: only its degenerate image differs.
            let degenerate = if grey_already {
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

    /// An image of three channels in grey, `[N,1,H,W]`: 65,536ths are added up, then rounded; exact, for
    /// they are below 2^24.
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
    // In whole numbers: a GPU's division of floats by a plain number is not rounded once.
    (sum * 2 + count).divide_scalar_mode(2 * count, "floor").to_kind(Kind::Float)
}
