//! Fuzzes the readers of logs with libFuzzer: what `repro init` makes of a table, and what the
//! `log.toml` that it writes makes of the same table.
//!
//!     cargo +nightly fuzz run table --sanitizer none
//!
//! The first byte of an input selects the extension of the file with the rest.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use repro::study::{Study, draft, infer::Survey};

const EXTENSIONS: [&str; 4] = ["csv", "tsv", "jsonl", "json"];

fuzz_target!(|input: &[u8]| {
    let Some((extension, rest)) = input.split_first() else { return };
    let folder = tempfile::tempdir().unwrap();
    let name = format!("runs.{}", EXTENSIONS[usize::from(*extension) % EXTENSIONS.len()]);
    let path = folder.path().join(&name);
    std::fs::write(&path, rest).unwrap();
    let Ok(survey) = Survey::of(&path) else { return };
    let text = draft::log(&survey, &name, true);
    drop(draft::first(&survey));
    if let Ok(study) = Study::parse(Path::new("log.toml"), &text) {
        drop(study.read(folder.path()));
    }
});
