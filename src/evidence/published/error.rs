//! What can be wrong with a log.

use super::{COLUMNS, LARGEST_LOG_BYTES, RESOLUTION_COLUMN};

/// What is wrong with a log, where, and what to do about it.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LogError {
    /// The file can't be opened or read.
    #[error("failed to read the log {file}: {cause}")]
    #[diagnostic(help("check that the file is there and can be read"))]
    Unreadable {
        /// The log's name.
        file: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The compressed stream ends early or is damaged.
    #[error("failed to unpack the log {file}, which is damaged or cut short: {cause}")]
    #[diagnostic(help("get the file again; `gzip --test` must accept it"))]
    Damaged {
        /// The log's name.
        file: String,
        /// What the decoder said.
        cause: std::io::Error,
    },
    /// The log is larger than [`LARGEST_LOG_BYTES`].
    #[error("the log {file} is larger than {LARGEST_LOG_BYTES} bytes unpacked")]
    #[diagnostic(help("split it by target: one log a call is enough for a claim"))]
    TooLarge {
        /// The log's name.
        file: String,
    },
    /// It is no CSV.
    #[error("the log {file} is {what}, not CSV in UTF-8")]
    #[diagnostic(help("export it as CSV in UTF-8; a gzip stream of that is read too"))]
    Other {
        /// The log's name.
        file: String,
        /// What it is.
        what: &'static str,
    },
    /// A column is missing, unknown or there twice.
    #[error("the log {file}, line 1: {what}")]
    #[diagnostic(help(
        "the header must have these columns, in any order: {}; and may have: {RESOLUTION_COLUMN}",
        COLUMNS.join(", ")
    ))]
    Header {
        /// The log's name.
        file: String,
        /// Which column, and the nearest valid name.
        what: String,
    },
    /// A row has too few or too many fields, or is not text.
    #[error("the log {file}, line {line}: {what}")]
    #[diagnostic(help("every row needs one field a column; a row cut short means a damaged file"))]
    Row {
        /// The log's name.
        file: String,
        /// The row's line, counted from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A field holds no valid value.
    #[error("the log {file}, line {line}, column {column}: `{value}` is not {expected}")]
    #[diagnostic(help(
        "mend the value, or leave the whole run out: a run that is absent is counted as missing"
    ))]
    Value {
        /// The log's name.
        file: String,
        /// The row's line, counted from 1.
        line: u64,
        /// The column's name.
        column: &'static str,
        /// What the field holds, cut after 40 characters.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// No accuracy is above 1: they look like fractions, and would be judged as a hundredth of what they are.
    #[error(
        "the log {file}: none of its {rows} test accuracies is above 1, so they look like fractions of 1"
    )]
    #[diagnostic(help(
        "write accuracies in percent, from 0 to 100, in test_accuracy_percent and train_accuracy_percent"
    ))]
    Fractions {
        /// The log's name.
        file: String,
        /// Its rows.
        rows: u64,
    },
    /// One evaluation is there twice.
    #[error("the log {file}, line {line}: epoch {epoch} of {run} stands there a second time")]
    #[diagnostic(help("remove one of the two rows; nothing tells which of them counts"))]
    Duplicate {
        /// The log's name.
        file: String,
        /// The second row's line, counted from 1.
        line: u64,
        /// The epoch.
        epoch: u32,
        /// The run, in words.
        run: String,
    },
    /// There is no row below the header.
    #[error("the log {file} has no rows")]
    #[diagnostic(help("give a log with at least one evaluation"))]
    Empty {
        /// The log's name.
        file: String,
    },
}
