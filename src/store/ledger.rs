//! The ledger on disk: one file for each entry, with a digest of what decides the trial as its
//! name, written atomically. Any number of processes on any number of machines can share a ledger
//! on a common file system: each trial has a lease ([`Lease`](super::Lease)). If two processes run
//! the same trial nevertheless, both write the same name, and the first finished entry stays.

use std::{
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use super::{
    entry::{self, Ended, Entry, Fault},
    lease::Lease,
};
use crate::util::files::{self, Existing, Room};

/// Entries by name.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub(super) folder: PathBuf,
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
    /// An entry that could not be read back: it is not written.
    #[error("failed to write the record {id}: {reason}")]
    #[diagnostic(code(store::invalid))]
    Invalid {
        /// Its name.
        id: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// What is on disk under a name.
pub(super) enum Stored {
    /// A valid entry.
    Entry(Box<Entry>),
    /// No file.
    Nothing,
    /// A file that is no valid entry here.
    Unusable(Fault),
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
        let writes = |operation| matches!(operation, Operation::SetAside | Operation::Write);
        match self {
            Self::Io { operation, .. } => writes(*operation),
            Self::Version { .. } => false,
            Self::Invalid { .. } => true,
        }
    }
}

/// What became of an entry that was to be stored.
#[derive(Clone, Debug, PartialEq)]
pub enum Put {
    /// It is stored.
    Stored,
    /// Another process has stored a finished entry of the same bits, or this one failed.
    There,
    /// Another process has stored a finished entry with other bits, which stays: this one.
    Differs(Box<Entry>),
}

/// A file that is passed over: it is not a valid entry, or can't be read. Its trial counts as not
/// run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// Where it was found.
    pub path: PathBuf,
    /// Where it was moved to; `None` if it stays.
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

    /// What is on disk under a name.
    pub(super) fn read(&self, id: &str) -> Result<Stored, LedgerError> {
        let path = self.path(id);
        let bytes = match files::bytes(&path, entry::LARGEST_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Stored::Nothing),
            // It is no fault of this file, and the next one would seem to be missing as well.
            Err(cause) if files::is_exhausted(&cause) => {
                return Err(LedgerError::Io { operation: Operation::Read, path, cause });
            }
            Err(cause) => return Ok(Stored::Unusable(Fault::Unreadable(cause))),
        };
        Ok(match entry::from_bytes(&bytes) {
            Ok(entry) if entry.id == id => Stored::Entry(Box::new(entry)),
            Ok(entry) => {
                Stored::Unusable(Fault::Damaged(format!("it holds the entry {}", entry.id)))
            }
            Err(fault) => Stored::Unusable(fault),
        })
    }

    /// The entry with this name; `None` if there is none. A file that is no valid entry is reported
    /// to the callback and stays where it is; its trial counts as not run.
    ///
    /// # Errors
    /// If the machine has no memory or file handles left.
    pub fn get(
        &self,
        id: &str,
        damaged: &mut dyn FnMut(Damaged),
    ) -> Result<Option<Entry>, LedgerError> {
        match self.read(id)? {
            Stored::Entry(entry) => Ok(Some(*entry)),
            Stored::Nothing => Ok(None),
            Stored::Unusable(fault) => {
                damaged(Damaged { path: self.path(id), aside: None, reason: fault.to_string() });
                Ok(None)
            }
        }
    }

    /// The same for a process that stores an entry of this name if there is none: a damaged file is
    /// moved to the folder `damaged`, and one that must not be replaced is an error.
    ///
    /// # Errors
    /// If the file can't be read or moved, or has the format of a later version.
    pub fn get_or_clear(
        &self,
        id: &str,
        damaged: &mut dyn FnMut(Damaged),
    ) -> Result<Option<Entry>, LedgerError> {
        let path = self.path(id);
        match self.read(id)? {
            Stored::Entry(entry) => Ok(Some(*entry)),
            Stored::Nothing => Ok(None),
            Stored::Unusable(Fault::Version(found)) => Err(LedgerError::Version { path, found }),
            Stored::Unusable(Fault::Unreadable(cause)) => {
                Err(LedgerError::Io { operation: Operation::Read, path, cause })
            }
            Stored::Unusable(Fault::Damaged(reason)) => {
                damaged(Damaged { aside: Some(self.set_aside(&path)?), path, reason });
                Ok(None)
            }
        }
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

    /// Stores an entry. When this returns, only a failure of the disk can lose it. A finished entry
    /// stays: another process may have run the same trial, before or meanwhile. A damaged file of
    /// the same name is moved to the folder `damaged`.
    ///
    /// # Errors
    /// If the entry can't be written or could not be read back, or an existing file can't be read
    /// or has the format of a later version.
    pub fn put(&self, entry: &Entry) -> Result<Put, LedgerError> {
        self.put_into(entry, None)
    }

    /// The same for an entry whose trial was run under a lease, into the room that it has.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub fn put_leased(&self, entry: &Entry, lease: &Lease) -> Result<Put, LedgerError> {
        self.put_into(entry, lease.take_room())
    }

    fn put_into(&self, entry: &Entry, mut room: Option<Room>) -> Result<Put, LedgerError> {
        let bytes = entry::to_bytes(entry);
        if let Err(fault) = entry::from_bytes(&bytes) {
            let (id, reason) = (entry.id.clone(), fault.to_string());
            return Err(LedgerError::Invalid { id, reason });
        }
        let path = self.path(&entry.id);
        loop {
            let existing = match self.get_or_clear(&entry.id, &mut |_| ())? {
                None => Existing::Keep,
                Some(first) if matches!(first.outcome, Ended::Finished(_)) => {
                    let failed = matches!(entry.outcome, Ended::Failed { .. });
                    let same = failed || first.agrees_with(entry);
                    self.remove_epoch_file(&entry.id);
                    return Ok(if same { Put::There } else { Put::Differs(Box::new(first)) });
                }
                // It failed, and may succeed now.
                Some(_) => Existing::Replace,
            };
            let written = match room.take() {
                Some(room) => room.write(existing, &bytes),
                None => files::write_with(&path, existing, |file| file.write_all(&bytes)),
            };
            match written {
                Ok(()) => {
                    self.remove_epoch_file(&entry.id);
                    if matches!(entry.outcome, Ended::Finished(_)) {
                        self.remove_failure_log(&entry.id);
                    }
                    return Ok(Put::Stored);
                }
                // Not where a folder can't be made since a link that leads nowhere has its name.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && self.has(&entry.id) => {}
                Err(cause) => {
                    return Err(LedgerError::Io { operation: Operation::Write, path, cause });
                }
            }
        }
    }

    /// Checks that entries, locks and leases can be written, before trials run, and removes what
    /// killed processes have left. Folders of entries and of leases that exist are tried one by
    /// one: another user may have made some of them.
    ///
    /// # Errors
    /// If they can't.
    pub fn check_writable(&self) -> Result<(), LedgerError> {
        let check = |path: PathBuf| {
            files::check_writable(&path).map_err(|cause| LedgerError::Io {
                operation: Operation::Write,
                path,
                cause,
            })
        };
        let entries = self.folder.join("entries");
        check(entries.clone())?;
        check(self.running())?;
        let leases = self.folder.join("leases");
        check(leases.clone())?;
        for parent in [entries, leases] {
            let folders = std::fs::read_dir(parent).into_iter().flatten().flatten();
            for folder in folders.filter(|folder| folder.file_name().len() == "ab".len()) {
                check(folder.path())?;
            }
        }
        // Written to where a fine-tune fails or its record is damaged, and made only then.
        for later in ["damaged", "logs"].map(|name| self.folder.join(name)) {
            check(if later.exists() { later } else { self.folder.clone() })?;
        }
        self.sweep();
        Ok(())
    }
}
