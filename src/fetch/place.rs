//! Where fetched files lie: one data folder, a folder in it for each target and for each zoo. What the
//! program keeps there for itself is beside the files: a lock, the record of a file that has no official
//! checksum, and what came out of an archive.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use serde::{Deserialize, Serialize};

use super::{
    catalogue::{self, Item, Unpack},
    checksum::{Checksum, Stopped},
    part::beside,
    unpack::{Contents, count},
};
use crate::util::files;

/// The folder that is used where nobody names one: `REPRO_DATA`, else `.data` in the project that the
/// program was built from, else `.data` here.
#[must_use]
pub fn default_folder() -> PathBuf {
    files::default_folder("REPRO_DATA", ".data")
}

/// A file's place.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Its item's folder.
    pub folder: PathBuf,
    /// Itself.
    pub path: PathBuf,
}

/// What came out of which archive, written when all of it had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unpacked {
    archive: String,
    checksum: String,
    contents: Contents,
}

impl Place {
    pub fn of(data: &Path, item: &Item, file: &catalogue::File) -> Self {
        let folder = data.join(item.folder());
        let path = folder.join(&file.name);
        Self { folder, path }
    }

    /// Where the SHA-256 of its first fetch is recorded, in sha256sum's format.
    pub fn record_path(&self) -> PathBuf {
        beside(&self.path, ".sha256")
    }

    /// The SHA-256 of its first fetch; `None` where there is none.
    pub fn record(&self) -> Option<Checksum> {
        let text = fs::read_to_string(self.record_path()).ok()?;
        let checksum = Checksum::sha256(text.split_whitespace().next()?.to_owned());
        checksum.is_well_formed().then_some(checksum)
    }

    /// Records the SHA-256 of its first fetch.
    pub fn write_record(&self, checksum: &Checksum) -> io::Result<()> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let line = format!("{}  {name}\n", checksum.hexadecimal);
        files::replace(&self.record_path(), line.as_bytes())
    }

    /// Moves a file or a folder that is not the right one out of the way, beside those that were moved
    /// there before; says where it lies now.
    pub fn set_aside(path: &Path) -> io::Result<PathBuf> {
        let numbered = |number: usize| match number {
            1 => beside(path, ".set-aside"),
            number => beside(path, &format!(".set-aside-{number}")),
        };
        let aside = (1..).map(numbered).find(|aside| !aside.exists()).expect("numbers do not end");
        fs::rename(path, &aside)?;
        Ok(aside)
    }

    fn unpacked_path(&self, how: &Unpack) -> PathBuf {
        self.folder.join(format!(".{}.unpacked.json", how.folder))
    }

    /// Notes what came out of the archive at this place.
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

    /// Whether the folder that comes out of the archive is there as it came out: with as many files and
    /// bytes, of the archive with this checksum.
    pub fn is_unpacked(
        &self,
        how: &Unpack,
        checksum: Option<&Checksum>,
        stop: &AtomicBool,
    ) -> io::Result<bool> {
        let note = fs::read(self.unpacked_path(how)).unwrap_or_default();
        let Ok(note) = serde_json::from_slice::<Unpacked>(&note) else { return Ok(false) };
        if checksum.is_none_or(|checksum| checksum.to_string() != note.checksum) {
            return Ok(false);
        }
        let there = count(&self.folder.join(&how.folder), stop)?;
        Ok(there == Some((note.contents.files, note.contents.bytes)))
    }
}

/// The right to write in a folder ([`files::lock_folder`]).
pub(super) struct Lock(#[expect(dead_code, reason = "held for its lock")] File);

/// Waits for the right to write in a folder, which is made where it is not there yet. Where a file system has no
/// locks, temporary names and renames still keep files whole.
pub(super) fn lock(folder: &Path, stop: &AtomicBool, waits: &mut dyn FnMut()) -> io::Result<Lock> {
    let file = files::lock_folder(folder, stop, waits)?;
    file.map(Lock).ok_or_else(|| io::Error::other(Stopped))
}
