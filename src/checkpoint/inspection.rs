//! What `repro inspect` says of a checkpoint, as data.

use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Checkpoint, Container, Wrapping};
use crate::util::hexadecimal;

/// A checkpoint's tensors and what was skipped.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Inspection {
    /// Of this form.
    pub format_version: u32,
    /// The file's format.
    pub container: Container,
    /// What the tensors' names were wrapped in.
    pub wrapping: Wrapping,
    /// In the order of their names.
    pub tensors: Vec<Inspected>,
    /// A line for each thing in the file that is none of these: where it is, and what.
    pub skipped: Vec<String>,
}

/// A tensor.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Inspected {
    /// Its name without the wrapping, torchvision's.
    pub name: String,
    /// Its sizes.
    pub shape: Vec<usize>,
    /// The kind of its elements, by PyTorch's name: `float32`.
    pub dtype: String,
    /// SHA-256 of its elements, contiguous and little-endian, in hexadecimal.
    pub sha256: String,
}

impl Inspection {
    /// Of a checkpoint. Every byte of its tensors is gone over.
    #[must_use]
    pub fn of(checkpoint: &Checkpoint) -> Self {
        let tensors = checkpoint.tensors().map(|tensor| Inspected {
            name: tensor.name().to_owned(),
            shape: tensor.shape().to_vec(),
            dtype: tensor.dtype().name().to_owned(),
            sha256: hexadecimal(&Sha256::digest(tensor.bytes())),
        });
        Self {
            format_version: 1,
            container: checkpoint.container(),
            wrapping: checkpoint.wrapping(),
            tensors: tensors.collect(),
            skipped: checkpoint.skipped().iter().map(ToString::to_string).collect(),
        }
    }
}
