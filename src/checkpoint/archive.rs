//! PyTorch's zip format, since 1.6: a folder with `data.pkl`, a file for each storage under `data/`,
//! and some marks. Entries are stored as they are, so that each is a part of the file.

use std::{collections::HashMap, ops::Range};

use rawzip::{CompressionMethod, ZipArchive};

use super::{
    error::{Fault, shown},
    pickle::{Arena, run},
    storage::Storages,
    summary::Skipped,
    tensor::TensorSource,
};

/// Archives of more entries than this are refused.
const MOST_ENTRIES: usize = 1 << 17;

/// Entries that PyTorch writes and that say nothing about tensors.
const MARKS: [&str; 4] =
    ["version", ".format_version", ".storage_alignment", ".data/serialization_id"];

/// Reads a file of the zip format, and says what lies in the archive beside it.
///
/// # Errors
/// If the archive is broken, cut short, or not PyTorch's; if an entry is compressed, there twice, or
/// has another checksum than it should.
pub fn read(bytes: &[u8]) -> Result<(TensorSource<'_>, Vec<Skipped>), Fault> {
    let entries = Entries::read(bytes)?;
    let folder = entries.folder()?;
    let pickle = entries.places[&format!("{folder}data.pkl")].clone();
    let order = entries.places.get(&format!("{folder}byteorder"));
    let big_endian = match order.map(|place| &bytes[place.clone()]) {
        // Files from before 2.1 do not say, and nearly all machines are little-endian.
        None | Some(b"little") => false,
        Some(b"big") => true,
        Some(_) => {
            let place = entry(&format!("{folder}byteorder"));
            return Err(Fault::damaged(place, "it is neither `little` nor `big`"));
        }
    };
    let mut storages = Storages { big_endian, ..Storages::default() };
    let mut skipped = Vec::new();
    for (name, place) in &entries.places {
        let inner = name.strip_prefix(folder);
        if let Some(key) = inner.and_then(|inner| inner.strip_prefix("data/")) {
            storages.places.insert(key.to_owned(), place.clone());
        } else if !inner.is_some_and(|inner| {
            matches!(inner, "data.pkl" | "byteorder") || MARKS.contains(&inner)
        }) {
            let what = format!("an entry of {} bytes that is not PyTorch's", place.len());
            skipped.push(Skipped { name: name.clone(), what });
        }
    }
    skipped.sort_by(|a, b| a.name.cmp(&b.name));
    if entries.unchecked {
        let what = "the archive has none, so that damage to its bytes can't be told".to_owned();
        skipped.push(Skipped { name: "checksums".to_owned(), what });
    }
    let mut arena = Arena::default();
    let (root, end) = run(&bytes[..pickle.end], pickle.start, &mut arena)?;
    if end != pickle.end {
        let what = format!("{} bytes follow the end of the pickle", pickle.end - end);
        return Err(Fault::pickle(end, what));
    }
    Ok((TensorSource { arena, root, storages }, skipped))
}

/// Where the entries of an archive lie in the file.
struct Entries {
    places: HashMap<String, Range<usize>>,
    /// Whether it was saved without checksums, all of which are then 0.
    unchecked: bool,
}

impl Entries {
    fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let damaged = |what: String| Fault::damaged("the zip archive", what);
        let broken = |error: rawzip::Error| damaged(error.to_string());
        let archive = ZipArchive::from_slice(bytes).map_err(broken)?;
        let more = bytes.len() as u64 - archive.end_offset();
        if more > 0 {
            let what = format!("{more} bytes follow its end, where PyTorch writes none");
            return Err(Fault::unsupported("the zip archive", what));
        }
        let mut places = HashMap::new();
        let mut sums = Vec::new();
        let mut all = 0_usize;
        let mut records = archive.entries();
        while let Some(record) = records.next_entry().map_err(broken)? {
            if places.len() == MOST_ENTRIES {
                let what = format!("it has more than {MOST_ENTRIES} entries");
                return Err(Fault::bound("the zip archive", what));
            }
            let name = std::str::from_utf8(record.file_path().as_bytes())
                .map_err(|_| damaged("an entry's name is no UTF-8".to_owned()))?;
            let place = entry(name);
            let inner = name.split_once('/').map_or("", |(_, inner)| inner);
            if inner == "constants.pkl" || inner.starts_with("code/") {
                return Err(Fault::Foreign {
                    what: "a TorchScript archive, which is a program with its weights".to_owned(),
                    help: "load it with torch.jit.load and save its state dict with torch.save",
                });
            }
            if record.flags().is_encrypted() {
                return Err(Fault::unsupported(place, "it is encrypted"));
            }
            if record.compression_method() != CompressionMethod::STORE {
                let what = "it is compressed, and PyTorch stores its entries as they are";
                return Err(Fault::unsupported(place, what));
            }
            if record.compressed_size_hint() != record.uncompressed_size_hint() {
                return Err(Fault::damaged(place, "it has two sizes"));
            }
            let (begin, end) = archive
                .get_entry(record.wayfinder())
                .map_err(|_| Fault::damaged(place.clone(), "it lies beyond the end of the file"))?
                .compressed_data_range();
            // Bytes that are there have such offsets.
            let range = begin as usize..end as usize;
            all = all.saturating_add(range.len());
            if all > bytes.len() {
                return Err(damaged("its entries lie over each other".to_owned()));
            }
            sums.push((place.clone(), range.clone(), record.crc32()));
            if places.insert(name.to_owned(), range).is_some() {
                return Err(Fault::damaged(place, "it is there twice"));
            }
        }
        if places.len() as u64 != archive.entries_hint() {
            let (found, promised) = (places.len(), archive.entries_hint());
            return Err(damaged(format!("it has {found} entries, and should have {promised}")));
        }
        let unchecked = !sums.is_empty() && sums.iter().all(|(_, _, sum)| *sum == 0);
        for (place, range, sum) in sums.into_iter().filter(|_| !unchecked) {
            let found = crc32fast::hash(&bytes[range]);
            if found != sum {
                let what = format!("its checksum is {found:08x}, and should be {sum:08x}");
                return Err(Fault::damaged(place, what));
            }
        }
        Ok(Self { places, unchecked })
    }

    /// The folder that has `data.pkl`, with a slash at its end.
    fn folder(&self) -> Result<&str, Fault> {
        let mut folders = Vec::new();
        for name in self.places.keys() {
            if let Some((folder, "data.pkl")) = name.split_once('/') {
                folders.push(&name[..=folder.len()]);
            }
        }
        match folders.as_slice() {
            [folder] => Ok(folder),
            [] => Err(Fault::Foreign {
                what: "a zip archive without PyTorch's `data.pkl`".to_owned(),
                help: "if a checkpoint was packed in it, unpack it",
            }),
            _ => Err(Fault::damaged("the zip archive", "it has more than one `data.pkl`")),
        }
    }
}

fn entry(name: &str) -> String {
    format!("entry `{}`", shown(name))
}
