//! A part of the path of a folder's files: what is the same in all of them, and values between.

use std::{collections::BTreeSet, fmt};

use super::{
    folder::end,
    split::{Split, split},
};

/// A part of the path: what is the same in all files, and values between.
pub(super) struct Part {
    pub(super) before: String,
    pub(super) values: Vec<Value>,
    /// What stands between each value and the next.
    pub(super) between: Vec<String>,
    pub(super) after: String,
    /// What it could be as well.
    pub(super) other: Option<Box<Part>>,
    /// What was seen in it that decides its values.
    pub(super) note: Option<String>,
}

pub(super) struct Value {
    pub(super) name: String,
    /// Whether it has its name in the pattern; else any text matches.
    pub(super) is_named: bool,
}

/// What names at one level of the path have in common.
pub(super) fn part(level: usize, names: &BTreeSet<&str>, is_file: bool) -> Part {
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

    pub(super) fn values_of(&self, name: &str) -> Vec<(String, String)> {
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
    use crate::study::infer::folder::Pattern;

    fn written(names: &[&str], is_file: bool) -> String {
        let names: BTreeSet<&str> = names.iter().copied().collect();
        let pattern = Pattern::of(vec![part(2, &names, is_file)]);
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
        let pattern = Pattern::of(vec![open]);
        assert_eq!(pattern.other(), None);
    }

    #[test]
    fn names_that_may_be_a_grid_have_both_readings() {
        let mut names = product(&[&["conll", "onto"], &["crf", "lstm"], &["seed1", "seed2"]]);
        names.retain(|name| !name.starts_with("onto_lstm"));
        let open = read(&names);
        assert_eq!(open.to_string(), "{part_1}_seed{seed}.jsonl");
        assert!(open.note.as_ref().unwrap().contains("2 x 2 x 2, 6 of 8 combinations"));
        let pattern = Pattern::of(vec![open]);
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
}
