//! Files that are written whole or not at all, and where they are kept.

use std::{
    fs::{File, OpenOptions, Permissions, TryLockError},
    io::{Error, ErrorKind, Read, Result, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// The folder that a kind of file is kept in where nobody names one: the environment's variable, else
/// `name` in the project that the program was built from, else `name` here.
#[must_use]
pub fn default_folder(variable: &str, name: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os(variable).filter(|folder| !folder.is_empty()) {
        return folder.into();
    }
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    if project.join("Cargo.toml").is_file() { project.join(name) } else { PathBuf::from(name) }
}

/// A text file, of so many bytes at most.
///
/// # Errors
/// What the system says, or that it is larger.
pub fn text(path: &Path, most: u64) -> Result<String> {
    let mut text = String::new();
    match File::open(path)?.take(most + 1).read_to_string(&mut text)? as u64 {
        bytes if bytes > most => Err(Error::other(format!("larger than {most} bytes"))),
        _ => Ok(text),
    }
}

/// Whether files can be written into a folder, which is made where it is not there yet: to be asked before hours
/// are spent on what goes there.
///
/// # Errors
/// What the system says.
pub fn check_writable(folder: &Path) -> Result<()> {
    make(folder)?;
    tempfile::Builder::new().prefix(".writable.").tempfile_in(folder)?.close()
}

/// Takes a lock, a file that is made where it is not there yet, among processes on one machine and, where the file
/// system has locks, among machines; `None` where another has it. It lasts as long as the file is open, and so ends
/// with the process, however that ends. On a file system without locks everybody has it.
///
/// # Errors
/// What the system says.
pub fn lock(path: &Path) -> Result<Option<File>> {
    let made = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    // One that another user made can be locked all the same.
    let file = made.or_else(|error| match error.kind() {
        ErrorKind::PermissionDenied => File::open(path).map_err(|_| error),
        _ => Err(error),
    })?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) if has_no_locks(&error) => Ok(Some(file)),
        Err(TryLockError::Error(error)) => match error.kind() {
            // Another machine has taken it away meanwhile.
            ErrorKind::StaleNetworkFileHandle => Ok(None),
            _ => Err(error),
        },
    }
}

/// Whether a file system says that it has no locks, in one of the ways in which they say it: it does not know them,
/// nobody serves them (Linux's ENOLCK), or not of such a file.
fn has_no_locks(error: &Error) -> bool {
    const ENOLCK: i32 = 37;
    let known = [ErrorKind::Unsupported, ErrorKind::InvalidInput].contains(&error.kind());
    known || error.raw_os_error() == Some(ENOLCK)
}

/// The same of a folder, which is made where it is not there yet, after waiting until nobody else has it, which
/// `waits` hears of once; `None` where somebody asks to stop.
///
/// # Errors
/// What the system says.
pub fn lock_folder(
    folder: &Path,
    stop: &AtomicBool,
    waits: &mut dyn FnMut(),
) -> Result<Option<File>> {
    std::fs::create_dir_all(folder)?;
    let mut told = false;
    loop {
        if let Some(file) = lock(&folder.join(".lock"))? {
            return Ok(Some(file));
        }
        if !told {
            waits();
        }
        told = true;
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Makes a folder, and sees to it that its name outlives a crash.
fn make(folder: &Path) -> Result<()> {
    let is_new = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let new: Vec<&Path> = folder.ancestors().take_while(is_new).collect();
    std::fs::create_dir_all(folder)?;
    for made in new {
        // A folder's own name is in the one above it.
        let above = made.parent().filter(|above| !above.as_os_str().is_empty());
        File::open(above.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// What a gzip stream begins with (RFC 1952).
pub(crate) const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Writes a file under a temporary name beside its own, makes sure that the disk has it, and renames
/// it: whoever reads `path`, now or after a crash at any moment, finds all of the old or all of the
/// new. The folder is made where it is not there yet.
///
/// # Errors
/// What the system says; nothing is then left under the temporary name.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    make(folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // A name that nobody else has: processes on several machines may share a folder.
    let mut file = tempfile::Builder::new()
        .prefix(&format!(".{name}."))
        // As for any file that a program makes; the user's umask takes from it.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    // The name is on disk once the folder is.
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_without_locks_is_known_by_what_it_says() {
        // EINVAL, ENOLCK, ENOSYS and EOPNOTSUPP; EIO and ENOSPC are no such thing.
        for code in [22, 37, 38, 95] {
            assert!(has_no_locks(&Error::from_raw_os_error(code)), "{code}");
        }
        for code in [5, 28] {
            assert!(!has_no_locks(&Error::from_raw_os_error(code)), "{code}");
        }
    }
}
