//! Old spellings of keys and values in TOML files: which of them a file has, and the file as the
//! new spellings have it. Files of older versions stay valid, error messages and schemas know the
//! new spellings alone, and a note says what to edit. Which spellings changed is left to the module
//! that owns the format, and printing notes to the command line.

use std::{borrow::Cow, collections::BTreeMap, fmt, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::shown::is_hidden;

/// A key or a value whose spelling changed.
pub(crate) enum Renamed {
    /// A key of the tables at a path. In a path `*` is any key, and an array stands for its tables.
    Key {
        /// The path.
        at: &'static [&'static str],
        /// The old key.
        old: &'static str,
        /// The new key.
        new: &'static str,
    },
    /// The text of a key of the document itself.
    Value {
        /// The key.
        key: &'static str,
        /// The old text.
        old: &'static str,
        /// The new text.
        new: &'static str,
    },
}

/// An old spelling in a file: accepted, and to be replaced.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OldSpelling {
    /// The file, as the user named it.
    pub file: String,
    /// The first line that has it, counted from 1.
    pub line: usize,
    /// The old spelling.
    pub old: &'static str,
    /// The new spelling.
    pub new: &'static str,
}

impl fmt::Display for OldSpelling {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, old, new } = self;
        write!(formatter, "{file}, line {line}: `{old}` is now called `{new}`")
    }
}

/// One key in both of its spellings.
#[derive(Debug, thiserror::Error)]
#[error("`{new}` and its old spelling `{old}` are both given: remove `{old}`")]
pub(crate) struct BothSpellings {
    /// The bytes of the old key.
    pub at: Range<usize>,
    old: &'static str,
    new: &'static str,
}

/// Old spellings that were found, each at its first place.
#[derive(Debug, Default)]
pub(crate) struct Found(BTreeMap<(&'static str, &'static str), usize>);

impl Found {
    fn add(&mut self, old: &'static str, new: &'static str, at: usize) {
        let first = self.0.entry((old, new)).or_insert(at);
        *first = at.min(*first);
    }

    /// The notes on a file of this text, in the order of lines.
    pub(crate) fn notes(self, file: &str, text: &str) -> Vec<OldSpelling> {
        let mut found: Vec<_> = self.0.into_iter().collect();
        found.sort_by_key(|(_, at)| *at);
        let note = |((old, new), at)| OldSpelling {
            file: file.to_owned(),
            line: line(text, at),
            old,
            new,
        };
        found.into_iter().map(note).collect()
    }
}

/// What is wrong with a text that has hidden characters.
pub(crate) const HIDDEN: &str =
    "the text has a control character or another one that can't be seen";

/// The place of the first name or text with a character that can't be seen. Line breaks and tabs
/// may stand in texts, not in names.
#[must_use]
pub(crate) fn hidden(table: &DeTable<'_>) -> Option<Range<usize>> {
    table.iter().find_map(|(key, value)| {
        if key.get_ref().contains(is_hidden) { Some(key.span()) } else { hidden_in(value) }
    })
}

fn hidden_in(value: &Spanned<DeValue<'_>>) -> Option<Range<usize>> {
    match value.get_ref() {
        DeValue::String(text) => {
            let text = text.replace("\r\n", "\n");
            let is_odd = |c: char| is_hidden(c) && !matches!(c, '\n' | '\t');
            text.contains(is_odd).then(|| value.span())
        }
        DeValue::Array(values) => values.iter().find_map(hidden_in),
        DeValue::Table(table) => hidden(table),
        _ => None,
    }
}

/// The line of a byte, counted from 1.
pub(crate) fn line(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

/// Replaces the old spellings in a document by the new ones, in the order of the list: a path names
/// keys as earlier entries leave them. Places in the file stay what they are.
///
/// # Errors
/// If a table has a key in both spellings.
pub(crate) fn modernise(
    document: &mut DeTable<'_>,
    renamed: &[Renamed],
) -> Result<Found, BothSpellings> {
    let mut found = Found::default();
    for renamed in renamed {
        match *renamed {
            Renamed::Key { at, old, new } => {
                in_tables(document, at, &mut |table| rename(table, old, new, &mut found))?
            }
            Renamed::Value { key, old, new } => {
                if let Some(value) = document.get_mut(key)
                    && value.get_ref().as_str() == Some(old)
                {
                    found.add(old, new, value.span().start);
                    *value.get_mut() = DeValue::String(Cow::Borrowed(new));
                }
            }
        }
    }
    Ok(found)
}

fn rename(
    table: &mut DeTable<'_>,
    old: &'static str,
    new: &'static str,
    found: &mut Found,
) -> Result<(), BothSpellings> {
    let Some((key, value)) = table.remove_entry(old) else { return Ok(()) };
    if table.contains_key(new) {
        return Err(BothSpellings { at: key.span(), old, new });
    }
    found.add(old, new, key.span().start);
    table.insert(Spanned::new(key.span(), Cow::Borrowed(new)), value);
    Ok(())
}

type Visit<'a> = dyn FnMut(&mut DeTable<'_>) -> Result<(), BothSpellings> + 'a;

/// Visits the tables at a path.
fn in_tables(
    table: &mut DeTable<'_>,
    path: &[&str],
    visit: &mut Visit<'_>,
) -> Result<(), BothSpellings> {
    let Some((first, rest)) = path.split_first() else { return visit(table) };
    let meant = |key: &str| *first == "*" || *first == key;
    for (_, value) in table.iter_mut().filter(|(key, _)| meant(key.get_ref())) {
        match value.get_mut() {
            DeValue::Table(table) => in_tables(table, rest, visit)?,
            DeValue::Array(values) => {
                for value in values.iter_mut() {
                    if let DeValue::Table(table) = value.get_mut() {
                        in_tables(table, rest, visit)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RENAMED: [Renamed; 4] = [
        Renamed::Key { at: &[], old: "words", new: "text" },
        Renamed::Key { at: &["list"], old: "because", new: "reason" },
        Renamed::Key { at: &["named", "*"], old: "words", new: "text" },
        Renamed::Value { key: "world", old: "there", new: "here" },
    ];

    fn read(text: &str) -> Result<(toml::Table, Vec<OldSpelling>), String> {
        use serde::Deserialize;
        let mut document = DeTable::parse(text).unwrap();
        let found = modernise(document.get_mut(), &RENAMED).map_err(|both| both.to_string())?;
        let table = toml::Table::deserialize(toml::de::Deserializer::from(document)).unwrap();
        Ok((table, found.notes("a.toml", text)))
    }

    #[test]
    fn old_spellings_become_new_ones_with_one_note_for_each_of_them() {
        let new = "text = 1\nworld = \"here\"\n[[list]]\nreason = 2\n[[list]]\nreason = 3\n\
                   [named.a]\ntext = 4\n[named.b]\ntext = 5\n[other]\nwords = 6\n";
        let old = "words = 1\nworld = \"there\"\n[[list]]\nbecause = 2\n[[list]]\nbecause = 3\n\
                   [named.a]\nwords = 4\n[named.b]\ntext = 5\n[other]\nwords = 6\n";
        let (expected, none) = read(new).unwrap();
        let (found, notes) = read(old).unwrap();
        assert_eq!((found, none), (expected, Vec::new()));
        let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
        assert_eq!(
            notes,
            [
                "a.toml, line 1: `words` is now called `text`",
                "a.toml, line 2: `there` is now called `here`",
                "a.toml, line 4: `because` is now called `reason`",
            ]
        );
    }

    #[test]
    fn a_key_in_both_spellings_is_an_error_that_names_both() {
        let error = read("[named.a]\nwords = 1\ntext = 2\n").unwrap_err();
        assert_eq!(error, "`text` and its old spelling `words` are both given: remove `words`");
    }
}
