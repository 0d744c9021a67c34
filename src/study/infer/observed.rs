//! The columns of a log as they were seen, each with its distinct values, without a meaning.

use std::{borrow::Cow, collections::HashMap};

/// A column with more distinct values keeps none of them: it is no factor and no seed.
const MOST_VALUES: usize = 1 << 16;
/// Limit of rows times columns: they are kept in memory.
const MOST_FIELDS: usize = 1 << 26;
/// Entries of a table that numbers combinations; beyond it a map does.
const LARGEST_TABLE: usize = 1 << 22;
/// The code of a field without a value.
pub(super) const NONE: u32 = u32::MAX;

/// A column.
#[derive(Clone, Debug, Default)]
pub(super) struct Column {
    pub(super) name: String,
    /// Whether it is a part of the files' path.
    pub(super) in_path: bool,
    /// Distinct values in the order of their first rows; empty if there are too many.
    pub(super) values: Vec<String>,
    /// A value's place in `values`, or [`NONE`], for each row; empty if there are too many.
    pub(super) codes: Vec<u32>,
    /// Rows without a value.
    pub(super) empty: usize,
    /// Rows with a finite number.
    pub(super) numbers: usize,
    /// Rows with NaN or an infinity.
    pub(super) not_finite: usize,
    /// Whether every number is whole.
    pub(super) whole: bool,
    pub(super) low: f64,
    pub(super) high: f64,
    /// The first value that is no number.
    pub(super) text: Option<String>,
    /// Rows with a mean and a spread, such as `0.85 ± 0.01`.
    pub(super) spreads: usize,
    many: bool,
    places: HashMap<String, u32>,
}

/// What was seen of a log.
#[derive(Clone, Debug, Default)]
pub(super) struct Observed {
    pub(super) columns: Vec<Column>,
    /// File and line of each row.
    pub(super) places: Vec<(u32, u64)>,
    pub(super) files: Vec<String>,
}

impl Column {
    fn new(name: &str, in_path: bool) -> Self {
        let (low, high) = (f64::INFINITY, f64::NEG_INFINITY);
        Self { name: name.to_owned(), in_path, whole: true, low, high, ..Self::default() }
    }

    fn push(&mut self, text: Option<&str>) {
        let Some(text) = text else {
            self.empty += 1;
            if !self.many {
                self.codes.push(NONE);
            }
            return;
        };
        // Most logs have the rows of one run together.
        let before = self.codes.last().copied().filter(|code| *code != NONE);
        let same = before.filter(|code| self.values[*code as usize] == text);
        let known = same.or_else(|| self.places.get(text).copied());
        if known.is_none() || self.many {
            self.first_seen(text);
        }
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => {
                self.numbers += 1;
                self.whole &= value.fract() == 0.0;
                self.low = self.low.min(value);
                self.high = self.high.max(value);
            }
            Ok(_) => self.not_finite += 1,
            Err(_) => {
                self.spreads += usize::from(is_spread(text));
                if self.text.is_none() {
                    self.text = Some(text.to_owned());
                }
            }
        }
        if self.many {
            return;
        }
        let code = known.unwrap_or_else(|| self.places[text]);
        self.codes.push(code);
    }

    /// Keeps a new value, or drops all if it is one too many.
    fn first_seen(&mut self, text: &str) {
        if self.many {
            return;
        }
        if self.values.len() == MOST_VALUES {
            self.many = true;
            (self.values, self.codes, self.places) = Default::default();
            return;
        }
        let code = u32::try_from(self.values.len()).unwrap_or(NONE);
        self.values.push(text.to_owned());
        self.places.insert(text.to_owned(), code);
    }

    /// Whether every value is a number.
    pub(super) fn is_number(&self) -> bool {
        self.text.is_none() && self.numbers > 0
    }

    /// Whether every value is a whole number.
    pub(super) fn is_whole(&self) -> bool {
        self.is_number() && self.whole && self.not_finite == 0
    }

    /// The number of its distinct values; `None` if there are too many to count.
    pub(super) fn distinct(&self) -> Option<usize> {
        (!self.many).then_some(self.values.len())
    }

    /// How many rows have each value, in the order of values.
    pub(super) fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.values.len()];
        for code in self.codes.iter().filter(|code| **code != NONE) {
            counts[*code as usize] += 1;
        }
        counts
    }

    /// The value of a row.
    pub(super) fn value(&self, row: usize) -> Option<&str> {
        let code = *self.codes.get(row)?;
        self.values.get(code as usize).map(String::as_str)
    }

    /// Whether both have the same text in every row.
    pub(super) fn equals(&self, other: &Self) -> bool {
        self.codes.len() == other.codes.len()
            && self.distinct() == other.distinct()
            && (0..self.codes.len()).all(|row| self.value(row) == other.value(row))
    }
}

/// Whether a text is a mean and its spread.
pub(super) fn is_spread(text: &str) -> bool {
    let Some(at) = text.find(['±', '(']).or_else(|| text.find("+-")).or_else(|| text.find("+/-"))
    else {
        return false;
    };
    text[..at].trim().parse::<f64>().is_ok()
}

impl Observed {
    pub(super) fn new(path: &[String], columns: &[String]) -> Self {
        let in_path = path.iter().map(|name| Column::new(name, true));
        let within = columns.iter().map(|name| Column::new(name, false));
        Self { columns: in_path.chain(within).collect(), ..Self::default() }
    }

    /// Adds a row, whose fields are in the order of the columns.
    pub(super) fn push(
        &mut self,
        line: u64,
        fields: &[Option<Cow<'_, str>>],
    ) -> Result<(), String> {
        if self.places.len().saturating_mul(self.columns.len()) > MOST_FIELDS {
            return Err(format!(
                "{} rows of {} columns are more than are surveyed: give some of its rows",
                self.places.len(),
                self.columns.len()
            ));
        }
        let file = u32::try_from(self.files.len().saturating_sub(1)).unwrap_or(u32::MAX);
        self.places.push((file, line));
        for (column, field) in self.columns.iter_mut().zip(fields) {
            column.push(field.as_deref());
        }
        Ok(())
    }

    pub(super) fn rows(&self) -> usize {
        self.places.len()
    }

    /// A row's file and line.
    pub(super) fn place(&self, row: usize) -> String {
        let (file, line) = self.places[row];
        match self.files.get(file as usize) {
            Some(name) if self.files.len() > 1 => format!("{name}, line {line}"),
            _ => format!("line {line}"),
        }
    }

    /// Numbers the combinations of values of some columns: one number a row, in the order of their
    /// first rows, and how many there are. Columns without kept values are passed over.
    pub(super) fn groups(&self, columns: &[usize], rows: &[usize]) -> (Vec<u32>, usize) {
        let mut groups = vec![0; rows.len()];
        let mut count = usize::from(!rows.is_empty());
        for column in columns {
            let Column { codes, values, .. } = &self.columns[*column];
            if codes.is_empty() {
                continue;
            }
            // A place for each value, and one for none; in a table where it is small enough.
            let width = values.len() + 1;
            let place = |code: u32| if code == NONE { width - 1 } else { code as usize };
            let mut next = 0;
            let mut number = |known: &mut u32| {
                if *known == NONE {
                    *known = next;
                    next += 1;
                }
                *known
            };
            if count.saturating_mul(width) <= LARGEST_TABLE {
                let mut known = vec![NONE; count * width];
                for (group, row) in groups.iter_mut().zip(rows) {
                    *group = number(&mut known[*group as usize * width + place(codes[*row])]);
                }
            } else {
                let mut known: HashMap<(u32, u32), u32> = HashMap::new();
                for (group, row) in groups.iter_mut().zip(rows) {
                    *group = number(known.entry((*group, codes[*row])).or_insert(NONE));
                }
            }
            count = next as usize;
        }
        (groups, count)
    }

    /// How many combinations of values some columns have.
    pub(super) fn count(&self, columns: &[usize], rows: &[usize]) -> usize {
        self.groups(columns, rows).1
    }

    /// The first row of each combination of values of some columns.
    pub(super) fn firsts(&self, columns: &[usize]) -> Vec<usize> {
        let all: Vec<usize> = (0..self.rows()).collect();
        let (groups, count) = self.groups(columns, &all);
        // Groups are numbered in the order of their first rows.
        let mut firsts = Vec::with_capacity(count);
        for (row, group) in groups.iter().enumerate() {
            if *group as usize == firsts.len() {
                firsts.push(row);
            }
        }
        firsts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_keep_their_values_until_there_are_too_many() {
        let mut column = Column::new("x", false);
        for index in 0..=MOST_VALUES {
            column.push(Some(&format!("{}.5", index)));
        }
        assert_eq!((column.distinct(), column.codes.len()), (None, 0));
        assert_eq!((column.numbers, column.low, column.whole), (MOST_VALUES + 1, 0.5, false));
        column.push(None);
        assert_eq!((column.empty, column.codes.len()), (1, 0));
        assert!(is_spread("0.85 ± 0.01") && is_spread("85.1 (0.3)") && !is_spread("BNG(breast-w)"));
    }

    #[test]
    fn rows_are_grouped_by_the_values_of_columns() {
        let names = ["a", "b"].map(str::to_owned);
        let mut seen = Observed::new(&[], &names);
        for (line, (a, b)) in [("x", "1"), ("x", "2"), ("y", "1"), ("x", "1")].iter().enumerate() {
            seen.push(line as u64, &[Some((*a).into()), Some((*b).into())]).unwrap();
        }
        assert_eq!(seen.groups(&[0, 1], &[0, 1, 2, 3]), (vec![0, 1, 2, 0], 3));
        assert_eq!(seen.firsts(&[0]), [0, 2]);
    }
}
