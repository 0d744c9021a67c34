//! The safetensors format, by its own crate: a length, a header in JSON, and bytes, all of which are
//! somebody's and none twice.

use std::{borrow::Cow, collections::HashMap};

use safetensors::{SafeTensors, View};

use super::{
    Checkpoint, NamedTensor, dtype::Dtype, error::Fault, layout::Layout, summary::Skipped,
};

/// Tensors by name, and those of kinds that are not read.
type Tensors = (Vec<(String, Layout)>, Vec<Skipped>);

/// Reads a safetensors file.
///
/// # Errors
/// If it is damaged or cut short.
pub fn read(bytes: &[u8]) -> Result<Tensors, Fault> {
    let damaged = |what: String| Fault::damaged("the safetensors header", what);
    let (header, metadata) =
        SafeTensors::read_metadata(bytes).map_err(|error| damaged(error.to_string()))?;
    // Offsets are counted from the header's end, and the crate has checked that all are there.
    let begin = 8 + header;
    let (mut tensors, mut skipped) = (Vec::new(), Vec::new());
    for (name, info) in metadata.tensors() {
        let Some(dtype) = Dtype::held_as(info.dtype) else {
            let what = format!("a tensor of {}, which is not read", info.dtype);
            skipped.push(Skipped { name, what });
            continue;
        };
        let shape: Vec<u64> = info.shape.iter().map(|size| *size as u64).collect();
        let mut strides = vec![1_u64; shape.len()];
        for at in (1..shape.len()).rev() {
            strides[at - 1] = strides[at].saturating_mul(shape[at]);
        }
        let (from, to) = info.data_offsets;
        let place = (begin + from..begin + to, 0);
        let layout = Layout::new(dtype, &shape, &strides, place, false)
            .map_err(|_| damaged(format!("tensor `{name}` reaches beyond its bytes")))?;
        tensors.push((name, layout));
    }
    Ok((tensors, skipped))
}

/// A checkpoint's tensors as a safetensors file.
///
/// # Panics
/// If memory for all of them can't be had; [`Checkpoint::read`] bounds how many bytes that is.
#[must_use]
pub fn write(checkpoint: &Checkpoint) -> Vec<u8> {
    // What Python's libraries look for.
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let tensors = checkpoint.tensors().map(|tensor| (tensor.name, tensor));
    safetensors::serialize(tensors, Some(metadata)).expect("tensors of kinds that the format has")
}

impl View for NamedTensor<'_> {
    fn dtype(&self) -> safetensors::Dtype {
        self.dtype().held()
    }

    fn shape(&self) -> &[usize] {
        self.shape()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.bytes()
    }

    fn data_len(&self) -> usize {
        self.bytes_len()
    }
}
