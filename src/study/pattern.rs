//! The files of a study: one path, or a pattern in which parts of the path are factors, such as
//! `runs/{dataset}/{method}/{seed}.json`. `*` stands for any text within one part of the path.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// The path that stands for standard input.
pub(crate) const STANDARD_INPUT: &str = "-";

/// A pattern of paths, relative to the folder of the study.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Vec<Piece>>,
}

/// A piece of one part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// This text.
    Text(String),
    /// Any text of at least one character, which is the value of this name.
    Named(String),
    /// Any text.
    Any,
}

/// A file, with the values that its path gives to names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Matched {
    /// The file.
    pub path: PathBuf,
    /// The values by name.
    pub values: BTreeMap<String, String>,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// If it leaves the folder (`..`, or a path from the root), has a brace without its other, a
    /// name twice, or two names without a text between them.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.starts_with('/') || text.contains('\\') {
            return Err(
                "a path is relative to the folder of log.toml, with `/` between parts".into()
            );
        }
        let mut parts = Vec::new();
        for part in text.split('/') {
            match part {
                "" | "." => continue,
                ".." => return Err("a path must not leave the folder of log.toml".into()),
                _ => parts.push(pieces(part)?),
            }
        }
        let pattern = Self { parts };
        let mut names: Vec<&str> = pattern.names().collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("`{{{}}}` is in the path twice", pair[0])),
            None => Ok(pattern),
        }
    }

    /// Whether it stands for standard input.
    #[must_use]
    pub fn is_standard_input(&self) -> bool {
        let is_dash = |piece: &Piece| *piece == Piece::Text(STANDARD_INPUT.to_owned());
        matches!(&self.parts[..], [part] if matches!(&part[..], [piece] if is_dash(piece)))
    }

    /// The names in it, in the order of the path.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flatten().filter_map(|piece| match piece {
            Piece::Named(name) => Some(name.as_str()),
            Piece::Text(_) | Piece::Any => None,
        })
    }

    /// The files below a folder that match, in the order of their paths.
    ///
    /// # Errors
    /// If a folder that the path names can't be read.
    pub fn files(&self, folder: &Path) -> io::Result<Vec<Matched>> {
        let mut found = vec![Matched { path: folder.to_owned(), values: BTreeMap::new() }];
        for (index, part) in self.parts.iter().enumerate() {
            let last = index + 1 == self.parts.len();
            let mut next = Vec::new();
            for before in found {
                if let [Piece::Text(name)] = &part[..] {
                    let path = before.path.join(name);
                    if if last { path.is_file() } else { path.is_dir() } {
                        next.push(Matched { path, ..before });
                    }
                    continue;
                }
                for entry in fs::read_dir(&before.path)? {
                    let entry = entry?;
                    let name = entry.file_name();
                    let Some(values) = name.to_str().and_then(|name| matched(part, name)) else {
                        continue;
                    };
                    let path = entry.path();
                    if if last { path.is_file() } else { path.is_dir() } {
                        let mut all = before.values.clone();
                        all.extend(values);
                        next.push(Matched { path, values: all });
                    }
                }
            }
            found = next;
        }
        found.sort();
        Ok(found)
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, part) in self.parts.iter().enumerate() {
            formatter.write_str(if index > 0 { "/" } else { "" })?;
            for piece in part {
                match piece {
                    Piece::Text(text) => formatter.write_str(text)?,
                    Piece::Named(name) => write!(formatter, "{{{name}}}")?,
                    Piece::Any => formatter.write_str("*")?,
                }
            }
        }
        Ok(())
    }
}

fn pieces(part: &str) -> Result<Vec<Piece>, String> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut rest = part;
    while !rest.is_empty() {
        let end = rest.find(['{', '}', '*']).unwrap_or(rest.len());
        if end > 0 {
            pieces.push(Piece::Text(rest[..end].to_owned()));
        }
        rest = &rest[end..];
        let Some(first) = rest.chars().next() else { break };
        let piece = match first {
            '*' => {
                rest = &rest[1..];
                Piece::Any
            }
            '{' => {
                let close = rest.find('}').ok_or_else(|| format!("`{rest}` has no `}}`"))?;
                let name = &rest[1..close];
                if name.is_empty() || name.contains(['{', '*']) {
                    return Err(format!("`{{{name}}}` is no name in braces"));
                }
                rest = &rest[close + 1..];
                Piece::Named(name.to_owned())
            }
            _ => return Err(format!("`{rest}` has a `}}` without its `{{`")),
        };
        if matches!(pieces.last(), Some(Piece::Named(_) | Piece::Any)) {
            return Err(format!("`{part}` needs a text between two names"));
        }
        pieces.push(piece);
    }
    Ok(pieces)
}

/// The values of names if a part of a path matches. The first match counts, with the shortest text
/// for each name but the last.
fn matched(pieces: &[Piece], name: &str) -> Option<BTreeMap<String, String>> {
    let Some((piece, rest)) = pieces.split_first() else {
        return name.is_empty().then(BTreeMap::new);
    };
    match piece {
        Piece::Text(text) => matched(rest, name.strip_prefix(text.as_str())?),
        Piece::Named(_) | Piece::Any => {
            let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
            for end in ends {
                if end == 0 && matches!(piece, Piece::Named(_)) {
                    continue;
                }
                if let Some(mut values) = matched(rest, &name[end..]) {
                    if let Piece::Named(of) = piece {
                        values.insert(of.clone(), name[..end].to_owned());
                    }
                    return Some(values);
                }
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pattern: &str, name: &str) -> Option<Vec<(String, String)>> {
        let pattern = Pattern::parse(pattern).unwrap();
        Some(matched(&pattern.parts[0], name)?.into_iter().collect())
    }

    #[test]
    fn parts_of_a_path_are_values() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(values("{seed}.json", "12.json"), Some(vec![pair("seed", "12")]));
        let two = vec![pair("method", "mlp"), pair("seed", "3")];
        assert_eq!(values("{method}-s{seed}.csv", "mlp-s3.csv"), Some(two));
        assert_eq!(values("run_*.csv", "run_a.csv"), Some(vec![]));
        assert_eq!(values("{seed}.json", ".json"), None);
        assert_eq!(values("{seed}.json", "12.csv"), None);
    }

    #[test]
    fn patterns_stay_in_their_folder() {
        for text in
            ["", "/etc/passwd", "../runs.csv", "a/../../b", "a\\b", "{a}{b}", "{a", "a}", "{}"]
        {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
        assert!(Pattern::parse("{seed}/{seed}.json").unwrap_err().contains("twice"));
        let names = Pattern::parse("./runs/{dataset}/{method}/{seed}.json").unwrap();
        assert_eq!(names.names().collect::<Vec<_>>(), ["dataset", "method", "seed"]);
    }

    #[test]
    fn files_come_in_the_order_of_their_paths() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["runs/b/1.json", "runs/a/2.json", "runs/a/1.json", "runs/a/notes.txt"] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
        let pattern = Pattern::parse("runs/{method}/{seed}.json").unwrap();
        let found = pattern.files(folder.path()).unwrap();
        let seen: Vec<String> = found
            .iter()
            .map(|of| format!("{}{}", of.values["method"], of.values["seed"]))
            .collect();
        assert_eq!(seen, ["a1", "a2", "b1"]);
        let none = Pattern::parse("other/{seed}.json").unwrap();
        assert!(none.files(folder.path()).unwrap().is_empty());
    }
}
