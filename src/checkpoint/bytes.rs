//! The bytes of a checkpoint: a file that is read by seeking, so that a tensor is in memory only
//! while it is used, or bytes that are in memory anyway.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, ErrorKind},
    ops::Range,
    os::unix::fs::FileExt,
};

use rawzip::ReaderAt;

/// Bytes that one read asks for, where all of them are needed once.
const BUFFER: usize = 1 << 18;

/// The bytes of a checkpoint.
#[derive(Debug)]
pub enum Bytes {
    /// In memory.
    Memory(Vec<u8>),
    /// In a file, with its length when it was opened.
    File(File, usize),
}

impl Bytes {
    /// The number of bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Memory(bytes) => bytes.len(),
            Self::File(_, length) => *length,
        }
    }

    /// The bytes of a range, which must be within the length.
    ///
    /// # Errors
    /// If they can't be read, for instance because the file has become shorter.
    pub fn range(&self, range: Range<usize>) -> io::Result<Cow<'_, [u8]>> {
        match self {
            Self::Memory(bytes) => {
                let part = bytes.get(range).ok_or(ErrorKind::UnexpectedEof)?;
                Ok(Cow::Borrowed(part))
            }
            Self::File(file, _) => {
                let mut part = Vec::new();
                part.try_reserve_exact(range.len()).map_err(io::Error::other)?;
                part.resize(range.len(), 0);
                file.read_exact_at(&mut part, range.start as u64)?;
                Ok(Cow::Owned(part))
            }
        }
    }

    /// The first bytes, at most `count`.
    ///
    /// # Errors
    /// As [`Bytes::range`].
    pub fn first(&self, count: usize) -> io::Result<Cow<'_, [u8]>> {
        self.range(0..count.min(self.len()))
    }

    /// Passes the bytes of a range to `part`, one piece after the other.
    ///
    /// # Errors
    /// As [`Bytes::range`].
    pub fn pieces(&self, range: Range<usize>, mut part: impl FnMut(&[u8])) -> io::Result<()> {
        for begin in range.clone().step_by(BUFFER) {
            part(&self.range(begin..range.end.min(begin + BUFFER))?);
        }
        Ok(())
    }

    /// Whether all bytes from an offset to the end are zero.
    ///
    /// # Errors
    /// As [`Bytes::range`].
    pub fn ends_in_zeros(&self, from: usize) -> io::Result<bool> {
        let mut zeros = true;
        self.pieces(from..self.len(), |part| zeros &= part.iter().all(|byte| *byte == 0))?;
        Ok(zeros)
    }
}

impl ReaderAt for Bytes {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Self::Memory(bytes) => bytes.as_slice().read_at(into, offset),
            Self::File(file, _) => FileExt::read_at(file, into, offset),
        }
    }
}
