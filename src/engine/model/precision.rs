//! What a network computes in: a recipe's choice, with its effect on accuracy to be shown.

use crate::experiment::Precision;
use tch::{Device, Kind, Tensor};

/// How a network computes what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Implementation {
    /// Operation by operation as PyTorch does, in the weights' own kind. A source model is trained so:
    /// in its first steps a difference of one rounding becomes one of a hundredth, so that only the same
    /// operations give its card's losses again.
    Reference,
    /// The same up to rounding in less time: in tests norms are part of kernels, and small pictures
    /// one product. Fine-tunes run so.
    Fused(Precision),
}

/// A precision that a device lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to compute in tf32 without a GPU: use fp32 or bf16, or a GPU")]
pub struct NoTf32;

impl Implementation {
    /// A tensor in what convolutions take; itself where that is its own kind.
    pub(super) fn cast(self, tensor: &Tensor) -> Tensor {
        let kind = match self {
            Self::Reference => None,
            Self::Fused(precision) => precision.kind(),
        };
        kind.map_or_else(|| tensor.shallow_clone(), |kind| tensor.to_kind(kind))
    }
}

impl Precision {
    /// What convolutions take and give; `None` where that is the weights' own kind.
    const fn kind(self) -> Option<Kind> {
        match self {
            Self::Fp32 | Self::Tf32 => None,
            Self::Bf16 => Some(Kind::BFloat16),
        }
    }

    /// Whether a device can compute in it.
    ///
    /// # Errors
    /// If it is tf32 and the device is no GPU.
    pub fn check(self, device: Device) -> Result<(), NoTf32> {
        match (self, device) {
            (Self::Tf32, Device::Cuda(_)) | (Self::Fp32 | Self::Bf16, _) => Ok(()),
            (Self::Tf32, _) => Err(NoTf32),
        }
    }
}
