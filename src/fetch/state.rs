//! The state of an item's files on disk: missing, partial, complete, verified or wrong.

use std::io;

use super::{
    FetchError, Fetcher,
    catalogue::{File, Item},
    checksum, part,
    place::Place,
    request::mismatch,
};

/// The state of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Complete, unpacked if it is an archive, and verified by its official checksum.
    Verified,
    /// Complete and the same as the first download, but without an official checksum.
    Unchecked,
    /// Partially downloaded.
    Partial {
        /// The bytes on disk.
        bytes: u64,
    },
    /// A complete archive that is not unpacked.
    Packed,
    /// Missing.
    Missing,
    /// Another file has its name.
    Wrong {
        /// Both checksums.
        reason: String,
    },
}

impl State {
    /// Whether the file can be used.
    #[must_use]
    pub(crate) fn is_usable(&self) -> bool {
        matches!(self, Self::Verified | Self::Unchecked)
    }
}

impl Fetcher<'_> {
    /// The state of each file of an item. Reads every file to compute its checksum.
    ///
    /// # Errors
    /// If a file can't be read, or Ctrl-C interrupts it.
    pub fn states(&self, item: &Item) -> Result<Vec<State>, FetchError> {
        item.files.iter().map(|file| self.state(item, file)).collect()
    }

    /// The state of one file.
    pub(super) fn state(&self, item: &Item, file: &File) -> Result<State, FetchError> {
        let place = Place::new(self.data, item, file);
        let known = file.checksum().or_else(|| place.record());
        let unreadable = |cause: io::Error| {
            if checksum::is_interrupted(&cause) {
                FetchError::Interrupted { item: item.id.clone() }
            } else {
                FetchError::Unreadable { path: place.path.clone(), cause }
            }
        };
        let complete = || match file.checksum() {
            Some(_) => State::Verified,
            None => State::Unchecked,
        };
        if let Some(how) = &file.unpack
            && place.is_unpacked(how, known.as_ref(), self.stop).map_err(unreadable)?
        {
            return Ok(complete());
        }
        if !place.path.is_file() {
            let partial = part::bytes(&place.path).map(|bytes| State::Partial { bytes });
            return Ok(partial.unwrap_or(State::Missing));
        }
        if let Some(expected) = known {
            let found = expected.recompute(&place.path, self.stop).map_err(unreadable)?;
            if found != expected {
                return Ok(State::Wrong { reason: mismatch(&found, &expected) });
            }
        }
        Ok(if file.unpack.is_some() { State::Packed } else { complete() })
    }
}
