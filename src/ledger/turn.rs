//! Whose turn a trial is: a lock while it runs, by which processes that share a ledger share its work.

use std::{fs::File, path::PathBuf};

use super::store::{Doing, Ledger, LedgerError};
use crate::files;

/// The right to run a trial. It ends with the process, however that ends; where a file system has no locks,
/// everybody has it, and the same trial may run twice.
#[derive(Debug)]
pub struct Turn {
    path: PathBuf,
    /// Held for its lock.
    _file: File,
}

impl Ledger {
    /// The right to run the trial of this name; `None` while another has it. An entry may have come before it was
    /// given: it is to be looked for once more.
    ///
    /// # Errors
    /// If the lock's file can't be made.
    pub fn turn(&self, id: &str) -> Result<Option<Turn>, LedgerError> {
        let folder = self.folder().join("running");
        let path = folder.join(id);
        let file = std::fs::create_dir_all(&folder).and_then(|()| files::lock(&path));
        match file {
            Ok(file) => Ok(file.map(|_file| Turn { path, _file })),
            Err(cause) => Err(LedgerError::Io { doing: Doing::Write, path, cause }),
        }
    }
}

impl Drop for Turn {
    /// Takes the file away before the lock ends. Whoever opened it before that has the right beside whoever makes
    /// it again, and finds the entry as they do.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
