//! Writes files that the user named on the command line. A file is replaced, whole or not at all; a
//! device or a pipe, such as `/dev/stdout`, is written to, and never replaced by a file.

use std::{
    fs::{self, File, OpenOptions},
    io::{Result, Write},
    path::Path,
};

use super::files::{self, Existing};

/// Whether a path is that of a file or of nothing yet, which is replaced, and not of a device, a
/// pipe or a socket.
#[must_use]
pub fn is_replaced(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |there| there.is_file() || there.is_dir())
}

/// Writes what `contents` writes. Of a link the file that it leads to is replaced.
///
/// # Errors
/// If a folder or file can't be written, and those of `contents`.
pub fn write_with(path: &Path, contents: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    if !is_replaced(path) {
        return contents(&mut OpenOptions::new().write(true).open(path)?);
    }
    // A link that leads nowhere is itself replaced.
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    files::write_with(&real, Existing::Replace, contents)
}

/// Writes these bytes.
///
/// # Errors
/// As [`write_with`].
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |file| file.write_all(bytes))
}

/// Checks that [`write()`] will succeed, as [`files::check_replaceable`].
///
/// # Errors
/// As [`files::check_replaceable`].
pub fn check(path: &Path) -> Result<()> {
    if !is_replaced(path) {
        return OpenOptions::new().write(true).open(path).map(drop);
    }
    files::check_replaceable(&fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::{
        fs::{FileTypeExt, symlink},
        net::UnixListener,
    };

    use super::*;

    #[test]
    fn a_device_or_a_socket_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        symlink("/dev/null", &link).unwrap();
        write(&link, b"x").unwrap();
        check(&link).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let socket = folder.path().join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        assert!(check(&socket).is_err());
        assert!(write(&socket, b"x").is_err());
        assert!(fs::symlink_metadata(&socket).unwrap().file_type().is_socket());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no temporary file");
    }

    #[test]
    fn of_a_link_its_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a/file"), folder.path().join("link"));
        symlink("a/file", &link).unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(&file, "old").unwrap();
        check(&link).unwrap();
        write(&link, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let nowhere = folder.path().join("nowhere");
        symlink("absent", &nowhere).unwrap();
        write(&nowhere, b"new").unwrap();
        assert_eq!(fs::read(&nowhere).unwrap(), b"new");
    }
}
