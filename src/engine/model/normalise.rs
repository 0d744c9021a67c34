//! The normalisation that is part of the network, so that attacks and data speak of pixels in [0, 1].

use crate::experiment::Normalisation;
use tch::{Device, Kind, Tensor};

impl Normalisation {
    /// The same where its numbers lie on a device: sent there once, not with every batch.
    #[must_use]
    pub fn on(self, device: Device) -> Normaliser {
        let by_channel =
            |values: &[f32; 3]| Tensor::from_slice(values).view([3, 1, 1]).to_device(device);
        Normaliser { of: self, mean: by_channel(&self.mean), std: by_channel(&self.std) }
    }

    /// The same of grey images, channels last in memory, as the convolution behind takes them: some pixels
    /// at a time, times a matrix of ones and zeros, become their three channels, minus the mean. With that
    /// one term to a sum nothing is rounded otherwise. The stem then takes 93 % of the time, 81 % in
    /// tests (`benches/README.md`).
    fn spread(self, images: &Tensor) -> Tensor {
        let in_turn = |values: &[f32; 3]| Tensor::from_slice(values).repeat([PIXELS]);
        let ones = Tensor::eye(PIXELS, (images.kind(), images.device()));
        let ones = ones.repeat_interleave_self_int(3, 0, None);
        let (count, _, height, width) = images.size4().expect("images have four dimensions");
        let mut standard =
            images.reshape([-1, PIXELS]).linear(&ones, Some(&in_turn(&self.mean).neg()));
        standard /= in_turn(&self.std);
        standard.view([count, height, width, 3]).permute([0, 3, 1, 2])
    }
}

/// A normalisation whose numbers lie on a device.
#[derive(Debug)]
pub struct Normaliser {
    of: Normalisation,
    /// `[3,1,1]`.
    mean: Tensor,
    std: Tensor,
}

impl Normaliser {
    /// Images `[N,3,H,W]`, or grey ones `[N,1,H,W]` whose channel stands for all three, to `[N,3,H,W]`.
    ///
    /// # Panics
    /// If images have neither one nor three channels, or lie elsewhere.
    pub fn apply(&self, images: &Tensor) -> Tensor {
        let images = images.clamp(0.0, 1.0);
        let spread = (images.size()[1] == 1
            && (images.kind(), images.device()) == (Kind::Float, Device::Cpu)
            && images.numel() as i64 % PIXELS == 0
            && !images.requires_grad())
        .then(|| self.of.spread(&images));
        spread.unwrap_or_else(|| {
            let mut standard = &images - self.mean.to_kind(images.kind());
            standard /= self.std.to_kind(images.kind());
            standard
        })
    }

    /// The same tensors under another name.
    #[must_use]
    pub fn shallow_clone(&self) -> Self {
        let Self { of, mean, std } = self;
        Self { of: *of, mean: mean.shallow_clone(), std: std.shallow_clone() }
    }
}

/// Grey pixels that are spread to three channels at once: few, since most of the arithmetic is zeros, and
/// enough to make it one product.
const PIXELS: i64 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_images_are_spread_to_three_equal_channels_to_the_last_bit() {
        let pixels = |shape: &[i64]| {
            let count = shape.iter().product::<i64>();
            (Tensor::arange(count, (Kind::Float, Device::Cpu)) * 0.734_69).sin().view(shape) * 1.2
        };
        // With pixels below 0 and above 1, and a number of them that is no multiple of what goes at once.
        for shape in [[5, 1, 28, 28], [3, 1, 5, 5], [1, 1, 2, 4]] {
            let grey = pixels(&shape);
            let three = grey.repeat([1, 3, 1, 1]);
            for normalisation in [Normalisation::IMAGENET, Normalisation::NONE] {
                let normaliser = normalisation.on(Device::Cpu);
                let found = normaliser.apply(&grey);
                let expected = normaliser.apply(&three);
                assert_eq!(found.size(), expected.size());
                assert!(found.equal(&expected), "{shape:?}");
            }
        }
    }
}
