//! Reads and writes the safetensors format with its crate: a length, a JSON header, and the
//! tensors, which cover the rest of the file without gaps or overlaps.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use safetensors::tensor::{Metadata, TensorInfo};

use super::{
    Checkpoint, NamedTensor, ReadError, bytes::Bytes, dtype::Dtype, error::Fault, layout::Layout,
    summary::Skipped,
};

/// Tensors by name, and unsupported tensors.
type Tensors = (Vec<(String, Layout)>, Vec<Skipped>);

/// Bytes of the length of a header.
const LENGTH: usize = 8;
/// Limit on the length of a header, which the format states.
const MAX_HEADER: usize = 100_000_000;

/// Reads a safetensors file. Only its header is read.
///
/// # Errors
/// If it is damaged or truncated, or can't be read.
pub fn read(file: &Bytes) -> Result<Tensors, Fault> {
    let damaged = |what: String| Fault::damaged("the safetensors header", what);
    let length = file.first(LENGTH)?;
    let length = length.as_ref().try_into().map(u64::from_le_bytes).unwrap_or(u64::MAX);
    let left = file.len().saturating_sub(LENGTH);
    let header = usize::try_from(length).ok().filter(|header| *header <= left.min(MAX_HEADER));
    let header =
        header.ok_or_else(|| damaged(format!("it states {length} bytes, but {left} follow")))?;
    let text = file.range(LENGTH..LENGTH + header)?;
    let metadata: Metadata =
        serde_json::from_slice(&text).map_err(|error| damaged(format!("invalid JSON: {error}")))?;
    let (stated, found) = (metadata.data_len(), left - header);
    if stated != found {
        return Err(damaged(format!("its tensors have {stated} bytes, but {found} follow")));
    }
    // Offsets are relative to the end of the header, and the crate has checked them.
    let begin = LENGTH + header;
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

/// Writes a checkpoint's tensors as a safetensors file, one after the other.
///
/// # Errors
/// If a tensor can't be read, or a byte can't be written.
pub fn write(checkpoint: &Checkpoint, to: &mut impl Write) -> Result<(), WriteError> {
    let mut tensors: Vec<NamedTensor<'_>> = checkpoint.tensors().collect();
    // The order of the safetensors library: by alignment, then by name.
    tensors.sort_by_key(|tensor| std::cmp::Reverse(tensor.dtype().safetensors()));
    let mut offset = 0;
    let infos = tensors.iter().map(|tensor| {
        let begin = offset;
        offset += tensor.bytes_len();
        let info = TensorInfo {
            dtype: tensor.dtype().safetensors(),
            shape: tensor.shape().to_vec(),
            data_offsets: (begin, offset),
        };
        (tensor.name.to_owned(), info)
    });
    // Python libraries require this entry.
    let about = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let metadata = Metadata::new(Some(about), infos.collect());
    let metadata = metadata.expect("the offsets are consecutive");
    let mut header = serde_json::to_vec(&metadata).map_err(io::Error::other)?;
    header.resize(header.len().next_multiple_of(LENGTH), b' ');
    to.write_all(&(header.len() as u64).to_le_bytes())?;
    to.write_all(&header)?;
    for tensor in tensors {
        to.write_all(&tensor.bytes()?)?;
    }
    Ok(())
}

/// Why a checkpoint could not be written as safetensors.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A tensor can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A byte can't be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}
