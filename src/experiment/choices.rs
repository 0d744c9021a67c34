//! Choices of a recipe, each as plain data: normalisation, the initial head, batch norms,
//! precision, augmentation. `repro sensitivity` varies them.

use serde::{Deserialize, Serialize};

/// Pixels are clamped to [0, 1], then standardised by channel (the `robustness` library's
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
    /// ImageNet's statistics, with which the paper normalises every source and target.
    pub const IMAGENET: Self = Self { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
    /// Pixels clamped to [0, 1] and otherwise unchanged.
    pub const NONE: Self = Self { mean: [0.0; 3], std: [1.0; 3] };
}

/// How a new head is initialised. It changes the accuracy of a fine-tune, so it is part of a
/// recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Head {
    /// Weights from N(0, 1), biases 0: the paper's code.
    StandardNormal,
    /// Weights and biases uniform within 1/sqrt(features): PyTorch's `nn.Linear`.
    Linear,
}

/// The precision of convolutions. Weights, gradients, optimiser steps, the statistics of batch
/// norms, the head and the loss are always in single precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// IEEE single precision: 24 bits of mantissa.
    Fp32,
    /// Single precision, but convolutions use 11 bits of mantissa, on the matrix units of a GPU.
    Tf32,
    /// Products and activations have 8 bits of mantissa (bfloat16); sums are in single precision.
    Bf16,
}

/// The mode of batch norms during training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchNorm {
    /// All batch norms are in train mode, those of frozen blocks too, as in the paper's code. The
    /// output of frozen blocks then depends on the batch and can't be cached.
    Train,
    /// All batch norms use the source's running statistics.
    Frozen,
}

/// The ranges of random augmentation; 0 leaves a step out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Pixels of zero padding on each side, before a random crop to the original size.
    pub padding: u32,
    /// Probability that an image is mirrored.
    pub flip: f64,
    /// The largest distance from 1 of the factors of brightness, contrast and saturation.
    pub jitter: f64,
    /// The largest angle of rotation in degrees, in either direction.
    pub degrees: f64,
}

impl Augmentation {
    /// The paper's, for every target (its code, `make_train_and_test_set`, 224 by 224 pixels).
    pub const PAPER: Self = Self { padding: 4, flip: 0.5, jitter: 0.25, degrees: 2.0 };
    /// No augmentation.
    pub const NONE: Self = Self { padding: 0, flip: 0.0, jitter: 0.0, degrees: 0.0 };
}

/// The norm that bounds a perturbation, over all values of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Constraint {
    /// Euclidean.
    L2,
    /// The largest value.
    Linf,
}
