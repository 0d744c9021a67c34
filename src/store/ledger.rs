//! The ledger on disk: one file an entry, named by what decides it, written whole or not at all. Any
//! number of processes on any number of machines may share one on a common file system: each trial is one's
//! [`lease`](Ledger::lease), and where two run it all the same, without locks, they write the same name, and the
//! last one that finished stays.

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

/// A ledger that can't be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LedgerError {
    /// The system says no.
    #[error("failed to {doing} {path}: {cause}")]
    #[diagnostic(code(store::ledger))]
    Io {
        /// What was to be done.
        doing: Doing,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// An entry of a later version of this program: whole, as far as this one can tell, and left alone.
    #[error(
        "{path} is an entry of format {found}, and this version reads {}",
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

/// What is done to a ledger's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// A file is read.
    Read,
    /// A folder is listed.
    List,
    /// A damaged file is moved.
    SetAside,
    /// An entry is written.
    Write,
}

impl std::fmt::Display for Doing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Read => "read",
            Self::List => "list",
            Self::SetAside => "set aside",
            Self::Write => "write",
        })
    }
}

impl LedgerError {
    /// Whether something could not be written, rather than read.
    #[must_use]
    pub fn is_about_writing(&self) -> bool {
        matches!(self, Self::Io { doing: Doing::SetAside | Doing::Write, .. })
    }
}

/// A file that is no entry: its trial counts as never run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// Where it was found.
    pub path: PathBuf,
    /// Where it lies now; none where it was left, for its name is no entry's.
    pub aside: Option<PathBuf>,
    /// What is wrong with it.
    pub reason: String,
}

impl Ledger {
    /// The ledger in a folder, which is made with the first entry.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The ledger that is used where nobody names one: `REPRO_LEDGER`, else `.ledger` in the project
    /// that the program was built from, else `.ledger` here.
    #[must_use]
    pub fn default_folder() -> PathBuf {
        files::default_folder("REPRO_LEDGER", ".ledger")
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of locks, a file for each trial that is being run.
    #[must_use]
    pub fn running(&self) -> PathBuf {
        self.folder.join("running")
    }

    pub(super) fn path(&self, id: &str) -> PathBuf {
        // Two hundred and fifty-six folders, so that none holds more than a file system likes.
        self.folder.join("entries").join(&id[..2]).join(format!("{id}.json"))
    }

    /// Whether there is a file of that name, an entry or damaged.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.path(id).exists()
    }

    /// The entry of a name; `None` where there is none. A damaged file is moved to the folder
    /// `damaged` and told to `damaged`; it is then as if it had never been there.
    ///
    /// # Errors
    /// If a file is there and can't be read or set aside, or is of a later version's format.
    pub fn get(
        &self,
        id: &str,
        damaged: &mut dyn FnMut(Damaged),
    ) -> Result<Option<Entry>, LedgerError> {
        let path = self.path(id);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(LedgerError::Io { doing: Doing::Read, path, cause }),
        };
        let reason = match entry::from_bytes(&bytes) {
            Ok(entry) if entry.id == id => return Ok(Some(entry)),
            Ok(entry) => format!("it is the entry {}", entry.id),
            Err(Fault::Version(found)) => return Err(LedgerError::Version { path, found }),
            Err(Fault::Damaged(reason)) => reason,
        };
        damaged(Damaged { aside: Some(self.set_aside(&path)?), path, reason });
        Ok(None)
    }

    /// Moves a file beside those that were set aside before.
    fn set_aside(&self, path: &Path) -> Result<PathBuf, LedgerError> {
        let folder = self.folder.join("damaged");
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let numbered = |number: usize| match number {
            0 => folder.join(&*name),
            number => folder.join(format!("{name}.{number}")),
        };
        let aside = (0..).map(numbered).find(|aside| !aside.exists()).expect("numbers do not end");
        let moved = std::fs::create_dir_all(&folder).and_then(|()| std::fs::rename(path, &aside));
        match moved {
            Ok(()) => Ok(aside),
            // Another process was faster.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(aside),
            Err(cause) => {
                Err(LedgerError::Io { doing: Doing::SetAside, path: path.to_owned(), cause })
            }
        }
    }

    /// Keeps an entry. Once this returns, nothing but the disk's own failure loses it. One that failed
    /// never takes the place of one that finished: another process may have run the same trial with
    /// more memory.
    ///
    /// # Errors
    /// If it can't be written, or what stands there can't be read.
    pub fn put(&self, entry: &Entry) -> Result<(), LedgerError> {
        if let Ended::Failed { .. } = entry.outcome {
            let there = self.get(&entry.id, &mut |_| ())?;
            if there.is_some_and(|there| matches!(there.outcome, Ended::Finished(_))) {
                return Ok(());
            }
        }
        let path = self.path(&entry.id);
        files::replace(&path, &entry::to_bytes(entry)).map_err(|cause| LedgerError::Io {
            doing: Doing::Write,
            path,
            cause,
        })
    }

    /// Whether entries can be kept here, before anything is run for them.
    ///
    /// # Errors
    /// If they can't.
    pub fn check_writable(&self) -> Result<(), LedgerError> {
        for path in [self.folder.join("entries"), self.running()] {
            if let Err(cause) = files::check_writable(&path) {
                return Err(LedgerError::Io { doing: Doing::Write, path, cause });
            }
        }
        Ok(())
    }

    /// Every entry, by name. Damaged files are set aside as by [`Ledger::get`]; a file whose name is
    /// no entry's is told and left.
    ///
    /// # Errors
    /// If a folder or file can't be read, or an entry is of a later version's format.
    pub fn all(&self, damaged: &mut dyn FnMut(Damaged)) -> Result<Vec<Entry>, LedgerError> {
        let mut ids: Vec<String> = Vec::new();
        let entries = self.folder.join("entries");
        for folder in listed(&entries)? {
            for file in listed(&folder)? {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                match name.strip_suffix(".json").filter(|id| is_id(id)) {
                    Some(id) if self.path(id) == file => ids.push(id.to_owned()),
                    // A temporary name begins with a dot.
                    None if name.starts_with('.') => (),
                    _ => {
                        let reason = "no entry belongs there by that name".to_owned();
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

    /// The entries whose names begin so.
    ///
    /// # Errors
    /// As [`Ledger::all`].
    pub fn beginning(
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

/// Whether this could be an entry's name.
fn is_id(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What is in a folder; nothing where there is none.
fn listed(folder: &Path) -> Result<Vec<PathBuf>, LedgerError> {
    let unreadable = |cause| LedgerError::Io { doing: Doing::List, path: folder.to_owned(), cause };
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
