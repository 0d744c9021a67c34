//! The factors of a study in which cells differ, for tables and figures.

use std::collections::{BTreeMap, BTreeSet};

use super::CellVerdict;
use crate::{claim::Cell, experiment::Value};

/// The factors that cells have, in the order of their names: those that differ between the cells,
/// and those that all of several cells share.
#[must_use]
pub fn factors(cells: &[&CellVerdict]) -> (Vec<String>, Vec<String>) {
    let names: BTreeSet<&String> = cells.iter().flat_map(|cell| cell.factors.keys()).collect();
    let shared = |name: &&String| {
        cells.len() > 1
            && cells.iter().all(|cell| cell.factors.get(*name) == cells[0].factors.get(*name))
    };
    let (shared, differ): (Vec<&String>, Vec<&String>) = names.into_iter().partition(shared);
    let owned = |names: Vec<&String>| names.into_iter().cloned().collect();
    (owned(differ), owned(shared))
}

/// The factors of a cell by name.
pub(super) fn factors_of(cell: &Cell) -> BTreeMap<String, Value> {
    cell.factors.iter().map(|(name, value)| (name.to_string(), value.clone())).collect()
}

impl CellVerdict {
    /// The value of a factor as text; empty if it has none.
    #[must_use]
    pub fn factor(&self, name: &str) -> String {
        self.factors.get(name).map_or_else(String::new, ToString::to_string)
    }

    /// Values of factors in a few words: a text by itself, a number with its factor's name.
    #[must_use]
    pub fn factors_in_words(&self, names: &[String]) -> Vec<String> {
        let of = |name: &String| match self.factors.get(name)? {
            Value::Text(text) => Some(text.to_string()),
            Value::Number(number) => Some(format!("{name} {number}")),
        };
        names.iter().filter_map(of).collect()
    }
}
