//! Why an item was not fetched, and what to do next.

use std::{fmt::Write, path::PathBuf};

use super::{download::Failed, unpack::UnpackError};

/// Why an item was not fetched.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum FetchError {
    /// No address gave a file.
    #[error("failed to fetch {file} of {item}{}", listed(failed))]
    #[diagnostic(help(
        "the same command goes on where this one stopped; if the address can't be reached from here, \
         get {file} elsewhere ({page}) and bring it"
    ))]
    Nowhere {
        /// The item.
        item: String,
        /// The file.
        file: String,
        /// The page of its maker.
        page: String,
        /// What each address said.
        failed: Vec<Failed>,
    },
    /// No program can fetch it.
    #[error("{item} has to be brought by hand: {reason}; missing: {}", files.join(", "))]
    #[diagnostic(help(
        "get the files from {page}, put them into one folder under these names, then \
         bring them"
    ))]
    ByHand {
        /// The item.
        item: String,
        /// Why.
        reason: String,
        /// Its files that are not there.
        files: Vec<String>,
        /// Where a person can get them.
        page: String,
    },
    /// The folder that was named lacks a file.
    #[error("no {file} of {item} in {folder} or a folder in it{}", rejected.iter().fold(String::new(), shown))]
    #[diagnostic(help("its maker's page is {page}; the file keeps its official name"))]
    NotBrought {
        /// The item.
        item: String,
        /// The file.
        file: String,
        /// The folder.
        folder: PathBuf,
        /// Files of that name that are not it, each with the reason.
        rejected: Vec<(PathBuf, String)>,
        /// The page of its maker.
        page: String,
    },
    /// A file has no official checksum, and is not the one that was recorded.
    #[error("{path} is not the file that was first fetched: {reason}")]
    #[diagnostic(help(
        "its maker states no checksum, so nobody can say which of the two is right; if this one is \
         meant, remove {} and run the command again", record.display()
    ))]
    Changed {
        /// The file.
        path: PathBuf,
        /// Its checksum and the recorded one, in words.
        reason: String,
        /// Where the record is.
        record: PathBuf,
    },
    /// An archive can't be unpacked.
    #[error("failed to unpack {archive}: {cause}")]
    #[diagnostic(help(
        "nothing of it was kept; if its checksum is the official one, the catalogue's `unpack` is wrong: \
         please report it"
    ))]
    Packed {
        /// The archive.
        archive: PathBuf,
        /// Why.
        cause: UnpackError,
    },
    /// Something can't be written.
    #[error("failed to write {path}: {cause}")]
    #[diagnostic(code(fetch::unwritten))]
    Unwritten {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Something can't be read.
    #[error("failed to read {path}: {cause}")]
    #[diagnostic(help("check that it is there and that you may read it"))]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Ctrl-C.
    #[error("stopped while fetching {item}; what has come is kept")]
    #[diagnostic(help("the same command goes on from there"))]
    Interrupted {
        /// The item.
        item: String,
    },
}

impl FetchError {
    /// Whether something could not be written, so that no other item can be either.
    #[must_use]
    pub fn is_about_writing(&self) -> bool {
        let unwritten = |cause: &UnpackError| matches!(cause, UnpackError::Unwritten { .. });
        match self {
            Self::Unwritten { .. } => true,
            Self::Packed { cause, .. } => unwritten(cause),
            _ => false,
        }
    }
}

fn listed(failed: &[Failed]) -> String {
    failed.iter().fold(String::new(), |mut text, Failed { address, reason }| {
        // Writing to a String can't fail.
        let _ = write!(text, "\n{address}: {reason}");
        text
    })
}

fn shown(mut text: String, (path, reason): &(PathBuf, String)) -> String {
    let _ = write!(text, "\n{}: {reason}", path.display());
    text
}
