//! PyTorch's format before 1.6: five pickles (a magic number, a version, the machine, the object,
//! and the keys of its storages), then the count and the elements of each storage.

use std::collections::HashMap;

use super::{
    error::{Fault, printable},
    pickle::{Arena, Value, run},
    storage::{StorageRef, StorageRefError, Storages},
    tensor::TensorSource,
};

const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;
const VERSION: i128 = 1001;

/// Reads a file in the legacy format.
///
/// # Errors
/// If it is damaged or truncated, or bytes follow its end.
pub fn read(bytes: &[u8]) -> Result<TensorSource<'_>, Fault> {
    let mut arena = Arena::default();
    let (magic, at) = run(bytes, 0, &mut arena)?;
    if *arena.get(magic) != Value::Int(MAGIC) {
        return Err(Fault::Foreign {
            what: "a pickle that PyTorch did not write".to_owned(),
            help: "save a state dict with torch.save",
        });
    }
    let version_at = at;
    let (version, at) = run(bytes, at, &mut arena)?;
    if *arena.get(version) != Value::Int(VERSION) {
        let what = format!("its version is not {VERSION}");
        return Err(Fault::unsupported(format!("offset {version_at}"), what));
    }
    // The byte order of the machine is ignored, as PyTorch ignores it: every machine writes
    // elements in little-endian order.
    let (_, at) = run(bytes, at, &mut arena)?;
    let (root, at) = run(bytes, at, &mut arena)?;
    let keys_at = at;
    let (keys, at) = run(bytes, at, &mut arena)?;
    let Some(keys) = arena.sequence(keys) else {
        return Err(Fault::pickle(keys_at, "expected a list of storages"));
    };
    let keys = keys
        .iter()
        .map(|key| arena.text(*key).map(str::to_owned))
        .collect::<Option<Vec<String>>>()
        .ok_or_else(|| Fault::pickle(keys_at, "the key of a storage is no text"))?;
    let storages = storages(bytes, at, &keys, &references(&arena)?)?;
    Ok(TensorSource { arena, root, storages })
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
    bytes: &[u8],
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
        let left = &bytes[at..];
        let Some((found, left)) = left.split_first_chunk() else {
            return Err(damaged(format!("offset {at}: the file ends within its size")));
        };
        let found = u64::from_le_bytes(*found);
        if found != *count {
            let what = format!("offset {at}: it has {found} elements, but should have {count}");
            return Err(damaged(what));
        }
        let begin = at + 8;
        let length = usize::try_from(found).ok().and_then(|count| count.checked_mul(*width));
        let Some(length) = length.filter(|length| *length <= left.len()) else {
            let what = format!(
                "offset {begin}: expected {found} elements of {width} bytes, found {} bytes",
                left.len()
            );
            return Err(damaged(what));
        };
        at = begin + length;
        if storages.places.insert(key.clone(), begin..at).is_some() {
            return Err(damaged("it is duplicate".to_owned()));
        }
    }
    match bytes.len() - at {
        0 => Ok(storages),
        extra => {
            let what = format!("{extra} bytes follow the last storage, but PyTorch writes none");
            Err(Fault::unsupported(format!("offset {at}"), what))
        }
    }
}
