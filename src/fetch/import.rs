//! Imports files that a person downloaded into a folder: finds them by their official names, copies
//! them under a temporary name, verifies them like downloads, and renames them.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use super::{FetchProgress, checksum::Interrupted, part::beside, request::DownloadRequest};

/// Bytes that one read asks for.
const BUFFER: usize = 1 << 18;

/// Why a file could not be imported.
pub(super) enum ImportError {
    /// No valid file of its name: each candidate with the reason.
    NotFound(Vec<(PathBuf, String)>),
    /// A candidate or the folder can't be read.
    Unreadable(PathBuf, io::Error),
    /// The copy can't be written, or Ctrl-C.
    Disk(io::Error),
}

/// Copies a file from the folder `from`, or a folder in it, to `path`.
///
/// # Errors
/// If there is no valid file, it can't be read or written, or Ctrl-C interrupts it.
pub(super) fn import(
    request: &DownloadRequest,
    from: &Path,
    path: &Path,
    stop: &AtomicBool,
    progress: &dyn FetchProgress,
) -> Result<(), ImportError> {
    let mut rejected = Vec::new();
    let found = named(&request.name, from)
        .map_err(|error| ImportError::Unreadable(from.to_owned(), error))?;
    if request.checksum.is_none() && found.len() > 1 {
        let reason = "there are several files of this name, and no checksum to decide between them";
        rejected.extend(found.into_iter().map(|path| (path, reason.to_owned())));
        return Err(ImportError::NotFound(rejected));
    }
    for candidate in found {
        match copy(request, &candidate, path, stop, progress)? {
            None => return Ok(()),
            Some(reason) => rejected.push((candidate, reason)),
        }
    }
    Err(ImportError::NotFound(rejected))
}

/// The files with a name in a folder and in the folders in it, sorted by path.
fn named(name: &str, from: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders = vec![from.to_owned()];
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders.into_iter().map(|folder| folder.join(name)).filter(|path| path.is_file()).collect())
}

/// Copies and verifies one candidate. Returns why it is the wrong file, or `None` if it is right.
fn copy(
    request: &DownloadRequest,
    candidate: &Path,
    path: &Path,
    stop: &AtomicBool,
    progress: &dyn FetchProgress,
) -> Result<Option<String>, ImportError> {
    let unreadable = |error| ImportError::Unreadable(candidate.to_owned(), error);
    let mut file = File::open(candidate).map_err(unreadable)?;
    let bytes = file.metadata().map_err(unreadable)?.len();
    if let Some(official) = request.bytes.filter(|official| *official != bytes) {
        return Ok(Some(format!("it has {bytes} bytes, but the official file has {official}")));
    }
    let temporary = beside(path, ".importing");
    progress.begins(&request.name, 0, Some(bytes));
    let written = write((&mut file, candidate), &temporary, stop, progress);
    let verified = match written {
        Ok(()) => request.verify(&temporary, stop).map_err(ImportError::Disk),
        Err(error) => Err(error),
    };
    progress.ends(matches!(verified, Ok(None)));
    if matches!(verified, Ok(None)) {
        fs::rename(&temporary, path).map_err(ImportError::Disk)?;
    } else {
        // The copy is useless; failing to delete it does no harm, since the next import replaces
        // it.
        let _ = fs::remove_file(&temporary);
    }
    verified.map(|mismatch| mismatch.map(|reason| format!("it is {reason}")))
}

fn write(
    (from, path): (&mut File, &Path),
    to: &Path,
    stop: &AtomicBool,
    progress: &dyn FetchProgress,
) -> Result<(), ImportError> {
    let open = OpenOptions::new().create(true).write(true).truncate(true).open(to);
    let mut file = open.map_err(ImportError::Disk)?;
    let (mut buffer, mut done) = (vec![0; BUFFER], 0);
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(ImportError::Disk(io::Error::other(Interrupted)));
        }
        let read = from
            .read(&mut buffer)
            .map_err(|error| ImportError::Unreadable(path.to_owned(), error))?;
        if read == 0 {
            return file.sync_all().map_err(ImportError::Disk);
        }
        file.write_all(&buffer[..read]).map_err(ImportError::Disk)?;
        done += read as u64;
        progress.at(done);
    }
}
