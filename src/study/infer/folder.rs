//! A folder of logs: its files, and the parts of their paths in which they differ.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::{Path, PathBuf},
};

use super::{
    observed::Observed,
    parts::{Part, part},
    words,
};
use crate::{
    study::{StudyError, packed, pattern::Matched},
    util::{
        formats::{MLFLOW, Other},
        shown::{self, shown},
    },
};

/// Limits of a folder that is searched.
const MOST_FILES: usize = 200_000;
const DEEPEST: usize = 16;

/// How names of logs end, before `.gz` or `.zst`.
const ENDS: [&str; 5] = [".csv", ".tsv", ".json", ".jsonl", ".ndjson"];

/// Names of files that lie beside logs and are none.
const BESIDE: [&str; 11] = [
    "config",
    "args",
    "hparams",
    "params",
    "metadata",
    "meta",
    "environment",
    "settings",
    "wandb-metadata",
    "package",
    "done",
];

/// The logs of a folder.
pub(super) struct Found {
    pub(super) files: Vec<Matched>,
    pub(super) pattern: Pattern,
    pub(super) notes: Vec<String>,
}

/// The path of a folder's logs, part by part.
pub(super) struct Pattern {
    root: PathBuf,
    parts: Vec<Part>,
}

/// Finds the logs of a folder.
pub(super) fn find(root: &Path) -> Result<Found, StudyError> {
    let all = walk(root)?;
    let no_runs = |what: String, help: &str| StudyError::NoRuns {
        file: shown::path(root),
        what,
        help: help.to_owned(),
    };
    if all.iter().any(|path| path.last().is_some_and(|name| name == "meta.yaml")) {
        let Other { what, help } = MLFLOW;
        return Err(StudyError::Other { file: shown::path(root), what, help });
    }
    let mut kinds: BTreeMap<(usize, &str), Vec<&Vec<String>>> = BTreeMap::new();
    let (mut others, mut first_other) = (0, None);
    for path in &all {
        let name = path.last().map_or("", String::as_str);
        match end(name).filter(|end| !BESIDE.contains(&&name[..name.len() - end.len()])) {
            Some(end) => kinds.entry((path.len(), end)).or_default().push(path),
            None => {
                others += 1;
                first_other = first_other.or(Some(path));
            }
        }
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, files)| std::cmp::Reverse(files.len()));
    let chosen = match &kinds[..] {
        [] => {
            if let Some(path) = first_other {
                // A file of another form says what it is.
                packed::bytes(&joined(root, path))?;
            }
            return Err(no_runs(
                "the folder has no file .csv, .tsv, .json or .jsonl".to_owned(),
                "write the runs in one of these forms",
            ));
        }
        [only] => &only.1,
        [first, second, ..] if first.1.len() >= 2 * second.1.len() => {
            others += all.len() - others - first.1.len();
            &first.1
        }
        several => {
            let kind = |((depth, end), files): &((usize, &str), Vec<_>)| {
                format!("{} *{end} at depth {depth}", files.len())
            };
            let kinds: Vec<String> = several.iter().map(kind).collect();
            return Err(no_runs(
                format!("the folder has logs of several kinds: {}", kinds.join(", ")),
                "name the folder of one kind, or write `files` in log.toml",
            ));
        }
    };
    let mut notes = Vec::new();
    if others > 0 {
        let named = first_other
            .map_or_else(String::new, |path| format!(", such as {}", shown(&path.join("/"))));
        notes.push(format!("other files of the folder are not read: {others}{named}"));
    }
    let depth = chosen[0].len();
    let parts = (0..depth).map(|level| {
        let names: BTreeSet<&str> = chosen.iter().map(|path| path[level].as_str()).collect();
        part(level, &names, level + 1 == depth)
    });
    let parts: Vec<Part> = parts.collect();
    notes.extend(parts.iter().filter_map(|part| part.note.clone()));
    let pattern = Pattern { root: root.to_owned(), parts };
    let files =
        chosen.iter().map(|path| Matched { path: joined(root, path), values: BTreeMap::new() });
    Ok(Found { files: files.collect(), pattern, notes })
}

fn joined(root: &Path, path: &[String]) -> PathBuf {
    path.iter().fold(root.to_owned(), |folder, part| folder.join(part))
}

/// The files below a folder, each as the parts of its path, in order; hidden ones and links to
/// folders are passed over.
fn walk(root: &Path) -> Result<Vec<Vec<String>>, StudyError> {
    let mut found = Vec::new();
    let mut folders: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(folder) = folders.pop() {
        let at = joined(root, &folder);
        let unreadable = |cause| StudyError::Unreadable { file: shown::path(&at), cause };
        for entry in fs::read_dir(&at).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            let kind = entry.file_type().map_err(unreadable)?;
            if name.starts_with('.') || (kind.is_dir() && folder.len() >= DEEPEST) {
                continue;
            }
            let path = [&folder[..], &[name]].concat();
            if kind.is_dir() {
                folders.push(path);
            } else if entry.path().is_file() {
                found.push(path);
            }
            if found.len() > MOST_FILES {
                return Err(StudyError::NoRuns {
                    file: shown::path(root),
                    what: format!("the folder has more than {MOST_FILES} files"),
                    help: "name the folder of the logs".to_owned(),
                });
            }
        }
    }
    found.sort();
    Ok(found)
}

/// How the name of a log ends; `None` if it is no log's.
pub(super) fn end(name: &str) -> Option<&str> {
    let packed = [".gz", ".zst"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let end = ENDS.iter().find(|end| packed.ends_with(**end))?;
    name.get(packed.len() - end.len()..)
}

impl Pattern {
    /// Parts without a folder.
    #[cfg(test)]
    pub(super) fn of(parts: Vec<Part>) -> Self {
        Self { root: PathBuf::new(), parts }
    }

    /// The names of its values.
    pub(super) fn names(&self) -> Vec<String> {
        self.parts.iter().flat_map(|part| &part.values).map(|value| value.name.clone()).collect()
    }

    /// Gives every value a name that is not used.
    pub(super) fn name_apart_from(&mut self, mut used: BTreeSet<String>) {
        for (level, part) in self.parts.iter_mut().enumerate() {
            for (index, value) in part.values.iter_mut().enumerate() {
                let mut count = index;
                while !used.insert(value.name.clone()) {
                    count += 1;
                    let more = if count > 1 { format!("_{count}") } else { String::new() };
                    value.name = format!("part_{}{more}", level + 1);
                }
            }
        }
    }

    /// The pattern with what a part of it could be as well, if any could.
    pub(super) fn other(&self) -> Option<String> {
        self.parts.iter().find(|part| part.other.is_some())?;
        let of = |part: &Part| part.other.as_deref().unwrap_or(part).to_string();
        Some(self.parts.iter().map(of).collect::<Vec<_>>().join("/"))
    }

    /// The values that a file's path gives to names.
    pub(super) fn values(&self, file: &Path) -> BTreeMap<String, String> {
        let path = file.strip_prefix(&self.root).unwrap_or(file);
        let parts = self.parts.iter().zip(path);
        parts.flat_map(|(part, name)| part.values_of(&name.to_string_lossy())).collect()
    }

    /// Where a column of the files has the same values, the part of the path gets its name in JSON,
    /// and in tables, whose columns can't be in the path too, any text matches.
    pub(super) fn name_by_columns(&mut self, seen: &mut Observed, is_json: bool) {
        for value in self.parts.iter_mut().flat_map(|part| &mut part.values) {
            let columns = &seen.columns;
            let Some(own) = columns.iter().position(|column| column.name == value.name) else {
                continue;
            };
            let leaf = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
            let same = |index: &usize| {
                let column = &columns[*index];
                !column.in_path && column.equals(&columns[own])
            };
            let likely = |index: &usize| {
                let name = &columns[*index].name;
                let known = words::replicate(name, true) || words::arms(name).is_some();
                (!known, name.matches('.').count())
            };
            let Some(other) = (0..columns.len()).filter(same).min_by_key(likely) else { continue };
            if !is_json {
                seen.columns.remove(own);
                value.is_named = false;
                continue;
            }
            let name = leaf(&columns[other].name);
            let is_taken = columns.iter().any(|column| column.in_path && column.name == name);
            if name.is_empty() || name.contains(['{', '}', '*']) || is_taken {
                continue;
            }
            value.name.clone_from(&name);
            seen.columns[own].name = name;
            seen.columns.remove(other);
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (level, part) in self.parts.iter().enumerate() {
            formatter.write_str(if level > 0 { "/" } else { "" })?;
            part.fmt(formatter)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_of_a_folder_have_one_kind() {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str, bytes: &[u8]| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        let message = || find(folder.path()).err().map(|error| error.to_string()).unwrap();
        assert!(message().contains("no file .csv"));
        put("scores/1.npy", b"\x93NUMPY\x01\0");
        assert!(message().contains("a NumPy array"), "{}", message());
        put("a/1/stats.json", b"{}");
        put("a/2/stats.json", b"{}");
        put("a/2/config.json", b"{}");
        let found = find(folder.path()).unwrap();
        assert_eq!(found.pattern.to_string(), "a/{part_2}/stats.json");
        assert!(found.notes[0].contains("not read: 2"), "{}", found.notes[0]);
        put("runs.csv", b"");
        put("more.csv", b"");
        assert!(message().contains("several kinds"));
        put("mlruns/0/meta.yaml", b"");
        assert!(message().contains("a store of MLflow"));
    }
}
