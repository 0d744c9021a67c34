//! Storages: runs of elements that tensors are views of. They stay where they lie in the file's
//! bytes, so that one which many tensors share is there once.

use std::{collections::HashMap, ops::Range};

use super::{
    dtype::Elements,
    error::{Fault, shown},
    known::Known,
    pickle::{Arena, Id, Value},
};

/// Bytes of the longest key. PyTorch's are numbers.
const LONGEST_KEY: usize = 256;

/// Where a file's storages lie in its bytes.
#[derive(Debug, Default)]
pub struct Storages {
    /// By key.
    pub places: HashMap<String, Range<usize>>,
    /// Whether elements of several bytes have the first one last.
    pub big_endian: bool,
}

/// A pickle's mention of a storage.
#[derive(Debug)]
pub struct Mention<'s> {
    /// What it holds.
    pub elements: Elements,
    /// What the file calls it.
    pub key: &'s str,
    /// How many elements it has.
    pub count: u64,
    /// The part of it that is meant, as offset and count: a storage of a storage, before 0.4.
    pub part: Option<(u64, u64)>,
}

/// Why a value is no mention of a storage.
#[derive(Debug)]
pub enum NoMention {
    /// It is something else, or of a class that is not known: this value is in the way.
    Other(Id),
    /// It is broken.
    Broken(&'static str),
}

impl<'s> Mention<'s> {
    /// Reads a persistent id: `('storage', class, key, location, count)`, and in the legacy format
    /// what part is meant.
    pub fn read(arena: &'s Arena<'_>, id: Id) -> Result<Self, NoMention> {
        let Value::Persistent(named) = arena.get(id) else { return Err(NoMention::Other(id)) };
        let Some([kind, class, key, _location, count, more @ ..]) = arena.sequence(*named) else {
            return Err(NoMention::Other(id));
        };
        if arena.text(*kind) != Some("storage") {
            return Err(NoMention::Other(id));
        }
        let Some(Known::Storage(elements)) = arena.known(*class) else {
            return Err(NoMention::Other(*class));
        };
        let key = arena.text(*key).filter(|key| key.len() <= LONGEST_KEY);
        let key = key.ok_or(NoMention::Broken("a storage's key is no text, or a long one"))?;
        let count = arena.size(*count).ok_or(NoMention::Broken("a storage's size is none"))?;
        let part = match more {
            [] => None,
            [part, ..] if *arena.get(*part) == Value::None => None,
            [part, ..] => {
                let broken = NoMention::Broken("a storage's part is none");
                let Some([_key, offset, count]) = arena.sequence(*part) else {
                    return Err(broken);
                };
                match (arena.size(*offset), arena.size(*count)) {
                    (Some(offset), Some(count)) => Some((offset, count)),
                    _ => return Err(broken),
                }
            }
        };
        Ok(Self { elements, key, count, part })
    }

    /// Bytes of the whole storage; `None` where that is no number.
    pub fn bytes(&self) -> Option<usize> {
        usize::try_from(self.count).ok()?.checked_mul(self.elements.bytes())
    }
}

impl Storages {
    /// Where a storage lies, or the part of it that is meant.
    pub fn find(&self, mention: &Mention<'_>) -> Result<Range<usize>, Fault> {
        let damaged =
            |what: String| Fault::damaged(format!("storage `{}`", shown(mention.key)), what);
        let Some(place) = self.places.get(mention.key) else {
            return Err(damaged("it is not in the file".to_owned()));
        };
        if Some(place.len()) != mention.bytes() {
            let (found, count) = (place.len(), mention.count);
            return Err(damaged(format!(
                "it has {found} bytes, and should have {count} elements of {}",
                mention.elements.bytes()
            )));
        }
        let Some((offset, count)) = mention.part else { return Ok(place.clone()) };
        match offset.checked_add(count) {
            Some(end) if end <= mention.count => {
                let width = mention.elements.bytes();
                // Both are at most the count, whose bytes are those of the place.
                let (begin, end) = (offset as usize * width, end as usize * width);
                Ok(place.start + begin..place.start + end)
            }
            _ => Err(damaged(format!("a part of {count} elements from {offset} on is not in it"))),
        }
    }
}
