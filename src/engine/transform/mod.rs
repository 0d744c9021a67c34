//! Image transforms before the network: PIL's and torchvision's as batched tensor operations, so
//! that a data set's bytes are uploaded to the device once and decoded once.
//!
//! Every transform takes bytes `[N,C,H,W]` (C is 1 or 3) on any device and returns bytes. They are
//! equal bit for bit to PIL's, image by image, with the same parameters: PIL's integer arithmetic
//! is done in integers, or in floats that hold them exactly, with the same roundings. Parameters
//! are data, which [`Augmentation::draw`](crate::experiment::Augmentation::draw) draws from the
//! caller's generator. The `data` module reads images, and the network normalises them.
//!
//! The paper's order in training (its code, `make_train_and_test_set`) is [`resize`], [`place`]
//! (crop and flip), [`jitter`], [`rotate`], [`to_unit`]; in testing [`resize`] and [`to_unit`]. A
//! recipe that downscales calls [`downscale_then_upscale`] instead of [`resize`].

mod colour;
mod draw;
mod geometry;
mod resize;

use tch::{Device, Kind, Tensor};

use crate::engine::transfer;
use colour::Jitters;
pub use colour::{Jitter, Operation, jitter};
pub use draw::Draw;
pub use geometry::{Placement, place, rotate};
use geometry::{Placements, Rotations};
pub use resize::{downscale_then_upscale, resize};

/// Random draws on a device, one for each image: uploaded once for all batches of an epoch.
#[derive(Debug)]
pub struct Draws {
    placements: Option<Placements>,
    jitters: Option<Jitters>,
    rotations: Option<Rotations>,
}

impl Draws {
    /// For images of `size` rows and columns. Steps that change no image are left out.
    #[must_use]
    pub fn new(draws: &[Draw], size: [i64; 2], device: Device) -> Self {
        let placements: Vec<_> = draws.iter().map(|draw| draw.placement).collect();
        let jitters: Vec<_> = draws.iter().map(|draw| draw.jitter).collect();
        let degrees: Vec<_> = draws.iter().map(|draw| draw.degrees).collect();
        let mut all = Self {
            placements: Placements::new(&placements),
            jitters: Jitters::new(&jitters),
            rotations: Rotations::new(&degrees, size),
        };
        let Self { placements, jitters, rotations } = &mut all;
        let placements = placements.iter_mut().flat_map(Placements::tensors);
        let jitters = jitters.iter_mut().flat_map(Jitters::tensors);
        let rotations = rotations.iter_mut().flat_map(Rotations::tensors);
        transfer::upload(placements.chain(jitters).chain(rotations), device);
        all
    }

    /// The draws of `length` images from the one at `start` on.
    #[must_use]
    pub fn narrow(&self, start: i64, length: i64) -> Self {
        Self {
            placements: self.placements.as_ref().map(|all| all.narrow(start, length)),
            jitters: self.jitters.as_ref().map(|all| all.narrow(start, length)),
            rotations: self.rotations.as_ref().map(|all| all.narrow(start, length)),
        }
    }

    /// Places, jitters and rotates each image by its own draw: bytes `[N,C,H,W]` to bytes of the
    /// same shape.
    ///
    /// # Panics
    /// If there is not one draw for each image, or images have neither one nor three channels.
    pub fn apply(&self, pixels: &Tensor) -> Tensor {
        let mut pixels = pixels.shallow_clone();
        if let Some(placements) = &self.placements {
            pixels = placements.apply(&pixels);
        }
        if let Some(jitters) = &self.jitters {
            pixels = jitters.apply(&pixels);
        }
        if let Some(rotations) = &self.rotations {
            pixels = rotations.apply(&pixels);
        }
        pixels
    }
}

/// [`Draws::apply`] for one batch.
///
/// # Panics
/// As [`Draws::apply`].
pub fn augment(pixels: &Tensor, draws: &[Draw]) -> Tensor {
    assert_one_each(pixels, draws.len());
    let (_, _, height, width) = pixels.size4().expect("images have four dimensions");
    Draws::new(draws, [height, width], pixels.device()).apply(pixels)
}

/// Bytes to floats in [0, 1], as torchvision's `ToTensor`: a division by 255.
pub fn to_unit(pixels: &Tensor) -> Tensor {
    // By a tensor: a GPU would multiply by the rounded reciprocal of a scalar. The tensor is made
    // on the device, since its upload would block.
    pixels.to_kind(Kind::Float) / Tensor::full([1_i64; 0], 255.0, (Kind::Float, pixels.device()))
}

/// Checks that there is one parameter for each image, since both are matched by index.
fn assert_one_each(pixels: &Tensor, parameters: usize) {
    assert_eq!(pixels.size()[0], parameters as i64, "as many images as parameters");
}

/// One number for each image, shaped to be broadcast over its pixels: `[N,1,1,1]`.
fn per_image<T: tch::kind::Element>(values: impl Iterator<Item = T>) -> Tensor {
    let values: Vec<T> = values.collect();
    Tensor::from_slice(&values).view([-1, 1, 1, 1])
}
