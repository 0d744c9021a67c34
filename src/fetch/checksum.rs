//! Checksums of files (MD5 and SHA-256), as their providers publish them.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use md5::Md5;
use sha2::{Digest, Sha256};

use crate::util::hexadecimal;

/// Bytes that one read asks for.
const BUFFER: usize = 1 << 18;

/// A checksum algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RFC 1321. Detects accidental damage, but no forged file.
    Md5,
    /// FIPS 180-4.
    Sha256,
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        })
    }
}

/// A checksum with its algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// Its value in lower-case hexadecimal.
    pub hexadecimal: String,
}

impl Checksum {
    /// A SHA-256 checksum from its hexadecimal digits.
    #[must_use]
    pub fn sha256(hexadecimal: String) -> Self {
        Self { algorithm: Algorithm::Sha256, hexadecimal }
    }

    pub(super) fn is_well_formed(&self) -> bool {
        let digits = match self.algorithm {
            Algorithm::Md5 => 32,
            Algorithm::Sha256 => 64,
        };
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        self.hexadecimal.len() == digits && self.hexadecimal.bytes().all(digit)
    }

    /// A file's checksum by the same algorithm.
    ///
    /// # Errors
    /// As [`file_checksum`].
    pub(crate) fn recompute(&self, path: &Path, stop: &AtomicBool) -> io::Result<Self> {
        file_checksum(self.algorithm, path, stop)
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.algorithm, self.hexadecimal)
    }
}

/// Computes a file's checksum.
///
/// # Errors
/// If the file can't be read; [`Interrupted`] if `stop` was set.
pub fn file_checksum(algorithm: Algorithm, path: &Path, stop: &AtomicBool) -> io::Result<Checksum> {
    let hexadecimal = match algorithm {
        Algorithm::Md5 => digest::<Md5>(path, stop),
        Algorithm::Sha256 => digest::<Sha256>(path, stop),
    }?;
    Ok(Checksum { algorithm, hexadecimal })
}

fn digest<D: Digest>(path: &Path, stop: &AtomicBool) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = D::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        if stop.load(Ordering::Relaxed) {
            // Not `ErrorKind::Interrupted`, on which readers retry.
            return Err(io::Error::other(Interrupted));
        }
        match file.read(&mut buffer)? {
            0 => return Ok(hexadecimal(&hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// The user pressed Ctrl-C.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(super) struct Interrupted;

/// Whether an error is [`Interrupted`].
pub(super) fn is_interrupted(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Interrupted>())
}
