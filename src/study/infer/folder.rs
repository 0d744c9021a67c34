//! A folder of logs: its files, and the parts of their paths in which they differ.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::{Path, PathBuf},
};

use super::{
    observed::Observed,
    split::{Split, split},
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

/// A part of the path: what is the same in all files, and values between.
pub(super) struct Part {
    pub(super) before: String,
    pub(super) values: Vec<Value>,
    /// What stands between each value and the next.
    pub(super) between: Vec<String>,
    pub(super) after: String,
    /// What it could be as well.
    other: Option<Box<Part>>,
    /// What was seen in it that decides its values.
    note: Option<String>,
}

pub(super) struct Value {
    pub(super) name: String,
    /// Whether it has its name in the pattern; else any text matches.
    pub(super) is_named: bool,
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
fn end(name: &str) -> Option<&str> {
    let packed = [".gz", ".zst"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let end = ENDS.iter().find(|end| packed.ends_with(**end))?;
    name.get(packed.len() - end.len()..)
}

/// What names at one level of the path have in common.
fn part(level: usize, names: &BTreeSet<&str>, is_file: bool) -> Part {
    let first = names.first().copied().unwrap_or_default();
    if names.len() == 1 {
        return Part::new(first, &[], Vec::new(), "");
    }
    let after = if is_file { end(first).unwrap_or_default() } else { "" };
    let stem = |name: &&str| -> String { name.strip_suffix(after).unwrap_or(name).to_owned() };
    let stems: Vec<String> = names.iter().map(stem).collect();
    let whole = whole(level, &stems, after);
    let Some(Split { mut part, seen, is_grid }) = split(level, &stems, after) else {
        return whole;
    };
    if part.values.len() <= whole.values.len() {
        return whole;
    }
    let what = if is_file { "files" } else { "folders" };
    if is_grid {
        part.note = Some(format!("names of {what} have parts that vary by themselves: {seen}"));
        return part;
    }
    let note = format!(
        "names of {what} may have parts that vary by themselves: {seen}; log.toml has both readings"
    );
    Part { note: Some(note), other: Some(Box::new(part)), ..whole }
}

/// A key, or a text before a number, or one value.
fn whole(level: usize, stems: &[String], after: &str) -> Part {
    let unnamed = format!("part_{}", level + 1);
    if let Some((key, before)) = key(stems) {
        return Part::new(&before, &[key], Vec::new(), after);
    }
    if let Some((between, key)) = numbered(stems) {
        let number = if key.is_empty() { format!("{unnamed}_number") } else { key };
        return Part::new("", &[unnamed, number], vec![between], after);
    }
    Part::new("", &[unnamed], Vec::new(), after)
}

/// `seed=3` or `seed_3` in every name: the key, and what stands before the value.
fn key(stems: &[String]) -> Option<(String, String)> {
    let first = stems.first()?;
    let before = first.find('=').map_or_else(
        || first.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').to_owned(),
        |at| first[..=at].to_owned(),
    );
    let key = before.trim_end_matches(['=', '_', '-']);
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_');
    let fits = |stem: &String| {
        let value = stem.strip_prefix(before.as_str()).unwrap_or_default();
        !value.is_empty() && (before.ends_with('=') || value.parse::<f64>().is_ok())
    };
    (is_key && stems.iter().all(fits)).then(|| (key.to_owned(), before.clone()))
}

/// `mlp_seed3` or `mlp-3` in every name: what stands between the first text and the number, and
/// the key in it. The first text must not have it too.
fn numbered(stems: &[String]) -> Option<(String, String)> {
    let head = |stem: &str| stem.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    let first = head(stems.first()?);
    let letters = first.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let start = letters.trim_end_matches(['_', '-', '.']);
    let between = &first[start.len()..];
    if between.is_empty() || !between.starts_with(['_', '-', '.']) {
        return None;
    }
    let fits = |stem: &String| {
        let before = head(stem);
        let text = before.strip_suffix(between).unwrap_or_default();
        before.len() < stem.len() && !text.is_empty() && !text.contains(between)
    };
    let key = between.trim_matches(['_', '-', '.']).to_owned();
    stems.iter().all(fits).then(|| (between.to_owned(), key))
}

impl Pattern {
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

impl Part {
    pub(super) fn new(before: &str, names: &[String], between: Vec<String>, after: &str) -> Self {
        let value = |name: &String| Value { name: name.clone(), is_named: true };
        Self {
            before: before.to_owned(),
            values: names.iter().map(value).collect(),
            between,
            after: after.to_owned(),
            other: None,
            note: None,
        }
    }

    fn values_of(&self, name: &str) -> Vec<(String, String)> {
        let text = name.strip_prefix(self.before.as_str()).unwrap_or(name);
        let mut rest = text.strip_suffix(self.after.as_str()).unwrap_or(text);
        let mut values = Vec::new();
        for (index, value) in self.values.iter().enumerate() {
            let between = self.between.get(index).and_then(|of| rest.split_once(of.as_str()));
            let (text, after) = between.unwrap_or((rest, ""));
            values.push((value.name.clone(), text.to_owned()));
            rest = after;
        }
        values
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

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A name with what has a meaning in patterns can't be written: any text matches.
        let has_meaning = self.values.is_empty() && self.before.contains(['{', '}', '*', '\\']);
        formatter.write_str(if has_meaning { "*" } else { &self.before })?;
        for (index, value) in self.values.iter().enumerate() {
            if let Some(before) = index.checked_sub(1) {
                formatter.write_str(&self.between[before])?;
            }
            if value.is_named {
                write!(formatter, "{{{}}}", value.name)?;
            } else {
                formatter.write_str("*")?;
            }
        }
        formatter.write_str(&self.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(names: &[&str], is_file: bool) -> String {
        let names: BTreeSet<&str> = names.iter().copied().collect();
        let pattern = Pattern { root: PathBuf::new(), parts: vec![part(2, &names, is_file)] };
        pattern.to_string()
    }

    #[test]
    fn parts_of_paths_become_names() {
        for (names, pattern) in [
            (&["stats.json"][..], "stats.json"),
            (&["1.json", "2.json"], "{part_3}.json"),
            (&["seed_1.csv", "seed_12.csv"], "seed_{seed}.csv"),
            (&["run1.csv.gz", "run2.csv.gz"], "run{run}.csv.gz"),
            (&["lr=0.1.csv", "lr=1e-3.csv"], "lr={lr}.csv"),
            (&["mlp_seed1.csv", "ft_mlp_seed2.csv"], "{part_3}_seed{seed}.csv"),
            (&["mlp-1.csv", "resnet-2.csv"], "{part_3}-{part_3_number}.csv"),
            (&["ft_mlp_1.csv", "resnet_2.csv"], "{part_3}.csv"),
            (&["adult.jsonl", "yahoo.jsonl"], "{part_3}.jsonl"),
        ] {
            assert_eq!(written(names, true), pattern, "{names:?}");
        }
        assert_eq!(written(&["resnet_a", "resnet_b"], false), "{part_3}");
    }

    /// Every combination of some texts, with `_` between them.
    fn product(parts: &[&[&str]]) -> Vec<String> {
        let mut names: Vec<String> = vec![String::new()];
        for part in parts {
            let with = |name: &String| {
                let before = if name.is_empty() { String::new() } else { format!("{name}_") };
                part.iter().map(|text| format!("{before}{text}")).collect::<Vec<_>>()
            };
            names = names.iter().flat_map(with).collect();
        }
        names
    }

    fn read(names: &[String]) -> Part {
        let names: Vec<String> = names.iter().map(|name| format!("{name}.jsonl")).collect();
        part(0, &names.iter().map(String::as_str).collect(), true)
    }

    #[test]
    fn names_that_are_a_grid_are_split() {
        let seeds = ["seed1", "seed2", "seed3", "seed10"];
        let mut names = product(&[&["conll", "onto"], &["crf", "lstm"], &seeds]);
        let grid = read(&names);
        assert_eq!(grid.to_string(), "{part_1}_{part_1_2}_seed{seed}.jsonl");
        assert!(grid.note.as_ref().unwrap().contains("2 x 2 x 4, 16 of 16 combinations"));
        let values = |name: &str| -> Vec<String> {
            grid.values_of(name).into_iter().map(|(_, text)| text).collect()
        };
        assert_eq!(values("conll_lstm_seed10.jsonl"), ["conll", "lstm", "10"]);
        // One that is missing of 16 is near enough.
        names.pop();
        assert_eq!(read(&names).to_string(), "{part_1}_{part_1_2}_seed{seed}.jsonl");
        // A few of them show no grid.
        let few = names.into_iter().enumerate().filter(|(at, _)| at % 5 < 2);
        let names: Vec<String> = few.map(|(_, name)| name).collect();
        let open = read(&names);
        assert_eq!(open.to_string(), "{part_1}_seed{seed}.jsonl");
        let pattern = Pattern { root: PathBuf::new(), parts: vec![open] };
        assert_eq!(pattern.other(), None);
    }

    #[test]
    fn names_that_may_be_a_grid_have_both_readings() {
        let mut names = product(&[&["conll", "onto"], &["crf", "lstm"], &["seed1", "seed2"]]);
        names.retain(|name| !name.starts_with("onto_lstm"));
        let open = read(&names);
        assert_eq!(open.to_string(), "{part_1}_seed{seed}.jsonl");
        assert!(open.note.as_ref().unwrap().contains("2 x 2 x 2, 6 of 8 combinations"));
        let pattern = Pattern { root: PathBuf::new(), parts: vec![open] };
        assert_eq!(pattern.other().unwrap(), "{part_1}_{part_1_2}_seed{seed}.jsonl");
    }

    #[test]
    fn other_names_are_split_where_they_are_a_grid() {
        for (parts, pattern) in [
            (&[&["adult", "yahoo"][..], &["mlp", "tree"]][..], "{part_1}_{part_1_2}.jsonl"),
            (&[&["run"], &["a", "b"], &["1", "2"]], "run_{part_1}_{part_1_2}.jsonl"),
            (&[&["lr=0.1", "lr=0.2"], &["seed=1", "seed=2"]], "lr={lr}_seed={seed}.jsonl"),
            (
                &[&["adult", "yahoo"], &["mlp", "tree"], &["s1", "s2"], &["test"]],
                "{part_1}_{part_1_2}_s{s}_test.jsonl",
            ),
        ] {
            assert_eq!(read(&product(parts)).to_string(), pattern, "{parts:?}");
        }
        let names = ["2026-01-03_11", "2026-02-04_12", "2026-03-05_13", "2026-04-06_14"];
        let names = names.map(str::to_owned);
        assert_eq!(read(&names).to_string(), "{part_1}_{part_1_number}.jsonl");
    }

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
