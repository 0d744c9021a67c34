//! Fuzzes the readers of claims, `log.toml`, catalogues and names of worlds with libFuzzer:
//!
//!     cargo +nightly fuzz run text --sanitizer none
//!
//! The first byte of an input selects the reader of the rest. `claims/*.toml` with an `a` in front
//! are an initial corpus.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use repro::{
    claim::check,
    fetch::Catalogue,
    study::Study,
    world::{UserNames, World},
};

fuzz_target!(|input: &[u8]| {
    let Some((reader, rest)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    match reader % 4 {
        0 => drop(Study::parse(Path::new("log.toml"), text)),
        1 => drop(check::claim("file", text, &World::paper())),
        2 => drop(Catalogue::parse("file", text)),
        _ => {
            let claims = tempfile::tempdir().unwrap();
            std::fs::create_dir(claims.path().join("worlds")).unwrap();
            std::fs::write(claims.path().join("worlds/own.toml"), text).unwrap();
            if let Ok(names) = UserNames::read(claims.path()) {
                drop(World::paper().with(&names));
            }
        }
    }
});
