//! The normalisation that is part of the network, so that attacks and data speak of pixels in [0, 1].

use serde::{Deserialize, Serialize};
use tch::Tensor;

/// Pixels are cut to [0, 1], then standardised by channel (the `robustness` library's
/// `InputNormalize`, with which the paper's source models were trained).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalisation {
    /// Subtracted: red, green, blue.
    pub mean: [f32; 3],
    /// Divided by: red, green, blue; above 0.
    pub std: [f32; 3],
}

impl Normalisation {
    /// ImageNet's statistics: what the paper normalises every source and target with.
    pub const IMAGENET: Self = Self { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
    /// Pixels as they are, but cut to [0, 1].
    pub const NONE: Self = Self { mean: [0.0; 3], std: [1.0; 3] };

    /// Images `[N,3,H,W]`, or grey ones `[N,1,H,W]` whose channel stands for all three, to `[N,3,H,W]`.
    ///
    /// # Panics
    /// If images have neither one nor three channels.
    pub fn apply(&self, images: &Tensor) -> Tensor {
        let by_channel = |values: &[f32; 3]| {
            Tensor::from_slice(values)
                .to_device(images.device())
                .to_kind(images.kind())
                .view([3, 1, 1])
        };
        let mut standard = images.clamp(0.0, 1.0) - by_channel(&self.mean);
        standard /= by_channel(&self.std);
        standard
    }
}
