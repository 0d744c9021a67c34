//! A file to download or import, and its verification by checksum or, for a checkpoint without an
//! official checksum, by its network.

use std::{
    io,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use super::checksum::Checksum;
use crate::{checkpoint::Checkpoint, experiment::Architecture};

/// A file to download or import, with what it is verified against.
#[derive(Default)]
pub(super) struct DownloadRequest {
    pub name: String,
    pub addresses: Vec<String>,
    /// Its official size in bytes.
    pub bytes: Option<u64>,
    /// The official checksum, or the recorded one of the first download.
    pub checksum: Option<Checksum>,
    /// The file that the checksum is recorded in, if it is not the official one.
    pub record: Option<PathBuf>,
    /// The network that it must be a checkpoint of; only without an official checksum.
    pub architecture: Option<Architecture>,
}

impl DownloadRequest {
    /// Verifies a complete file. Returns why it is the wrong one, or `None` if it is right.
    ///
    /// # Errors
    /// If it can't be read, or Ctrl-C interrupts it.
    pub fn verify(&self, path: &Path, stop: &AtomicBool) -> io::Result<Option<String>> {
        if let Some(expected) = &self.checksum {
            let found = expected.recompute(path, stop)?;
            if found != *expected {
                return Ok(Some(self.mismatch(&mismatch(&found, expected))));
            }
        }
        let Some(architecture) = &self.architecture else { return Ok(None) };
        let opened = Checkpoint::open(path).and_then(|checkpoint| checkpoint.fitted(architecture));
        Ok(opened.err().map(|error| format!("not a checkpoint of its network: {}", error.fault)))
    }

    fn mismatch(&self, mismatch: &str) -> String {
        match &self.record {
            None => format!("not the official file: {mismatch}"),
            Some(record) => format!(
                "not the file of the first download: {mismatch}; to accept this one, delete {}, \
                 which records the other's checksum, and run the command again",
                record.display()
            ),
        }
    }
}

/// The error text of a wrong checksum.
pub(super) fn mismatch(found: &Checksum, expected: &Checksum) -> String {
    let Checksum { algorithm, hexadecimal } = found;
    format!("its {algorithm} checksum is {hexadecimal}, not {}", expected.hexadecimal)
}
