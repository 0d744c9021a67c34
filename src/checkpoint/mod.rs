//! Reads untrusted checkpoints of networks as data: safetensors, PyTorch's zip format and its
//! legacy format. No code in a file is ever run: only the names that build tensors are known, and
//! every other object is reported as skipped.
//!
//! The first bytes of a file decide its [`Container`]; its reader finds named values and storages;
//! prefixes and dicts around the names are removed; the rest are layouts of tensors in the file's
//! bytes, which are read once and never copied. [`Checkpoint::fitted`] matches them with an
//! architecture. Downloading files is left to `fetch`, and computing with tensors to the engine:
//! libtorch is not needed.

mod archive;
mod container;
mod contents;
mod dtype;
mod error;
mod fit;
mod inspection;
mod known;
mod layout;
mod legacy;
mod pickle;
mod safetensors;
mod storage;
mod summary;
mod tensor;
mod unwrap;

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::Path,
};

pub use container::Container;
pub use contents::Normaliser;
pub use dtype::Dtype;
pub use error::{Fault, ReadError};
pub use fit::{FittedTensors, Values, WeightsError};
pub use inspection::{Inspected, Inspection};
pub use pickle::MAX_OPERATIONS;
pub use safetensors::write as to_safetensors;
pub use summary::Skipped;
pub use unwrap::Wrapping;

use contents::Contents;
use error::printable;
use layout::Layout;

/// Size limit of a checkpoint in bytes. A robust ResNet-50 with its momentum has 205 MB.
pub const LARGEST_BYTES: u64 = 4 << 30;
/// Limit on the bytes of all tensors as a multiple of the file's, since tensors may repeat or share
/// elements, ...
pub(crate) const MAX_EXPANSION: usize = 4;
/// ... which is at least this number of bytes.
pub(crate) const ALWAYS_ALLOWED_BYTES: usize = 64 << 20;

/// The tensors of a checkpoint by their names in torchvision, and what was skipped.
#[derive(Debug)]
pub struct Checkpoint {
    file: String,
    bytes: Vec<u8>,
    container: Container,
    wrapping: Wrapping,
    tensors: BTreeMap<String, Layout>,
    /// Entries of the state dict that are no supported tensors, and what they are.
    unsupported: BTreeMap<String, String>,
    skipped: Vec<Skipped>,
    normaliser: Option<Normaliser>,
}

/// A tensor of a checkpoint.
#[derive(Clone, Copy, Debug)]
pub struct NamedTensor<'c> {
    name: &'c str,
    layout: &'c Layout,
    file: &'c [u8],
}

impl Checkpoint {
    /// Opens and reads a file.
    ///
    /// # Errors
    /// If it can't be read or is larger than [`LARGEST_BYTES`], and as [`Checkpoint::read`].
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let file = path.display().to_string();
        let read = || -> Result<Vec<u8>, Fault> {
            let io = |cause| Fault::Io { cause };
            let opened = File::open(path).map_err(io)?;
            let metadata = opened.metadata().map_err(io)?;
            if metadata.is_dir() {
                return Err(io(io::Error::other("it is a folder")));
            }
            if metadata.len() > LARGEST_BYTES {
                return Err(too_large());
            }
            let mut bytes = Vec::new();
            // Memory for the whole file; a file that grows or has no length, such as a pipe, is
            // read up to the limit.
            let length = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
            bytes.try_reserve_exact(length).map_err(|error| io(io::Error::other(error)))?;
            opened.take(LARGEST_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => Self::read(&file, bytes),
            Err(fault) => Err(fault.in_file(&file)),
        }
    }

    /// Reads the bytes of a file, which errors call `file`.
    ///
    /// # Errors
    /// If the format is unknown, the structure is damaged or exceeds a limit, a tensor of the
    /// network depends on an unknown object, or there are no named tensors.
    pub fn read(file: &str, bytes: Vec<u8>) -> Result<Self, ReadError> {
        let read = || -> Result<(Container, Contents), Fault> {
            if bytes.len() as u64 > LARGEST_BYTES {
                return Err(too_large());
            }
            let container = Container::detect(&bytes)?;
            let contents = match container {
                Container::Safetensors => {
                    let (tensors, skipped) = safetensors::read(&bytes)?;
                    Contents::from_tensors(tensors, skipped, &bytes)?
                }
                Container::Zip => {
                    let (source, skipped) = archive::read(&bytes)?;
                    Contents::from_pickle(&source, skipped, &bytes)?
                }
                Container::Legacy => {
                    Contents::from_pickle(&legacy::read(&bytes)?, Vec::new(), &bytes)?
                }
            };
            check_size(&contents, bytes.len())?;
            Ok((container, contents))
        };
        let (container, contents) = read().map_err(|fault| fault.in_file(file))?;
        let Contents { wrapping, tensors, unsupported, skipped, normaliser } = contents;
        let file = file.to_owned();
        Ok(Self { file, bytes, container, wrapping, tensors, unsupported, skipped, normaliser })
    }

    /// The format of the file.
    #[must_use]
    pub fn container(&self) -> Container {
        self.container
    }

    /// What the names of the tensors were wrapped in.
    #[must_use]
    pub fn wrapping(&self) -> Wrapping {
        self.wrapping
    }

    /// The tensors, sorted by name.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = NamedTensor<'_>> {
        let file = &self.bytes[..];
        self.tensors.iter().map(move |(name, layout)| NamedTensor { name, layout, file })
    }

    /// What was skipped.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// The normalisation of the network's images, if the file has it.
    #[must_use]
    pub fn normaliser(&self) -> Option<&Normaliser> {
        self.normaliser.as_ref()
    }
}

impl<'c> NamedTensor<'c> {
    /// Its name, without the wrapping.
    #[must_use]
    pub fn name(&self) -> &'c str {
        self.name
    }

    /// Its name for terminals: short, without control characters.
    #[must_use]
    pub fn printable_name(&self) -> String {
        printable(self.name)
    }

    /// Its size in each dimension.
    #[must_use]
    pub fn shape(&self) -> &'c [usize] {
        self.layout.shape()
    }

    /// The type of its elements.
    #[must_use]
    pub fn dtype(&self) -> Dtype {
        self.layout.dtype()
    }

    /// Its elements, contiguous in row-major order and little-endian.
    #[must_use]
    pub fn bytes(&self) -> Cow<'c, [u8]> {
        self.layout.contiguous(self.file)
    }

    /// The size of its elements in bytes.
    #[must_use]
    pub fn bytes_len(&self) -> usize {
        self.layout.bytes()
    }
}

fn too_large() -> Fault {
    Fault::bound("the whole file", format!("larger than the limit of {LARGEST_BYTES} bytes"))
}

/// Limits the size of all tensors: a view that repeats one element may have any size.
fn check_size(contents: &Contents, file: usize) -> Result<(), Fault> {
    let limit = file.saturating_mul(MAX_EXPANSION).max(ALWAYS_ALLOWED_BYTES);
    let mut total = 0_usize;
    for (name, layout) in &contents.tensors {
        total = total.saturating_add(layout.bytes());
        if total > limit {
            let what = format!(
                "the tensors up to this one have {total} bytes, more than the limit of {limit} for \
                 a file of {file} bytes"
            );
            return Err(Fault::bound(format!("tensor `{}`", printable(name)), what));
        }
    }
    Ok(())
}
