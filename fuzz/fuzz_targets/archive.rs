//! Fuzzes what unpacks archives with libFuzzer:
//!
//!     cargo +nightly fuzz run archive --sanitizer none
//!
//! The first byte of an input selects the format of the rest: a tar (which is compressed here, so
//! that its checksum is right), a compressed tar, a zip, or a zip with a compressed tar.

#![no_main]

use std::{io::Write, path::Path, sync::atomic::AtomicBool};

use libfuzzer_sys::fuzz_target;
use repro::fetch::{Format, Unpack, unpack};

/// Limits of the catalogue, small so that an input takes little time.
const MAX_ENTRIES: u64 = 20;
const MAX_BYTES: u64 = 10_000;

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).and_then(|()| packed.finish()).expect("memory is written")
}

/// The files below a folder, and the sum of their bytes. Nothing but files and folders is there.
fn count(folder: &Path) -> (u64, u64) {
    let (mut files, mut bytes) = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let about = std::fs::symlink_metadata(entry.path()).unwrap();
        let (more_files, more_bytes) = if about.is_dir() {
            count(&entry.path())
        } else {
            assert!(about.is_file(), "{}", entry.path().display());
            (1, about.len())
        };
        (files, bytes) = (files + more_files, bytes + more_bytes);
    }
    (files, bytes)
}

fuzz_target!(|input: &[u8]| {
    let Some((how, rest)) = input.split_first() else { return };
    let (format, inner, bytes) = match how % 4 {
        0 => (Format::TarGz, None, compressed(rest)),
        1 => (Format::TarGz, None, rest.to_vec()),
        2 => (Format::Zip, None, rest.to_vec()),
        _ => (Format::Zip, Some("a.tar.gz".to_owned()), rest.to_vec()),
    };
    let home = tempfile::tempdir().unwrap();
    let (archive, into) = (home.path().join("archive"), home.path().join("into"));
    std::fs::create_dir(&into).unwrap();
    std::fs::write(&archive, bytes).unwrap();
    let folder = "F".to_owned();
    let how = Unpack { format, inner, folder, max_entries: MAX_ENTRIES, max_bytes: MAX_BYTES };
    let unpacked = unpack(&archive, &how, &into, &AtomicBool::new(false));
    let there: Vec<_> =
        std::fs::read_dir(&into).unwrap().map(|at| at.unwrap().file_name()).collect();
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 2, "nothing is outside");
    match unpacked {
        Err(_) => assert!(there.is_empty(), "{there:?}"),
        Ok(contents) => {
            assert_eq!(there, ["F"]);
            assert_eq!(count(&into), (contents.files, contents.bytes));
        }
    }
});
