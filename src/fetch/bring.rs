//! Files that somebody brings in a folder: found by their official names, compared like fetched ones,
//! and copied under a temporary name that becomes theirs when they are right.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use super::{Watch, checksum::Stopped, download::Wanted, part::beside};

/// A file is copied in pieces of this size.
const PIECE: usize = 1 << 18;

/// Why a file was not brought.
pub(super) enum NotBrought {
    /// No file of its name is it; each with the reason.
    Absent(Vec<(PathBuf, String)>),
    /// It can't be read.
    Unreadable(PathBuf, io::Error),
    /// It can't be written, or Ctrl-C.
    Disk(io::Error),
}

/// Copies a file from a folder, or a folder in it, to its place.
pub(super) fn bring(
    wanted: &Wanted,
    from: &Path,
    path: &Path,
    stop: &AtomicBool,
    watch: &dyn Watch,
) -> Result<(), NotBrought> {
    let mut rejected = Vec::new();
    let found = named(&wanted.name, from)
        .map_err(|error| NotBrought::Unreadable(from.to_owned(), error))?;
    if wanted.checksum.is_none() && found.len() > 1 {
        // Nothing tells which of them is meant.
        let several = "there are several of this name, and no checksum to tell which is meant";
        rejected.extend(found.into_iter().map(|path| (path, several.to_owned())));
        return Err(NotBrought::Absent(rejected));
    }
    for candidate in found {
        match copy(wanted, &candidate, path, stop, watch)? {
            None => return Ok(()),
            Some(reason) => rejected.push((candidate, reason)),
        }
    }
    Err(NotBrought::Absent(rejected))
}

/// The files of a name in a folder and in the folders in it, in the order of their paths.
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

/// Copies one candidate; the reason if it is not what is wanted.
fn copy(
    wanted: &Wanted,
    candidate: &Path,
    path: &Path,
    stop: &AtomicBool,
    watch: &dyn Watch,
) -> Result<Option<String>, NotBrought> {
    let unreadable = |error| NotBrought::Unreadable(candidate.to_owned(), error);
    let mut file = File::open(candidate).map_err(unreadable)?;
    let bytes = file.metadata().map_err(unreadable)?.len();
    if let Some(official) = wanted.bytes.filter(|official| *official != bytes) {
        return Ok(Some(format!("it has {bytes} bytes where the official file has {official}")));
    }
    let temporary = beside(path, ".bringing");
    watch.begins(&wanted.name, 0, Some(bytes));
    let written = write((&mut file, candidate), &temporary, stop, watch);
    let checked = match written {
        Ok(()) => wanted.fault(&temporary, stop).map_err(NotBrought::Disk),
        Err(error) => Err(error),
    };
    watch.ends(matches!(checked, Ok(None)));
    if matches!(checked, Ok(None)) {
        fs::rename(&temporary, path).map_err(NotBrought::Disk)?;
    } else {
        // Whatever lies there is of no use; that it can't be removed changes nothing.
        let _ = fs::remove_file(&temporary);
    }
    checked.map(|fault| fault.map(|what| format!("it is {what}")))
}

fn write(
    (from, path): (&mut File, &Path),
    to: &Path,
    stop: &AtomicBool,
    watch: &dyn Watch,
) -> Result<(), NotBrought> {
    let open = OpenOptions::new().create(true).write(true).truncate(true).open(to);
    let mut file = open.map_err(NotBrought::Disk)?;
    let (mut piece, mut done) = (vec![0; PIECE], 0);
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(NotBrought::Disk(io::Error::other(Stopped)));
        }
        let read = from
            .read(&mut piece)
            .map_err(|error| NotBrought::Unreadable(path.to_owned(), error))?;
        if read == 0 {
            return file.sync_all().map_err(NotBrought::Disk);
        }
        file.write_all(&piece[..read]).map_err(NotBrought::Disk)?;
        done += read as u64;
        watch.at(done);
    }
}
