//! Reading many entries: all of a ledger, or those whose names begin with some digits. Files are
//! read on all cores, and only what a caller takes from an entry is kept, so that a table over a
//! hundred thousand entries costs seconds and little memory.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{
    entry::Entry,
    ledger::{Damaged, Ledger, LedgerError, Operation},
};
use crate::util::files;

/// Fewer names than this are read by one thread.
const FEW: usize = 500;

/// What was taken from the entries of one folder, and the files that were passed over.
type Part<T> = Result<(Vec<T>, Vec<Damaged>), LedgerError>;

impl Ledger {
    /// Every entry, sorted by name. A file that is no valid entry, or whose name is not that of an
    /// entry, is reported and stays where it is.
    ///
    /// # Errors
    /// If the folder can't be listed, or the machine has no memory or file handles left.
    pub fn all(&self, damaged: &mut dyn FnMut(Damaged)) -> Result<Vec<Entry>, LedgerError> {
        self.map(damaged, &Some)
    }

    /// What `take` takes from every entry, sorted by name.
    ///
    /// # Errors
    /// As [`Ledger::all`].
    pub fn map<T: Send>(
        &self,
        damaged: &mut dyn FnMut(Damaged),
        take: &(dyn Fn(Entry) -> Option<T> + Sync),
    ) -> Result<Vec<T>, LedgerError> {
        let folders = self.names_by_folder(damaged)?;
        let next = AtomicUsize::new(0);
        let parts: Mutex<Vec<(usize, Part<T>)>> = Mutex::new(Vec::new());
        let work = || {
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(names) = folders.get(place) else { return };
                let part = self.part(names, take);
                parts.lock().expect("no thread panicked with the lock").push((place, part));
            }
        };
        let count: usize = folders.iter().map(Vec::len).sum();
        let threads = if count < FEW {
            1
        } else {
            thread::available_parallelism().map_or(1, std::num::NonZero::get)
        };
        thread::scope(|scope| {
            for _ in 1..threads {
                // Where the machine has no more threads, this one reads all.
                let _ = thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
        let mut parts = parts.into_inner().expect("no thread panicked with the lock");
        parts.sort_unstable_by_key(|(place, _)| *place);
        let mut all = Vec::new();
        for (_, part) in parts {
            let (taken, passed_over) = part?;
            all.extend(taken);
            passed_over.into_iter().for_each(&mut *damaged);
        }
        Ok(all)
    }

    fn part<T>(&self, names: &[String], take: &dyn Fn(Entry) -> Option<T>) -> Part<T> {
        let (mut taken, mut damaged) = (Vec::new(), Vec::new());
        for name in names {
            let entry = self.get(name, &mut |file| damaged.push(file))?;
            taken.extend(entry.and_then(take));
        }
        Ok((taken, damaged))
    }

    /// The names of all files that have the name of an entry, sorted. No file is read.
    ///
    /// # Errors
    /// As [`Ledger::all`].
    pub fn names(&self) -> Result<Vec<String>, LedgerError> {
        Ok(self.names_by_folder(&mut |_| ())?.concat())
    }

    /// The entries whose names begin with a prefix. Other files are not read.
    ///
    /// # Errors
    /// As [`Ledger::all`].
    pub fn with_prefix(
        &self,
        prefix: &str,
        damaged: &mut dyn FnMut(Damaged),
    ) -> Result<Vec<Entry>, LedgerError> {
        let entries = self.folder.join("entries");
        let folders = match prefix.get(..2) {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                vec![entries.join(digits)]
            }
            Some(_) => Vec::new(),
            None => listed(&entries)?,
        };
        let mut found = Vec::new();
        for folder in folders {
            let names = self.sorted_names(&folder, &mut |_| ())?;
            for name in names.iter().filter(|name| name.starts_with(prefix)) {
                found.extend(self.get(name, damaged)?);
            }
        }
        Ok(found)
    }

    /// Names of entries, sorted, for each folder of entries.
    fn names_by_folder(
        &self,
        damaged: &mut dyn FnMut(Damaged),
    ) -> Result<Vec<Vec<String>>, LedgerError> {
        let folders = listed(&self.folder.join("entries"))?;
        folders.iter().map(|folder| self.sorted_names(folder, damaged)).collect()
    }

    /// Names of entries in one of the folders, sorted. A folder that can't be listed is reported
    /// like a file.
    fn sorted_names(
        &self,
        folder: &Path,
        damaged: &mut dyn FnMut(Damaged),
    ) -> Result<Vec<String>, LedgerError> {
        let files = match listed(folder) {
            Err(LedgerError::Io { path, cause, .. }) if !files::is_exhausted(&cause) => {
                let reason = format!("it can't be listed: {cause}");
                damaged(Damaged { path, aside: None, reason });
                return Ok(Vec::new());
            }
            files => files?,
        };
        let mut names = Vec::new();
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            match name.strip_suffix(".json").filter(|id| is_id(id)) {
                Some(id) if self.path(id) == file => names.push(id.to_owned()),
                // A temporary file, whose name begins with a dot.
                None if name.starts_with('.') => (),
                _ => {
                    let reason = "its name is not that of an entry in this folder".to_owned();
                    damaged(Damaged { path: file.clone(), aside: None, reason });
                }
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}

/// Whether this can be the name of an entry: 64 hexadecimal digits.
pub(super) fn is_id(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The contents of a folder, sorted; empty if it does not exist.
pub(super) fn listed(folder: &Path) -> Result<Vec<PathBuf>, LedgerError> {
    let unreadable =
        |cause| LedgerError::Io { operation: Operation::List, path: folder.to_owned(), cause };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(cause) => return Err(unreadable(cause)),
    };
    let path = |entry: std::io::Result<std::fs::DirEntry>| entry.map(|entry| entry.path());
    let mut paths: Vec<PathBuf> =
        entries.map(path).collect::<Result<_, _>>().map_err(unreadable)?;
    paths.sort_unstable();
    Ok(paths)
}
