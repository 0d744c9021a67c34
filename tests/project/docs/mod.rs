//! The documents: links resolve, sizes are bounded, and what they say of the command line, the
//! formats, the environment and measured numbers is what is there. Each page is plain text here;
//! [`markdown`] takes it apart, and every other module holds pages to one thing.

mod commands;
mod environment;
mod fields;
mod links;
mod markdown;
mod modules;
mod numbers;

use std::path::{Path, PathBuf};

use markdown::Page;

/// The project's folder.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the project.
fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Files below a folder whose names end so, by their paths from the project's folder, in order.
fn files(folder: impl AsRef<Path>, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.as_ref().to_owned()];
    while let Some(folder) = folders.pop() {
        let at = root().join(&folder);
        let entries = std::fs::read_dir(&at);
        let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", at.display()));
        for entry in entries.map(Result::unwrap) {
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{} has no file that ends in {ending}", folder.as_ref().display());
    found
}

/// One page.
fn page(path: impl AsRef<Path>) -> Page {
    Page::new(path.as_ref().to_owned(), &read(&path))
}

/// The pages of `docs/`.
fn docs() -> Vec<Page> {
    files("docs", ".md").into_iter().map(page).collect()
}

/// Every page that is held to something: those of `docs/`, and the documents in the project's
/// folder.
fn pages() -> Vec<Page> {
    let mut pages = docs();
    pages.extend(["README.md", "DESIGN.md", "CONTRIBUTING.md"].map(page));
    pages
}

#[track_caller]
fn assert_none(findings: &[String]) {
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

/// What a page may have at most, in bytes.
#[test]
fn documents_that_are_maps_stay_short() {
    for (path, most) in [("README.md", 8_192), ("DESIGN.md", 6_000)] {
        let bytes = read(path).len();
        assert!(bytes <= most, "{path} has {bytes} bytes, {most} at most");
    }
}

/// Columns of a line, but for tables, code and links, which no editor can break.
const WIDEST: usize = 100;

#[test]
fn lines_are_at_most_100_columns_wide() {
    let mut findings = Vec::new();
    for page in pages() {
        for line in page.text().filter(|line| !line.text.starts_with('|')) {
            let width = line.text.chars().count();
            if width > WIDEST && !line.text.contains("](") && !line.text.contains("://") {
                findings.push(page.finding(line.number, &format!("{width} columns")));
            }
        }
    }
    assert_none(&findings);
}
