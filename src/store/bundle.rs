//! Records in one file, to be carried to another ledger or to ship: in gzip (or unpacked, where one is
//! read), each on a line as the ledger keeps it, with its own digest.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};

use super::entry::{self, Entry};
use crate::{
    experiment::ENGINE_VERSION,
    util::files::{self, GZIP},
};

/// What is unpacked at most; a record has some ten thousand bytes.
const LARGEST_BYTES: u64 = 1 << 30;

/// A file of records that can't be read or written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum BundleError {
    /// The file.
    #[error("failed to {what} {path}: {cause}")]
    #[diagnostic(code(store::bundle))]
    Io {
        /// "read" or "write".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// More than is read.
    #[error("{path} has more than {LARGEST_BYTES} bytes of records")]
    #[diagnostic(code(store::bundle_size))]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A line of it.
    #[error("{path}, line {line}: {fault}")]
    #[diagnostic(help(
        "the file is damaged or no file of records: get it again; nothing of it was taken"
    ))]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        fault: String,
    },
}

/// Writes records, whole or not at all. The same records in the same order give the same bytes.
///
/// # Errors
/// If the file can't be written, or would be too large to be read.
pub fn write(path: &Path, entries: &[Entry]) -> Result<(), BundleError> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    let mut length = 0;
    for entry in entries {
        let line = entry::to_bytes(entry);
        length += line.len() as u64;
        if length > LARGEST_BYTES {
            return Err(BundleError::TooLarge { path: path.to_owned() });
        }
        packed.write_all(&line).expect("memory");
    }
    let written = packed.finish().and_then(|packed| files::replace(path, &packed));
    written.map_err(|cause| BundleError::Io { what: "write", path: path.to_owned(), cause })
}

/// Reads records. Each must be whole, and of the name that this program gives its recipe, seed, weights
/// and images.
///
/// # Errors
/// If the file can't be read or is too large, or a record is damaged or has another name.
pub fn read(path: &Path) -> Result<Vec<Entry>, BundleError> {
    let unreadable = |cause| BundleError::Io { what: "read", path: path.to_owned(), cause };
    let mut file = BufReader::new(std::fs::File::open(path).map_err(unreadable)?);
    let begins = file.fill_buf().map_err(unreadable)?;
    if begins.is_empty() {
        return Err(BundleError::Line {
            path: path.to_owned(),
            line: 1,
            fault: "it is empty".to_owned(),
        });
    }
    let packed = begins.starts_with(&GZIP);
    let text: Box<dyn Read> =
        if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let text = BufReader::new(text.take(LARGEST_BYTES + 1));
    let mut entries = Vec::new();
    let mut length = 0;
    for (index, line) in text.split(b'\n').enumerate() {
        let line = line.map_err(unreadable)?;
        length += line.len() as u64 + 1;
        if length > LARGEST_BYTES {
            return Err(BundleError::TooLarge { path: path.to_owned() });
        }
        let entry = entry::from_bytes(&line).map_err(|fault| fault.to_string());
        let checked = entry.and_then(|entry| {
            let named = entry.trial.id(&entry.weights, &entry.data);
            match entry.id == named {
                true => Ok(entry),
                false if entry.engine_version != ENGINE_VERSION => Err(format!(
                    "it was run by engine {}, this program has {ENGINE_VERSION}",
                    entry.engine_version
                )),
                false => Err("its name is not that of what it holds".to_owned()),
            }
        });
        let line = |fault| BundleError::Line { path: path.to_owned(), line: index + 1, fault };
        entries.push(checked.map_err(line)?);
    }
    Ok(entries)
}
