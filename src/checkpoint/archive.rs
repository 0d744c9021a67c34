//! PyTorch's zip format, since 1.6: a folder with `data.pkl`, a file for each storage under
//! `data/`, and some metadata. Entries are not compressed, so that each one is a range of the
//! file's bytes.

use std::{collections::HashMap, ops::Range};

use rawzip::{CompressionMethod, RECOMMENDED_BUFFER_SIZE, ZipLocator};

use super::{
    bytes::Bytes,
    error::{Fault, printable},
    pickle::{Arena, run},
    storage::Storages,
    summary::Skipped,
    tensor::TensorSource,
};

/// Metadata that PyTorch writes and that does not concern tensors.
const METADATA: [&str; 4] =
    ["version", ".format_version", ".storage_alignment", ".data/serialization_id"];

/// A file in the zip format.
#[derive(Debug)]
pub struct Archive {
    /// Where its pickle is.
    pickle: Range<usize>,
    storages: Storages,
    /// The entries that were skipped.
    pub skipped: Vec<Skipped>,
}

impl Archive {
    /// Finds the entries of a file, and verifies their checksums.
    ///
    /// # Errors
    /// If the archive is damaged, truncated, or not PyTorch's; if an entry is compressed, encrypted,
    /// duplicate, or has a wrong checksum; if the file can't be read.
    pub fn read(file: &Bytes) -> Result<Self, Fault> {
        let entries = match Entries::read(file) {
            Err(Fault::Damaged { .. } | Fault::Unsupported { .. }) if is_shard(file)? => {
                return Err(Fault::Foreign {
                    what: "a shard of a distributed checkpoint: several archives in one file"
                        .to_owned(),
                    help: "make one file of all shards: python -m \
                           torch.distributed.checkpoint.format_utils dcp_to_torch DIR FILE",
                });
            }
            entries => entries?,
        };
        let folder = entries.folder()?;
        let pickle = entries.places[&format!("{folder}data.pkl")].clone();
        let order = entries.places.get(&format!("{folder}byteorder"));
        let order = order.map(|place| file.range(place.start..place.end.min(place.start + 8)));
        let big_endian = match order.transpose()?.as_deref() {
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
        Ok(Self { pickle, storages, skipped })
    }

    /// The bytes of its pickle.
    ///
    /// # Errors
    /// If they can't be read.
    pub fn pickle<'f>(&self, file: &'f Bytes) -> Result<std::borrow::Cow<'f, [u8]>, Fault> {
        Ok(file.range(self.pickle.clone())?)
    }

    /// The values of its pickle, and its storages.
    ///
    /// # Errors
    /// If the pickle is damaged, or bytes follow its end.
    pub fn tensors(self, pickle: &[u8]) -> Result<TensorSource<'_>, Fault> {
        let mut arena = Arena::default();
        let (root, end) = run(pickle, 0, self.pickle.start, &mut arena)?;
        if end != pickle.len() {
            let what = format!("{} bytes follow the end of the pickle", pickle.len() - end);
            return Err(Fault::pickle(self.pickle.start + end, what));
        }
        Ok(TensorSource { arena, root, storages: self.storages })
    }
}

/// The byte ranges of an archive's entries in the file.
struct Entries {
    places: HashMap<String, Range<usize>>,
    /// Whether it was saved without checksums: all of them are 0.
    unchecked: bool,
}

impl Entries {
    fn read(file: &Bytes) -> Result<Self, Fault> {
        let damaged = |what: String| Fault::damaged("the zip archive", what);
        let invalid = |error: rawzip::Error| damaged(error.to_string());
        let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
        let length = file.len() as u64;
        let archive = ZipLocator::new()
            .locate_in_reader(file, &mut buffer, length)
            .map_err(|(_, error)| invalid(error))?;
        if !file.ends_in_zeros(archive.end_offset() as usize)? {
            let extra = length - archive.end_offset();
            let what = format!("{extra} bytes follow its end, but PyTorch writes none");
            return Err(Fault::unsupported("the zip archive", what));
        }
        let mut places = HashMap::new();
        let mut sums = Vec::new();
        let mut total = 0_usize;
        let mut records = archive.entries(&mut buffer);
        while let Some(record) = records.next_entry().map_err(invalid)? {
            // Names of storages are ASCII; the folder is the name of a file, in any encoding.
            let name = String::from_utf8_lossy(record.file_path().as_bytes()).into_owned();
            let inner = name.split_once('/').map_or("", |(_, inner)| inner);
            if inner == "constants.pkl" || inner.starts_with("code/") {
                return Err(Fault::Foreign {
                    what: "a TorchScript archive, which is a program with its weights".to_owned(),
                    help: "load it with torch.jit.load, and save its state dict with torch.save",
                });
            }
            if record.flags().is_encrypted() {
                return Err(Fault::unsupported(entry(&name), "it is encrypted"));
            }
            if record.compression_method() != CompressionMethod::STORE {
                let what = "it is compressed, but PyTorch never compresses entries";
                return Err(Fault::unsupported(entry(&name), what));
            }
            if record.compressed_size_hint() != record.uncompressed_size_hint() {
                return Err(Fault::damaged(entry(&name), "its two sizes differ"));
            }
            let found = archive.get_entry(record.wayfinder()).ok();
            let range = found.map(|found| found.compressed_data_range());
            let Some((begin, end)) = range.filter(|(_, end)| *end <= length) else {
                return Err(Fault::damaged(entry(&name), "it is beyond the end of the file"));
            };
            // Offsets within the file fit into usize.
            let range = begin as usize..end as usize;
            total = total.saturating_add(range.len());
            if total > file.len() {
                return Err(damaged("its entries overlap".to_owned()));
            }
            sums.push((range.clone(), record.crc32()));
            if places.insert(name.clone(), range).is_some() {
                return Err(Fault::damaged(entry(&name), "it is duplicate"));
            }
        }
        if places.len() as u64 != archive.entries_hint() {
            let (found, stated) = (places.len(), archive.entries_hint());
            return Err(damaged(format!(
                "it has {found} entries, but its directory states {stated}"
            )));
        }
        let unchecked = !sums.is_empty() && sums.iter().all(|(_, sum)| *sum == 0);
        for (range, sum) in sums.into_iter().filter(|_| !unchecked) {
            let mut hasher = crc32fast::Hasher::new();
            file.pieces(range.clone(), |part| hasher.update(part))?;
            let found = hasher.finalize();
            if found != sum {
                let name = places.iter().find(|(_, place)| **place == range);
                let what = format!("its checksum is {found:08x}, but should be {sum:08x}");
                return Err(Fault::damaged(name.map_or_else(String::new, |of| entry(of.0)), what));
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

/// Whether another archive follows the end of one: `torch.distributed.checkpoint` writes each tensor
/// of a shard as an archive of its own.
fn is_shard(file: &Bytes) -> Result<bool, Fault> {
    const END: usize = 22;
    let (mut before, mut found) = (Vec::new(), false);
    file.pieces(0..file.len(), |part| {
        before.extend_from_slice(part);
        found |= before
            .windows(END + 4)
            .any(|window| window.starts_with(b"PK\x05\x06") && window[END..] == *b"PK\x03\x04");
        before.drain(..before.len().saturating_sub(END + 3));
    })?;
    Ok(found)
}

fn entry(name: &str) -> String {
    format!("entry `{}`", printable(name))
}
