//! The precision of a network's arithmetic. The recipe chooses it, and its effect on accuracy is
//! measured.

use tch::{Device, Kind, Tensor};

use crate::experiment::Precision;

/// How a network computes its outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Implementation {
    /// The same operations as PyTorch, in the weights' own kind. Source models are trained this
    /// way: in the first steps a difference of one rounding grows to a hundredth, so that only the
    /// same operations reproduce the losses on a model's card.
    Reference,
    /// The same result up to rounding in less time: test passes fold batch norms into kernels, and
    /// 2 x 2 images are convolved by one matrix product. Fine-tunes run this way.
    Fused(Precision),
}

/// A precision that the device does not support.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to compute in tf32 without a GPU: use fp32 or bf16, or a GPU")]
pub struct NoTf32;

impl Implementation {
    /// The tensor in the kind that convolutions use; the tensor itself if it has that kind.
    pub(super) fn cast(self, tensor: &Tensor) -> Tensor {
        let kind = match self {
            Self::Reference => None,
            Self::Fused(precision) => precision.kind(),
        };
        kind.map_or_else(|| tensor.shallow_clone(), |kind| tensor.to_kind(kind))
    }
}

impl Precision {
    /// The kind of a convolution's input and output; `None` for the weights' own kind.
    const fn kind(self) -> Option<Kind> {
        match self {
            Self::Fp32 | Self::Tf32 => None,
            Self::Bf16 => Some(Kind::BFloat16),
        }
    }

    /// Whether a device supports it.
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
