//! Errors in a log.

use super::{COLUMNS, LARGEST_LOG_BYTES, RESOLUTION_COLUMN};
use crate::experiment::Key;

/// An error in a log, with its place and how to fix it.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LogError {
    /// The file can't be opened or read.
    #[error("failed to read the log {file}: {cause}")]
    #[diagnostic(help("check that the file exists and can be read"))]
    Unreadable {
        /// The log's name.
        file: String,
        /// The system's error.
        cause: std::io::Error,
    },
    /// The compressed stream is damaged or truncated.
    #[error("failed to decompress the log {file}: {cause}")]
    #[diagnostic(help(
        "the file is damaged or truncated: download it again, and check it with `gzip --test`"
    ))]
    Damaged {
        /// The log's name.
        file: String,
        /// The decoder's error.
        cause: std::io::Error,
    },
    /// The log is larger than [`LARGEST_LOG_BYTES`].
    #[error("failed to read the log {file}: it is larger than {LARGEST_LOG_BYTES} bytes")]
    #[diagnostic(help("split it by target, and judge one part at a time"))]
    TooLarge {
        /// The log's name.
        file: String,
    },
    /// It is not CSV.
    #[error("failed to read the log {file}: it is {what}, not CSV in UTF-8")]
    #[diagnostic(help("{help}"))]
    Other {
        /// The log's name.
        file: String,
        /// What it is.
        what: &'static str,
        /// How a log is made of it.
        help: &'static str,
    },
    /// A column is missing, unknown or given twice.
    #[error("failed to read the log {file}, line 1: {what}")]
    #[diagnostic(help(
        "the header needs these columns, in any order: {}; it may also have {RESOLUTION_COLUMN}",
        COLUMNS.join(", ")
    ))]
    Header {
        /// The log's name.
        file: String,
        /// Which column, and the nearest valid name.
        what: String,
    },
    /// A row has too few or too many fields, or is not text.
    #[error("failed to read the log {file}, line {line}: {what}")]
    #[diagnostic(help(
        "every row needs one field for each column; a short last row means a truncated file"
    ))]
    Row {
        /// The log's name.
        file: String,
        /// The row's line, counted from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A column has no name, and does not count the rows.
    #[error("failed to read the log {file}, line {line}: {what}")]
    #[diagnostic(help(
        "give the column a name or leave it out: pandas' to_csv writes its index there, unless it \
         is called with index=False"
    ))]
    Nameless {
        /// The log's name.
        file: String,
        /// The row's line, counted from 1.
        line: u64,
        /// Which column, with the value that is no count.
        what: String,
    },
    /// A field has an invalid value.
    #[error("failed to read the log {file}, line {line}, column {column}: `{value}` {what}")]
    #[diagnostic(help("{help}"))]
    Value {
        /// The log's name.
        file: String,
        /// The row's line, counted from 1.
        line: u64,
        /// The column's name.
        column: &'static str,
        /// The value, at most 40 characters of it.
        value: String,
        /// What is wrong with it: which values are valid, or what a name has.
        what: &'static str,
        /// How to fix it.
        help: &'static str,
    },
    /// No accuracy of a source model on a target is above 1: accuracies look like fractions, and
    /// would be judged as a hundredth of their value.
    #[error(
        "failed to read the log {file}, line {line}: no test accuracy of {source_model} on \
         {target} is above 1 ({rows} rows, this is the first), so they are probably fractions, not \
         percent"
    )]
    #[diagnostic(help(
        "write test_accuracy_percent and train_accuracy_percent in percent, from 0 to 100; if they \
         are percent, write `percent = true` in worlds/own.toml in your folder of claims"
    ))]
    Fractions {
        /// The log's name.
        file: String,
        /// The line of its first row, counted from 1.
        line: u64,
        /// The source model.
        source_model: String,
        /// The target.
        target: String,
        /// The number of its rows.
        rows: usize,
    },
    /// Two rows have the same evaluation.
    #[error("failed to read the log {file}, line {line}: epoch {epoch} of {run} is given twice")]
    #[diagnostic(help(
        "remove one of the two rows: the program can't know which of them is right"
    ))]
    Duplicate {
        /// The log's name.
        file: String,
        /// The second row's line, counted from 1.
        line: u64,
        /// The epoch.
        epoch: u32,
        /// The run: its key and seed.
        run: String,
    },
    /// Two runs of one arm in one cell have the same accuracies and losses throughout.
    #[error(
        "failed to read the log {file}: seeds {first} and {second} of {key} have the same accuracies \
         and losses at all {evaluations} epochs, so they are one run"
    )]
    #[diagnostic(help(
        "remove all rows of one of the two seeds: a copy is no second run, nor is a run that its \
         seed does not change"
    ))]
    Copies {
        /// The log's name.
        file: String,
        /// What the runs are of.
        key: Key,
        /// The seed of one run.
        first: u64,
        /// The seed of the other.
        second: u64,
        /// The number of their evaluations.
        evaluations: usize,
    },
    /// There is no row after the header.
    #[error("failed to read the log {file}: it has no rows")]
    #[diagnostic(help("give a log with at least one evaluation"))]
    Empty {
        /// The log's name.
        file: String,
    },
}
