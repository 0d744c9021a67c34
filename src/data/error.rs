//! What can be wrong with a data set on disk. Every reader's errors are here but those of the IDX
//! format itself ([`IdxError`]).

use std::path::PathBuf;

use super::{DatasetError, idx::IdxError};
use crate::util::suggest::did_you_mean;

/// What is wrong with a data set, and where.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DataError {
    /// A file or folder is not there, or can't be read.
    #[error("failed to read {path}: {cause}")]
    #[diagnostic(help("name the folder that holds the official files, unpacked"))]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A file of the MNIST family is there neither plain nor packed.
    #[error("failed to read {path} or {path}.gz: {cause}")]
    #[diagnostic(help(
        "name the folder that holds the official files (Debian's package dataset-fashion-mnist has \
         Fashion-MNIST)"
    ))]
    NeitherPlainNorPacked {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A file is not the official one.
    #[error("{path}: the SHA-256 of its contents is {found}, not {expected}")]
    #[diagnostic(help("this is not the official file: get it again"))]
    Checksum {
        /// The file.
        path: PathBuf,
        /// Its own.
        found: String,
        /// The official file's.
        expected: &'static str,
    },
    /// A file is no IDX file.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Idx(#[from] IdxError),
    /// A file is larger than any of its kind.
    #[error("{path} has {bytes} bytes, and no file of its kind has more than {limit}")]
    #[diagnostic(help("this is not the file that its name says; get the official one"))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The most that is read.
        limit: u64,
    },
    /// A file of records ends within one.
    #[error("{path}, offset {offset}: {left} bytes are left, and a record has {record}")]
    #[diagnostic(help(
        "the file is cut short or is not CIFAR's binary version (the Python and MATLAB versions \
         are other formats): get it again"
    ))]
    Records {
        /// The file.
        path: PathBuf,
        /// Where the last whole record ends.
        offset: usize,
        /// Bytes after it.
        left: usize,
        /// Bytes of a record.
        record: usize,
    },
    /// A label can't be.
    #[error("{path}, image {image}: its label is {label}, and labels are {allowed}")]
    #[diagnostic(help("the file is damaged or of another data set: get the official one"))]
    Label {
        /// The file.
        path: PathBuf,
        /// Which image, counted from 0.
        image: usize,
        /// Its label.
        label: f64,
        /// What a label can be.
        allowed: &'static str,
    },
    /// There are other than the official number of images or classes, or than their owner says.
    #[error("{path} has {found} {what}, and {expected} are expected{}", passed_over(*hidden))]
    #[diagnostic(help("some of it is missing, or it is another data set: get it again, whole"))]
    Count {
        /// The file or folder.
        path: PathBuf,
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
        /// How many names that begin with a dot were passed over.
        hidden: usize,
    },
    /// Images have another size than those of the official set.
    #[error(
        "{path}: images have {} x {} x {} values, and the official ones {} x {} x {}",
        found.0, found.1, found.2, expected.0, expected.1, expected.2)]
    #[diagnostic(help("this is another data set: get the official one"))]
    Shape {
        /// The folder.
        path: PathBuf,
        /// Channels, rows and columns.
        found: (usize, usize, usize),
        /// What they should be.
        expected: (usize, usize, usize),
    },
    /// A MATLAB file is not as SVHN's are.
    #[error("{path}, offset {offset}{}: {fault}", inside(*unpacked))]
    #[diagnostic(help(
        "SVHN's format 2 is train_32x32.mat and test_32x32.mat, MATLAB 5 files that begin with \
         `MATLAB 5.0 MAT-file`: get the official file"
    ))]
    Mat {
        /// The file.
        path: PathBuf,
        /// Where the element lies in the file.
        offset: usize,
        /// How far into what is packed there.
        unpacked: Option<u64>,
        /// What is wrong.
        fault: String,
    },
    /// A line of a list can't be.
    #[error("{path}, line {line}: {fault}")]
    #[diagnostic(help("the list is damaged or of another version: get the official file"))]
    List {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        fault: String,
    },
    /// A file is no image that is read.
    #[error("{path} is not read as an image: {fault}")]
    #[diagnostic(help(
        "JPEG, PNG and WebP are read, of 8 bits, grey or in colour; get the file again, or convert it"
    ))]
    Picture {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// A folder is not laid out as its kind.
    #[error("{path}: {fault}")]
    #[diagnostic(help(
        "an image folder is {{train,test}}/CLASS/*.{{jpg,jpeg,png}}, with the same classes in both; \
         move everything else out of it"
    ))]
    Layout {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// A packed file is cut short or contradicts itself.
    #[error("{path} is no whole file of packed images: {fault}")]
    #[diagnostic(help("pack it again with `python3 scripts/pack_lab.py --help`"))]
    Packed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// Parts that do not make a data set.
    #[error("{path}: {cause}")]
    #[diagnostic(help("the file is damaged: get it again"))]
    Dataset {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        cause: DatasetError,
    },
    /// There is no such target.
    #[error("there is no data set `{name}`{}", did_you_mean(name, super::official::names()))]
    #[diagnostic(help("there are {}", super::official::names().collect::<Vec<_>>().join(", ")))]
    Unknown {
        /// What was asked for.
        name: String,
    },
}

fn passed_over(hidden: usize) -> String {
    match hidden {
        0 => String::new(),
        1 => " (1 name that begins with a dot is passed over)".to_owned(),
        _ => format!(" ({hidden} names that begin with a dot are passed over)"),
    }
}

fn inside(unpacked: Option<u64>) -> String {
    unpacked.map_or(String::new(), |at| format!(", {at} bytes into what is packed there"))
}
