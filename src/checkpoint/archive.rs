//! PyTorch's zip format, since 1.6: a folder with `data.pkl`, a file for each storage under
//! `data/`, and some metadata. Entries are not compressed, so that each one is a range of the
//! file's bytes.

use std::{collections::HashMap, ops::Range};

use rawzip::{CompressionMethod, ZipArchive};

use super::{
    error::{Fault, printable},
    pickle::{Arena, run},
    storage::Storages,
    summary::Skipped,
    tensor::TensorSource,
};

/// Limit on the entries of an archive.
const MAX_ENTRIES: usize = 1 << 17;

/// Metadata that PyTorch writes and that does not concern tensors.
const METADATA: [&str; 4] =
    ["version", ".format_version", ".storage_alignment", ".data/serialization_id"];

/// Reads a file in the zip format. Second, the entries of the archive that were skipped.
///
/// # Errors
/// If the archive is damaged, truncated, or not PyTorch's; if an entry is compressed, encrypted,
/// duplicate, or has a wrong checksum.
pub fn read(bytes: &[u8]) -> Result<(TensorSource<'_>, Vec<Skipped>), Fault> {
    let entries = Entries::read(bytes)?;
    let folder = entries.folder()?;
    let pickle = entries.places[&format!("{folder}data.pkl")].clone();
    let order = entries.places.get(&format!("{folder}byteorder"));
    let big_endian = match order.map(|place| &bytes[place.clone()]) {
        // PyTorch before 2.1 does not state it, and nearly all machines are little-endian.
        None | Some(b"little") => false,
        Some(b"big") => true,
        Some(_) => {
            let place = entry(&format!("{folder}byteorder"));
            return Err(Fault::damaged(place, "the byte order is neither `little` nor `big`"));
        }
    };
    let mut storages = Storages { big_endian, ..Storages::default() };
    let mut skipped = Vec::new();
    for (name, place) in &entries.places {
        let inner = name.strip_prefix(folder);
        if let Some(key) = inner.and_then(|inner| inner.strip_prefix("data/")) {
            storages.places.insert(key.to_owned(), place.clone());
        } else if !inner.is_some_and(|inner| {
            matches!(inner, "data.pkl" | "byteorder") || METADATA.contains(&inner)
        }) {
            let what = format!("an unknown entry of {} bytes", place.len());
            skipped.push(Skipped { name: name.clone(), what });
        }
    }
    skipped.sort_by(|a, b| a.name.cmp(&b.name));
    if entries.unchecked {
        let what = "the archive has none, so that damaged bytes can't be detected".to_owned();
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

/// The byte ranges of an archive's entries in the file.
struct Entries {
    places: HashMap<String, Range<usize>>,
    /// Whether it was saved without checksums: all of them are 0.
    unchecked: bool,
}

impl Entries {
    fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let damaged = |what: String| Fault::damaged("the zip archive", what);
        let invalid = |error: rawzip::Error| damaged(error.to_string());
        let archive = ZipArchive::from_slice(bytes).map_err(invalid)?;
        let extra = bytes.len() as u64 - archive.end_offset();
        if extra > 0 {
            let what = format!("{extra} bytes follow its end, but PyTorch writes none");
            return Err(Fault::unsupported("the zip archive", what));
        }
        let mut places = HashMap::new();
        let mut sums = Vec::new();
        let mut total = 0_usize;
        let mut records = archive.entries();
        while let Some(record) = records.next_entry().map_err(invalid)? {
            if places.len() == MAX_ENTRIES {
                let what = format!("it has more than {MAX_ENTRIES} entries");
                return Err(Fault::bound("the zip archive", what));
            }
            let name = std::str::from_utf8(record.file_path().as_bytes())
                .map_err(|_| damaged("the name of an entry is not UTF-8".to_owned()))?;
            let place = entry(name);
            let inner = name.split_once('/').map_or("", |(_, inner)| inner);
            if inner == "constants.pkl" || inner.starts_with("code/") {
                return Err(Fault::Foreign {
                    what: "a TorchScript archive, which is a program with its weights".to_owned(),
                    help: "load it with torch.jit.load, and save its state dict with torch.save",
                });
            }
            if record.flags().is_encrypted() {
                return Err(Fault::unsupported(place, "it is encrypted"));
            }
            if record.compression_method() != CompressionMethod::STORE {
                let what = "it is compressed, but PyTorch never compresses entries";
                return Err(Fault::unsupported(place, what));
            }
            if record.compressed_size_hint() != record.uncompressed_size_hint() {
                return Err(Fault::damaged(place, "its two sizes differ"));
            }
            let (begin, end) = archive
                .get_entry(record.wayfinder())
                .map_err(|_| Fault::damaged(place.clone(), "it is beyond the end of the file"))?
                .compressed_data_range();
            // Offsets within `bytes` fit into usize.
            let range = begin as usize..end as usize;
            total = total.saturating_add(range.len());
            if total > bytes.len() {
                return Err(damaged("its entries overlap".to_owned()));
            }
            sums.push((place.clone(), range.clone(), record.crc32()));
            if places.insert(name.to_owned(), range).is_some() {
                return Err(Fault::damaged(place, "it is duplicate"));
            }
        }
        if places.len() as u64 != archive.entries_hint() {
            let (found, stated) = (places.len(), archive.entries_hint());
            return Err(damaged(format!(
                "it has {found} entries, but its directory states {stated}"
            )));
        }
        let unchecked = !sums.is_empty() && sums.iter().all(|(_, _, sum)| *sum == 0);
        for (place, range, sum) in sums.into_iter().filter(|_| !unchecked) {
            let found = crc32fast::hash(&bytes[range]);
            if found != sum {
                let what = format!("its checksum is {found:08x}, but should be {sum:08x}");
                return Err(Fault::damaged(place, what));
            }
        }
        Ok(Self { places, unchecked })
    }

    /// The folder of `data.pkl`, with a slash at its end.
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
                help: "if it contains a checkpoint, unpack it",
            }),
            _ => Err(Fault::damaged("the zip archive", "it has more than one `data.pkl`")),
        }
    }
}

fn entry(name: &str) -> String {
    format!("entry `{}`", printable(name))
}
