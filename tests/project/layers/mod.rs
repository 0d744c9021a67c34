//! Keeps the layers of `src/` apart where the compiler can't. It reads the sources and reports,
//! with file and line: a use against the order of the rooms, a circle between rooms, libtorch
//! outside `engine/`, printing outside `cli/`, and command lines spelled outside `cli/`.
//!
//! A room is a module of `src/lib.rs`. The check needs no parser of Rust: a lexer removes comments
//! and string literals, and paths are read from the tokens that remain. It misses two kinds of
//! path: one that a macro assembles, and one in a string, as in `#[serde(with = "crate::a")]`.
//! Every rule takes sources as data, so that the tests below show that each of them can fail.

mod rules;
mod source;
mod tests;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use rules::*;
use source::File;

/// The rooms in order: each uses only those to its right.
const ROOMS: [&str; 18] = [
    "cli",
    "report",
    "figure",
    "replication",
    "engine",
    "plan",
    "assets",
    "fetch",
    "judge",
    "store",
    "evidence",
    "claim",
    "world",
    "data",
    "checkpoint",
    "stats",
    "experiment",
    "util",
];

/// Modules in `src/lib.rs`, at most: a reader can't keep more of them in mind.
const MOST_MODULES: usize = 20;

/// The program's commands, old spellings included.
const COMMANDS: [&str; 20] = [
    "list",
    "show",
    "verify",
    "compare",
    "power",
    "plan",
    "run",
    "runs",
    "rerun",
    "records",
    "figure",
    "report",
    "fetch",
    "inspect",
    "convert",
    "schema",
    "completions",
    "doctor",
    "pretrain",
    "sensitivity",
];

/// Words of a command line that are allowed outside `cli/`: file, words, reason. One that is not
/// found in its file fails the test.
const EXCEPTIONS: [(&str, &str, &str); 5] = [
    ("src/data/error.rs", "--help", "an option of scripts/pack_lab.py"),
    ("src/engine/device/cuda.rs", "--features", "an option of cargo"),
    ("src/engine/device/driver.rs", "--format", "an option of nvidia-smi"),
    ("src/engine/device/driver.rs", "--query-gpu", "an option of nvidia-smi"),
    ("src/evidence/published/error.rs", "--test", "an option of gzip"),
];

static SOURCES: LazyLock<Vec<File>> = LazyLock::new(|| {
    let mut sources = Vec::new();
    read_sources(Path::new(env!("CARGO_MANIFEST_DIR")), Path::new("src"), &mut sources);
    sources.sort();
    taken_apart(sources)
});

/// Reads the `.rs` files of a folder and of the folders in it, by their paths from the root.
fn read_sources(root: &Path, folder: &Path, sources: &mut Vec<(PathBuf, String)>) {
    let at = root.join(folder);
    let entries = fs::read_dir(&at).unwrap_or_else(|error| panic!("{}: {error}", at.display()));
    for entry in entries.map(Result::unwrap) {
        let path = folder.join(entry.file_name());
        if entry.path().is_dir() {
            read_sources(root, &path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push((path, fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

fn taken_apart(sources: Vec<(PathBuf, String)>) -> Vec<File> {
    sources.into_iter().map(|(path, text)| File::new(path, &text)).collect()
}

#[track_caller]
fn assert_none(findings: &[String]) {
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

#[test]
fn no_room_uses_one_that_comes_before_it() {
    assert_none(&against_the_order(&SOURCES));
}

#[test]
fn no_circle_runs_through_rooms() {
    assert_none(&circle(&SOURCES));
}

#[test]
fn the_rooms_of_the_crate_are_those_in_the_list() {
    assert_none(&rooms_of_the_crate(&SOURCES));
}

#[test]
fn only_the_engine_names_libtorch() {
    assert_none(&libtorch_outside_engine(&SOURCES));
}

#[test]
fn only_the_command_line_prints() {
    assert_none(&printing_outside_cli(&SOURCES));
}

#[test]
fn only_the_command_line_spells_commands() {
    assert_none(&commands_outside_cli(&SOURCES, &EXCEPTIONS));
}
