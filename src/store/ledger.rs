//! The ledger on disk: one file for each entry, with a digest of what decides the trial as its
//! name, written atomically. Any number of processes on any number of machines can share a ledger
//! on a common file system: each trial has a lock ([`lease`](Ledger::lease)). Without locks two
//! processes may run the same trial; both then write the same name, and the last finished entry
//! stays.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::entry::{self, Ended, Entry, Fault};
use crate::util::files;

/// Entries by name.
#[derive(Clone, Debug)]
pub struct Ledger {
    folder: PathBuf,
}

/// A failed operation on a ledger.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LedgerError {
    /// A file or folder can't be read or written.
    #[error("failed to {operation} {path}: {cause}")]
    #[diagnostic(code(store::ledger))]
    Io {
        /// The operation.
        operation: Operation,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        cause: std::io::Error,
    },
    /// An entry that a later version of this program wrote. It stays where it is.
    #[error(
        "failed to read {path}: it has format {found}, and this version reads up to format {}",
        entry::FORMAT_VERSION
    )]
    #[diagnostic(code(store::version))]
    Version {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
}

/// An operation on files of a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Read a file.
    Read,
    /// List a folder.
    List,
    /// Move a damaged file.
    SetAside,
    /// Write an entry.
    Write,
}

impl std::fmt::Display for Operation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Read => "read",
            Self::List => "list",
            Self::SetAside => "move",
            Self::Write => "write",
        })
    }
}

impl LedgerError {
    /// Whether the failed operation was writing, not reading.
    #[must_use]
    pub fn is_about_writing(&self) -> bool {
        matches!(self, Self::Io { operation: Operation::SetAside | Operation::Write, .. })
    }
}

/// A file that is not a valid entry. Its trial counts as not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// Where it was found.
    pub path: PathBuf,
    /// Where it was moved to; `None` if it was not moved, because its name is not that of an entry.
    pub aside: Option<PathBuf>,
    /// What is wrong with it.
    pub reason: String,
}

impl Ledger {
    /// The ledger in a folder, which is created with the first entry.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The default folder of the ledger: `REPRO_LEDGER`, else `.ledger` in the project that the
    /// program was built from, else `.ledger` in the current folder.
    #[must_use]
    pub fn default_folder() -> PathBuf {
        files::default_folder("REPRO_LEDGER", ".ledger")
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of lock files, one for each trial that is running.
    #[must_use]
    pub fn running(&self) -> PathBuf {
        self.folder.join("running")
    }

    pub(super) fn path(&self, id: &str) -> PathBuf {
        // 256 folders, because many file systems are slow with very many files in one folder.
        self.folder.join("entries").join(&id[..2]).join(format!("{id}.json"))
    }

    /// Whether there is a file with this name, a valid entry or a damaged one.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.path(id).exists()
    }

    /// The entry with this name; `None` if there is none. A damaged file is moved to the folder
    /// `damaged` and reported to the callback; its trial then counts as not run.
    ///
    /// # Errors
    /// If the file can't be read or moved, or has the format of a later version.
    pub fn get(
        &self,
        id: &str,
        damaged: &mut dyn FnMut(Damaged),
    ) -> Result<Option<Entry>, LedgerError> {
        let path = self.path(id);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(LedgerError::Io { operation: Operation::Read, path, cause }),
        };
        let reason = match entry::from_bytes(&bytes) {
            Ok(entry) if entry.id == id => return Ok(Some(entry)),
            Ok(entry) => format!("it holds the entry {}", entry.id),
            Err(Fault::Version(found)) => return Err(LedgerError::Version { path, found }),
            Err(Fault::Damaged(reason)) => reason,
        };
        damaged(Damaged { aside: Some(self.set_aside(&path)?), path, reason });
        Ok(None)
    }

    /// Moves a damaged file to the folder `damaged`, with a number if the name is taken.
    fn set_aside(&self, path: &Path) -> Result<PathBuf, LedgerError> {
        let folder = self.folder.join("damaged");
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let numbered = |number: usize| match number {
            0 => folder.join(&*name),
            number => folder.join(format!("{name}.{number}")),
        };
        let aside = (0..).map(numbered).find(|aside| !aside.exists()).expect("some number is free");
        let moved = std::fs::create_dir_all(&folder).and_then(|()| std::fs::rename(path, &aside));
        match moved {
            Ok(()) => Ok(aside),
            // Another process has moved it already.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(aside),
            Err(cause) => Err(LedgerError::Io {
                operation: Operation::SetAside,
                path: path.to_owned(),
                cause,
            }),
        }
    }

    /// Stores an entry. When this returns, only a failure of the disk can lose it. A failed entry
    /// never replaces a finished one: another process may have run the same trial with more memory.
    ///
    /// # Errors
    /// If the entry can't be written, or an existing file can't be read.
    pub fn put(&self, entry: &Entry) -> Result<(), LedgerError> {
        if let Ended::Failed { .. } = entry.outcome {
            let existing = self.get(&entry.id, &mut |_| ())?;
            if existing.is_some_and(|existing| matches!(existing.outcome, Ended::Finished(_))) {
                return Ok(());
            }
        }
        let path = self.path(&entry.id);
        files::replace(&path, &entry::to_bytes(entry)).map_err(|cause| LedgerError::Io {
            operation: Operation::Write,
            path,
            cause,
        })
    }

    /// Checks that entries and locks can be written, before trials run.
    ///
    /// # Errors
    /// If they can't.
    pub fn check_writable(&self) -> Result<(), LedgerError> {
        for path in [self.folder.join("entries"), self.running()] {
            if let Err(cause) = files::check_writable(&path) {
                return Err(LedgerError::Io { operation: Operation::Write, path, cause });
            }
        }
        Ok(())
    }

    /// Every entry, sorted by name. Damaged files are moved as in [`Ledger::get`]. A file whose
    /// name is not that of an entry is reported and stays where it is.
    ///
    /// # Errors
    /// If a folder or file can't be read, or an entry has the format of a later version.
    pub fn all(&self, damaged: &mut dyn FnMut(Damaged)) -> Result<Vec<Entry>, LedgerError> {
        let mut ids: Vec<String> = Vec::new();
        let entries = self.folder.join("entries");
        for folder in listed(&entries)? {
            for file in listed(&folder)? {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                match name.strip_suffix(".json").filter(|id| is_id(id)) {
                    Some(id) if self.path(id) == file => ids.push(id.to_owned()),
                    // A temporary file, whose name begins with a dot.
                    None if name.starts_with('.') => (),
                    _ => {
                        let reason = "its name is not that of an entry in this folder".to_owned();
                        damaged(Damaged { path: file.clone(), aside: None, reason });
                    }
                }
            }
        }
        ids.sort_unstable();
        let mut all = Vec::with_capacity(ids.len());
        for id in ids {
            all.extend(self.get(&id, damaged)?);
        }
        Ok(all)
    }

    /// The entries whose names begin with a prefix.
    ///
    /// # Errors
    /// As [`Ledger::all`].
    pub fn with_prefix(
        &self,
        prefix: &str,
        damaged: &mut dyn FnMut(Damaged),
    ) -> Result<Vec<Entry>, LedgerError> {
        if is_id(prefix)
            && let Some(entry) = self.get(prefix, damaged)?
        {
            return Ok(vec![entry]);
        }
        let mut all = self.all(damaged)?;
        all.retain(|entry| entry.id.starts_with(prefix));
        Ok(all)
    }
}

/// Whether this can be the name of an entry: 64 hexadecimal digits.
fn is_id(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The contents of a folder; empty if it does not exist.
fn listed(folder: &Path) -> Result<Vec<PathBuf>, LedgerError> {
    let unreadable =
        |cause| LedgerError::Io { operation: Operation::List, path: folder.to_owned(), cause };
    match std::fs::read_dir(folder) {
        Ok(entries) => {
            entries.map(|entry| entry.map(|entry| entry.path()).map_err(unreadable)).collect()
        }
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(cause) => Err(unreadable(cause)),
    }
}
