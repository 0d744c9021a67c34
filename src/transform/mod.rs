//! What happens to images before the network sees them: PIL's and torchvision's transforms as
//! batched tensor operations, so that bytes lie on the device once and nothing is decoded twice.
//!
//! Every transform takes bytes `[N,C,H,W]` (C is 1 or 3) on any device and gives bytes, equal bit for
//! bit to those that PIL gives image by image with the same parameters: what PIL does in integers is
//! done in integers or in floats that hold them exactly, and where it rounds, we round. Parameters
//! are data, drawn by [`Augmentation::draw`] from a generator of the caller's; nothing here draws.
//! Reading images is left to the `data` module, normalisation to the network.
//!
//! The paper's order in training (its code, `make_train_and_test_set`): [`resize`], [`place`] (crop
//! and flip), [`jitter`], [`rotate`], [`to_unit`]; in testing [`resize`] and [`to_unit`]. A recipe
//! that downscales calls [`downscale_then_upscale`] in place of [`resize`].

mod colour;
mod draw;
mod geometry;
mod resize;

use tch::{Kind, Tensor};

pub use colour::{Jitter, Operation, jitter};
pub use draw::{Augmentation, Draw};
pub use geometry::{Placement, place, rotate};
pub use resize::{downscale_then_upscale, resize, resize_bytes};

/// Places, jitters and turns each image by its own draw: bytes `[N,C,H,W]` to bytes `[N,C,H,W]`. Steps
/// that change no image of the batch are left out.
///
/// # Panics
/// If there is not one draw an image, or images have neither one nor three channels.
pub fn augment(pixels: &Tensor, draws: &[Draw]) -> Tensor {
    let placements: Vec<_> = draws.iter().map(|draw| draw.placement).collect();
    let jitters: Vec<_> = draws.iter().map(|draw| draw.jitter).collect();
    let degrees: Vec<_> = draws.iter().map(|draw| draw.degrees).collect();
    rotate(&jitter(&place(pixels, &placements), &jitters), &degrees)
}

/// Bytes to floats in [0, 1], as torchvision's `ToTensor`: a division by 255.
pub fn to_unit(pixels: &Tensor) -> Tensor {
    // By a tensor on the device: a GPU multiplies by the rounded reciprocal of a plain number.
    pixels.to_kind(Kind::Float) / Tensor::from(255.0_f32).to_device(pixels.device())
}

/// Parameters are matched with images by place, so there is one of each.
fn assert_one_each(pixels: &Tensor, parameters: usize) {
    assert_eq!(pixels.size()[0], parameters as i64, "as many images as parameters");
}

/// One number an image, shaped to be broadcast over its pixels: `[N,1,1,1]`.
fn per_image<T: tch::kind::Element>(values: &[T], pixels: &Tensor) -> Tensor {
    Tensor::from_slice(values).view([-1, 1, 1, 1]).to_device(pixels.device())
}
