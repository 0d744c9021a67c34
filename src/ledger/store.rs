//! The ledger on disk: one file an entry, named by what decides it, written whole or not at all. Any
//! number of processes on any number of machines may share one on a common file system: two that run
//! the same trial write the same name, and the last one stays.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::entry::{self, Entry};
use crate::files;

/// Entries by name.
#[derive(Clone, Debug)]
pub struct Ledger {
    folder: PathBuf,
}

/// A ledger that can't be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("failed to {what} {path}: {cause}")]
#[diagnostic(help("name another folder with --ledger or REPRO_LEDGER, or mend this one"))]
pub struct LedgerError {
    what: &'static str,
    path: PathBuf,
    cause: std::io::Error,
}

impl LedgerError {
    /// Whether something could not be written, rather than read.
    #[must_use]
    pub fn is_about_writing(&self) -> bool {
        self.what == "write"
    }
}

/// A file that is no entry: it was set aside, and its trial counts as never run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// Where it lies now.
    pub path: PathBuf,
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

    fn path(&self, id: &str) -> PathBuf {
        // Two hundred and fifty-six folders, so that none holds more than a file system likes.
        self.folder.join("entries").join(&id[..2]).join(format!("{id}.json"))
    }

    /// The entry of a name; `None` where there is none. A damaged file is moved to the folder
    /// `damaged` and told to `damaged`; it is then as if it had never been there.
    ///
    /// # Errors
    /// If a file is there and can't be read or set aside.
    pub fn get(
        &self,
        id: &str,
        damaged: &mut dyn FnMut(Damaged),
    ) -> Result<Option<Entry>, LedgerError> {
        let path = self.path(id);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(LedgerError { what: "read", path, cause }),
        };
        let entry = entry::from_bytes(&bytes).and_then(|entry| match entry.id == id {
            true => Ok(entry),
            false => Err(format!("it is the entry {}", entry.id)),
        });
        match entry {
            Ok(entry) => Ok(Some(entry)),
            Err(reason) => {
                damaged(Damaged { path: self.set_aside(&path)?, reason });
                Ok(None)
            }
        }
    }

    fn set_aside(&self, path: &Path) -> Result<PathBuf, LedgerError> {
        let folder = self.folder.join("damaged");
        let aside = folder.join(path.file_name().unwrap_or_default());
        let moved = std::fs::create_dir_all(&folder).and_then(|()| std::fs::rename(path, &aside));
        match moved {
            Ok(()) => Ok(aside),
            // Another process was faster.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(aside),
            Err(cause) => Err(LedgerError { what: "set aside", path: path.to_owned(), cause }),
        }
    }

    /// Keeps an entry. Once this returns, nothing but the disk's own failure loses it.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn put(&self, entry: &Entry) -> Result<(), LedgerError> {
        let path = self.path(&entry.id);
        files::replace(&path, &entry::to_bytes(entry)).map_err(|cause| LedgerError {
            what: "write",
            path,
            cause,
        })
    }

    /// Every entry, by name. Damaged files are set aside as by [`Ledger::get`].
    ///
    /// # Errors
    /// If a folder or file can't be read.
    pub fn all(&self, damaged: &mut dyn FnMut(Damaged)) -> Result<Vec<Entry>, LedgerError> {
        let mut ids: Vec<String> = Vec::new();
        let entries = self.folder.join("entries");
        for folder in listed(&entries)? {
            for file in listed(&folder)? {
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                // A temporary name begins with a dot.
                ids.extend(
                    name.strip_suffix(".json").filter(|id| !id.starts_with('.')).map(str::to_owned),
                );
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
        if let (64, Some(entry)) = (prefix.len(), self.get_checked(prefix, damaged)?) {
            return Ok(vec![entry]);
        }
        let mut all = self.all(damaged)?;
        all.retain(|entry| entry.id.starts_with(prefix));
        Ok(all)
    }

    fn get_checked(
        &self,
        id: &str,
        damaged: &mut dyn FnMut(Damaged),
    ) -> Result<Option<Entry>, LedgerError> {
        match id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            true => self.get(id, damaged),
            false => Ok(None),
        }
    }
}

/// What is in a folder; nothing where there is none.
fn listed(folder: &Path) -> Result<Vec<PathBuf>, LedgerError> {
    let unreadable = |cause| LedgerError { what: "list", path: folder.to_owned(), cause };
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
