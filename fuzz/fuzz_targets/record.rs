//! Fuzzes the reader of bundles of records with libFuzzer:
//!
//!     cargo +nightly fuzz run record --sanitizer none
//!
//! A record has its own digest, so an input is one record's `entry` in JSON, which gets its digest
//! here; or, if it begins with a zero, a bundle as it is after that.

#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use repro::{store::bundle, world::World};

fuzz_target!(|input: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    if let Some((0, bundle)) = input.split_first() {
        file.write_all(bundle).unwrap();
    } else {
        let digest = blake3::hash(input).to_hex();
        write!(file, "{{\"format_version\":1,\"digest\":\"{digest}\",\"entry\":").unwrap();
        file.write_all(input).unwrap();
        file.write_all(b"}\n").unwrap();
    }
    let Ok(entries) = bundle::read(file.path()) else { return };
    let again = tempfile::NamedTempFile::new().unwrap();
    bundle::write(again.path(), &entries).unwrap();
    let read = bundle::read(again.path()).expect("what was written is read");
    assert_eq!(read.len(), entries.len());
    for (entry, read) in entries.iter().zip(&read) {
        assert!(entry.agrees_with(read));
        drop(entry.record(&World::smoke()));
    }
});
