//! Reads and writes the safetensors format with its crate: a length, a JSON header, and the
//! tensors, which cover the rest of the file without gaps or overlaps.

use std::{borrow::Cow, collections::HashMap};

use safetensors::{SafeTensors, View};

use super::{
    Checkpoint, NamedTensor, dtype::Dtype, error::Fault, layout::Layout, summary::Skipped,
};

/// Tensors by name, and unsupported tensors.
type Tensors = (Vec<(String, Layout)>, Vec<Skipped>);

/// Reads a safetensors file.
///
/// # Errors
/// If it is damaged or truncated.
pub fn read(bytes: &[u8]) -> Result<Tensors, Fault> {
    let damaged = |what: String| Fault::damaged("the safetensors header", what);
    let (header, metadata) =
        SafeTensors::read_metadata(bytes).map_err(|error| damaged(error.to_string()))?;
    // Offsets are relative to the end of the header, and the crate has checked them.
    let begin = 8 + header;
    let (mut tensors, mut skipped) = (Vec::new(), Vec::new());
    for (name, info) in metadata.tensors() {
        let Some(dtype) = Dtype::from_safetensors(info.dtype) else {
            let what = format!("a tensor of {}, which is not supported", info.dtype);
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
            .map_err(|_| damaged(format!("tensor `{name}` exceeds its bytes")))?;
        tensors.push((name, layout));
    }
    Ok((tensors, skipped))
}

/// The bytes of a safetensors file with a checkpoint's tensors.
///
/// # Panics
/// If the program is out of memory; [`Checkpoint::read`] limits how many bytes it needs.
#[must_use]
pub fn write(checkpoint: &Checkpoint) -> Vec<u8> {
    // Python libraries require this entry.
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let tensors = checkpoint.tensors().map(|tensor| (tensor.name, tensor));
    safetensors::serialize(tensors, Some(metadata)).expect("safetensors supports all element types")
}

impl View for NamedTensor<'_> {
    fn dtype(&self) -> safetensors::Dtype {
        self.dtype().safetensors()
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
