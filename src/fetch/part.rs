//! A file that is not whole yet: `NAME.part`, and beside it `NAME.part.json`, which says of which version
//! of the file it is. Both outlive the process, so that the next one goes on where this one was stopped.

use std::{
    ffi::OsString,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::util::files;

/// A file on its way.
#[derive(Debug)]
pub(super) struct Part {
    path: PathBuf,
    file: File,
    bytes: u64,
    /// Of which version it is.
    pub version: Version,
    /// Whether it was put together from more than one answer.
    pub pieced: bool,
}

/// Of which version of a file a part is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    /// Where it came from.
    pub address: String,
    /// The server's name for it: an ETag or a date.
    pub name: Option<String>,
    /// The whole file's length, where the server said it.
    pub total: Option<u64>,
}

impl Part {
    /// Opens what is there of a file, or begins it.
    pub fn open(of: &Path) -> io::Result<Self> {
        let path = beside(of, ".part");
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let bytes = file.metadata()?.len();
        let note = std::fs::read(beside(&path, ".json")).unwrap_or_default();
        // A note that does not read is as good as none: then the part is of an unknown version.
        let version = serde_json::from_slice(&note).unwrap_or_default();
        Ok(Self { path, file, bytes, version, pieced: bytes > 0 })
    }

    /// Bytes that are there.
    pub fn len(&self) -> u64 {
        self.bytes
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins again, with another version.
    pub fn restart(&mut self, version: Version) -> io::Result<()> {
        self.file.set_len(0)?;
        (self.bytes, self.pieced) = (0, false);
        self.version = version;
        let note = serde_json::to_vec(&self.version).map_err(io::Error::other)?;
        files::replace(&beside(&self.path, ".json"), &note)
    }

    /// Puts bytes at its end.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Makes sure that the disk has it, and gives it its name.
    pub fn finish(self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.path, path)?;
        remove(&beside(&self.path, ".json"))
    }

    /// Throws it away.
    pub fn discard(self) -> io::Result<()> {
        remove(&self.path)?;
        remove(&beside(&self.path, ".json"))
    }
}

/// How many bytes of a file are there, before it is whole.
pub(super) fn bytes(of: &Path) -> Option<u64> {
    std::fs::metadata(beside(of, ".part")).ok().map(|part| part.len()).filter(|bytes| *bytes > 0)
}

/// A file's name with something after it.
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
