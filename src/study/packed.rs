//! The bytes of a file, decompressed: plain, gzip or zstd. Files of other forms are named with what
//! makes a table of them.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use super::{StudyError, pattern::STANDARD_INPUT};
use crate::util::{
    files::GZIP,
    formats::{self, Other},
    shown, zstd,
};

/// Size limit of one file, compressed and not.
const LARGEST_FILE_BYTES: u64 = 1 << 30;

/// The decompressed bytes of a file, or of standard input.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, StudyError> {
    let file = || shown::path(path);
    let unreadable = |cause| StudyError::Unreadable { file: file(), cause };
    let packed = if path == Path::new(STANDARD_INPUT) {
        limited(io::stdin().lock(), &file())?
    } else {
        limited(File::open(path).map_err(unreadable)?, &file())?
    };
    let bytes = if packed.starts_with(&GZIP) {
        limited(crate::util::gzip::Members::new(&packed[..]), &file())?
    } else if zstd::is_packed(&packed) {
        limited(zstd::Frames::new(&packed), &file())?
    } else {
        packed
    };
    match formats::other(&bytes[..bytes.len().min(1 << 16)]) {
        Some(Other { what, help }) => Err(StudyError::Other { file: file(), what, help }),
        None => Ok(bytes),
    }
}

fn limited(reader: impl Read, file: &str) -> Result<Vec<u8>, StudyError> {
    let mut bytes = Vec::new();
    reader
        .take(LARGEST_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|cause| StudyError::Unreadable { file: file.to_owned(), cause })?;
    if bytes.len() as u64 > LARGEST_FILE_BYTES {
        return Err(StudyError::TooLarge { file: file.to_owned(), limit: LARGEST_FILE_BYTES });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    /// What `zstd --check -c` (1.5.4) makes of [`text`].
    const FRAME: &[u8] = b"\
        \x28\xb5\x2f\xfd\x04\x58\xe5\x00\x00\xa8\x6d\x65\x74\x68\x6f\x64\x2c\x73\x65\x65\
        \x64\x2c\x66\x31\x0a\x61\x2c\x31\x2c\x2e\x35\x01\x00\x1f\xa4\x16\x26\xf7\xe8\xd3\
        \x58";

    fn text() -> Vec<u8> {
        ["method,seed,f1\n".to_owned(), "a,1,.5\n".repeat(40)].concat().into_bytes()
    }

    fn unpacked(bytes: &[u8]) -> Result<Vec<u8>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        super::bytes(file.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn frames_of_zstd_are_read_one_after_the_other() {
        assert_eq!(unpacked(FRAME).unwrap(), text());
        assert_eq!(unpacked(&[FRAME, FRAME].concat()).unwrap(), text().repeat(2));
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2], FRAME].concat();
        assert_eq!(unpacked(&skipped).unwrap(), text());
    }

    #[test]
    fn damaged_frames_are_errors() {
        for cut in 4..FRAME.len() {
            assert!(unpacked(&FRAME[..cut]).is_err(), "{cut}");
        }
        let mut changed = FRAME.to_vec();
        *changed.last_mut().unwrap() ^= 1;
        assert!(unpacked(&changed).unwrap_err().contains("checksum"));
        assert!(unpacked(&[FRAME, b"more"].concat()).is_err());
    }
}
