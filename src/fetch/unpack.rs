//! Archives, unpacked as if somebody hostile had made them: only regular files and folders, only below
//! the one folder that is wanted, no more entries and bytes than the catalogue allows, into a temporary
//! folder that gets its name when all of it is there.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Component, Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use flate2::{bufread::GzDecoder, read::DeflateDecoder};
use rawzip::{CompressionMethod, RECOMMENDED_BUFFER_SIZE, ZipArchive};
use serde::{Deserialize, Serialize};
use tar::EntryType;

use super::{
    catalogue::{Format, Unpack},
    checksum::Stopped,
};

/// A file is written in pieces of this size.
const PIECE: usize = 1 << 16;

/// What came out of an archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// Files in the folder that was wanted.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Entries outside that folder, which were left out.
    pub left_out: u64,
}

/// Why an archive was not unpacked. Nothing of it is then left.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// An entry would land outside its folder.
    #[error("its entry `{0}` leads out of the folder that it is unpacked into")]
    LeadsOut(String),
    /// An entry is neither a file nor a folder.
    #[error("its entry `{0}` is neither a file nor a folder but {1}")]
    NoFile(String, &'static str),
    /// Two entries have one name.
    #[error("its entry `{0}` is there twice")]
    Twice(String),
    /// More entries than the catalogue allows.
    #[error("it has more than {0} entries")]
    Entries(u64),
    /// More bytes than the catalogue allows.
    #[error("it has more than {0} bytes unpacked")]
    Bytes(u64),
    /// It lacks what is wanted of it.
    #[error("it holds no `{0}`")]
    Lacks(String),
    /// It is damaged, or no such archive.
    #[error("it is damaged, or no such archive: {0}")]
    Damaged(String),
    /// What is unpacked can't be written.
    #[error("failed to write {path}: {cause}")]
    Unwritten {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Ctrl-C.
    #[error("stopped")]
    Stopped,
}

/// Unpacks an archive's folder into a folder, where it must not be yet.
///
/// # Errors
/// Every fault that [`UnpackError`] names.
pub fn unpack(
    archive: &Path,
    how: &Unpack,
    into: &Path,
    stop: &AtomicBool,
) -> Result<Contents, UnpackError> {
    let temporary = into.join(format!(".unpacking-{}", how.folder));
    // Of a process that was killed: nobody else is at work here, who holds this folder's lock.
    clear(&temporary)?;
    let mut unpacking =
        Unpacking { how, root: &temporary, stop, entries: 0, contents: Contents::default() };
    let unpacked = unpacking.archive(archive).and_then(|()| {
        let contents = unpacking.contents;
        if contents.files == 0 {
            return Err(UnpackError::Lacks(how.folder.clone()));
        }
        let (from, to) = (temporary.join(&how.folder), into.join(&how.folder));
        fs::rename(from, &to).map_err(unwritten(&to))?;
        Ok(contents)
    });
    clear(&temporary)?;
    unpacked
}

fn clear(folder: &Path) -> Result<(), UnpackError> {
    match fs::remove_dir_all(folder) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(unwritten(folder)(cause)),
        _ => Ok(()),
    }
}

fn unwritten(path: &Path) -> impl FnOnce(io::Error) -> UnpackError + use<> {
    let path = path.to_owned();
    move |cause| UnpackError::Unwritten { path, cause }
}

fn damaged(error: impl std::fmt::Display) -> UnpackError {
    UnpackError::Damaged(error.to_string())
}

struct Unpacking<'a> {
    how: &'a Unpack,
    root: &'a Path,
    stop: &'a AtomicBool,
    entries: u64,
    contents: Contents,
}

impl Unpacking<'_> {
    fn archive(&mut self, path: &Path) -> Result<(), UnpackError> {
        let file = File::open(path).map_err(damaged)?;
        match self.how.format {
            Format::TarGz => self.tar_gz(BufReader::new(file)),
            Format::Zip => self.zip(file),
        }
    }

    fn tar_gz(&mut self, packed: impl io::BufRead) -> Result<(), UnpackError> {
        // Every entry has a header, and long names have more; a bomb has more than that.
        let most = self.how.most_entries.saturating_mul(4096).saturating_add(self.how.most_bytes);
        let mut tar = tar::Archive::new(GzDecoder::new(packed).take(most));
        let unpacked = self.tar(&mut tar);
        let mut rest = tar.into_inner();
        if rest.limit() == 0 {
            return Err(UnpackError::Bytes(self.how.most_bytes));
        }
        unpacked?;
        // To its end, where the checksum of all that was read stands.
        io::copy(&mut rest, &mut io::sink()).map_err(damaged)?;
        match rest.limit() {
            0 => Err(UnpackError::Bytes(self.how.most_bytes)),
            _ => Ok(()),
        }
    }

    fn tar(&mut self, tar: &mut tar::Archive<impl Read>) -> Result<(), UnpackError> {
        for entry in tar.entries().map_err(damaged)? {
            let mut entry = entry.map_err(damaged)?;
            let name = entry.path_bytes().into_owned();
            let kind = match entry.header().entry_type() {
                EntryType::Regular | EntryType::Continuous => Kind::File,
                EntryType::Directory => Kind::Folder,
                EntryType::XGlobalHeader => continue,
                EntryType::Symlink | EntryType::Link => Kind::Other("a link"),
                _ => Kind::Other("something else"),
            };
            self.entry(&name, kind, &mut entry)?;
        }
        Ok(())
    }

    /// Every entry of a zip archive, or what lies in the one archive in it that is named.
    fn zip(&mut self, file: File) -> Result<(), UnpackError> {
        let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
        let zip = ZipArchive::from_file(file, &mut buffer).map_err(damaged)?;
        if zip.entries_hint() > self.how.most_entries {
            return Err(UnpackError::Entries(self.how.most_entries));
        }
        let inner = self.how.inner.clone();
        let mut records = zip.entries(&mut buffer);
        while let Some(record) = records.next_entry().map_err(damaged)? {
            let name = record.file_path().as_bytes().to_vec();
            if inner.as_ref().is_some_and(|inner| inner.as_bytes() != name) {
                continue;
            }
            // The kind of file, in the upper half of what Unix calls its mode.
            let kind = match record.external_attributes() >> 16 & 0o170_000 {
                0o120_000 => Kind::Other("a link"),
                0 | 0o100_000 | 0o040_000 if record.is_dir() => Kind::Folder,
                0 | 0o100_000 => Kind::File,
                _ => Kind::Other("something else"),
            };
            let (encrypted, method) = (record.flags().is_encrypted(), record.compression_method());
            let entry = zip.get_entry(record.wayfinder()).map_err(damaged)?;
            let mut bytes: Box<dyn Read> = match method {
                _ if encrypted => return Err(damaged("an entry is encrypted")),
                CompressionMethod::STORE => Box::new(entry.verifying_reader(entry.reader())),
                CompressionMethod::DEFLATE => {
                    let inflated = DeflateDecoder::new(entry.reader());
                    Box::new(entry.verifying_reader(inflated))
                }
                _ => return Err(damaged("an entry is compressed in a way that is not read")),
            };
            if inner.is_some() {
                return self.tar_gz(BufReader::new(bytes));
            }
            self.entry(&name, kind, &mut bytes)?;
        }
        inner.map_or(Ok(()), |inner| Err(UnpackError::Lacks(inner)))
    }

    fn entry(&mut self, name: &[u8], kind: Kind, from: &mut dyn Read) -> Result<(), UnpackError> {
        self.entries += 1;
        if self.entries > self.how.most_entries {
            return Err(UnpackError::Entries(self.how.most_entries));
        }
        let shown = String::from_utf8_lossy(name).escape_debug().to_string();
        let Some(place) = place(name) else { return Err(UnpackError::LeadsOut(shown)) };
        let kind = match kind {
            Kind::Other(what) => return Err(UnpackError::NoFile(shown, what)),
            // How the oldest tars say it.
            Kind::File if name.ends_with(b"/") => Kind::Folder,
            kind => kind,
        };
        if matches!(kind, Kind::File) && place == Path::new(&self.how.folder) {
            return Err(UnpackError::Lacks(format!("{}/", self.how.folder)));
        }
        if !place.starts_with(&self.how.folder) {
            // `.` itself is nobody's.
            self.contents.left_out += u64::from(!place.as_os_str().is_empty());
            return Ok(());
        }
        let path = self.root.join(&place);
        let folder =
            if matches!(kind, Kind::Folder) { Some(path.as_path()) } else { path.parent() };
        if let Some(folder) = folder {
            fs::create_dir_all(folder).map_err(|cause| match cause.kind() {
                io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                    UnpackError::Twice(shown.clone())
                }
                _ => unwritten(folder)(cause),
            })?;
        }
        if matches!(kind, Kind::Folder) {
            return Ok(());
        }
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.map_err(|cause| match cause.kind() {
            io::ErrorKind::AlreadyExists => UnpackError::Twice(shown),
            _ => unwritten(&path)(cause),
        })?;
        self.contents.files += 1;
        self.copy(from, &path, BufWriter::new(file))
    }

    fn copy(
        &mut self,
        from: &mut dyn Read,
        path: &Path,
        mut file: BufWriter<File>,
    ) -> Result<(), UnpackError> {
        let mut piece = [0; PIECE];
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(UnpackError::Stopped);
            }
            let read = match from.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(damaged(error)),
            };
            self.contents.bytes += read as u64;
            if self.contents.bytes > self.how.most_bytes {
                return Err(UnpackError::Bytes(self.how.most_bytes));
            }
            file.write_all(&piece[..read]).map_err(unwritten(path))?;
        }
        file.flush().map_err(unwritten(path))
    }
}

enum Kind {
    File,
    Folder,
    Other(&'static str),
}

/// Where an entry lands, if that is below the folder that it is unpacked into.
fn place(name: &[u8]) -> Option<PathBuf> {
    let name = std::str::from_utf8(name).ok()?;
    if name.is_empty() || name.contains(['\\', '\0', ':']) {
        return None;
    }
    let mut place = PathBuf::new();
    for component in Path::new(name).components() {
        match component {
            Component::Normal(part) => place.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(place)
}

/// Counts what a folder holds; `None` where it can't be read or holds what no archive put there.
pub(super) fn count(folder: &Path, stop: &AtomicBool) -> io::Result<Option<(u64, u64)>> {
    let (mut files, mut bytes) = (0, 0);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        for entry in entries {
            if stop.load(Ordering::Relaxed) {
                return Err(io::Error::other(Stopped));
            }
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else {
                files += 1;
                bytes += entry.metadata()?.len();
            }
        }
    }
    Ok(Some((files, bytes)))
}
