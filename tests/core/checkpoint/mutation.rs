//! Real files with faults: bits flipped, pieces removed, doubled, or taken from another file. The
//! checksums of a zip archive are computed after the faults, so that they do not find them.

use proptest::prelude::*;
use repro::checkpoint::{Checkpoint, Inspection};

use super::{assembly, folder, memory::peak, to_safetensors};

/// The original files.
pub struct Corpus {
    files: Vec<File>,
}

/// A file, as bytes or as an archive's entries.
enum File {
    Whole(Vec<u8>),
    Entries(Vec<(String, Vec<u8>)>),
}

/// One fault. Positions are shares of a length, in 1/65536.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    Turn { at: u16, bit: u8 },
    Write { at: u16, bytes: [u8; 8], count: u8 },
    Put { at: u16, word: u16 },
    Cut { at: u16, length: u8 },
    Double { at: u16, length: u8 },
    Splice { at: u16, from: u16, file: u16, length: u8 },
    End { at: u16 },
}

/// Bytes with a meaning for a reader.
const WORDS: [&[u8]; 40] = [
    b"(",
    b".",
    b"0",
    b"1",
    b"2",
    b"t",
    b"R",
    b"\x81",
    b"\x92",
    b"b",
    b"}",
    b"]",
    b")",
    b"Q",
    b"s",
    b"u",
    b"a",
    b"e",
    b"N",
    b"\x94",
    b"h\x00",
    b"q\x00",
    b"h\x01",
    b"K\x00",
    b"J\xff\xff\xff\xff",
    b"J\xff\xff\xff\x7f",
    b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x00",
    b"cos\nsystem\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ctorch._utils\n_rebuild_tensor_v3\n",
    b"ctorch._utils\n_rebuild_parameter\n",
    b"ccollections\nOrderedDict\n",
    b"ctorch\nSize\n",
    b"ctorch\nfloat32\n",
    b"ctorch\nDoubleStorage\n",
    b"ctorch.storage\nUntypedStorage\n",
    b"X\x05\x00\x00\x00model",
    b"\x93",
    b"\x85",
];

/// Numbers at which sizes overflow.
const NUMBERS: [u64; 8] =
    [0, 1, 0x7f, 0xff, 0x7fff_ffff, 0xffff_ffff, 0x7fff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff];

impl Corpus {
    /// The fixtures of at most `most` bytes.
    pub fn read(most: u64) -> Self {
        let mut paths: Vec<_> =
            std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap()).collect();
        paths.sort_by_key(|entry| entry.file_name());
        let mut files = Vec::new();
        for entry in paths {
            let name = entry.file_name().into_string().unwrap();
            let ours = name.ends_with(".pt") || name.ends_with(".safetensors");
            if !ours || entry.metadata().unwrap().len() > most {
                continue;
            }
            let bytes = std::fs::read(entry.path()).unwrap();
            if let Some(entries) = entries(&bytes) {
                files.push(File::Entries(entries));
            }
            files.push(File::Whole(bytes));
        }
        assert!(files.len() > 20, "the fixtures were found");
        Self { files }
    }

    pub fn len(&self) -> usize {
        self.files.len()
    }

    fn bytes(&self, file: usize) -> &[u8] {
        match &self.files[file % self.files.len()] {
            File::Whole(bytes) => bytes,
            // The pickle is the first.
            File::Entries(entries) => &entries[0].1,
        }
    }

    /// A file with faults.
    pub fn faulty(&self, file: usize, faults: &[Fault]) -> Vec<u8> {
        match &self.files[file % self.files.len()] {
            File::Whole(bytes) => {
                let mut bytes = bytes.clone();
                faults.iter().for_each(|fault| self.put(&mut bytes, *fault));
                bytes
            }
            File::Entries(entries) => {
                let mut entries = entries.clone();
                for (number, fault) in faults.iter().enumerate() {
                    // Mostly into the pickle.
                    let entry = if number % 4 == 3 { number % entries.len() } else { 0 };
                    self.put(&mut entries[entry].1, *fault);
                }
                let entries: Vec<(&str, &[u8])> =
                    entries.iter().map(|(name, held)| (&name[..], &held[..])).collect();
                assembly::zip(&entries)
            }
        }
    }

    fn put(&self, bytes: &mut Vec<u8>, fault: Fault) {
        let place = |share: u16, length: usize| length * usize::from(share) / 65536;
        let range = |at: u16, length: u8, whole: usize| {
            let begin = place(at, whole);
            begin..whole.min(begin + usize::from(length) + 1)
        };
        match fault {
            _ if bytes.is_empty() => (),
            Fault::Turn { at, bit } => {
                let at = place(at, bytes.len());
                bytes[at] ^= 1 << (bit % 8);
            }
            Fault::Write { at, bytes: new, count } => {
                let at = place(at, bytes.len());
                let new = &new[..usize::from(count % 8) + 1];
                bytes[at..].iter_mut().zip(new).for_each(|(place, new)| *place = *new);
            }
            Fault::Put { at, word } => {
                let at = place(at, bytes.len());
                bytes.splice(at..at, WORDS[usize::from(word) % WORDS.len()].iter().copied());
            }
            Fault::Cut { at, length } => drop(bytes.drain(range(at, length, bytes.len()))),
            Fault::Double { at, length } => {
                let range = range(at, length, bytes.len());
                let copy = bytes[range.clone()].to_vec();
                bytes.splice(range.end..range.end, copy);
            }
            Fault::Splice { at, from, file, length } => {
                let other = self.bytes(file.into());
                let part = other[range(from, length, other.len())].to_vec();
                let at = place(at, bytes.len());
                bytes.splice(at..at, part);
            }
            Fault::End { at } => bytes.truncate(place(at, bytes.len())),
        }
    }
}

/// An archive's entries, `data.pkl` first; `None` where it is none.
fn entries(bytes: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    if !bytes.starts_with(b"PK") {
        return None;
    }
    let archive = rawzip::ZipArchive::from_slice(bytes).ok()?;
    let mut entries = Vec::new();
    for record in archive.entries() {
        let record = record.ok()?;
        let name = std::str::from_utf8(record.file_path().as_bytes()).ok()?.to_owned();
        entries.push((name, archive.get_entry(record.wayfinder()).ok()?.data().to_vec()));
    }
    entries.sort_by_key(|(name, _)| !name.ends_with("data.pkl"));
    Some(entries)
}

pub fn any_fault() -> impl Strategy<Value = Fault> {
    let number = (0..NUMBERS.len()).prop_map(|number| NUMBERS[number].to_le_bytes());
    prop_oneof![
        any::<(u16, u8)>().prop_map(|(at, bit)| Fault::Turn { at, bit }),
        (any::<u16>(), any::<[u8; 8]>(), any::<u8>()).prop_map(|(at, bytes, count)| Fault::Write {
            at,
            bytes,
            count
        }),
        (any::<u16>(), number, any::<u8>()).prop_map(|(at, bytes, count)| Fault::Write {
            at,
            bytes,
            count
        }),
        any::<(u16, u16)>().prop_map(|(at, word)| Fault::Put { at, word }),
        any::<(u16, u8)>().prop_map(|(at, length)| Fault::Cut { at, length }),
        any::<(u16, u8)>().prop_map(|(at, length)| Fault::Double { at, length }),
        any::<(u16, u16, u16, u8)>().prop_map(|(at, from, file, length)| Fault::Splice {
            at,
            from,
            file,
            length
        }),
        any::<u16>().prop_map(|at| Fault::End { at }),
    ]
}

/// Reads bytes and, if possible, their tensors. Panics if memory is not bounded, or if the contents
/// change when they are written and read again.
pub fn try_out(bytes: Vec<u8>) -> bool {
    let length = bytes.len();
    let (read, memory) = peak(|| Checkpoint::read("file", bytes));
    assert!(memory < 300 * length + 300_000, "{memory} bytes for a file of {length}");
    let Ok(checkpoint) = read else { return false };
    let (inspection, memory) = peak(|| Inspection::new(&checkpoint).unwrap());
    assert!(memory < (65 << 20) + 300 * length, "{memory} bytes for a file of {length}");
    let again = Checkpoint::read("again", to_safetensors(&checkpoint));
    let again = Inspection::new(&again.expect("what was written is read")).unwrap();
    // Names that still look wrapped after unwrapping may be unwrapped again.
    if again.wrapping == repro::checkpoint::Wrapping::Plain {
        let sums = |inspection: Inspection| -> Vec<(String, String)> {
            inspection.tensors.into_iter().map(|tensor| (tensor.name, tensor.sha256)).collect()
        };
        assert_eq!(sums(again), sums(inspection));
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn a_real_file_with_faults_is_read_or_refused(
        file in any::<u16>(), faults in prop::collection::vec(any_fault(), 0..5),
    ) {
        thread_local! {
            static CORPUS: Corpus = Corpus::read(9_000);
        }
        try_out(CORPUS.with(|corpus| corpus.faulty(file.into(), &faults)));
    }
}

#[test]
fn files_without_faults_are_read_or_refused_as_expected() {
    let corpus = Corpus::read(9_000);
    let read = (0..corpus.len()).filter(|file| try_out(corpus.faulty(*file, &[]))).count();
    assert!(read > corpus.len() / 2, "{read} of {}", corpus.len());
}
