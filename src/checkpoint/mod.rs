//! Checkpoints of networks, read as data: safetensors, PyTorch's zip format and its legacy format.
//! Nothing in a file is ever run. Of the names in a pickle those that build tensors are known; every
//! other object is opaque, and told of.
//!
//! A [`Container`] is told from a file's first bytes; its reader finds named values and the storages
//! beside them; what the names are wrapped in is taken off; and what is left are layouts of tensors
//! in the file's bytes, which are read once and stay where they are. [`Checkpoint::fitted`] makes them
//! those of an architecture; libtorch is not needed.

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
pub use pickle::MOST_OPERATIONS;
pub use safetensors::write as to_safetensors;
pub use summary::Skipped;
pub use unwrap::Wrapping;

use contents::Contents;
use error::shown;
use layout::Layout;

/// A larger file is refused. A robust ResNet-50 with its momentum has 205 MB.
pub const LARGEST_BYTES: u64 = 4 << 30;
/// Tensors that repeat their elements, or that share them, may come to so many times the file's
/// bytes when all are written out, ...
pub(crate) const MOST_TIMES_LARGER: usize = 4;
/// ... or to so many bytes, whichever is more.
pub(crate) const ALWAYS_ALLOWED_BYTES: usize = 64 << 20;

/// A checkpoint's tensors, by torchvision's names, and what was skipped.
#[derive(Debug)]
pub struct Checkpoint {
    file: String,
    bytes: Vec<u8>,
    container: Container,
    wrapping: Wrapping,
    tensors: BTreeMap<String, Layout>,
    /// Entries of the state dict that are no tensors that are read, and why.
    left_out: BTreeMap<String, String>,
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
    /// Reads a file, once.
    ///
    /// # Errors
    /// If it can't be read or is larger than [`LARGEST_BYTES`], and as [`Checkpoint::read`].
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let file = path.display().to_string();
        let read = || -> Result<Vec<u8>, Fault> {
            let io = |cause| Fault::Io { cause };
            let opened = File::open(path).map_err(io)?;
            let about = opened.metadata().map_err(io)?;
            if about.is_dir() {
                return Err(io(io::Error::other("it is a folder")));
            }
            if about.len() > LARGEST_BYTES {
                return Err(too_large());
            }
            let mut bytes = Vec::new();
            // Room for the file as it is; what grows meanwhile, or has no length, such as a pipe, is
            // read up to the bound.
            let room = usize::try_from(about.len()).unwrap_or(usize::MAX);
            bytes.try_reserve_exact(room).map_err(|error| io(io::Error::other(error)))?;
            opened.take(LARGEST_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => Self::read(&file, bytes),
            Err(fault) => Err(fault.of(&file)),
        }
    }

    /// Reads a file's bytes, which errors call by `file`.
    ///
    /// # Errors
    /// If it is of no format that is read, if its structure is broken or out of bounds, if a tensor
    /// of the network depends on an object that is not known, or if there are no named tensors.
    pub fn read(file: &str, bytes: Vec<u8>) -> Result<Self, ReadError> {
        let read = || -> Result<(Container, Contents), Fault> {
            if bytes.len() as u64 > LARGEST_BYTES {
                return Err(too_large());
            }
            let container = Container::of(&bytes)?;
            let contents = match container {
                Container::Safetensors => {
                    let (tensors, skipped) = safetensors::read(&bytes)?;
                    Contents::of_tensors(tensors, skipped, &bytes)?
                }
                Container::Zip => {
                    let (source, skipped) = archive::read(&bytes)?;
                    Contents::of_pickle(&source, skipped, &bytes)?
                }
                Container::Legacy => {
                    Contents::of_pickle(&legacy::read(&bytes)?, Vec::new(), &bytes)?
                }
            };
            check_size(&contents, bytes.len())?;
            Ok((container, contents))
        };
        let (container, contents) = read().map_err(|fault| fault.of(file))?;
        let Contents { wrapping, tensors, left_out, skipped, normaliser } = contents;
        let file = file.to_owned();
        Ok(Self { file, bytes, container, wrapping, tensors, left_out, skipped, normaliser })
    }

    /// The format of the file.
    #[must_use]
    pub fn container(&self) -> Container {
        self.container
    }

    /// What the names were wrapped in.
    #[must_use]
    pub fn wrapping(&self) -> Wrapping {
        self.wrapping
    }

    /// The tensors, in the order of their names.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = NamedTensor<'_>> {
        let file = &self.bytes[..];
        self.tensors.iter().map(move |(name, layout)| NamedTensor { name, layout, file })
    }

    /// What was skipped.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// What the network's images were normalised by, where the wrapping says so.
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

    /// Its name for people: short, and nothing in it that a terminal would obey.
    #[must_use]
    pub fn shown_name(&self) -> String {
        shown(self.name)
    }

    /// Its sizes.
    #[must_use]
    pub fn shape(&self) -> &'c [usize] {
        self.layout.shape()
    }

    /// The kind of its elements.
    #[must_use]
    pub fn dtype(&self) -> Dtype {
        self.layout.dtype()
    }

    /// Its elements, contiguous (the last index first) and little-endian.
    #[must_use]
    pub fn bytes(&self) -> Cow<'c, [u8]> {
        self.layout.in_a_row(self.file)
    }

    /// How many bytes they are.
    #[must_use]
    pub fn bytes_len(&self) -> usize {
        self.layout.bytes()
    }
}

fn too_large() -> Fault {
    Fault::bound("the whole file", format!("it has more than {LARGEST_BYTES} bytes"))
}

/// A view that repeats one element promises any number of bytes for the price of one.
fn check_size(contents: &Contents, file: usize) -> Result<(), Fault> {
    let most = file.saturating_mul(MOST_TIMES_LARGER).max(ALWAYS_ALLOWED_BYTES);
    let mut all = 0_usize;
    for (name, layout) in &contents.tensors {
        all = all.saturating_add(layout.bytes());
        if all > most {
            let what = format!(
                "with it the tensors have {all} bytes written out, and {most} are the most of a file \
                 of {file}"
            );
            return Err(Fault::bound(format!("tensor `{}`", shown(name)), what));
        }
    }
    Ok(())
}
