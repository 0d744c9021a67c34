//! The contents of a checkpoint as data, for `repro inspect`.

use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Checkpoint, Container, Wrapping};
use crate::util::hexadecimal;

/// The tensors of a checkpoint, and what was skipped.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Inspection {
    /// Version of this format: 1.
    pub format_version: u32,
    /// The file's format.
    pub container: Container,
    /// What the names of the tensors were wrapped in.
    pub wrapping: Wrapping,
    /// The tensors, sorted by name.
    pub tensors: Vec<Inspected>,
    /// A line for everything else in the file: where it is, and what it is.
    pub skipped: Vec<String>,
}

/// A tensor of a checkpoint.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Inspected {
    /// Its name in torchvision, without the wrapping.
    pub name: String,
    /// Its size in each dimension.
    pub shape: Vec<usize>,
    /// The type of its elements, as PyTorch names it: `float32`.
    pub dtype: String,
    /// The hexadecimal SHA-256 of its elements, contiguous and little-endian.
    pub sha256: String,
}

impl Inspection {
    /// Inspects a checkpoint. Hashes every byte of its tensors.
    #[must_use]
    pub fn new(checkpoint: &Checkpoint) -> Self {
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
