//! A bundle: many entries in one file, to copy them to another ledger or to ship them. It is
//! compressed by gzip (reading accepts uncompressed files too) and has one line for each entry, in
//! the ledger's form with its digest.

use std::{
    borrow::Borrow,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};

use super::{
    LedgerError,
    entry::{self, Entry},
};
use crate::{
    experiment::ENGINE_VERSION,
    util::{files::GZIP, gzip::Members, named_file},
};

/// Size limit after decompression; an entry has about ten thousand bytes.
const LARGEST_BYTES: u64 = 1 << 30;

/// A bundle that can't be read or written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum BundleError {
    /// The file can't be read or written.
    #[error("failed to {what} {path}: {cause}")]
    #[diagnostic(code(store::bundle))]
    Io {
        /// "read" or "write".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        cause: std::io::Error,
    },
    /// The file is above the size limit.
    #[error("failed to read or write {path}: more than {LARGEST_BYTES} bytes of records")]
    #[diagnostic(code(store::bundle_size))]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// An entry of the ledger can't be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Ledger(#[from] LedgerError),
    /// A line is not a valid entry.
    #[error("failed to read {path}, line {line}: {fault}")]
    #[diagnostic(help(
        "the file is damaged or is not a file of records: copy or download it again; none of its \
         records was imported"
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

/// Writes a bundle atomically. The same entries in the same order give the same bytes.
///
/// # Errors
/// If the file can't be written, or would be above the size limit.
pub fn write(path: &Path, entries: &[Entry]) -> Result<(), BundleError> {
    write_each(path, entries.iter().map(Ok))
}

/// The same for entries that are read one after another, so that memory holds one of them.
///
/// # Errors
/// As [`write()`], or if an entry can't be read; then nothing is written.
pub fn write_each<E: Borrow<Entry>>(
    path: &Path,
    entries: impl IntoIterator<Item = Result<E, LedgerError>>,
) -> Result<(), BundleError> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    let mut length = 0;
    for entry in entries {
        let line = entry::to_bytes(entry?.borrow());
        length += line.len() as u64;
        if length > LARGEST_BYTES {
            return Err(BundleError::TooLarge { path: path.to_owned() });
        }
        packed.write_all(&line).expect("writing to memory succeeds");
    }
    let written = packed.finish().and_then(|packed| named_file::write(path, &packed));
    written.map_err(|cause| BundleError::Io { what: "write", path: path.to_owned(), cause })
}

/// Reads a bundle. Each entry must be valid, as in a ledger, and from this version of the engine.
///
/// # Errors
/// If the file can't be read or is too large, or an entry is damaged or has another name.
pub fn read(path: &Path) -> Result<Vec<Entry>, BundleError> {
    let unreadable = |cause| BundleError::Io { what: "read", path: path.to_owned(), cause };
    let mut file = BufReader::new(std::fs::File::open(path).map_err(unreadable)?);
    let start = file.fill_buf().map_err(unreadable)?;
    if start.is_empty() {
        return Err(BundleError::Line {
            path: path.to_owned(),
            line: 1,
            fault: "the file is empty".to_owned(),
        });
    }
    let is_gzip = start.starts_with(&GZIP);
    let text: Box<dyn Read> = if is_gzip { Box::new(Members::new(file)) } else { Box::new(file) };
    let mut text = BufReader::new(text.take(LARGEST_BYTES + 1));
    let mut entries = Vec::new();
    let mut length = 0;
    for index in 0.. {
        let mut line = Vec::new();
        // A file of one endless line is no bundle: it is not read to its end.
        let mut limited = Read::by_ref(&mut text).take(entry::LARGEST_BYTES + 1);
        limited.read_until(b'\n', &mut line).map_err(unreadable)?;
        if line.is_empty() {
            break;
        }
        length += line.len() as u64;
        if length > LARGEST_BYTES {
            return Err(BundleError::TooLarge { path: path.to_owned() });
        }
        if line.len() as u64 > entry::LARGEST_BYTES {
            let fault = format!("a record has at most {} bytes", entry::LARGEST_BYTES);
            return Err(BundleError::Line { path: path.to_owned(), line: index + 1, fault });
        }
        if line.ends_with(b"\n") {
            line.pop();
        }
        let entry = entry::from_bytes(&line).map_err(|fault| fault.to_string());
        let checked = entry.and_then(|entry| match entry.engine_version {
            ENGINE_VERSION => Ok(entry),
            other => {
                Err(format!("it was run by engine {other}, this program has {ENGINE_VERSION}"))
            }
        });
        let line = |fault| BundleError::Line { path: path.to_owned(), line: index + 1, fault };
        entries.push(checked.map_err(line)?);
    }
    Ok(entries)
}
