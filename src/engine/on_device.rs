//! Labelled images as bytes on a device: copied once, then selected and resized there.

use tch::{Device, Tensor};

use crate::data::Dataset;
use crate::{engine::transform, experiment::Resolution};

/// Upper limit of the images in one pass without training: enough to hide the cost of kernel launches.
const AT_ONCE: i64 = 500;
/// Upper limit of their pixels on a CPU: a layer's output stays in the processor's cache.
const PIXELS_AT_ONCE: i64 = AT_ONCE * 28 * 28;
/// Upper limit of their pixels on a GPU: those of the paper's batch, so that a test fits where a step fits.
const PIXELS_AT_ONCE_ON_A_GPU: i64 = 128 * 224 * 224;

/// Images and labels on a device.
#[derive(Debug)]
pub struct OnDevice {
    /// Bytes, N x C x H x W.
    pub pixels: Tensor,
    /// Labels counted from 0, N.
    pub labels: Tensor,
}

impl OnDevice {
    /// Copies images and labels to a device.
    #[must_use]
    pub fn new(dataset: &Dataset, device: Device) -> Self {
        let (channels, height, width) = dataset.shape();
        let shape = [dataset.len(), channels, height, width].map(|size| size as i64);
        let labels: Vec<i64> = dataset.labels().iter().copied().map(i64::from).collect();
        Self {
            pixels: Tensor::from_slice(dataset.pixels()).view(shape).to_device(device),
            labels: Tensor::from_slice(&labels).to_device(device),
        }
    }

    /// The number of images.
    #[must_use]
    pub fn len(&self) -> i64 {
        self.labels.size()[0]
    }

    /// Whether there are no images.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The images of these indices, in this order.
    ///
    /// # Panics
    /// If an index is out of range.
    #[must_use]
    pub fn select(&self, images: &[usize]) -> Self {
        let images: Vec<i64> = images.iter().map(|&image| image as i64).collect();
        self.selected(&Tensor::from_slice(&images).to_device(self.pixels.device()))
    }

    /// The images of a tensor of indices on the same device.
    ///
    /// # Panics
    /// If an index is out of range.
    #[must_use]
    pub(crate) fn selected(&self, images: &Tensor) -> Self {
        Self {
            pixels: self.pixels.index_select(0, images),
            labels: self.labels.index_select(0, images),
        }
    }

    /// The first `images` images, or all if there are fewer.
    #[must_use]
    pub fn first(&self, images: usize) -> Self {
        let images = (images as i64).min(self.len());
        Self { pixels: self.pixels.narrow(0, 0, images), labels: self.labels.narrow(0, 0, images) }
    }

    /// All images in order, `size` at a time; the last part may be smaller.
    pub fn parts(&self, size: i64) -> impl Iterator<Item = Self> {
        (0..self.len()).step_by(size as usize).map(move |start| {
            let length = size.min(self.len() - start);
            Self {
                pixels: self.pixels.narrow(0, start, length),
                labels: self.labels.narrow(0, start, length),
            }
        })
    }

    /// The number of these images in one pass without training: fewer the larger they are.
    /// (ResNet-50 at 224 pixels, one thread: 8 at once take four fifths of the time that 128 do, and a third
    /// of the memory.)
    #[must_use]
    pub fn at_once(&self) -> i64 {
        match self.pixels.size().as_slice() {
            [_, _, height, width] => at_once(self.pixels.device(), height * width),
            _ => AT_ONCE,
        }
    }

    /// The same labels with pixels replaced by a function of them, computed part by part.
    #[must_use]
    pub(crate) fn mapped(&self, of: impl Fn(&Tensor) -> Tensor) -> Self {
        let parts: Vec<Tensor> = self.parts(self.at_once()).map(|part| of(&part.pixels)).collect();
        Self { pixels: Tensor::cat(&parts, 0), labels: self.labels.shallow_clone() }
    }

    /// The same tensors, not copied.
    #[must_use]
    pub fn shallow_clone(&self) -> Self {
        Self { pixels: self.pixels.shallow_clone(), labels: self.labels.shallow_clone() }
    }

    /// The images resized to a resolution, then to the network's input of `side` x `side` pixels. As in
    /// the paper's code this comes before anything random, and so is done once.
    ///
    /// # Panics
    /// If a side is 0.
    #[must_use]
    pub fn resized(&self, resolution: Resolution, side: u32) -> Self {
        let side = i64::from(side);
        let pixels = match resolution {
            Resolution::Native => transform::resize(&self.pixels, [side, side]),
            Resolution::Pixels(through) => {
                transform::downscale_then_upscale(&self.pixels, through.into(), side)
            }
        };
        Self { pixels, labels: self.labels.shallow_clone() }
    }
}

/// The number of images of `pixels` pixels in one pass.
fn at_once(device: Device, pixels: i64) -> i64 {
    let all = match device {
        Device::Cpu => PIXELS_AT_ONCE,
        _ => PIXELS_AT_ONCE_ON_A_GPU,
    };
    (all / pixels.max(1)).clamp(1, AT_ONCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_images_make_smaller_parts() {
        let of = |device, side: i64| at_once(device, side * side);
        // Sums over a batch would round otherwise: the smoke world's may not change.
        assert_eq!(of(Device::Cpu, 28), 500);
        assert_eq!([7, 224, 1000].map(|side| of(Device::Cpu, side)), [500, 7, 1]);
        assert_eq!([28, 64, 224, 1000].map(|side| of(Device::Cuda(0), side)), [500, 500, 128, 6]);
    }
}
