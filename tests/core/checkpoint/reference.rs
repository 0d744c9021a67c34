//! The contents of the fixtures, as read by numpy.

use std::collections::BTreeMap;

use repro::checkpoint::{Checkpoint, Inspection};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    pub files: BTreeMap<String, Known>,
    pub sets: Vec<Vec<Tensor>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    pub container: String,
    pub wrapping: String,
    pub tensors: usize,
    pub skipped: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tensor {
    pub name: String,
    pub shape: Vec<usize>,
    pub dtype: String,
    pub sha256: String,
}

impl Reference {
    pub fn read() -> Self {
        let path = super::folder().join("reference.json");
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }
}

/// A checkpoint's tensors in the reference's form.
pub fn tensors(checkpoint: &Checkpoint) -> Vec<Tensor> {
    let inspection = Inspection::new(checkpoint).unwrap();
    let tensors = inspection.tensors.into_iter().map(|tensor| Tensor {
        name: tensor.name,
        shape: tensor.shape,
        dtype: tensor.dtype,
        sha256: tensor.sha256,
    });
    tensors.collect()
}
