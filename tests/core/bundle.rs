//! The checks of a bundle: what a file of records must be, line by line, before any is imported.

use std::path::Path;

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use repro::{
    experiment::{ENGINE_VERSION, Seed},
    store::{
        Entry,
        bundle::{self, BundleError},
    },
};
use std::io::{Read, Write};

/// The first records that ship with the project.
fn records(count: usize) -> Vec<Entry> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/goldens/store/records-0.1.0.jsonl.gz");
    bundle::read(Path::new(path)).unwrap().into_iter().take(count).collect()
}

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("records.jsonl.gz")
    }

    /// The bytes of a bundle of these, unpacked.
    fn text(&self, entries: &[Entry]) -> Vec<u8> {
        bundle::write(&self.path(), entries).unwrap();
        let (mut text, file) = (Vec::new(), std::fs::File::open(self.path()).unwrap());
        GzDecoder::new(file).read_to_end(&mut text).unwrap();
        text
    }

    fn read(&self, bytes: &[u8]) -> Result<Vec<Entry>, BundleError> {
        std::fs::write(self.path(), bytes).unwrap();
        bundle::read(&self.path())
    }

    /// The line that is refused, and why.
    fn refused(&self, bytes: &[u8]) -> (usize, String) {
        match self.read(bytes).unwrap_err() {
            BundleError::Line { line, fault, path } => {
                assert_eq!(path, self.path());
                (line, fault)
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_bundle_is_read_packed_plain_and_in_several_members() {
    let desk = Desk::new();
    let records = records(3);
    let text = desk.text(&records);
    assert_eq!(text.iter().filter(|byte| **byte == b'\n').count(), 3, "a line for each");
    assert_eq!(desk.read(&text).unwrap(), records);
    let pack = |text: &[u8]| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(text).unwrap();
        packed.finish().unwrap()
    };
    assert_eq!(desk.read(&pack(&text)).unwrap(), records);
    let first = 1 + text.iter().position(|byte| *byte == b'\n').unwrap();
    let members = [pack(&text[..first]), pack(&text[first..])].concat();
    assert_eq!(desk.read(&members).unwrap(), records);
}

#[test]
fn an_empty_or_missing_file_is_no_bundle() {
    let desk = Desk::new();
    let missing = bundle::read(&desk.path()).unwrap_err();
    assert!(matches!(missing, BundleError::Io { what: "read", .. }), "{missing}");
    let (line, fault) = desk.refused(b"");
    assert!(line == 1 && fault.contains("empty"), "{fault}");
    let to = bundle::write(&desk.folder.path().join("records.jsonl.gz/within"), &records(1));
    assert!(matches!(to.unwrap_err(), BundleError::Io { what: "write", .. }));
}

#[test]
fn a_record_of_another_name_seed_weights_data_or_engine_is_refused_with_its_line() {
    let desk = Desk::new();
    let whole = records(3);
    type Change = fn(&mut Entry);
    let another = "its name does not match its contents";
    let engine = format!("it was run by engine {}", ENGINE_VERSION + 1);
    let changes: [(Change, &str); 5] = [
        (
            |entry| entry.id.replace_range(..1, if entry.id.starts_with('0') { "1" } else { "0" }),
            another,
        ),
        (|entry| entry.trial.seed = Seed(999), another),
        (|entry| entry.weights = "0".repeat(64), another),
        (|entry| entry.data = "0".repeat(64), another),
        (
            |entry| {
                entry.engine_version = ENGINE_VERSION + 1;
                let Entry { trial, engine_version, weights, data, .. } = &*entry;
                entry.id = trial.id_by(*engine_version, weights, data);
            },
            &engine,
        ),
    ];
    for (change, expected) in changes {
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            change(&mut changed[place]);
            let (line, fault) = desk.refused(&desk.text(&changed));
            assert_eq!(line, place + 1, "{fault}");
            assert!(fault.contains(expected), "{fault}");
        }
    }
}

#[test]
fn a_file_of_one_endless_line_is_not_read_to_its_end() {
    let desk = Desk::new();
    std::fs::write(desk.path(), "").unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(desk.path()).unwrap();
    file.set_len(1 << 40).unwrap();
    let error = bundle::read(&desk.path()).unwrap_err().to_string();
    assert!(error.contains("a record has at most 67108864 bytes"), "{error}");
}

#[test]
fn a_line_that_is_damaged_blank_or_cut_is_refused() {
    let desk = Desk::new();
    let text = String::from_utf8(desk.text(&records(2))).unwrap();
    let (first, second) = text.split_once('\n').unwrap();
    // A digit within the entry: the digest is over its bytes.
    let place = second.find("\"seconds\":").unwrap() + "\"seconds\":".len();
    let digit = if &second[place..=place] == "1" { "2" } else { "1" };
    let mut changed = second.to_owned();
    changed.replace_range(place..=place, digit);
    let (line, fault) = desk.refused(format!("{first}\n{changed}").as_bytes());
    assert!(line == 2 && fault.contains("digest"), "{line}: {fault}");
    for bad in ["", "null", &second[..second.len() / 2]] {
        assert_eq!(desk.refused(format!("{first}\n{bad}\n{second}").as_bytes()).0, 2, "{bad}");
    }
    let later = second.replacen("\"format_version\":1", "\"format_version\":2", 1);
    let (line, fault) = desk.refused(format!("{first}\n{later}").as_bytes());
    assert!(line == 2 && fault.contains("format 2"), "{line}: {fault}");
    // A packed file that was cut.
    bundle::write(&desk.path(), &records(2)).unwrap();
    let packed = std::fs::read(desk.path()).unwrap();
    assert!(desk.read(&packed[..packed.len() - 20]).is_err());
}
