//! What happens to images before the network sees them: PIL's and torchvision's transforms as
//! batched tensor operations, so that bytes lie on the device once and nothing is decoded twice.
//!
//! Every transform takes bytes `[N,C,H,W]` (C is 1 or 3) on any device and gives bytes, equal bit for
//! bit to those that PIL gives image by image with the same parameters: what PIL does in integers is
//! done in integers or in floats that hold them exactly, and where it rounds, we round. Parameters
//! are data, drawn by [`crate::experiment::Augmentation::draw`] from a generator of the caller's; nothing here draws.
//! Reading images is left to the `data` module, normalisation to the network.
//!
//! The paper's order in training (its code, `make_train_and_test_set`): [`resize`], [`place`] (crop
//! and flip), [`jitter`], [`rotate`], [`to_unit`]; in testing [`resize`] and [`to_unit`]. A recipe
//! that downscales calls [`downscale_then_upscale`] in place of [`resize`].

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
use geometry::{Placements, Turns};
pub use resize::{downscale_then_upscale, resize};

/// Draws on a device, one an image: brought there once for all batches of an epoch.
#[derive(Debug)]
pub struct Draws {
    placements: Option<Placements>,
    jitters: Option<Jitters>,
    turns: Option<Turns>,
}

impl Draws {
    /// For images of so many rows and columns. Steps that change no image are left out.
    #[must_use]
    pub fn new(draws: &[Draw], size: [i64; 2], device: Device) -> Self {
        let placements: Vec<_> = draws.iter().map(|draw| draw.placement).collect();
        let jitters: Vec<_> = draws.iter().map(|draw| draw.jitter).collect();
        let degrees: Vec<_> = draws.iter().map(|draw| draw.degrees).collect();
        let mut all = Self {
            placements: Placements::new(&placements),
            jitters: Jitters::new(&jitters),
            turns: Turns::new(&degrees, size),
        };
        let Self { placements, jitters, turns } = &mut all;
        let placements = placements.iter_mut().flat_map(Placements::tensors);
        let jitters = jitters.iter_mut().flat_map(Jitters::tensors);
        let turns = turns.iter_mut().flat_map(Turns::tensors);
        transfer::send(placements.chain(jitters).chain(turns), device);
        all
    }

    /// Those of `length` images from the one at `start` on.
    #[must_use]
    pub fn narrow(&self, start: i64, length: i64) -> Self {
        Self {
            placements: self.placements.as_ref().map(|all| all.narrow(start, length)),
            jitters: self.jitters.as_ref().map(|all| all.narrow(start, length)),
            turns: self.turns.as_ref().map(|all| all.narrow(start, length)),
        }
    }

    /// Places, jitters and turns each image by its own draw: bytes `[N,C,H,W]` to bytes `[N,C,H,W]`.
    ///
    /// # Panics
    /// If there is not one draw an image, or images have neither one nor three channels.
    pub fn apply(&self, pixels: &Tensor) -> Tensor {
        let mut pixels = pixels.shallow_clone();
        if let Some(placements) = &self.placements {
            pixels = placements.apply(&pixels);
        }
        if let Some(jitters) = &self.jitters {
            pixels = jitters.apply(&pixels);
        }
        if let Some(turns) = &self.turns {
            pixels = turns.apply(&pixels);
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
    // By a tensor: a GPU multiplies by the rounded reciprocal of a plain number. Made on the device, since a
    // number that is sent there is waited for.
    pixels.to_kind(Kind::Float) / Tensor::full([1_i64; 0], 255.0, (Kind::Float, pixels.device()))
}

/// Parameters are matched with images by place, so there is one of each.
fn assert_one_each(pixels: &Tensor, parameters: usize) {
    assert_eq!(pixels.size()[0], parameters as i64, "as many images as parameters");
}

/// One number an image, shaped to be broadcast over its pixels: `[N,1,1,1]`.
fn per_image<T: tch::kind::Element>(values: impl Iterator<Item = T>) -> Tensor {
    let values: Vec<T> = values.collect();
    Tensor::from_slice(&values).view([-1, 1, 1, 1])
}
