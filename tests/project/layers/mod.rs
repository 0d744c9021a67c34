//! Checks the order of the modules of `src/` where the compiler can't. It reads the sources and
//! reports, with file and line: a use against the order of the modules, a cycle between modules,
//! libtorch outside `engine/`, printing outside `cli/`, and command lines spelled outside `cli/`.
//!
//! A module here is one that `src/lib.rs` declares. The check needs no parser of Rust: a lexer
//! removes comments and string literals, and paths are read from the tokens that remain. It misses
//! two kinds of path: one that a macro assembles, and one in a string, such as
//! `#[serde(with = "crate::a")]`. Every rule takes sources as data, so that the tests below show
//! that each of them can fail.

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

/// The modules in order: each uses only those to its right.
const MODULES: [&str; 19] = [
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
    "study",
    "data",
    "checkpoint",
    "stats",
    "experiment",
    "util",
];

/// The maximum number of modules in `src/lib.rs`: a reader can't remember more.
const MAX_MODULES: usize = 20;

/// The program's commands, old spellings included.
const COMMANDS: [&str; 25] = [
    "init",
    "list",
    "new",
    "show",
    "verify",
    "compare",
    "power",
    "plan",
    "run",
    "runs",
    "rerun",
    "records",
    "man",
    "figure",
    "report",
    "fetch",
    "inspect",
    "convert",
    "schema",
    "completions",
    "doctor",
    "pretrain",
    "distance",
    "sensitivity",
    "work",
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
fn no_module_uses_an_earlier_one() {
    assert_none(&against_the_order(&SOURCES));
}

#[test]
fn there_is_no_cycle_between_modules() {
    assert_none(&cycle(&SOURCES));
}

#[test]
fn the_modules_of_the_crate_are_those_in_the_list() {
    assert_none(&modules_of_the_crate(&SOURCES));
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
