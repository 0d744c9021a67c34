//! Whose turn a trial is: a lock while it runs, by which processes that share a ledger share its work.

use std::{
    fs::{File, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::ledger::{Doing, Ledger, LedgerError};
use crate::util::files;

/// The right to run a trial. It ends with the process, however that ends; where a file system has no locks,
/// everybody has it, and the same trial may run twice.
#[derive(Debug)]
pub struct Lease {
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
    pub fn lease(&self, id: &str) -> Result<Option<Lease>, LedgerError> {
        let folder = self.running();
        let path = folder.join(id);
        let lease = std::fs::create_dir_all(&folder).and_then(|()| locked(&path));
        match lease {
            Ok(None) => Ok(None),
            Ok(Some(_file)) => {
                // A file system of several machines may remember that there was no entry; whoever opens its folder
                // asks anew.
                let _ = File::open(self.path(id).parent().expect("an entry lies in a folder"));
                Ok(Some(Lease { path, _file }))
            }
            Err(cause) => Err(LedgerError::Io { doing: Doing::Write, path, cause }),
        }
    }
}

/// The lock of the file that is there, and not of one that its holder has taken away meanwhile.
fn locked(path: &Path) -> std::io::Result<Option<File>> {
    const TRIES: usize = 10;
    for _ in 0..TRIES {
        let Some(file) = files::lock(path)? else { return Ok(None) };
        let name = |about: &Metadata| (about.dev(), about.ino());
        let there = std::fs::metadata(path)
            .is_ok_and(|there| file.metadata().is_ok_and(|locked| name(&locked) == name(&there)));
        if there {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

impl Drop for Lease {
    /// Takes the file away before the lock ends.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
