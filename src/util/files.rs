//! Atomic writes, file locks, and default folders.

use std::{
    fs::{File, OpenOptions, Permissions, TryLockError},
    io::{Error, ErrorKind, Read, Result, Seek, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// The default folder for a kind of file: the environment variable, else `name` in the project that
/// the program was built from, else `name` in the current folder.
#[must_use]
pub fn default_folder(variable: &str, name: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os(variable).filter(|folder| !folder.is_empty()) {
        return folder.into();
    }
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    if project.join("Cargo.toml").is_file() { project.join(name) } else { PathBuf::from(name) }
}

/// Reads a text file of at most `limit` bytes.
///
/// # Errors
/// If it is missing, can't be read, is not UTF-8, or is larger.
pub fn text(path: &Path, limit: u64) -> Result<String> {
    let mut text = String::new();
    match File::open(path)?.take(limit + 1).read_to_string(&mut text)? as u64 {
        bytes if bytes > limit => {
            Err(Error::other(format!("larger than the limit of {limit} bytes")))
        }
        _ => Ok(text),
    }
}

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// If it is missing, can't be read, is larger, or is no regular file: a pipe would block.
pub fn bytes(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    bytes.try_reserve(metadata.len().min(limit) as usize)?;
    match File::open(path)?.take(limit + 1).read_to_end(&mut bytes)? as u64 {
        length if length > limit => {
            Err(Error::other(format!("larger than the limit of {limit} bytes")))
        }
        _ => Ok(bytes),
    }
}

/// Whether an error means that the machine has no memory, threads or file handles left. It says
/// nothing about the file or the computation that met it.
#[must_use]
pub fn is_exhausted(error: &Error) -> bool {
    /// Linux's EAGAIN, ENOMEM, ENFILE and EMFILE.
    const EXHAUSTED: [i32; 4] = [11, 12, 23, 24];
    error.kind() == ErrorKind::OutOfMemory
        || error.raw_os_error().is_some_and(|code| EXHAUSTED.contains(&code))
}

/// Checks that a folder is writable, and creates it if it is missing. To be called before hours of
/// work whose results go there.
///
/// # Errors
/// If the folder can't be created, or no file can be written: also on a full disk.
pub fn check_writable(folder: &Path) -> Result<()> {
    create(folder)?;
    let file = tempfile::Builder::new().prefix(".writable.").tempfile_in(folder);
    let mut file = file.map_err(without_temporary_name)?;
    file.write_all(b"x").map_err(without_temporary_name)?;
    file.close().map_err(without_temporary_name)
}

/// The same for a file that [`replace`] will write.
///
/// # Errors
/// As [`check_writable`], for its folder; if a folder has its name.
pub fn check_replaceable(path: &Path) -> Result<()> {
    check_writable(folder_of(path))?;
    if path.is_dir() { Err(ErrorKind::IsADirectory.into()) } else { Ok(()) }
}

/// The folder that a file is in.
fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Takes an exclusive lock on a file, which is created if it is missing. It excludes other
/// processes on this machine and, if the file system has locks, on other machines; `None` if
/// another process has it. The lock is released when the file is closed, at the latest when the
/// process ends or is killed. On a file system without locks every process gets it.
///
/// # Errors
/// If the file can't be created, opened or locked.
pub fn lock(path: &Path) -> Result<Option<File>> {
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    // A lock file of another user can be opened for reading, which suffices for a lock.
    let file = opened.or_else(|error| match error.kind() {
        ErrorKind::PermissionDenied => File::open(path).map_err(|_| error),
        _ => Err(error),
    })?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) if has_no_locks(&error) => Ok(Some(file)),
        Err(TryLockError::Error(error)) => match error.kind() {
            // Another machine has deleted the lock file meanwhile.
            ErrorKind::StaleNetworkFileHandle => Ok(None),
            _ => Err(error),
        },
    }
}

/// Whether a lock of a file in this folder excludes a second lock, at least on this machine. Some
/// file systems accept every lock and keep none.
#[must_use]
pub fn locks_exclude(folder: &Path) -> bool {
    let tried = || {
        let file = tempfile::Builder::new().prefix(".lock.").tempfile_in(folder)?;
        let first = lock(file.path())?;
        Ok::<bool, Error>(first.is_some() && lock(file.path())?.is_none())
    };
    tried().unwrap_or(false)
}

/// Whether an error means that the file system has no locks: they are not supported, not supported
/// for this file, or the lock service is missing (Linux's ENOLCK).
fn has_no_locks(error: &Error) -> bool {
    const ENOLCK: i32 = 37;
    let known = [ErrorKind::Unsupported, ErrorKind::InvalidInput].contains(&error.kind());
    known || error.raw_os_error() == Some(ENOLCK)
}

/// Takes the lock of a folder, the file `.lock` in it, and creates the folder if it is missing.
/// Waits while another process has it, and calls `report_waiting` once; `None` if `stop` is set
/// while it waits.
///
/// # Errors
/// If the folder or the file can't be created, opened or locked.
pub fn lock_folder(
    folder: &Path,
    stop: &AtomicBool,
    report_waiting: &mut dyn FnMut(),
) -> Result<Option<File>> {
    std::fs::create_dir_all(folder)?;
    let mut reported = false;
    loop {
        if let Some(file) = lock(&folder.join(".lock"))? {
            return Ok(Some(file));
        }
        if !reported {
            report_waiting();
        }
        reported = true;
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Creates a folder with its parents, and flushes their names to disk, so that they outlast a
/// crash.
fn create(folder: &Path) -> Result<()> {
    let is_new = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let created: Vec<&Path> = folder.ancestors().take_while(is_new).collect();
    std::fs::create_dir_all(folder)?;
    for folder in created {
        // The name of a folder is in its parent.
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// The first bytes of a gzip stream (RFC 1952).
pub(crate) const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What to do with a file that is already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Replace it: the user named the file.
    Replace,
    /// Keep it: the program made up the name. Writing the same bytes again is no error.
    Keep,
}

/// Replaces a file atomically: writes a temporary file beside it, flushes it to disk, and renames
/// it. A reader of `path`, also after a crash, finds the complete old or the complete new contents.
/// The folder is created if it is missing.
///
/// # Errors
/// If a folder or file can't be written; the temporary file is deleted then.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, Existing::Replace, |file| file.write_all(bytes))
}

/// Writes a file atomically, as [`replace`], unless another one is there that has to be kept.
///
/// # Errors
/// As [`replace`]; of kind [`ErrorKind::AlreadyExists`] if a file with other bytes is kept.
pub fn write(path: &Path, existing: Existing, bytes: &[u8]) -> Result<()> {
    match write_with(path, existing, |file| file.write_all(bytes)) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let mut there = Vec::new();
            let read = File::open(path)
                .and_then(|file| file.take(bytes.len() as u64 + 1).read_to_end(&mut there));
            if read.is_ok() && there == bytes { Ok(()) } else { Err(error) }
        }
        written => written,
    }
}

/// Writes a file atomically, as [`replace`], with what `contents` writes.
///
/// # Errors
/// As [`replace`], and those of `contents`; of kind [`ErrorKind::AlreadyExists`] if a file is kept.
pub fn write_with(
    path: &Path,
    existing: Existing,
    contents: impl FnOnce(&mut File) -> Result<()>,
) -> Result<()> {
    let mut file = beside(path)?;
    contents(file.as_file_mut())?;
    named(file, path, existing)
}

/// Flushes a temporary file to disk and gives it its name.
fn named(file: tempfile::NamedTempFile, path: &Path, existing: Existing) -> Result<()> {
    file.as_file().sync_all()?;
    match existing {
        Existing::Replace => file.persist(path)?,
        // One step of the file system, so that no file that appears meanwhile is replaced.
        Existing::Keep => file.persist_noclobber(path)?,
    };
    // Flushing the folder puts the new name on disk.
    File::open(folder_of(path))?.sync_all()
}

/// Room on disk for a file that is written after hours of work: a temporary file beside it, of the
/// size that it may have. A full disk is found before the work, and what others write meanwhile
/// does not take the room. File systems that never write in place (Btrfs, ZFS) may need more at
/// the end. The room is free again when this is dropped.
#[derive(Debug)]
pub struct Room {
    path: PathBuf,
    file: tempfile::NamedTempFile,
}

impl Room {
    /// Takes room of so many bytes for the file at a path. The folder is created if it is missing.
    ///
    /// # Errors
    /// If the folder or file can't be written: also on a full disk.
    pub fn take(path: &Path, bytes: usize) -> Result<Self> {
        let mut file = beside(path)?;
        file.write_all(&vec![b' '; bytes]).map_err(without_temporary_name)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Writes the file into the room, atomically as [`write_with`]. If that fails, as where the
    /// temporary file was removed, it is written as any other.
    ///
    /// # Errors
    /// As [`write_with`].
    pub fn write(mut self, existing: Existing, bytes: &[u8]) -> Result<()> {
        let (file, path) = (&mut self.file, self.path);
        let mut within = || {
            file.rewind()?;
            file.write_all(bytes)?;
            file.as_file().set_len(bytes.len() as u64)
        };
        let written = within().and_then(|()| named(self.file, &path, existing));
        match written {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                write_with(&path, existing, |file| file.write_all(bytes))
            }
            written => written,
        }
    }
}

/// A temporary file beside another one. The folder is created if it is missing.
fn beside(path: &Path) -> Result<tempfile::NamedTempFile> {
    let folder = folder_of(path);
    create(folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // A unique name, since processes on several machines may share a folder.
    tempfile::Builder::new()
        .prefix(&format!(".{name}."))
        // The usual permissions of a new file, reduced by the user's umask.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .map_err(without_temporary_name)
}

/// Writes a file that does not exist yet, whole or not at all. The folder is created if it is
/// missing.
///
/// # Errors
/// If the file exists, or a folder or file can't be written.
pub fn create_new(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, Existing::Keep, |file| file.write_all(bytes))
}

/// tempfile's error without the temporary name that it ends with, which means nothing to people.
pub(crate) fn without_temporary_name(error: Error) -> Error {
    let text = error.to_string();
    match text.split_once(" at path ") {
        Some((cause, _)) => Error::new(error.kind(), cause.to_owned()),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_without_locks_is_detected_by_its_error() {
        // EINVAL, ENOLCK, ENOSYS and EOPNOTSUPP are such errors; EIO and ENOSPC are not.
        for code in [22, 37, 38, 95] {
            assert!(has_no_locks(&Error::from_raw_os_error(code)), "{code}");
        }
        for code in [5, 28] {
            assert!(!has_no_locks(&Error::from_raw_os_error(code)), "{code}");
        }
    }

    #[test]
    fn a_file_under_a_made_up_name_is_kept_unless_it_has_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        write(&file, Existing::Keep, b"first").unwrap();
        write(&file, Existing::Keep, b"first").unwrap();
        for other in [&b"firs"[..], b"first and more", b""] {
            let error = write(&file, Existing::Keep, other).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
            assert_eq!(std::fs::read(&file).unwrap(), b"first");
        }
        // A link that leads nowhere is something that is there, too.
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        assert!(write(&link, Existing::Keep, b"").is_err());
        write(&file, Existing::Replace, b"second").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"second");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "no temporary file");
    }

    #[test]
    fn what_will_be_replaced_is_tried_without_changing_anything() {
        let folder = tempfile::tempdir().unwrap();
        let (file, within) = (folder.path().join("file"), folder.path().join("new/folder"));
        std::fs::write(&file, "kept").unwrap();
        for path in [&file, &within.join("file"), &within.join("file")] {
            check_replaceable(path).unwrap();
        }
        assert_eq!(std::fs::read(&file).unwrap(), b"kept");
        assert_eq!(std::fs::read_dir(&within).unwrap().count(), 0);
        assert_eq!(check_replaceable(&within).unwrap_err().kind(), ErrorKind::IsADirectory);
        assert!(check_replaceable(&file.join("within")).is_err());
    }

    #[test]
    fn an_error_does_not_name_the_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        for error in [replace(&file.join("x"), b"y"), check_writable(Path::new("/proc/self"))] {
            let error = error.unwrap_err().to_string();
            assert!(!error.contains("path") && !error.contains(".writable"), "{error}");
        }
    }
}
