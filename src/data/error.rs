//! Errors of data sets on disk. Those of the IDX format are in [`IdxError`].

use std::{io::ErrorKind, path::PathBuf};

use super::{DatasetError, idx::IdxError, picture::FORMATS};
use crate::util::suggest::did_you_mean;

/// A missing, damaged or wrong data set.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DataError {
    /// A file or folder is missing or can't be read.
    #[error("failed to read {path}: {cause}")]
    #[diagnostic(help("name the folder with the official files, unpacked"))]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The error of the system.
        cause: std::io::Error,
    },
    /// A file of the MNIST family is missing, plain and with gzip.
    #[error("failed to read {path} or {path}.gz: {cause}")]
    #[diagnostic(help(
        "name the folder with the official files (Debian's package dataset-fashion-mnist has \
         Fashion-MNIST)"
    ))]
    NeitherPlainNorGzip {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        cause: std::io::Error,
    },
    /// A file is not the official one.
    #[error("failed to verify {path}: the SHA-256 of its contents is {found}, not {expected}")]
    #[diagnostic(help("this is not the official file: download it again"))]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The SHA-256 of the file.
        found: String,
        /// The official one.
        expected: &'static str,
    },
    /// A file is no valid IDX file.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Idx(#[from] IdxError),
    /// A file exceeds the size limit.
    #[error("failed to read {path}: it has {bytes} bytes, more than the limit of {limit}")]
    #[diagnostic(help("this is not the file that its name states: download the official one"))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A file ends within a record.
    #[error(
        "failed to read {path}, offset {offset}: {left} bytes are left, but a record has {record}"
    )]
    #[diagnostic(help(
        "download the file again: it is truncated or not CIFAR's binary version (the Python and \
         MATLAB versions are other formats)"
    ))]
    Records {
        /// The file.
        path: PathBuf,
        /// The offset after the last complete record.
        offset: usize,
        /// The bytes after it.
        left: usize,
        /// The bytes of a record.
        record: usize,
    },
    /// A label is out of range.
    #[error("failed to read {path}, image {image}: its label is {label}, but must be {allowed}")]
    #[diagnostic(help("the file is damaged or of another data set: download the official one"))]
    Label {
        /// The file.
        path: PathBuf,
        /// The index of the image, from 0.
        image: usize,
        /// Its label.
        label: f64,
        /// The valid labels.
        allowed: &'static str,
    },
    /// The number of images or classes differs from the official one, or from the user's.
    #[error("failed to verify {path}: {found} {what}, expected {expected}{}", skipped(*hidden))]
    #[diagnostic(help("the data set is incomplete or another one: download it again"))]
    Count {
        /// The file or folder.
        path: PathBuf,
        /// What is counted.
        what: &'static str,
        /// The number found.
        found: usize,
        /// The number expected.
        expected: usize,
        /// The number of hidden files, which were skipped.
        hidden: usize,
    },
    /// The size of images differs from the official one.
    #[error(
        "failed to verify {path}: images have {} x {} x {} values, the official ones {} x {} x {}",
        found.0, found.1, found.2, expected.0, expected.1, expected.2)]
    #[diagnostic(help("this is another data set: download the official one"))]
    Shape {
        /// The folder.
        path: PathBuf,
        /// Channels, rows and columns.
        found: (usize, usize, usize),
        /// The official ones.
        expected: (usize, usize, usize),
    },
    /// A MATLAB file is not in the format of SVHN.
    #[error("failed to read {path}, offset {offset}{}: {fault}", inside(*unpacked))]
    #[diagnostic(help(
        "download the official file: train_32x32.mat and test_32x32.mat of SVHN's format 2 begin \
         with `MATLAB 5.0 MAT-file`"
    ))]
    Mat {
        /// The file.
        path: PathBuf,
        /// The offset of the element in the file.
        offset: usize,
        /// The offset in the compressed element, after unpacking.
        unpacked: Option<u64>,
        /// What is wrong.
        fault: String,
    },
    /// A line of a list is invalid.
    #[error("failed to read {path}, line {line}: {fault}")]
    #[diagnostic(help("the list is damaged or of another version: download the official file"))]
    List {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        fault: String,
    },
    /// A file is no supported image, or is damaged.
    #[error("failed to decode the image {path}: {fault}")]
    #[diagnostic(help(
        "download the file again, or convert it to {FORMATS} of 8 bits, grey or in colour"
    ))]
    Picture {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// A data set in another form than the one that is read.
    #[error("failed to read {path}: it has {found}, but {expected} is expected")]
    #[diagnostic(help("download the data set in the form that is expected"))]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// What it has.
        found: &'static str,
        /// What is expected in it.
        expected: &'static str,
    },
    /// The layout of a folder is another one.
    #[error("failed to read {path}: {fault}")]
    #[diagnostic(help(
        "arrange an image folder as {{train,test}}/CLASS/IMAGE, and keep only the files of the \
         data set in it"
    ))]
    Layout {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// A packed file is truncated or inconsistent.
    #[error("failed to read the packed images {path}: {fault}")]
    #[diagnostic(help("pack it again with `python3 scripts/pack_lab.py --help`"))]
    Packed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// Images, labels and classes do not match.
    #[error("failed to read {path}: {cause}")]
    #[diagnostic(help("the file is damaged: download it again"))]
    Dataset {
        /// The file.
        path: PathBuf,
        /// What does not match.
        cause: DatasetError,
    },
    /// The name of the data set is unknown.
    #[error("failed to find the data set `{name}`{}", did_you_mean(name, super::official::names()))]
    #[diagnostic(help("use one of {}", super::official::names().collect::<Vec<_>>().join(", ")))]
    Unknown {
        /// The name.
        name: String,
    },
}

/// What an error is about, which decides what can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Nothing is there.
    Missing,
    /// The system does not let the program read it.
    Unreadable,
    /// It is something else, or in another form.
    Foreign {
        /// What is expected, where that form is recognised.
        expected: Option<&'static str>,
    },
    /// It is incomplete, damaged, or not as its checksum or its numbers state.
    Damaged,
}

impl DataError {
    /// What the error is about.
    #[must_use]
    pub fn problem(&self) -> Problem {
        match self {
            Self::Unreadable { cause, .. } | Self::NeitherPlainNorGzip { cause, .. } => {
                match cause.kind() {
                    ErrorKind::NotFound => Problem::Missing,
                    ErrorKind::NotADirectory | ErrorKind::IsADirectory => {
                        Problem::Foreign { expected: None }
                    }
                    _ => Problem::Unreadable,
                }
            }
            Self::Foreign { expected, .. } => Problem::Foreign { expected: Some(expected) },
            Self::Layout { .. } => Problem::Foreign { expected: None },
            _ => Problem::Damaged,
        }
    }
}

fn skipped(hidden: usize) -> String {
    match hidden {
        0 => String::new(),
        1 => " (1 hidden file is skipped)".to_owned(),
        _ => format!(" ({hidden} hidden files are skipped)"),
    }
}

fn inside(unpacked: Option<u64>) -> String {
    unpacked.map_or(String::new(), |at| format!(", offset {at} after unpacking"))
}
