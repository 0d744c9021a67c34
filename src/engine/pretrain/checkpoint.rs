//! Weights as safetensors files, and the checkpoints that a pretraining resumes from. A safetensors
//! file is a length, a JSON header and bytes: reading one never runs code, and the crate checks every
//! offset against the file's length before it is used.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use tch::{Device, Kind, Tensor};

use crate::assets::card::CardError;
use crate::experiment::{Epoch, WeightsPrecision};
use crate::{
    checkpoint::WeightsError, engine::model::Weights, experiment::Architecture, util::files,
};

/// A file larger than this is refused: the largest that we write has 3 MB.
const LARGEST_BYTES: u64 = 4 << 30;
/// Names of velocities begin so; those of weights are torchvision's.
const VELOCITY: &str = "velocity.";
/// Those of the mean over the latest weights, where there is one.
const MEAN: &str = "mean.";
/// Where a checkpoint's metadata are kept.
const IDENTITY: &str = "identity";
const CURVE: &str = "curve";

/// What is wrong with a file of weights.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CheckpointError {
    /// It can't be read or written.
    #[error("failed to {what} {path}: {cause}")]
    #[diagnostic(help("check that the folder is there, may be written to and has room"))]
    Io {
        /// "read" or "write".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// It is no safetensors file, or a damaged one.
    #[error("{path} is no whole safetensors file: {cause}")]
    #[diagnostic(help("delete it, or get it again; nothing of it was used"))]
    Format {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        cause: String,
    },
    /// Its tensors are not the network's.
    #[error("{path}: {cause}")]
    #[diagnostic(help("take the weights of the architecture that is asked for"))]
    Weights {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        cause: WeightsError,
    },
    /// A card.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Card(#[from] CardError),
    /// It is of another training.
    #[error("{path} was begun with another recipe, seed, source or engine")]
    #[diagnostic(code(engine::another_training))]
    AnotherTraining {
        /// The file.
        path: PathBuf,
    },
}

impl CheckpointError {
    /// Whether something could not be written, rather than read.
    #[must_use]
    pub fn is_about_writing(&self) -> bool {
        matches!(self, Self::Io { what: "write", .. })
    }
}

/// The state that a pretraining resumes from.
pub(super) struct TrainingState {
    pub weights: Weights,
    pub velocities: Vec<Tensor>,
    /// The mean over the latest weights, where one is kept.
    pub mean: Option<Weights>,
    pub curve: Vec<Epoch>,
}

/// Reads weights from the bytes of a safetensors file, which errors call by `path`.
///
/// # Errors
/// If it is no safetensors file or does not hold the architecture's tensors.
pub fn read_weights(
    path: &Path,
    bytes: &[u8],
    architecture: &Architecture,
) -> Result<Weights, CheckpointError> {
    let entries = tensors(path, bytes)?.into_iter();
    let beside = |name: &String| name.starts_with(VELOCITY) || name.starts_with(MEAN);
    let entries = entries.filter(|(name, _)| !beside(name)).collect();
    Weights::new(architecture.clone(), entries)
        .map_err(|cause| CheckpointError::Weights { path: path.to_owned(), cause })
}

/// Writes weights in a precision, whole or not at all. Values that [`Weights::rounded`] returned
/// for the same precision are stored exactly.
///
/// # Errors
/// If the file can't be written.
pub fn write_weights(
    path: &Path,
    weights: &Weights,
    precision: WeightsPrecision,
) -> Result<(), CheckpointError> {
    write_all(path, &named((weights, None), &[]), precision, None)
}

/// The checkpoint at a path, or `None` where there is none.
pub(super) fn read(
    path: &Path,
    identity: &str,
    architecture: &Architecture,
) -> Result<Option<TrainingState>, CheckpointError> {
    let bytes = match read_file(path) {
        Ok(bytes) => bytes,
        Err(CheckpointError::Io { cause, .. }) if cause.kind() == std::io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let format = |cause: String| CheckpointError::Format { path: path.to_owned(), cause };
    let (_, header) =
        SafeTensors::read_metadata(&bytes).map_err(|error| format(error.to_string()))?;
    let metadata = header.metadata().clone().unwrap_or_default();
    if metadata.get(IDENTITY).map(String::as_str) != Some(identity) {
        return Err(CheckpointError::AnotherTraining { path: path.to_owned() });
    }
    let curve = metadata.get(CURVE).map_or("[]", String::as_str);
    let curve: Vec<Epoch> =
        serde_json::from_str(curve).map_err(|error| format(error.to_string()))?;
    let weights = read_weights(path, &bytes, architecture)?;
    let mut entries = tensors(path, &bytes)?;
    let names = weights.architecture().parameter_shapes().into_iter().map(|(name, _)| name);
    let velocities = names
        .map(|name| {
            let name = format!("{VELOCITY}{name}");
            entries.remove(&name).ok_or_else(|| format(format!("it has no `{name}`")))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let of_mean = |(name, tensor): (String, Tensor)| {
        name.strip_prefix(MEAN).map(|name| (name.to_owned(), tensor))
    };
    let of_mean: BTreeMap<String, Tensor> = entries.into_iter().filter_map(of_mean).collect();
    let mean = match of_mean.is_empty() {
        true => None,
        false => Some(
            Weights::new(architecture.clone(), of_mean)
                .map_err(|cause| CheckpointError::Weights { path: path.to_owned(), cause })?,
        ),
    };
    Ok(Some(TrainingState { weights, velocities, mean, curve }))
}

/// Writes a checkpoint, whole or not at all.
pub(super) fn write(
    path: &Path,
    identity: &str,
    kept: &TrainingState,
) -> Result<(), CheckpointError> {
    let TrainingState { weights, velocities, mean, curve } = kept;
    let curve = serde_json::to_string(curve).expect("plain data");
    let metadata =
        HashMap::from([(IDENTITY.to_owned(), identity.to_owned()), (CURVE.to_owned(), curve)]);
    let entries = named((weights, mean.as_ref()), velocities);
    write_all(path, &entries, WeightsPrecision::Single, Some(metadata))
}

/// Reads a file, up to [`LARGEST_BYTES`].
fn read_file(path: &Path) -> Result<Vec<u8>, CheckpointError> {
    let unreadable = |cause| CheckpointError::Io { what: "read", path: path.to_owned(), cause };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > LARGEST_BYTES {
        let cause = format!("it has {length} bytes, and {LARGEST_BYTES} are the most");
        return Err(CheckpointError::Format { path: path.to_owned(), cause });
    }
    files::bytes(path, LARGEST_BYTES).map_err(unreadable)
}

/// Everything that a file holds: weights, the mean over the latest where there is one, velocities.
fn named<'a>(
    (weights, mean): (&'a Weights, Option<&'a Weights>),
    velocities: &'a [Tensor],
) -> BTreeMap<String, &'a Tensor> {
    let parameters = weights.architecture().parameter_shapes().into_iter();
    let velocities =
        parameters.zip(velocities).map(|((name, _), tensor)| (format!("{VELOCITY}{name}"), tensor));
    fn all(weights: &Weights) -> impl Iterator<Item = (&String, &Tensor)> {
        weights.parameters().iter().chain(weights.buffers())
    }
    let mean = mean.into_iter().flat_map(all);
    let mean = mean.map(|(name, tensor)| (format!("{MEAN}{name}"), tensor));
    let own = all(weights).map(|(name, tensor)| (name.clone(), tensor));
    own.chain(mean).chain(velocities).collect()
}

/// The tensors in the bytes of a safetensors file, which errors call by `path`.
pub(in crate::engine) fn tensors(
    path: &Path,
    bytes: &[u8],
) -> Result<BTreeMap<String, Tensor>, CheckpointError> {
    let format = |cause: String| CheckpointError::Format { path: path.to_owned(), cause };
    let file = SafeTensors::deserialize(bytes).map_err(|error| format(error.to_string()))?;
    file.tensors()
        .into_iter()
        .map(|(name, view)| {
            if view.dtype() != Dtype::F32 {
                return Err(format(format!("`{name}` is {:?}, not F32", view.dtype())));
            }
            let values: Vec<f32> = view
                .data()
                .chunks_exact(4)
                .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
                .collect();
            let shape: Vec<i64> = view.shape().iter().map(|&size| size as i64).collect();
            Ok((name, Tensor::from_slice(&values).view(shape.as_slice())))
        })
        .collect()
}

fn write_all(
    path: &Path,
    entries: &BTreeMap<String, &Tensor>,
    precision: WeightsPrecision,
    metadata: Option<HashMap<String, String>>,
) -> Result<(), CheckpointError> {
    let file = to_bytes(entries, precision, metadata);
    crate::util::files::replace(path, &file).map_err(|cause| CheckpointError::Io {
        what: "write",
        path: path.to_owned(),
        cause,
    })
}

/// The bytes of a safetensors file of these tensors.
pub(in crate::engine) fn to_bytes(
    entries: &BTreeMap<String, &Tensor>,
    precision: WeightsPrecision,
    metadata: Option<HashMap<String, String>>,
) -> Vec<u8> {
    let (kind, dtype) = match precision {
        WeightsPrecision::Single => (Kind::Float, Dtype::F32),
        WeightsPrecision::Half => (Kind::Half, Dtype::F16),
    };
    let bytes: Vec<(&String, Vec<usize>, Vec<u8>)> = entries
        .iter()
        .map(|(name, tensor)| {
            let shape = tensor.size().iter().map(|&size| size as usize).collect();
            let flat = tensor.detach().to_device(Device::Cpu).to_kind(kind).contiguous();
            // As they lie in memory, which on the machines that this runs on is little-endian.
            let mut bytes = vec![0; kind.elt_size_in_bytes() * flat.numel()];
            flat.copy_data_u8(&mut bytes, flat.numel());
            (name, shape, bytes)
        })
        .collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(dtype, shape.clone(), bytes).expect("bytes of the shape");
        (name.as_str(), view)
    });
    safetensors::serialize(views, metadata).expect("tensors of known kinds")
}
