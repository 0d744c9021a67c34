//! The contents of a checkpoint as data, for `repro inspect`.

use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Checkpoint, Container, Normaliser, ReadError, Unwrapped, Wrapping};
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
    /// The keys that lead to the state dict, joined by dots; null if it is in no dict.
    pub key: Option<String>,
    /// What was taken off every name; empty if nothing was.
    pub prefix: String,
    /// Keys of other dicts of tensors, which `--key` chooses.
    pub other_keys: Vec<String>,
    /// Prefixes of other networks, which `--prefix` chooses.
    pub other_prefixes: Vec<String>,
    /// The normalisation of images that the file states; null if it states none.
    pub normaliser: Option<Normaliser>,
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
    ///
    /// # Errors
    /// If the file can't be read.
    pub fn new(checkpoint: &Checkpoint) -> Result<Self, ReadError> {
        let tensors = checkpoint.tensors().map(|tensor| {
            Ok(Inspected {
                name: tensor.name().to_owned(),
                shape: tensor.shape().to_vec(),
                dtype: tensor.dtype().name().to_owned(),
                sha256: hexadecimal(&Sha256::digest(tensor.bytes()?)),
            })
        });
        let Unwrapped { wrapping, key, prefix, other_keys, other_prefixes } =
            checkpoint.unwrapped().clone();
        Ok(Self {
            format_version: 1,
            container: checkpoint.container(),
            wrapping,
            key,
            prefix,
            other_keys,
            other_prefixes,
            normaliser: checkpoint.normaliser().cloned(),
            tensors: tensors.collect::<Result<_, ReadError>>()?,
            skipped: checkpoint.skipped().iter().map(ToString::to_string).collect(),
        })
    }
}
