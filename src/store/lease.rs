//! Leases: the right to run a trial, by which processes on any number of machines divide the work.
//! A lease is a file that only one process can make, with a heartbeat, since the locks of some
//! parallel file systems hold on one machine only. On one machine a lock of a file (`flock`) beside
//! it says exactly whether the holder lives. Which trials to take is left to the planner.

use std::{
    fs::{File, Metadata, OpenOptions},
    io::{Error, ErrorKind, Result as IoResult, Write},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use super::{
    holder::{self, Found, Holder},
    ledger::{Damaged, Ledger, LedgerError, Operation},
    scan::{is_id, listed},
    worker::{BEAT, MISSED, Worker},
};
use crate::util::files::{self, Room};

/// The room on disk that a lease has for the record of its trial, in bytes. Records at smoke
/// size have 2 to 16 KB. The end of a longer one needs more room when it is written.
const RECORD_BYTES: usize = 16 << 10;

/// A lease on a trial: the right to run it, and room on disk for its record. It is renewed by its
/// worker, released when it is dropped, and stale after ten missed heartbeats. A holder that was
/// stopped for so long loses nothing: its record is the same as that of the worker that took the
/// trial over.
#[derive(Debug)]
pub struct Lease(Arc<Held>);

/// What a process holds of a lease.
#[derive(Debug)]
pub(super) struct Held {
    path: PathBuf,
    lock_path: PathBuf,
    holder: Holder,
    taken_over: bool,
    /// `None` after the release.
    files: Mutex<Option<Files>>,
}

/// The open files of a lease.
#[derive(Debug)]
struct Files {
    /// That of the lease, which is written at each heartbeat. If another process has taken the
    /// lease over, this is a file without a name.
    lease: File,
    /// That which holds the lock of this machine.
    lock: File,
    /// The room for the record, until it is written.
    room: Option<Room>,
}

/// A lease as it is found on disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Leased {
    /// Who runs the trial.
    pub holder: Holder,
    /// The time since its last heartbeat, by the clock of the file system; zero in the future.
    pub silent: Duration,
    /// Whether it has missed ten heartbeats: another worker may take the trial.
    pub stale: bool,
}

impl Lease {
    /// Takes the lease of a trial; `None` while another process holds it. The other process may
    /// have finished the trial just before, so look for its entry again after this.
    ///
    /// A lease is taken over if it is stale, or if its holder was a process of this machine that
    /// no longer lives.
    ///
    /// # Errors
    /// If the files can't be created, or the disk has no room for the trial's record.
    pub fn take(ledger: &Ledger, worker: &Worker, id: &str) -> Result<Option<Self>, LedgerError> {
        let path = ledger.lease_path(id);
        let failed = |path| |cause| LedgerError::Io { operation: Operation::Write, path, cause };
        let Some(lease) = take(ledger, worker, id, &path).map_err(failed(path))? else {
            return Ok(None);
        };
        let record = ledger.path(id);
        let room = Room::take(&record, RECORD_BYTES).map_err(failed(record))?;
        lease.0.with_files(|files| files.room = Some(room));
        Ok(Some(lease))
    }

    /// The room that is left for the record of the trial.
    pub(super) fn take_room(&self) -> Option<Room> {
        self.0.with_files(|files| files.room.take()).flatten()
    }

    /// Renews the lease; `false` if another process has taken it over meanwhile. Its worker does
    /// this every 30 seconds.
    ///
    /// # Errors
    /// If its file can't be written.
    pub fn renew(&self) -> IoResult<bool> {
        self.0.renew()
    }

    /// Whether another process held it before and is gone.
    #[must_use]
    pub fn was_taken_over(&self) -> bool {
        self.0.taken_over
    }

    /// Releases the lease, as dropping it does.
    pub fn release(self) {
        drop(self);
    }

    /// All leases of a ledger, sorted by trial. A file that is no lease is reported.
    ///
    /// # Errors
    /// If a folder can't be listed, or the machine has no memory or file handles left.
    pub fn list(
        ledger: &Ledger,
        damaged: &mut dyn FnMut(Damaged),
    ) -> Result<Vec<Leased>, LedgerError> {
        let folder = ledger.leases();
        let mut files = Vec::new();
        for inner in listed(&folder)?.into_iter().filter(|inner| inner.is_dir()) {
            files.extend(listed(&inner)?);
        }
        let now = if files.is_empty() { SystemTime::now() } else { clock(&folder) };
        let mut leases = Vec::new();
        for path in files {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            let Some(id) = name.strip_suffix(".json").filter(|id| is_id(id)) else {
                let reason = "its name is not that of a lease".to_owned();
                damaged(Damaged { path, aside: None, reason });
                continue;
            };
            let found = holder::read(&path, id).map_err(|cause| LedgerError::Io {
                operation: Operation::Read,
                path: path.clone(),
                cause,
            })?;
            match found.map(|found| (found.holder, since(found.written, now))) {
                None => {}
                Some((Ok(holder), silent)) => {
                    let stale = silent > BEAT * MISSED;
                    leases.push(Leased { holder, silent, stale });
                }
                Some((Err(reason), _)) => damaged(Damaged { path, aside: None, reason }),
            }
        }
        Ok(leases)
    }
}

impl Ledger {
    /// The folder of leases, one for each trial that is running.
    #[must_use]
    pub fn leases(&self) -> PathBuf {
        self.folder.join("leases")
    }

    pub(super) fn lease_path(&self, id: &str) -> PathBuf {
        self.leases().join(id.get(..2).unwrap_or("00")).join(format!("{id}.json"))
    }
}

impl Held {
    /// Uses the open files; `None` after the release.
    fn with_files<T>(&self, uses: impl FnOnce(&mut Files) -> T) -> Option<T> {
        self.files.lock().expect("no thread panicked with the lock").as_mut().map(uses)
    }

    pub(super) fn renew(&self) -> IoResult<bool> {
        let files = self.files.lock().expect("no thread panicked with the lock");
        let Some(Files { lease, .. }) = &*files else { return Ok(false) };
        let bytes = self.holder.beating().to_bytes();
        // In its place and of the same length: a reader finds the old or the new heartbeat.
        lease.write_all_at(&bytes, 0)?;
        lease.sync_data()?;
        self.is_mine()
    }

    /// Whether the file at the lease's path is still that of this lease.
    fn is_mine(&self) -> IoResult<bool> {
        let found = holder::read(&self.path, &self.holder.trial)?;
        Ok(found.is_some_and(|found| found.holder.is_ok_and(|holder| holder.is_same(&self.holder))))
    }

    /// Removes the files that are still its own, the lock's while the lock is held.
    fn release(&self) {
        let mut files = self.files.lock().expect("no thread panicked with the lock");
        let Some(Files { lock, .. }) = files.take() else { return };
        if self.is_mine().unwrap_or(false) {
            let _ = std::fs::remove_file(&self.path);
        }
        if is_at(&lock, &self.lock_path) {
            let _ = std::fs::remove_file(&self.lock_path);
        }
    }
}

impl Drop for Lease {
    /// At once, even while the heartbeat's thread has it.
    fn drop(&mut self) {
        self.0.release();
    }
}

fn take(ledger: &Ledger, worker: &Worker, id: &str, path: &Path) -> IoResult<Option<Lease>> {
    let (folder, running) = (path.parent().expect("a lease is in a folder"), ledger.running());
    std::fs::create_dir_all(&running)?;
    std::fs::create_dir_all(folder)?;
    let lock_path = running.join(id);
    let found = holder::read(path, id)?;
    let stale = found
        .as_ref()
        .is_some_and(|found| worker.is_stale(id, found.written, || clock(&ledger.leases())));
    if let Some(Found { holder, .. }) = &found {
        let here = holder.as_ref().is_ok_and(|holder| holder.is_on_machine(worker.host()));
        let has_exact_test = here && worker.locks_exclude(ledger);
        if !(stale || has_exact_test) {
            return Ok(None);
        }
    }
    let lock = match locked(&lock_path)? {
        Some(lock) => lock,
        None if stale => {
            // Its holder is stopped. The lock of a file without a name excludes nobody.
            match std::fs::remove_file(&lock_path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            match locked(&lock_path)? {
                Some(lock) => lock,
                None => return Ok(None),
            }
        }
        None => return Ok(None),
    };
    let taken_over = found.is_some();
    let taken = match found {
        Some(found) if !remove(path, &found)? => None,
        _ => create(path, worker.holder(id))?,
    };
    let Some((file, holder)) = taken else {
        if is_at(&lock, &lock_path) {
            let _ = std::fs::remove_file(&lock_path);
        }
        return Ok(None);
    };
    // A network file system may have cached that the entry does not exist. Opening the folder
    // makes it ask the server again.
    let _ = File::open(ledger.path(id).parent().expect("an entry is in a folder"));
    let files = Mutex::new(Some(Files { lease: file, lock, room: None }));
    let held = Arc::new(Held { path: path.to_owned(), lock_path, holder, taken_over, files });
    worker.renews(&held);
    Ok(Some(Lease(held)))
}

/// Makes the file of a lease, whole; `None` if it exists.
///
/// A link is made in one step on every file system, and counted: over a network the answer to the
/// request may be lost. A file system without links makes the file exclusively (`O_EXCL`).
fn create(path: &Path, holder: Holder) -> IoResult<Option<(File, Holder)>> {
    let bytes = holder.to_bytes();
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = path.parent().expect("a lease is in a folder");
    let mut file = tempfile::Builder::new()
        .prefix(&format!(".{name}."))
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
        .tempfile_in(folder)?;
    file.write_all(&bytes)?;
    file.as_file().sync_data()?;
    let linked = std::fs::hard_link(file.path(), path);
    let counted = file.as_file().metadata().is_ok_and(|of| of.nlink() == 2);
    match linked {
        Ok(()) => Ok(Some((file.into_file(), holder))),
        Err(_) if counted => Ok(Some((file.into_file(), holder))),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
        Err(error) if has_no_links(&error) => {
            match OpenOptions::new().write(true).create_new(true).open(path) {
                Ok(mut file) => {
                    file.write_all(&bytes)?;
                    file.sync_data()?;
                    Ok(Some((file, holder)))
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

/// Whether an error means that the file system has no links of files: not permitted, not
/// supported, not implemented, or across mounts.
fn has_no_links(error: &Error) -> bool {
    use ErrorKind::{CrossesDevices, PermissionDenied, TooManyLinks, Unsupported};
    [CrossesDevices, PermissionDenied, TooManyLinks, Unsupported].contains(&error.kind())
}

/// Removes the file of a lease whose holder is gone, if it is still the file that was found.
/// Another process may have taken the lease over meanwhile: its file is put back.
fn remove(path: &Path, found: &Found) -> IoResult<bool> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = path.with_file_name(format!(".{name}.{}", unique()));
    match std::fs::rename(path, &aside) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    }
    let is_same = files::bytes(&aside, found.bytes.len() as u64)
        .is_ok_and(|bytes| bytes == found.bytes)
        || found.holder.is_err();
    if !is_same && std::fs::hard_link(&aside, path).is_err() && !path.exists() {
        return std::fs::rename(&aside, path).map(|()| false);
    }
    let removed =
        if aside.is_dir() { std::fs::remove_dir_all(&aside) } else { std::fs::remove_file(&aside) };
    removed.map(|()| is_same)
}

/// A part of a name that no other process uses.
fn unique() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let boot = crate::util::machine::boot().unwrap_or_else(crate::util::machine::host);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let of = format!("{boot} {} {next} {}", std::process::id(), time.as_nanos());
    blake3::hash(of.as_bytes()).to_hex()[..16].to_owned()
}

/// The present time by the clock of the file system of a folder, which may be another machine's:
/// that of a file that is written there now. Where none can be written, that of this machine.
fn clock(folder: &Path) -> SystemTime {
    let touched = || {
        let mut file = tempfile::Builder::new().prefix(".clock.").tempfile_in(folder)?;
        file.write_all(b"x")?;
        file.as_file().sync_data()?;
        file.as_file().metadata()?.modified()
    };
    touched().unwrap_or_else(|_| SystemTime::now())
}

pub(super) fn since(written: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(written).unwrap_or_default()
}

/// Locks the file at a path, and not a file that its holder has removed in the meantime: then
/// retries.
fn locked(path: &Path) -> IoResult<Option<File>> {
    const ATTEMPTS: usize = 10;
    for _ in 0..ATTEMPTS {
        let Some(file) = files::lock(path)? else { return Ok(None) };
        if is_at(&file, path) {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// Whether an open file is the one at a path.
fn is_at(file: &File, path: &Path) -> bool {
    let inode = |of: &Metadata| (of.dev(), of.ino());
    std::fs::metadata(path)
        .is_ok_and(|now| file.metadata().is_ok_and(|open| inode(&open) == inode(&now)))
}
