//! How it stands with an item: what is there of it, and whether that is right.

use std::io;

use super::{
    FetchError, Fetcher,
    catalogue::{File, Item},
    checksum,
    download::mismatch,
    part,
    place::Place,
};

/// How it stands with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is there, unpacked where it is an archive, and right by its official checksum.
    There,
    /// It is there, and is what was first fetched; no official checksum says whether that is right.
    Unchecked,
    /// A part of it is there.
    Partial {
        /// So many bytes.
        bytes: u64,
    },
    /// Its archive is there, and has to be unpacked.
    Packed,
    /// Nothing is there.
    Missing,
    /// Something else is there; why it is not the file.
    Wrong {
        /// What it has and should have.
        reason: String,
    },
}

impl State {
    /// Whether the file can be used.
    #[must_use]
    pub(crate) fn is_there(&self) -> bool {
        matches!(self, Self::There | Self::Unchecked)
    }
}

impl Fetcher<'_> {
    /// How it stands with each file of an item. Files are read whole and compared.
    ///
    /// # Errors
    /// If something is there and can't be read; if it was stopped.
    pub fn states(&self, item: &Item) -> Result<Vec<State>, FetchError> {
        item.files.iter().map(|file| self.state(item, file)).collect()
    }

    pub(super) fn state(&self, item: &Item, file: &File) -> Result<State, FetchError> {
        let place = Place::of(self.data, item, file);
        let known = file.checksum().or_else(|| place.record());
        let unreadable = |cause: io::Error| {
            if checksum::is_stopped(&cause) {
                FetchError::Interrupted { item: item.id.clone() }
            } else {
                FetchError::Unreadable { path: place.path.clone(), cause }
            }
        };
        let ready = || match file.checksum() {
            Some(_) => State::There,
            None => State::Unchecked,
        };
        if let Some(how) = &file.unpack
            && place.is_unpacked(how, known.as_ref(), self.stop).map_err(unreadable)?
        {
            return Ok(ready());
        }
        if !place.path.is_file() {
            let partial = part::bytes(&place.path).map(|bytes| State::Partial { bytes });
            return Ok(partial.unwrap_or(State::Missing));
        }
        if let Some(expected) = known {
            let found = expected.of_same_kind(&place.path, self.stop).map_err(unreadable)?;
            if found != expected {
                return Ok(State::Wrong { reason: mismatch(&found, &expected) });
            }
        }
        Ok(if file.unpack.is_some() { State::Packed } else { ready() })
    }
}
