//! Documents and their markers: a comment on a line of its own, before a fenced block or a table.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::Mutex,
};

/// One document is rewritten at a time.
static WRITING: Mutex<()> = Mutex::new(());

/// How to rewrite what is marked.
pub const HELP: &str = "help: REPRO_UPDATE_DOCS=1 cargo test --release --test project readme";

/// Whether marked blocks are rewritten instead of compared.
pub fn updating() -> bool {
    std::env::var_os("REPRO_UPDATE_DOCS").is_some_and(|value| value == "1")
}

/// The project's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A document's text, by its path from the root.
pub fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A document's words with single spaces between them, so that line breaks don't matter.
pub fn words(path: &str) -> String {
    text(path).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Every document that readers of the project see, by its path from the root.
pub fn documents() -> Vec<String> {
    fn below(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                below(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    let mut found =
        ["README.md", "CONTRIBUTING.md", "DESIGN.md"].map(|name| root().join(name)).to_vec();
    below(&root().join("docs"), &mut found);
    let path = |path: PathBuf| path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
    let mut found: Vec<String> = found.into_iter().map(path).collect();
    found.sort();
    found
}

/// What a marker says of the block that follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What a command prints, with `2>&1` its errors as well; and its exit code.
    Output { command: String, errors: bool, status: i32 },
    /// A file that later commands of the page may read.
    File(String),
    /// A table, by name.
    Table(String),
}

/// A marker and the lines of its block: all of a table, or what is between two fences.
pub struct Marked {
    pub kind: Kind,
    pub body: Range<usize>,
}

fn kind(line: &str) -> Option<Kind> {
    let says = line.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    if let Some(name) = says.strip_prefix("table: ") {
        return Some(Kind::Table(name.to_owned()));
    }
    if let Some(name) = says.strip_prefix("file: ") {
        return Some(Kind::File(name.to_owned()));
    }
    let command = says.strip_prefix("output of: ")?;
    let (command, status) = match command.split_once("; exit ") {
        Some((command, status)) => (command, status.parse().expect("an exit code")),
        None => (command, 0),
    };
    let (command, errors) = match command.strip_suffix(" 2>&1") {
        Some(command) => (command, true),
        None => (command, false),
    };
    Some(Kind::Output { command: command.to_owned(), errors, status })
}

/// The markers of a document, in order.
pub fn marks(path: &str, lines: &[String]) -> Vec<Marked> {
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(kind) = kind(line) else { continue };
        let begins = (at + 1..lines.len()).find(|&at| !lines[at].is_empty()).unwrap_or(lines.len());
        let body = match kind {
            Kind::Table(_) => begins..end(lines, begins, |line| !line.starts_with('|')),
            _ => {
                let fence = lines.get(begins).is_some_and(|line| line.starts_with("```"));
                assert!(fence, "{path}, line {}: no block follows the marker", at + 1);
                begins + 1..end(lines, begins + 1, |line| line == "```")
            }
        };
        found.push(Marked { kind, body });
    }
    found
}

fn end(lines: &[String], from: usize, ends: impl Fn(&str) -> bool) -> usize {
    (from..lines.len()).find(|&at| ends(&lines[at])).unwrap_or(lines.len())
}

/// Compares the blocks of a document with what they should be, or rewrites them. `wanted` gets a
/// marker and its lines; it returns none where nothing is compared.
pub fn hold(path: &str, wanted: impl Fn(&Kind, &[String]) -> Option<Vec<String>>) -> usize {
    let lock = WRITING.lock();
    let mut lines: Vec<String> = text(path).lines().map(str::to_owned).collect();
    let mut wrong = Vec::new();
    let mut held = 0;
    let found = marks(path, &lines);
    let wanted: Vec<_> =
        found.iter().map(|mark| wanted(&mark.kind, &lines[mark.body.clone()])).collect();
    // From the last on, since a block's length may change.
    for (mark, wanted) in found.into_iter().zip(wanted).rev() {
        let Some(wanted) = wanted else { continue };
        held += 1;
        if lines[mark.body.clone()] != wanted[..] {
            wrong.push(format!("{path}, {:?} should be:\n{}", mark.kind, wanted.join("\n")));
            lines.splice(mark.body, wanted);
        }
    }
    if updating() && !wrong.is_empty() {
        fs::write(root().join(path), lines.join("\n") + "\n").unwrap();
        wrong.clear();
    }
    drop(lock);
    assert!(wrong.is_empty(), "{}\n{HELP}", wrong.join("\n\n"));
    held
}

#[test]
fn a_marker_names_its_command_its_errors_and_its_exit_code() {
    let output = |command: &str, errors, status| {
        Some(Kind::Output { command: command.to_owned(), errors, status })
    };
    assert_eq!(kind("<!-- output of: repro list -->"), output("repro list", false, 0));
    assert_eq!(
        kind("<!-- output of: repro show x 2>&1; exit 64 -->"),
        output("repro show x", true, 64)
    );
    assert_eq!(kind("<!-- file: mine/a.toml -->"), Some(Kind::File("mine/a.toml".to_owned())));
    assert_eq!(kind("<!-- another -->"), None);
    assert_eq!(kind("| `<!-- table: a -->` |"), None);
}
