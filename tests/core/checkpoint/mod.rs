//! Readers of checkpoints, against torch, dill and safetensors:
//! `goldens/checkpoint/make_fixtures.py` writes a folder of files and the contents of each. Then
//! hostile files: nothing is executed, memory is bounded, and no reader panics.

mod assembly;
mod bounds;
mod differential;
mod formats;
mod fuzz;
mod hostile;
pub(crate) mod memory;
mod mutation;
mod normaliser;
mod program;
mod reference;
mod wrappers;

use std::path::PathBuf;

use repro::checkpoint::{Checkpoint, ReadError, write_safetensors};

#[global_allocator]
static COUNTED: memory::Counted = memory::Counted;

/// The folder of the fixtures.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("goldens/checkpoint")
}

fn fixture(name: &str) -> Vec<u8> {
    let path = folder().join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read(bytes: &[u8]) -> Result<Checkpoint, ReadError> {
    Checkpoint::read("file", bytes.to_vec())
}

/// A checkpoint's tensors as a safetensors file.
fn to_safetensors(checkpoint: &Checkpoint) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_safetensors(checkpoint, &mut bytes).unwrap();
    bytes
}

/// The printed error of a refused file.
#[track_caller]
fn refusal(bytes: &[u8]) -> String {
    match read(bytes) {
        Ok(checkpoint) => panic!("the file was read: {checkpoint:?}"),
        Err(error) => error.to_string(),
    }
}
