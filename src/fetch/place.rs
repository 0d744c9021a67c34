//! Paths of downloaded files: one data folder, with a folder for each target and each zoo. Beside
//! the files are the program's own: a lock, the checksum of the first download of a file without an
//! official one (`NAME.sha256`), and the contents of unpacked archives (`.FOLDER.unpacked.json`).

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use serde::{Deserialize, Serialize};

use super::{
    catalogue::{self, Item, Unpack},
    checksum::{Checksum, Interrupted},
    part::{LARGEST_NOTE_BYTES, beside},
    unpack::{Contents, count},
};
use crate::util::files;

/// The default data folder: `REPRO_DATA`, else `.data` in the project that the program was built
/// from, else `.data` in the current folder.
#[must_use]
pub fn default_folder() -> PathBuf {
    files::default_folder("REPRO_DATA", ".data")
}

/// A file's paths.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Its item's folder.
    pub folder: PathBuf,
    /// The file.
    pub path: PathBuf,
}

/// The contents of an unpacked archive, written when all of it was unpacked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unpacked {
    archive: String,
    checksum: String,
    contents: Contents,
}

impl Place {
    pub fn new(data: &Path, item: &Item, file: &catalogue::File) -> Self {
        let folder = data.join(item.folder());
        let path = folder.join(&file.name);
        Self { folder, path }
    }

    /// The file with the SHA-256 of the first download, in the format of `sha256sum`.
    pub fn record_path(&self) -> PathBuf {
        beside(&self.path, ".sha256")
    }

    /// The recorded SHA-256 of the first download; `None` if there is none.
    pub fn record(&self) -> Option<Checksum> {
        let text = files::text(&self.record_path(), LARGEST_NOTE_BYTES).ok()?;
        let checksum = Checksum::sha256(text.split_whitespace().next()?.to_owned());
        checksum.is_well_formed().then_some(checksum)
    }

    /// Records the SHA-256 of the first download.
    pub fn write_record(&self, checksum: &Checksum) -> io::Result<()> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let line = format!("{}  {name}\n", checksum.hexadecimal);
        files::replace(&self.record_path(), line.as_bytes())
    }

    /// Renames a wrong file or folder to an unused name beside it (`NAME.set-aside`), and returns
    /// that.
    pub fn set_aside(path: &Path) -> io::Result<PathBuf> {
        let numbered = |number: usize| match number {
            1 => beside(path, ".set-aside"),
            number => beside(path, &format!(".set-aside-{number}")),
        };
        let aside =
            (1..).map(numbered).find(|aside| !aside.exists()).expect("some number is unused");
        fs::rename(path, &aside)?;
        Ok(aside)
    }

    fn unpacked_path(&self, how: &Unpack) -> PathBuf {
        self.folder.join(format!(".{}.unpacked.json", how.folder))
    }

    /// Records the contents of the unpacked archive.
    pub fn write_unpacked(
        &self,
        how: &Unpack,
        checksum: &Checksum,
        contents: Contents,
    ) -> io::Result<()> {
        let archive = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let note = Unpacked { archive, checksum: checksum.to_string(), contents };
        let text = serde_json::to_vec(&note).map_err(io::Error::other)?;
        files::replace(&self.unpacked_path(how), &text)
    }

    /// Whether the archive with this checksum is unpacked, and its folder still has as many files
    /// and bytes.
    ///
    /// # Errors
    /// If the folder can't be read, or Ctrl-C interrupts the count.
    pub fn is_unpacked(
        &self,
        how: &Unpack,
        checksum: Option<&Checksum>,
        stop: &AtomicBool,
    ) -> io::Result<bool> {
        let note = files::bytes(&self.unpacked_path(how), LARGEST_NOTE_BYTES).unwrap_or_default();
        let Ok(note) = serde_json::from_slice::<Unpacked>(&note) else { return Ok(false) };
        if checksum.is_none_or(|checksum| checksum.to_string() != note.checksum) {
            return Ok(false);
        }
        let found = count(&self.folder.join(&how.folder), stop)?;
        Ok(found == Some((note.contents.files, note.contents.bytes)))
    }
}

/// An exclusive lock on a folder ([`files::lock_folder`]).
pub(super) struct Lock(#[expect(dead_code, reason = "the open file holds the lock")] File);

/// Creates a folder if it is missing, and waits for its lock. On a file system without locks,
/// temporary names and renames still keep files complete.
///
/// # Errors
/// If the folder can't be created or locked, or Ctrl-C interrupts the wait.
pub(super) fn lock(
    folder: &Path,
    stop: &AtomicBool,
    report_waiting: &mut dyn FnMut(),
) -> io::Result<Lock> {
    let file = files::lock_folder(folder, stop, report_waiting)?;
    file.map(Lock).ok_or_else(|| io::Error::other(Interrupted))
}
