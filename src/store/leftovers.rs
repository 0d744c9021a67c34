//! What killed processes leave in a ledger: locks that no process holds, old leases, temporary
//! files, and the scratch ledgers of reruns. The next process that writes here removes them. It never removes an
//! entry, and nothing that a living process may need.

use std::{
    fs::{File, Metadata, OpenOptions},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    ledger::Ledger,
    scan::{is_id, listed},
};

/// A temporary file is written in moments; one of this age has no writer. A day is longer than the
/// clocks of machines that share a file system differ.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

impl Ledger {
    /// The folder of scratch ledgers, into which records are run again.
    #[must_use]
    pub fn scratch(&self) -> PathBuf {
        self.folder().join("rerun")
    }

    /// The file with the state of a trial after its last epoch, from which it resumes.
    #[must_use]
    pub fn epoch_file(&self, id: &str) -> PathBuf {
        let folder = self.folder().join("epochs").join(id.get(..2).unwrap_or("00"));
        folder.join(format!("{id}.safetensors"))
    }

    /// Removes the state of a trial that has a record.
    pub(super) fn remove_epoch_file(&self, id: &str) {
        // Most trials have none, and one that stays takes room only.
        let _ = std::fs::remove_file(self.epoch_file(id));
    }

    /// Removes what [`check_writable`](Self::check_writable) does, for a process that may write and
    /// found nothing to run. Nothing is listed where no process has left a lock, which is the last
    /// file to be released.
    pub fn tidy(&self) {
        if !contents(&self.running()).is_empty() {
            self.sweep();
        }
    }

    /// Removes what killed processes have left. What can't be listed or removed stays: it only
    /// takes room.
    pub(super) fn sweep(&self) {
        for file in contents(&self.running()) {
            if is_hidden(&file) {
                remove_if_stale(&file);
            } else if is_lock(&file)
                && let Some(_lock) = unheld(&file)
            {
                // While it is locked: a process that waits for it then looks for the file again.
                let _ = std::fs::remove_file(&file);
            }
        }
        for path in contents(&self.folder().join("entries")) {
            let inner = contents(&path);
            inner.iter().chain([&path]).filter(|file| is_hidden(file)).for_each(|file| {
                remove_if_stale(file);
            });
        }
        for path in contents(&self.folder().join("epochs")) {
            let inner = contents(&path);
            inner.iter().filter(|file| is_hidden(file)).for_each(|file| remove_if_stale(file));
        }
        // A lease of this age has no holder, and one of a killed process is taken over sooner.
        for path in contents(&self.leases()) {
            let inner = contents(&path);
            inner.iter().chain([&path]).filter(|file| file.is_file()).for_each(|file| {
                remove_if_stale(file);
            });
        }
        for scratch in contents(&self.scratch()) {
            let locks = contents(&Self::new(scratch.clone()).running());
            let is_free = locks.iter().all(|file| unheld(file).is_some());
            if is_hidden(&scratch) && is_stale(&scratch) && is_free {
                let _ = std::fs::remove_dir_all(&scratch);
            }
        }
    }
}

/// The files in a folder; none if it can't be listed.
fn contents(folder: &Path) -> Vec<PathBuf> {
    listed(folder).unwrap_or_default()
}

/// Whether this is a temporary file (`util::files`), whose name begins with a dot.
fn is_hidden(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Whether this can be the lock of a trial.
fn is_lock(file: &Path) -> bool {
    file.file_name().is_some_and(|name| is_id(&name.to_string_lossy()))
}

fn is_stale(path: &Path) -> bool {
    let age = |file: Metadata| file.modified().ok().and_then(|at| at.elapsed().ok());
    path.symlink_metadata().ok().and_then(age).is_some_and(|age| age > STALE)
}

fn remove_if_stale(file: &Path) {
    if is_stale(file) {
        let _ = std::fs::remove_file(file);
    }
}

/// The locked file if no process holds its lock; `None` also where the file system has no locks.
fn unheld(file: &Path) -> Option<File> {
    let file = OpenOptions::new().write(true).open(file).ok()?;
    file.try_lock().is_ok().then_some(file)
}
