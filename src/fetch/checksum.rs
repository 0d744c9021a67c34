//! Checksums of files, as their makers state them.

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

/// A file is read in pieces of this size.
const PIECE: usize = 1 << 18;

/// How a checksum is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RFC 1321. Finds accidents; somebody who forges a file is not stopped by it.
    Md5,
    /// FIPS 180-4.
    Sha256,
}

/// A stated checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// How it is computed.
    pub algorithm: Algorithm,
    /// Its value in lower-case hexadecimal.
    pub hexadecimal: String,
}

impl Checksum {
    /// A SHA-256.
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

    /// The checksum of this kind that a file has.
    ///
    /// # Errors
    /// If it can't be read; `Interrupted` if `stop` was set meanwhile.
    pub(crate) fn of_same_kind(&self, path: &Path, stop: &AtomicBool) -> io::Result<Self> {
        of(self.algorithm, path, stop)
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.algorithm {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
        };
        write!(formatter, "{name} {}", self.hexadecimal)
    }
}

/// A file's checksum.
///
/// # Errors
/// If it can't be read; `Interrupted` if `stop` was set meanwhile.
pub fn of(algorithm: Algorithm, path: &Path, stop: &AtomicBool) -> io::Result<Checksum> {
    let hexadecimal = match algorithm {
        Algorithm::Md5 => digest::<Md5>(path, stop),
        Algorithm::Sha256 => digest::<Sha256>(path, stop),
    }?;
    Ok(Checksum { algorithm, hexadecimal })
}

fn digest<D: Digest>(path: &Path, stop: &AtomicBool) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = D::new();
    let mut piece = vec![0; PIECE];
    loop {
        if stop.load(Ordering::Relaxed) {
            // Not the kind `Interrupted`, which readers take as a reason to try again.
            return Err(io::Error::other(Stopped));
        }
        match file.read(&mut piece)? {
            0 => return Ok(hexadecimal(&hasher.finalize())),
            read => hasher.update(&piece[..read]),
        }
    }
}

/// Work that was stopped by Ctrl-C.
#[derive(Debug, thiserror::Error)]
#[error("stopped")]
pub(super) struct Stopped;

/// Whether an error only says that work was stopped.
pub(super) fn is_stopped(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Stopped>())
}
