//! Reads untrusted checkpoints of networks as data: safetensors, PyTorch's zip format and its
//! legacy format. No code in a file is ever run: only the names that build tensors are known, and
//! every other object is reported as skipped.
//!
//! The first bytes of a file decide its [`Container`]; its reader finds named values and storages;
//! prefixes and dicts around the names are removed; the rest are layouts of tensors in the file,
//! which are read one at a time, by seeking. [`Checkpoint::fitted`] matches them with an
//! architecture. Downloading files is left to `fetch`, and computing with tensors to the engine:
//! libtorch is not needed.

mod archive;
mod bytes;
mod container;
mod contents;
mod dtype;
mod error;
mod fit;
mod inspection;
mod known;
mod layout;
mod legacy;
mod normaliser;
mod pickle;
mod prefix;
mod safetensors;
mod state_dict;
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
pub use dtype::Dtype;
pub use error::{Fault, ReadError};
pub use fit::{FittedTensors, Values, WeightsError};
pub use inspection::{Inspected, Inspection};
pub use normaliser::Normaliser;
pub use pickle::MAX_OPERATIONS;
pub use prefix::MAX_STRAYS;
pub use safetensors::{WriteError, write as write_safetensors};
pub use summary::Skipped;
pub use unwrap::{Choice, Unwrapped, Wrapping};

use archive::Archive;
use bytes::Bytes;
use contents::Contents;
pub(crate) use error::printable;
use layout::Layout;

/// Size limit in bytes of what can't be read by seeking, such as a pipe.
pub const LARGEST_STREAM: u64 = 4 << 30;
/// Limit on the bytes of all tensors as a multiple of the file's, since tensors may repeat or share
/// elements, ...
pub(crate) const MAX_EXPANSION: usize = 4;
/// ... which is at least this number of bytes.
pub(crate) const ALWAYS_ALLOWED_BYTES: usize = 64 << 20;
/// Bytes that distinguish the formats of files.
const FIRST_BYTES: usize = 4096;

/// The tensors of a checkpoint by their names in torchvision, and what was skipped.
#[derive(Debug)]
pub struct Checkpoint {
    file: String,
    bytes: Bytes,
    container: Container,
    unwrapped: Unwrapped,
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
    checkpoint: &'c Checkpoint,
}

impl Checkpoint {
    /// Opens a file, and reads all of it but its tensors.
    ///
    /// # Errors
    /// If it can't be read, and as [`Checkpoint::read`].
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        Self::open_with(path, &Choice::default())
    }

    /// Opens a file that may have several networks.
    ///
    /// # Errors
    /// As [`Checkpoint::open`], and if the choice is not there.
    pub fn open_with(path: &Path, choice: &Choice) -> Result<Self, ReadError> {
        let file = path.display().to_string();
        let open = || -> Result<Bytes, Fault> {
            let mut opened = File::open(path)?;
            let metadata = opened.metadata()?;
            if metadata.is_dir() {
                return Err(io::Error::other("it is a folder").into());
            }
            if metadata.is_file() {
                let length = usize::try_from(metadata.len()).map_err(io::Error::other)?;
                return Ok(Bytes::File(opened, length));
            }
            // A pipe has no length, and can't be read by seeking.
            let mut bytes = Vec::new();
            opened.by_ref().take(LARGEST_STREAM + 1).read_to_end(&mut bytes)?;
            if bytes.len() as u64 > LARGEST_STREAM {
                let what = format!("larger than the limit of {LARGEST_STREAM} bytes for a pipe");
                return Err(Fault::bound("the whole file", what));
            }
            Ok(Bytes::Memory(bytes))
        };
        let bytes = open().map_err(|fault| fault.in_file(&file))?;
        Self::read_bytes(&file, bytes, choice)
    }

    /// Reads the bytes of a file, which errors call `file`.
    ///
    /// # Errors
    /// If the format is unknown, the structure is damaged or exceeds a limit, a tensor of the
    /// network depends on an unknown object, there are no named tensors, or there are several dicts
    /// of them.
    pub fn read(file: &str, bytes: Vec<u8>) -> Result<Self, ReadError> {
        Self::read_with(file, bytes, &Choice::default())
    }

    /// Reads the bytes of a file that may have several networks.
    ///
    /// # Errors
    /// As [`Checkpoint::read`], and if the choice is not there.
    pub fn read_with(file: &str, bytes: Vec<u8>, choice: &Choice) -> Result<Self, ReadError> {
        Self::read_bytes(file, Bytes::Memory(bytes), choice)
    }

    fn read_bytes(file: &str, bytes: Bytes, choice: &Choice) -> Result<Self, ReadError> {
        let read = || -> Result<(Container, Contents), Fault> {
            let container = Container::detect(&bytes.first(FIRST_BYTES)?)?;
            let contents = match container {
                Container::Safetensors => {
                    let (tensors, skipped) = safetensors::read(&bytes)?;
                    Contents::from_tensors(tensors, skipped, choice, &bytes)?
                }
                Container::Zip => {
                    let mut archive = Archive::read(&bytes)?;
                    let skipped = std::mem::take(&mut archive.skipped);
                    let pickle = archive.pickle(&bytes)?;
                    Contents::from_pickle(&archive.tensors(&pickle)?, skipped, choice, &bytes)?
                }
                Container::Legacy => {
                    let beginning = legacy::beginning(&bytes)?;
                    let source = legacy::Pickles::read(&beginning)?.tensors(&bytes)?;
                    Contents::from_pickle(&source, Vec::new(), choice, &bytes)?
                }
            };
            check_size(&contents, bytes.len())?;
            Ok((container, contents))
        };
        let (container, contents) = read().map_err(|fault| fault.in_file(file))?;
        let Contents { unwrapped, tensors, unsupported, skipped, normaliser } = contents;
        let file = file.to_owned();
        Ok(Self { file, bytes, container, unwrapped, tensors, unsupported, skipped, normaliser })
    }

    /// The format of the file.
    #[must_use]
    pub fn container(&self) -> Container {
        self.container
    }

    /// What the names of the tensors were wrapped in.
    #[must_use]
    pub fn wrapping(&self) -> Wrapping {
        self.unwrapped.wrapping
    }

    /// What was taken off the names, and what could be chosen instead.
    #[must_use]
    pub fn unwrapped(&self) -> &Unwrapped {
        &self.unwrapped
    }

    /// The tensors, sorted by name.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = NamedTensor<'_>> {
        self.tensors.iter().map(move |(name, layout)| NamedTensor {
            name,
            layout,
            checkpoint: self,
        })
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

    /// Its elements, contiguous in row-major order and little-endian. They are read from the file.
    ///
    /// # Errors
    /// If the file can't be read any more.
    pub fn bytes(&self) -> Result<Cow<'c, [u8]>, ReadError> {
        let bytes = self.layout.contiguous(&self.checkpoint.bytes);
        bytes.map_err(|cause| Fault::from(cause).in_file(&self.checkpoint.file))
    }

    /// The size of its elements in bytes.
    #[must_use]
    pub fn bytes_len(&self) -> usize {
        self.layout.bytes()
    }
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
