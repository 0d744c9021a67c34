//! Names for claims: lower-case words, each given once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Named;

/// Words that the format of claims uses beside factors.
const TAKEN: [&str; 3] = ["at", "every", "factors"];

/// Gives a log's columns their names.
pub(super) struct Names<'a> {
    /// How many columns end in these parts of a path.
    ends: HashMap<&'a str, usize>,
    given: BTreeMap<String, String>,
    used: BTreeSet<String>,
}

impl<'a> Names<'a> {
    pub(super) fn new(columns: impl Iterator<Item = &'a str>) -> Self {
        let mut ends = HashMap::new();
        for column in columns {
            for end in ends_of(column) {
                *ends.entry(end).or_insert(0) += 1;
            }
        }
        let used = TAKEN.iter().map(|name| (*name).to_owned()).collect();
        Self { ends, given: BTreeMap::new(), used }
    }

    /// The names of a column: of a path such as `metrics.test.score`, the shortest end that no
    /// other column has.
    pub(super) fn of(&mut self, column: &str) -> Named {
        if let Some(name) = self.given.get(column) {
            return Named { name: name.clone(), column: column.to_owned() };
        }
        let end = ends_of(column).find(|end| self.ends.get(end) == Some(&1));
        let base = word(end.unwrap_or(column));
        let mut name = base.clone();
        let mut count = 1;
        while !self.used.insert(name.clone()) {
            count += 1;
            name = format!("{base}_{count}");
        }
        self.given.insert(column.to_owned(), name.clone());
        Named { name, column: column.to_owned() }
    }
}

/// The ends of a path, the shortest first.
fn ends_of(column: &str) -> impl Iterator<Item = &str> {
    let starts = column.rmatch_indices(['.', '/']).map(|(at, _)| &column[at + 1..]);
    starts.filter(|end| !end.is_empty()).chain([column])
}

/// A text as a lower-case word.
fn word(text: &str) -> String {
    let mut word = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            word.push(c.to_ascii_lowercase());
        } else if !word.ends_with('_') {
            word.push('_');
        }
    }
    let word = word.trim_matches('_');
    match word.chars().next() {
        None => "column".to_owned(),
        Some(first) if first.is_ascii_lowercase() => word.to_owned(),
        Some(_) => format!("x_{word}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_shortest_ends_that_differ() {
        let columns =
            ["metrics.val.score", "metrics.test.score", "config.seed", "Top-1 (%)", "1st", "模型"];
        let mut names = Names::new(columns.into_iter());
        let given = columns.map(|column| names.of(column).name);
        assert_eq!(given, ["val_score", "test_score", "seed", "top_1", "x_1st", "column"]);
        assert_eq!(names.of("at").name, "at_2");
        assert_eq!(names.of("top 1").name, "top_1_2");
        assert_eq!(names.of("config.seed").name, "seed");
    }
}
