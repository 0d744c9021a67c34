//! PyTorch's format before 1.6: five pickles (a magic number, a version, the machine, the object,
//! and the keys of its storages), then the count and the elements of each storage.

use std::{borrow::Cow, collections::HashMap};

use super::{
    bytes::Bytes,
    error::{Fault, printable},
    pickle::{Arena, Id, Value, run},
    storage::{StorageRef, StorageRefError, Storages},
    tensor::TensorSource,
};

const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;
const VERSION: i128 = 1001;
/// Bytes in which the pickles are looked for first. Those of a ResNet-50 have 40,000.
const FIRST_BYTES: usize = 1 << 16;

/// The pickles of a file, without its storages.
#[derive(Debug)]
pub struct Pickles<'a> {
    arena: Arena<'a>,
    root: Id,
    keys: Vec<String>,
    /// The offset of the first storage.
    end: usize,
}

/// The first bytes of a file that contain its pickles. They state no length, so that the part is
/// enlarged until the pickles end within it.
///
/// # Errors
/// If the file can't be read.
pub fn beginning(file: &Bytes) -> Result<Cow<'_, [u8]>, Fault> {
    let mut count = FIRST_BYTES;
    loop {
        let part = file.first(count)?;
        let mut arena = Arena::default();
        let pickles = Pickles::read_into(&part, &mut arena);
        if pickles.is_ok() || !arena.cut || part.len() == file.len() {
            return Ok(part);
        }
        count = count.saturating_mul(4);
    }
}

impl<'a> Pickles<'a> {
    /// Reads the pickles at the beginning of a file.
    ///
    /// # Errors
    /// If one of them is damaged or truncated.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut arena = Arena::default();
        let (root, keys, end) = Self::read_into(bytes, &mut arena)?;
        Ok(Self { arena, root, keys, end })
    }

    /// The object, the keys of its storages, and the offset of the first one.
    fn read_into(
        bytes: &'a [u8],
        arena: &mut Arena<'a>,
    ) -> Result<(Id, Vec<String>, usize), Fault> {
        let (magic, at) = run(bytes, 0, 0, arena)?;
        if *arena.get(magic) != Value::Int(MAGIC) {
            return Err(Fault::Foreign {
                what: "a pickle that PyTorch did not write".to_owned(),
                help: "save a state dict with torch.save",
            });
        }
        let version_at = at;
        let (version, at) = run(bytes, at, 0, arena)?;
        if *arena.get(version) != Value::Int(VERSION) {
            let what = format!("its version is not {VERSION}");
            return Err(Fault::unsupported(format!("offset {version_at}"), what));
        }
        // The byte order of the machine is ignored, as PyTorch ignores it: every machine writes
        // elements in little-endian order.
        let (_, at) = run(bytes, at, 0, arena)?;
        let (root, at) = run(bytes, at, 0, arena)?;
        let keys_at = at;
        let (keys, at) = run(bytes, at, 0, arena)?;
        let Some(keys) = arena.sequence(keys) else {
            return Err(Fault::pickle(keys_at, "expected a list of storages"));
        };
        let keys = keys
            .iter()
            .map(|key| arena.text(*key).map(str::to_owned))
            .collect::<Option<Vec<String>>>()
            .ok_or_else(|| Fault::pickle(keys_at, "the key of a storage is no text"))?;
        Ok((root, keys, at))
    }

    /// The values of the pickles, and the storages after them.
    ///
    /// # Errors
    /// If a storage is damaged or truncated, or other bytes than zeros follow the last one.
    pub fn tensors(self, file: &Bytes) -> Result<TensorSource<'a>, Fault> {
        let Self { arena, root, keys, end } = self;
        let storages = storages(file, end, &keys, &references(&arena)?)?;
        Ok(TensorSource { arena, root, storages })
    }
}

/// Bytes per element and number of elements, for each storage that the pickles refer to.
fn references(arena: &Arena<'_>) -> Result<HashMap<String, (usize, u64)>, Fault> {
    let mut references = HashMap::new();
    for id in arena.ids() {
        let storage = match StorageRef::read(arena, id) {
            Ok(storage) => storage,
            // A tensor that depends on it reports the error.
            Err(StorageRefError::Other(_)) => continue,
            Err(StorageRefError::Invalid(what)) => {
                return Err(Fault::damaged("the legacy pickle", what));
            }
        };
        let size = (storage.elements.bytes(), storage.count);
        match references.get(storage.key) {
            None => drop(references.insert(storage.key.to_owned(), size)),
            Some(known) if *known == size => (),
            Some(_) => {
                let place = format!("storage `{}`", printable(storage.key));
                return Err(Fault::damaged(place, "its references have different sizes"));
            }
        }
    }
    Ok(references)
}

/// The byte ranges of the storages, which begin at the offset `at`.
fn storages(
    file: &Bytes,
    mut at: usize,
    keys: &[String],
    references: &HashMap<String, (usize, u64)>,
) -> Result<Storages, Fault> {
    let mut storages = Storages::default();
    for key in keys {
        let damaged = |what: String| Fault::damaged(format!("storage `{}`", printable(key)), what);
        let Some((width, count)) = references.get(key) else {
            let what = "no tensor refers to it, so that its size in bytes is unknown";
            return Err(damaged(what.to_owned()));
        };
        let left = file.len() - at;
        if left < 8 {
            return Err(damaged(format!("offset {at}: the file ends within its size")));
        }
        let mut size = [0; 8];
        size.copy_from_slice(&file.range(at..at + 8)?);
        let (found, left) = (u64::from_le_bytes(size), left - 8);
        if found != *count {
            let what = format!("offset {at}: it has {found} elements, but should have {count}");
            return Err(damaged(what));
        }
        let begin = at + 8;
        let length = usize::try_from(found).ok().and_then(|count| count.checked_mul(*width));
        let Some(length) = length.filter(|length| *length <= left) else {
            let what = format!(
                "offset {begin}: expected {found} elements of {width} bytes, found {left} bytes"
            );
            return Err(damaged(what));
        };
        at = begin + length;
        if storages.places.insert(key.clone(), begin..at).is_some() {
            return Err(damaged("it is duplicate".to_owned()));
        }
    }
    if file.ends_in_zeros(at)? {
        return Ok(storages);
    }
    let extra = file.len() - at;
    let what = format!("{extra} bytes follow the last storage, but PyTorch writes none");
    Err(Fault::unsupported(format!("offset {at}"), what))
}
