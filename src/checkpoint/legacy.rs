//! PyTorch's format before 1.6: five pickles (a magic number, a version, the machine, the object, the
//! keys of its storages), and then each storage's elements after their count.

use std::collections::HashMap;

use super::{
    error::{Fault, shown},
    pickle::{Arena, Value, run},
    storage::{Mention, NoMention, Storages},
    tensor::TensorSource,
};

const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;
const VERSION: i128 = 1001;

/// Reads a file of the legacy format.
///
/// # Errors
/// If it is broken or cut short, or has something after its end.
pub fn read(bytes: &[u8]) -> Result<TensorSource<'_>, Fault> {
    let mut arena = Arena::default();
    let (magic, at) = run(bytes, 0, &mut arena)?;
    if *arena.get(magic) != Value::Int(MAGIC) {
        return Err(Fault::Foreign {
            what: "a pickle, and not one of PyTorch's".to_owned(),
            help: "save a state dict with torch.save",
        });
    }
    let version_at = at;
    let (version, at) = run(bytes, at, &mut arena)?;
    if *arena.get(version) != Value::Int(VERSION) {
        let what = format!("its version is not {VERSION}");
        return Err(Fault::unsupported(format!("offset {version_at}"), what));
    }
    // The machine says its byte order, which means nothing: elements are written little-endian by any,
    // and PyTorch passes over it as well.
    let (_, at) = run(bytes, at, &mut arena)?;
    let (root, at) = run(bytes, at, &mut arena)?;
    let keys_at = at;
    let (keys, at) = run(bytes, at, &mut arena)?;
    let Some(keys) = arena.sequence(keys) else {
        return Err(Fault::pickle(keys_at, "it is no list of storages"));
    };
    let keys = keys
        .iter()
        .map(|key| arena.text(*key).map(str::to_owned))
        .collect::<Option<Vec<String>>>()
        .ok_or_else(|| Fault::pickle(keys_at, "a storage's key is no text"))?;
    let storages = storages(bytes, at, &keys, &mentions(&arena)?)?;
    Ok(TensorSource { arena, root, storages })
}

/// Bytes of an element and how many, for each storage that the pickles mention.
fn mentions(arena: &Arena<'_>) -> Result<HashMap<String, (usize, u64)>, Fault> {
    let mut mentions = HashMap::new();
    for id in arena.ids() {
        let mention = match Mention::read(arena, id) {
            Ok(mention) => mention,
            // What depends on it will say so.
            Err(NoMention::Other(_)) => continue,
            Err(NoMention::Broken(what)) => {
                return Err(Fault::damaged("the legacy pickle", what));
            }
        };
        let about = (mention.elements.bytes(), mention.count);
        match mentions.get(mention.key) {
            None => drop(mentions.insert(mention.key.to_owned(), about)),
            Some(known) if *known == about => (),
            Some(_) => {
                let place = format!("storage `{}`", shown(mention.key));
                return Err(Fault::damaged(place, "it is mentioned with different sizes"));
            }
        }
    }
    Ok(mentions)
}

fn storages(
    bytes: &[u8],
    mut at: usize,
    keys: &[String],
    mentions: &HashMap<String, (usize, u64)>,
) -> Result<Storages, Fault> {
    let mut storages = Storages::default();
    for key in keys {
        let damaged = |what: String| Fault::damaged(format!("storage `{}`", shown(key)), what);
        let Some((width, count)) = mentions.get(key) else {
            let what = "nothing says what its elements are, and so not where the next one begins";
            return Err(damaged(what.to_owned()));
        };
        let left = &bytes[at..];
        let Some((found, left)) = left.split_first_chunk() else {
            return Err(damaged(format!("offset {at}: its size is cut short")));
        };
        let found = u64::from_le_bytes(*found);
        if found != *count {
            let what = format!("offset {at}: it has {found} elements, and should have {count}");
            return Err(damaged(what));
        }
        let begin = at + 8;
        let length = usize::try_from(found).ok().and_then(|count| count.checked_mul(*width));
        let Some(length) = length.filter(|length| *length <= left.len()) else {
            let what = format!(
                "offset {begin}: {found} elements of {width} bytes should follow, and {} bytes do",
                left.len()
            );
            return Err(damaged(what));
        };
        at = begin + length;
        if storages.places.insert(key.clone(), begin..at).is_some() {
            return Err(damaged("it is there twice".to_owned()));
        }
    }
    match bytes.len() - at {
        0 => Ok(storages),
        more => {
            let what = format!("{more} bytes follow the last storage, where PyTorch writes none");
            Err(Fault::unsupported(format!("offset {at}"), what))
        }
    }
}
