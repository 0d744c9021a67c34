//! Normalisation as part of the network, so that attacks and data handle pixels in [0, 1].

use tch::{Device, Kind, Tensor};

use crate::experiment::Normalisation;

impl Normalisation {
    /// The same with mean and deviation on a device: uploaded once, not with every batch.
    #[must_use]
    pub fn on(self, device: Device) -> Normaliser {
        let by_channel =
            |values: &[f32; 3]| Tensor::from_slice(values).view([3, 1, 1]).to_device(device);
        let (mean, std) = (by_channel(&self.mean), by_channel(&self.std));
        Normaliser { normalisation: self, mean, std }
    }

    /// Normalises grey images to three channels, channels last in memory, as the next convolution
    /// takes them. A few pixels at a time are multiplied by a matrix of ones and zeros, which gives
    /// their three channels, and the mean is subtracted. Each sum has this one term, so that the
    /// rounding is the same. The stem then takes 93 % of the time in training and 81 % in test
    /// passes (`benches/README.md`).
    fn spread(self, images: &Tensor) -> Tensor {
        let repeated = |values: &[f32; 3]| Tensor::from_slice(values).repeat([PIXELS]);
        let ones = Tensor::eye(PIXELS, (images.kind(), images.device()));
        let ones = ones.repeat_interleave_self_int(3, 0, None);
        let (count, _, height, width) = images.size4().expect("images have four dimensions");
        let mut standard =
            images.reshape([-1, PIXELS]).linear(&ones, Some(&repeated(&self.mean).neg()));
        standard /= repeated(&self.std);
        standard.view([count, height, width, 3]).permute([0, 3, 1, 2])
    }
}

/// A normalisation with mean and deviation on a device.
#[derive(Debug)]
pub struct Normaliser {
    normalisation: Normalisation,
    /// `[3,1,1]`.
    mean: Tensor,
    std: Tensor,
}

impl Normaliser {
    /// Normalises `[N,3,H,W]`, or grey images `[N,1,H,W]` as three equal channels, to `[N,3,H,W]`.
    ///
    /// # Panics
    /// If images have neither one nor three channels, or are on another device.
    pub fn apply(&self, images: &Tensor) -> Tensor {
        let images = images.clamp(0.0, 1.0);
        let spread = (images.size()[1] == 1
            && (images.kind(), images.device()) == (Kind::Float, Device::Cpu)
            && images.numel() as i64 % PIXELS == 0
            && !images.requires_grad())
        .then(|| self.normalisation.spread(&images));
        spread.unwrap_or_else(|| {
            let mut standard = &images - self.mean.to_kind(images.kind());
            standard /= self.std.to_kind(images.kind());
            standard
        })
    }

    /// Another handle to the same tensors.
    #[must_use]
    pub fn shallow_clone(&self) -> Self {
        let Self { normalisation, mean, std } = self;
        Self { normalisation: *normalisation, mean: mean.shallow_clone(), std: std.shallow_clone() }
    }
}

/// Grey pixels that are spread to three channels at once: few, since most of the arithmetic is
/// zeros, but enough for one matrix product.
const PIXELS: i64 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grey_image_is_normalised_to_the_bits_of_three_equal_channels() {
        let pixels = |shape: &[i64]| {
            let count = shape.iter().product::<i64>();
            (Tensor::arange(count, (Kind::Float, Device::Cpu)) * 0.734_69).sin().view(shape) * 1.2
        };
        // Pixels below 0 and above 1, and a count of them that is no multiple of `PIXELS`.
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
