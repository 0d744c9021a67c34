//! Storages: runs of elements that tensors are views of. They are ranges of the file's bytes, never
//! copies, so that a storage which many tensors share takes memory once.

use std::{collections::HashMap, ops::Range};

use super::{
    dtype::Elements,
    error::{Fault, printable},
    known::Known,
    pickle::{Arena, Id, Value},
};

/// Length limit of a key in bytes. PyTorch's keys are numbers.
const LONGEST_KEY: usize = 256;

/// The byte ranges of a file's storages.
#[derive(Debug, Default)]
pub struct Storages {
    /// Byte ranges by key.
    pub places: HashMap<String, Range<usize>>,
    /// Whether elements are big-endian.
    pub big_endian: bool,
}

/// A reference to a storage in a pickle.
#[derive(Debug)]
pub struct StorageRef<'s> {
    /// The type of its elements.
    pub elements: Elements,
    /// Its key in the file.
    pub key: &'s str,
    /// The number of its elements.
    pub count: u64,
    /// Offset and count of a part of it: a view of a storage, before PyTorch 0.4.
    pub part: Option<(u64, u64)>,
}

/// Why a value is no reference to a storage.
#[derive(Debug)]
pub enum StorageRefError {
    /// It is something else, or this value is of an unknown class.
    Other(Id),
    /// It is invalid.
    Invalid(&'static str),
}

impl<'s> StorageRef<'s> {
    /// Reads a persistent id: `('storage', class, key, location, count)`, and in the legacy format
    /// a part of the storage.
    ///
    /// # Errors
    /// If the value is no persistent id of a storage, or is invalid.
    pub fn read(arena: &'s Arena<'_>, id: Id) -> Result<Self, StorageRefError> {
        let Value::Persistent(named) = arena.get(id) else {
            return Err(StorageRefError::Other(id));
        };
        let Some([kind, class, key, _location, count, rest @ ..]) = arena.sequence(*named) else {
            return Err(StorageRefError::Other(id));
        };
        if arena.text(*kind) != Some("storage") {
            return Err(StorageRefError::Other(id));
        }
        let Some(Known::Storage(elements)) = arena.known(*class) else {
            return Err(StorageRefError::Other(*class));
        };
        let key = arena.text(*key).filter(|key| key.len() <= LONGEST_KEY);
        let key =
            key.ok_or(StorageRefError::Invalid("the key of a storage is no text, or too long"))?;
        let count = arena
            .size(*count)
            .ok_or(StorageRefError::Invalid("the size of a storage is no number"))?;
        let part = match rest {
            [] => None,
            [part, ..] if *arena.get(*part) == Value::None => None,
            [part, ..] => {
                let invalid = StorageRefError::Invalid("the part of a storage is invalid");
                let Some([_key, offset, count]) = arena.sequence(*part) else {
                    return Err(invalid);
                };
                match (arena.size(*offset), arena.size(*count)) {
                    (Some(offset), Some(count)) => Some((offset, count)),
                    _ => return Err(invalid),
                }
            }
        };
        Ok(Self { elements, key, count, part })
    }

    /// The size of the whole storage in bytes; `None` if it does not fit into usize.
    pub fn bytes(&self) -> Option<usize> {
        usize::try_from(self.count).ok()?.checked_mul(self.elements.bytes())
    }
}

impl Storages {
    /// The byte range of a storage, or of its part, in the file.
    ///
    /// # Errors
    /// If it is missing, has another size, or the part is out of bounds.
    pub fn find(&self, storage: &StorageRef<'_>) -> Result<Range<usize>, Fault> {
        let damaged =
            |what: String| Fault::damaged(format!("storage `{}`", printable(storage.key)), what);
        let Some(place) = self.places.get(storage.key) else {
            return Err(damaged("it is missing from the file".to_owned()));
        };
        if Some(place.len()) != storage.bytes() {
            let (found, count) = (place.len(), storage.count);
            return Err(damaged(format!(
                "it has {found} bytes, but should have {count} elements of {}",
                storage.elements.bytes()
            )));
        }
        let Some((offset, count)) = storage.part else { return Ok(place.clone()) };
        match offset.checked_add(count) {
            Some(end) if end <= storage.count => {
                let width = storage.elements.bytes();
                // Both are at most `count`, so that the products do not overflow.
                let (begin, end) = (offset as usize * width, end as usize * width);
                Ok(place.start + begin..place.start + end)
            }
            _ => Err(damaged(format!(
                "a part of {count} elements at offset {offset} is out of its bounds"
            ))),
        }
    }
}
