//! An incomplete download: `NAME.part`, and beside it `NAME.part.json` with the version of the
//! file. Both stay when a process is interrupted, so that the next one resumes the download.

use std::{
    ffi::OsString,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::util::files;

/// Size limit of the program's own notes beside a download.
pub(super) const LARGEST_NOTE_BYTES: u64 = 1 << 20;

/// A partial download.
#[derive(Debug)]
pub(super) struct Part {
    path: PathBuf,
    file: File,
    bytes: u64,
    /// The version of the file that its bytes are of.
    pub version: Version,
    /// Whether its bytes are from more than one response.
    pub resumed: bool,
}

/// A version of a file on a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    /// Its URL.
    pub address: String,
    /// Its ETag, else the date of its last modification.
    pub name: Option<String>,
    /// The whole file's length in bytes, if the server stated it.
    pub total: Option<u64>,
}

impl Part {
    /// Opens the partial download of a file, or creates an empty one.
    ///
    /// # Errors
    /// If it can't be created or opened.
    pub fn open(file_path: &Path) -> io::Result<Self> {
        let path = beside(file_path, ".part");
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let bytes = file.metadata()?.len();
        let note = files::bytes(&beside(&path, ".json"), LARGEST_NOTE_BYTES).unwrap_or_default();
        // A note that is missing or damaged leaves the version unknown.
        let version = serde_json::from_slice(&note).unwrap_or_default();
        Ok(Self { path, file, bytes, version, resumed: bytes > 0 })
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.bytes
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Discards its bytes, to download `version` from the start.
    pub fn restart(&mut self, version: Version) -> io::Result<()> {
        self.file.set_len(0)?;
        (self.bytes, self.resumed) = (0, false);
        self.version = version;
        let note = serde_json::to_vec(&self.version).map_err(io::Error::other)?;
        files::replace(&beside(&self.path, ".json"), &note)
    }

    /// Appends bytes.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Flushes it to disk and renames it to `path`.
    pub fn finish(self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.path, path)?;
        remove(&beside(&self.path, ".json"))
    }

    /// Deletes it.
    pub fn delete(self) -> io::Result<()> {
        remove(&self.path)?;
        remove(&beside(&self.path, ".json"))
    }
}

/// The bytes of a file's partial download; `None` if there are none.
pub(super) fn bytes(path: &Path) -> Option<u64> {
    std::fs::metadata(beside(path, ".part")).ok().map(|part| part.len()).filter(|bytes| *bytes > 0)
}

/// A path with a suffix after its file name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(suffix);
    name.into()
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
