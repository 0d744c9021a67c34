//! Choices of a recipe that a critic would vary, each as plain data: what the network does to pixels,
//! how its head is drawn, what its batch norms do, and what it computes in.

use serde::{Deserialize, Serialize};

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
}

/// How a new head is drawn. It matters to what a fine-tune reaches, so that it is part of a recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Head {
    /// Weights from N(0, 1), biases 0: the paper's code.
    StandardNormal,
    /// Weights and biases uniform within 1/sqrt(features): PyTorch's `nn.Linear`.
    Linear,
}

/// What convolutions are computed in. Weights, their gradients and their steps, the statistics of
/// batch norms, the head and the loss are in single precision whatever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// IEEE single precision: 24 bits of mantissa.
    Fp32,
    /// Single precision whose convolutions see 11 bits of mantissa, on the matrix units of a GPU.
    Tf32,
    /// Products and what lies between layers have 8 bits of mantissa (bfloat16); sums are in single
    /// precision.
    Bf16,
}

/// What batch norms do while a network is trained: a recipe's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchNorm {
    /// All are in train mode, those of frozen blocks too: the paper's code. What frozen blocks
    /// compute then depends on the batch and can't be kept.
    Train,
    /// All use the source's running statistics.
    Frozen,
}

/// The ranges that a recipe draws from; 0 leaves a step out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Pixels of zeros all round before the crop to the same size.
    pub padding: u32,
    /// Probability that an image is mirrored.
    pub flip: f64,
    /// How far the factors of brightness, contrast and saturation may lie from 1.
    pub jitter: f64,
    /// Largest angle in degrees, to either side.
    pub degrees: f64,
}

impl Augmentation {
    /// The paper's, for every target (its code, `make_train_and_test_set`, 224 by 224 pixels).
    pub const PAPER: Self = Self { padding: 4, flip: 0.5, jitter: 0.25, degrees: 2.0 };
    /// None.
    pub const NONE: Self = Self { padding: 0, flip: 0.0, jitter: 0.0, degrees: 0.0 };
}

/// The norm that bounds a perturbation, of all of an image's values together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Constraint {
    /// Euclidean.
    L2,
    /// The largest value.
    Linf,
}
