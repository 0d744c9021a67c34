//! Unpacks untrusted archives: only regular files and folders, only below one folder, with limits
//! on entries and bytes (from the catalogue), into a temporary folder that is renamed when it is
//! complete. Every archive is read to its end, after which only zeros may follow.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Read, Seek, Write},
    path::{Component, Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, RECOMMENDED_BUFFER_SIZE, RangeReader, ZipArchive};
use serde::{Deserialize, Serialize};
use tar::EntryType;

use super::{
    catalogue::{Format, Unpack},
    checksum::Interrupted,
    code_page,
    response::begins_as_page,
};
use crate::util::gzip::{Members, only_zeros};

/// Bytes that one read asks for.
const BUFFER: usize = 1 << 16;

/// The contents of an unpacked archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// Files in its folder.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Entries outside that folder, which were skipped.
    #[serde(rename = "left_out")]
    pub skipped: u64,
}

/// Why an archive could not be unpacked. Nothing of it is left on disk then.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The path of an entry is outside the archive's folder.
    #[error("entry `{0}` is outside the folder to unpack into")]
    OutsideFolder(String),
    /// The name of an entry can't be a path in the archive's folder.
    #[error("entry `{0}` can't be written: its name {1}")]
    Name(String, &'static str),
    /// An entry is neither a file nor a folder.
    #[error("entry `{0}` is neither a file nor a folder but {1}")]
    NotAFile(String, &'static str),
    /// Two entries have the same path.
    #[error("duplicate entry `{0}`")]
    Duplicate(String),
    /// More entries than the catalogue allows.
    #[error("it has more than {0} entries")]
    TooManyEntries(u64),
    /// More bytes than the catalogue allows.
    #[error("it has more than {0} bytes unpacked")]
    TooManyBytes(u64),
    /// The folder or the inner archive is missing.
    #[error("it has no `{0}`")]
    Missing(String),
    /// It is a file of another format.
    #[error("it is {0}, and not {1}")]
    Foreign(&'static str, &'static str),
    /// It is damaged, or has another format.
    #[error("damaged archive, or another format: {0}")]
    Damaged(String),
    /// A file or folder can't be written.
    #[error("failed to write {path}: {cause}")]
    Unwritten {
        /// The file or folder.
        path: PathBuf,
        /// The error of the system.
        cause: io::Error,
    },
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

/// Unpacks one folder of an archive into the folder `into`, which must not have it.
///
/// # Errors
/// Each [`UnpackError`].
pub fn unpack(
    archive: &Path,
    how: &Unpack,
    into: &Path,
    stop: &AtomicBool,
) -> Result<Contents, UnpackError> {
    let temporary = into.join(format!(".unpacking-{}", how.folder));
    // Left by a killed process: the caller holds the folder's lock, so no other process uses it.
    clear(&temporary)?;
    let mut unpacking =
        Unpacking { how, root: &temporary, stop, entries: 0, contents: Contents::default() };
    let unpacked = unpacking.archive(archive).and_then(|()| {
        let contents = unpacking.contents;
        if contents.files == 0 {
            return Err(UnpackError::Missing(how.folder.clone()));
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
        let mut file = File::open(path).map_err(damaged)?;
        let mut first = Vec::new();
        Read::by_ref(&mut file).take(512).read_to_end(&mut first).map_err(damaged)?;
        file.rewind().map_err(damaged)?;
        let (begins, expected): (&[u8], _) = match self.how.format {
            Format::TarGz => (b"\x1f\x8b", "a tar packed by gzip"),
            Format::Zip => (b"PK", "a zip archive"),
        };
        if let Some(other) = other_format(&first).filter(|_| !first.starts_with(begins)) {
            return Err(UnpackError::Foreign(other, expected));
        }
        match self.how.format {
            Format::TarGz => self.tar_gz(BufReader::new(file)),
            Format::Zip => self.zip(file),
        }
    }

    fn tar_gz(&mut self, packed: impl io::BufRead) -> Result<(), UnpackError> {
        // Headers and long names take at most 4096 bytes per entry; a decompression bomb has more.
        let limit = self.how.max_entries.saturating_mul(4096).saturating_add(self.how.max_bytes);
        let mut tar = tar::Archive::new(Members::new(packed).take(limit));
        let unpacked = self.tar(&mut tar);
        let mut rest = BufReader::new(tar.into_inner());
        let too_many = Err(UnpackError::TooManyBytes(self.how.max_bytes));
        if rest.get_ref().limit() == 0 {
            return too_many;
        }
        unpacked?;
        // To the end of the last member, where its checksum is verified.
        only_zeros(&mut rest).map_err(damaged)?;
        if rest.get_ref().limit() == 0 { too_many } else { Ok(()) }
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
                _ => Kind::Other("a special file"),
            };
            self.entry(&name, kind, &mut entry)?;
        }
        Ok(())
    }

    /// Unpacks every entry of a zip archive, or the inner archive.
    fn zip(&mut self, file: File) -> Result<(), UnpackError> {
        let length = file.metadata().map_err(damaged)?.len();
        let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
        let zip = ZipArchive::from_file(file, &mut buffer).map_err(damaged)?;
        let rest = RangeReader::new(zip.get_ref(), zip.end_offset()..length);
        only_zeros(&mut BufReader::new(rest)).map_err(damaged)?;
        if zip.entries_hint() > self.how.max_entries {
            return Err(UnpackError::TooManyEntries(self.how.max_entries));
        }
        let inner = self.how.inner.clone();
        let mut records = zip.entries(&mut buffer);
        let mut found = 0;
        while let Some(record) = records.next_entry().map_err(damaged)? {
            found += 1;
            let mut name = record.file_path().as_bytes().to_vec();
            if !record.flags().is_utf8() && std::str::from_utf8(&name).is_err() {
                name = code_page::decode_437(&name).into_bytes();
            }
            if inner.as_ref().is_some_and(|inner| inner.as_bytes() != name) {
                continue;
            }
            // The upper 16 bits are the Unix mode, whose upper bits are the file type.
            let kind = match record.external_attributes() >> 16 & 0o170_000 {
                0o120_000 => Kind::Other("a link"),
                0 | 0o100_000 | 0o040_000 if record.is_dir() => Kind::Folder,
                0 | 0o100_000 => Kind::File,
                _ => Kind::Other("a special file"),
            };
            let (encrypted, method) = (record.flags().is_encrypted(), record.compression_method());
            let entry = zip.get_entry(record.wayfinder()).map_err(damaged)?;
            let mut bytes: Box<dyn Read> = match method {
                _ if encrypted => return Err(damaged("an entry is encrypted")),
                CompressionMethod::STORE => Box::new(entry.verifying_reader(entry.reader())),
                CompressionMethod::DEFLATE => {
                    let inflated = DeflateDecoder::new(BufReader::new(entry.reader()));
                    Box::new(entry.verifying_reader(UsedUp(inflated)))
                }
                _ => return Err(damaged("an entry has an unsupported compression method")),
            };
            if inner.is_some() {
                return self.tar_gz(BufReader::new(bytes));
            }
            self.entry(&name, kind, &mut bytes)?;
        }
        // Old programs state the count in 16 bits, whatever it is.
        let stated = zip.entries_hint();
        if found != stated && found & 0xffff != stated {
            return Err(damaged(format!("it has {found} entries, but states {stated}")));
        }
        inner.map_or(Ok(()), |inner| Err(UnpackError::Missing(inner)))
    }

    fn entry(&mut self, name: &[u8], kind: Kind, from: &mut dyn Read) -> Result<(), UnpackError> {
        self.entries += 1;
        if self.entries > self.how.max_entries {
            return Err(UnpackError::TooManyEntries(self.how.max_entries));
        }
        let printable = String::from_utf8_lossy(name).escape_debug().to_string();
        let relative = match relative_path(name) {
            Ok(relative) => relative,
            Err(Some(why)) => return Err(UnpackError::Name(printable, why)),
            Err(None) => return Err(UnpackError::OutsideFolder(printable)),
        };
        let kind = match kind {
            Kind::Other(what) => return Err(UnpackError::NotAFile(printable, what)),
            // The oldest tar format marks a folder by its name.
            Kind::File if name.ends_with(b"/") => Kind::Folder,
            kind => kind,
        };
        if matches!(kind, Kind::File) && relative == Path::new(&self.how.folder) {
            return Err(UnpackError::Missing(format!("{}/", self.how.folder)));
        }
        if !relative.starts_with(&self.how.folder) {
            // The entry `.` does not count.
            self.contents.skipped += u64::from(!relative.as_os_str().is_empty());
            return Ok(());
        }
        let path = self.root.join(&relative);
        let folder =
            if matches!(kind, Kind::Folder) { Some(path.as_path()) } else { path.parent() };
        if let Some(folder) = folder {
            fs::create_dir_all(folder).map_err(|cause| match cause.kind() {
                io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                    UnpackError::Duplicate(printable.clone())
                }
                _ => unwritten(folder)(cause),
            })?;
        }
        if matches!(kind, Kind::Folder) {
            return Ok(());
        }
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.map_err(|cause| match cause.kind() {
            io::ErrorKind::AlreadyExists => UnpackError::Duplicate(printable),
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
        let mut buffer = [0; BUFFER];
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(UnpackError::Interrupted);
            }
            let read = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(damaged(error)),
            };
            self.contents.bytes += read as u64;
            if self.contents.bytes > self.how.max_bytes {
                return Err(UnpackError::TooManyBytes(self.how.max_bytes));
            }
            file.write_all(&buffer[..read]).map_err(unwritten(path))?;
        }
        file.flush().map_err(unwritten(path))
    }
}

/// A compressed entry that must end where its bytes end.
struct UsedUp<R>(DeflateDecoder<R>);

impl<R: io::BufRead> Read for UsedUp<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(into)?;
        if read == 0 && !into.is_empty() {
            only_zeros(self.0.get_mut())?;
        }
        Ok(read)
    }
}

/// The format of a file that begins with these bytes, if it is one that archives are published in.
fn other_format(first: &[u8]) -> Option<&'static str> {
    const FORMATS: [(usize, &[u8], &str); 9] = [
        (0, b"\x1f\x8b", "a gzip file"),
        (0, b"PK\x03\x04", "a zip archive"),
        (0, b"\xfd7zXZ\0", "an xz file"),
        (0, b"BZh", "a bzip2 file"),
        (0, b"\x28\xb5\x2f\xfd", "a zstd file"),
        (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (0, b"Rar!\x1a\x07", "a RAR archive"),
        (257, b"ustar", "a tar that is not packed"),
        (0, b"version https://git-lfs", "a Git LFS pointer"),
    ];
    let has = |at: usize, bytes: &[u8]| first.get(at..).is_some_and(|rest| rest.starts_with(bytes));
    let known = FORMATS.iter().find(|(at, bytes, _)| has(*at, bytes)).map(|(_, _, name)| *name);
    known.or_else(|| begins_as_page(first).then_some("a web page"))
}

enum Kind {
    File,
    Folder,
    Other(&'static str),
}

/// The path of an entry relative to the folder to unpack into. An error is what is wrong with its
/// name, or `None` if it leads outside.
fn relative_path(name: &[u8]) -> Result<PathBuf, Option<&'static str>> {
    let name = std::str::from_utf8(name).map_err(|_| Some("is not UTF-8"))?;
    // Windows has other separators, and drives.
    let drive = |name: &str| {
        let mut chars = name.chars();
        chars.next().is_some_and(|first| first.is_ascii_alphabetic()) && chars.next() == Some(':')
    };
    if drive(name) || name.starts_with('\\') || name.split(['/', '\\']).any(|part| part == "..") {
        return Err(None);
    }
    match name {
        "" => return Err(Some("is empty")),
        name if name.contains('\0') => return Err(Some("has a NUL byte")),
        name if name.contains('\\') => return Err(Some("has a backslash")),
        _ => {}
    }
    let mut path = PathBuf::new();
    for component in Path::new(name).components() {
        match component {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return Err(None),
        }
    }
    Ok(path)
}

/// The files in a folder and its subfolders, and the sum of their bytes; `None` if it is missing.
///
/// # Errors
/// If it can't be read, or Ctrl-C interrupts the count.
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
                return Err(io::Error::other(Interrupted));
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
