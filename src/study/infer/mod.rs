//! What a log's columns may mean: candidates for factors, the replicate, metrics and progress, for
//! a person who decides. [`Survey::of`] reads a log, and what it found is plain data; nothing here
//! decides a verdict.

mod cells;
mod columns;
mod folder;
mod names;
mod observed;
mod parts;
mod roles;
mod split;
#[cfg(test)]
mod tests;
mod words;

use std::path::Path;

pub use cells::Cells;
pub use columns::Shape;

use super::StudyError;
use crate::util::shown;

/// What a log was seen to hold.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Where its files are and which form they have.
    pub shape: Shape,
    /// Files that were read.
    pub files: usize,
    /// Rows that were read.
    pub rows: usize,
    /// Candidates for factors.
    pub factors: Vec<Factor>,
    /// Candidates for the replicate.
    pub replicates: Vec<Named>,
    /// Whether they have names of replicates, such as seed: the only one then is it.
    pub replicate_by_name: bool,
    /// Columns that could be metrics, the likeliest first.
    pub metrics: Vec<Metric>,
    /// Candidates for the progress of a run; none where a run has one row.
    pub progress: Vec<Progress>,
    /// The column that says how runs ended, with the rows that have each value.
    pub status: Option<(Named, Vec<(String, usize)>)>,
    /// Columns that were given no meaning, with the reason.
    pub unused: Vec<(String, Unused)>,
    /// Combinations of factors and their replicates.
    pub cells: Cells,
    /// What must be changed in the log, or should be known of it.
    pub notes: Vec<String>,
}

/// A column with the name that claims use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its name in claims.
    pub name: String,
    /// The column, JSON path or name in the files' path.
    pub column: String,
}

/// A candidate for a factor.
#[derive(Clone, Debug, PartialEq)]
pub struct Factor {
    /// Its names.
    pub named: Named,
    /// Whether its values are numbers.
    pub number: bool,
    /// Its values, in the order of their first rows; numbers by size.
    pub values: Vec<String>,
    /// Rows without a value.
    pub empty: usize,
}

/// A column that could be a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its names.
    pub named: Named,
    /// Its smallest finite value.
    pub low: f64,
    /// Its largest finite value.
    pub high: f64,
    /// Rows without a finite number.
    pub empty: usize,
    /// Whether its name is a metric's, such as accuracy or loss.
    pub known: bool,
    /// Whether its name is that of a share, as 1 or as percent.
    pub share: bool,
}

/// A candidate for the progress of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Its names.
    pub named: Named,
    /// Its smallest value.
    pub low: f64,
    /// Its largest value.
    pub high: f64,
}

/// Why a column was given no meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unused {
    /// It has no name.
    Unnamed,
    /// It has no value.
    Empty,
    /// All rows have this value.
    Constant(String),
    /// It has another value in every run, or is a moment or a machine.
    Identifier,
    /// It has the same information as this column.
    SameAs(String),
    /// It has one value for each value of this column.
    FollowsFrom(String),
    /// The files' path identifies runs without it.
    Unneeded,
    /// It has one value for each combination of factors.
    OfCombinations,
    /// Some of its values are no numbers, such as this one.
    Mixed(String),
}

impl Survey {
    /// Reads a log: a file, a folder, or `-` for standard input.
    ///
    /// # Errors
    /// If it can't be read, or holds no rows of runs, with what would make such a log of it.
    pub fn of(log: &Path) -> Result<Self, StudyError> {
        let (shape, observed, notes) = columns::observe(log)?;
        roles::survey(shape, &observed, notes).map_err(|(what, help)| StudyError::NoRuns {
            file: shown::path(log),
            what,
            help,
        })
    }
}

/// The factor whose values are compared, by its name; `None` if none has such a name, or several
/// have.
#[must_use]
pub fn arms_of(factors: &[Factor]) -> Option<&Factor> {
    if let [only] = factors {
        return Some(only);
    }
    let mut named = factors.iter().filter(|factor| words::arms(&factor.named.column).is_some());
    named.next().filter(|_| named.next().is_none())
}
