//! What stands in a log beside its rows: repeated headers, empty lines and an index without a name.
//! Each is read as what it means, with a note.

use super::columns::whole;
use crate::util::shown::shown;

/// What a log has beside its rows.
#[derive(Default)]
pub(super) struct Oddities {
    /// Lines that repeat the header.
    pub(super) headers: Lines,
    /// Lines with empty fields alone.
    pub(super) empty: Lines,
    /// The first and the last value of an index.
    index: Option<(u64, u64)>,
}

/// Lines of one kind: how many, and the first of them.
#[derive(Default)]
pub(super) struct Lines {
    first: u64,
    count: usize,
}

impl Lines {
    pub(super) fn count(&mut self, line: u64) {
        if self.count == 0 {
            self.first = line;
        }
        self.count += 1;
    }

    /// `line 7`, or `8 lines, the first of them line 7`.
    fn in_words(&self) -> Option<String> {
        match self.count {
            0 => None,
            1 => Some(format!("line {}", self.first)),
            count => Some(format!("{count} lines, the first of them line {}", self.first)),
        }
    }
}

impl Oddities {
    /// The value of a first column without a name, which must count the rows from 0 or 1; it may
    /// begin again where logs were put together.
    pub(super) fn index(&mut self, field: &[u8]) -> Result<(), String> {
        let value = whole(field);
        let (first, counts) = match (self.index, value) {
            (None, Some(value)) => (value, value <= 1),
            (Some((first, last)), Some(value)) => (first, value == last + 1 || value == first),
            (_, None) => (0, false),
        };
        match value.filter(|_| counts) {
            Some(value) => {
                self.index = Some((first, value));
                Ok(())
            }
            None => {
                let value = shown(&String::from_utf8_lossy(field));
                Err(format!(
                    "column 1 has no name, and its value `{value}` does not count the rows"
                ))
            }
        }
    }

    /// A sentence on each oddity.
    pub(super) fn notes(&self) -> Vec<String> {
        let index = self.index.map(|_| {
            "column 1 has no name and counts the rows: it is read as the index that pandas writes"
                .to_owned()
        });
        let headers = self.headers.in_words();
        let headers = headers.map(|lines| format!("the header is repeated in {lines}"));
        let empty = self.empty.in_words();
        let empty =
            empty.map(|lines| format!("every field is empty in {lines}: not read as a row"));
        [index, headers, empty].into_iter().flatten().collect()
    }
}
