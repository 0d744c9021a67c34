//! Leases: a lock (lease) on a trial while it runs, by which processes that share a ledger divide
//! the work. Waiting for other processes is left to the campaign.

use std::{
    fs::{File, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::ledger::{Ledger, LedgerError, Operation};
use crate::util::files;

/// A lock (lease) on a trial: the right to run it. The lock ends with the process, even if the
/// process is killed. On a file system without locks every process gets the lease, and a trial may
/// run twice.
#[derive(Debug)]
pub struct Lease {
    path: PathBuf,
    /// The open file, which holds the lock.
    _file: File,
}

impl Ledger {
    /// Locks the trial with this name; `None` while another process holds the lock. The other
    /// process may have finished the trial just before, so look for its entry again after this.
    ///
    /// # Errors
    /// If the lock file can't be created.
    pub fn lease(&self, id: &str) -> Result<Option<Lease>, LedgerError> {
        let folder = self.running();
        let path = folder.join(id);
        let lease = std::fs::create_dir_all(&folder).and_then(|()| locked(&path));
        match lease {
            Ok(None) => Ok(None),
            Ok(Some(_file)) => {
                // A network file system may have cached that the entry does not exist. Opening the
                // folder makes it ask the server again.
                let _ = File::open(self.path(id).parent().expect("an entry is in a folder"));
                Ok(Some(Lease { path, _file }))
            }
            Err(cause) => Err(LedgerError::Io { operation: Operation::Write, path, cause }),
        }
    }
}

/// Locks the file at a path, and not a file that its holder has removed in the meantime: then
/// retries.
fn locked(path: &Path) -> std::io::Result<Option<File>> {
    const ATTEMPTS: usize = 10;
    for _ in 0..ATTEMPTS {
        let Some(file) = files::lock(path)? else { return Ok(None) };
        let inode = |of: &Metadata| (of.dev(), of.ino());
        let is_same = std::fs::metadata(path)
            .is_ok_and(|now| file.metadata().is_ok_and(|locked| inode(&locked) == inode(&now)));
        if is_same {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

impl Drop for Lease {
    /// Removes the file while the lock is still held.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
