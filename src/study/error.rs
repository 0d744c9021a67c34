//! Errors of a study and of its files.

/// An error with its place and how to fix it.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum StudyError {
    /// `log.toml` is malformed or contradicts itself.
    #[error("failed to read {file}: {what}")]
    #[diagnostic(help("docs/reference/study-spec.md lists every field"))]
    Spec {
        /// The file.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// A file can't be opened or read.
    #[error("failed to read the log {file}: {cause}")]
    #[diagnostic(help("check that the file exists and can be read"))]
    Unreadable {
        /// The file.
        file: String,
        /// The system's error.
        cause: std::io::Error,
    },
    /// No file matches.
    #[error("failed to find a log: no file matches {pattern}")]
    #[diagnostic(help("check `files`; paths begin at the folder of log.toml"))]
    NoFile {
        /// The pattern.
        pattern: String,
    },
    /// A file is larger than the limit.
    #[error("failed to read the log {file}: it is larger than {limit} bytes")]
    #[diagnostic(help("split it, and name all parts in `files`"))]
    TooLarge {
        /// The file.
        file: String,
        /// The limit.
        limit: u64,
    },
    /// A file has another form.
    #[error("failed to read the log {file}: it is {what}")]
    Other {
        /// The file.
        file: String,
        /// What it is.
        what: &'static str,
        /// What makes a table of it.
        #[help]
        help: &'static str,
    },
    /// Runs contradict each other or the study.
    #[error("failed to read the log {file}: {what}")]
    #[diagnostic(help("remove what is wrong: an absent run counts as missing"))]
    Runs {
        /// The file.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// A log can be read, and holds no runs.
    #[error("failed to find runs in {file}: {what}")]
    NoRuns {
        /// The file.
        file: String,
        /// What it holds.
        what: String,
        /// What makes a log of it.
        #[help]
        help: String,
    },
    /// A row can't be read.
    #[error("failed to read the log {file}, line {line}: {what}")]
    Row {
        /// The file.
        file: String,
        /// The line or the number of the row, counted from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
}
