//! The words that this project uses: plain technical English, so that a reader who searches for
//! "error", "missing", "retry", "lock" or "download" finds the code. Words that the field does not
//! use for these things fail here, in names, comments, messages and documents alike.

use std::path::{Path, PathBuf};

/// A word or phrase that is not used, and what is used in its place.
const REPLACED: [(&[&str], &str); 9] = [
    (&["bring", "brings", "bringing", "brought"], "download, provide"),
    (&["mend", "mends", "mended", "mending"], "fix"),
    (&["lack", "lacks", "lacked", "lacking"], "missing, has no"),
    (&["tell", "tells", "telling", "told"], "report, print, say"),
    (&["in turn", "out of turn", "its turn", "take turns", "takes turns"], "lock, lease, order"),
    (&["want of"], "out of, without"),
    (&["anew"], "again"),
    (&["whoever"], "anyone who"),
    (&["go on", "goes on", "going on", "gone on", "went on"], "continue"),
];

/// Files and folders that are searched.
const SEARCHED: [&str; 15] = [
    "src",
    "tests",
    "benches",
    "fuzz/fuzz_targets",
    "build.rs",
    "Cargo.toml",
    ".github",
    "README.md",
    "docs",
    "DESIGN.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "claims",
    "Makefile",
    "scripts",
];

/// Places where such a word stands all the same: file, a part of the line, the reason.
const EXCEPTIONS: [(&str, &str, &str); 6] = [
    ("src/cli/plan/report.rs", "rename = \"lacking\"", "a field of a JSON form keeps its name"),
    ("src/cli/plan/mod.rs", "(`lacking`", "the same field, in the command's help"),
    ("tests/cli/price.rs", "line[\"lacking\"]", "the same field, in its test"),
    ("docs/reference/json.md", "| `lacking` |", "the same field, where it is documented"),
    ("docs/reference/cli.md", "(`lacking`", "the same field, in the printed help"),
    ("claims/schemas/plan.schema.json", "\"lacking\"", "the same field, in its schema"),
];

#[test]
fn names_and_sentences_use_the_words_of_the_field() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut used = vec![false; EXCEPTIONS.len()];
    let files = SEARCHED.iter().flat_map(|name| texts(&root.join(name)));
    // This file has the words themselves.
    for file in files.filter(|file| !file.ends_with("tests/project/words.rs")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(root).unwrap().display().to_string();
        for (number, line) in text.lines().enumerate() {
            for (word, instead) in replaced(line) {
                let exception = EXCEPTIONS
                    .iter()
                    .position(|(file, part, _)| *file == name && line.contains(part));
                match exception {
                    Some(index) => used[index] = true,
                    None => found.push(format!(
                        "{name}:{}: `{word}` (say: {instead}): {}",
                        number + 1,
                        line.trim()
                    )),
                }
            }
        }
    }
    assert!(found.is_empty(), "{} lines:\n{}", found.len(), found.join("\n"));
    for ((file, part, reason), used) in EXCEPTIONS.iter().zip(used) {
        assert!(used, "{file} has no line with `{part}` any more ({reason})");
    }
}

#[test]
fn words_are_found_in_names_and_sentences_and_nowhere_inside_others() {
    let found = |line: &str| replaced(line).into_iter().map(|(word, _)| word).collect::<Vec<_>>();
    assert_eq!(found("fn what_is_told()"), ["told"]);
    assert_eq!(found("struct LackingImages;"), ["lacking"]);
    assert_eq!(found("// It goes on, whoever asks."), ["goes on", "whoever"]);
    assert_eq!(found("recommend, intellect, slack, amended, ongoing"), [""; 0]);
}

/// The words of a line that are replaced by others, each with these.
fn replaced(line: &str) -> Vec<(&'static str, &'static str)> {
    let words = format!(" {} ", words(line).join(" "));
    let mut found: Vec<(usize, &str, &str)> = Vec::new();
    for (phrases, instead) in REPLACED {
        for phrase in phrases {
            found.extend(words.find(&format!(" {phrase} ")).map(|at| (at, *phrase, instead)));
        }
    }
    found.sort_unstable();
    found.into_iter().map(|(_, phrase, instead)| (phrase, instead)).collect()
}

/// The words of a line in lower case, those of names in snake case and camel case among them.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for c in line.chars() {
        if !c.is_alphabetic() || (c.is_uppercase() && lower) {
            words.push(String::new());
        }
        if c.is_alphabetic() {
            words.last_mut().expect("one at least").extend(c.to_lowercase());
        }
        lower = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Every text file at or under a path.
fn texts(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let binary = ["ttf", "gz", "png", "safetensors"].contains(&ending);
        return if binary { Vec::new() } else { vec![path.to_owned()] };
    }
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries.iter().flat_map(|entry| texts(entry)).collect()
}
