//! Errors of downloads and imports, each with the next step.

use std::path::PathBuf;

use super::{download::FailedAddress, unpack::UnpackError};

/// Why an item could not be downloaded or imported.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum FetchError {
    /// Every address of a file failed.
    #[error("failed to download {file} of {item}{}", addresses(failed))]
    #[diagnostic(help(
        "run the same command again to resume the download; if no address can be reached, \
         download {file} from {page} with another program and import it"
    ))]
    AllAddressesFailed {
        /// The item.
        item: String,
        /// The file.
        file: String,
        /// The provider's web page.
        page: String,
        /// Each address with its error.
        failed: Vec<FailedAddress>,
    },
    /// A program can't download it.
    #[error(
        "failed to download {item}: it has to be downloaded by hand: {reason}; missing files: {}",
        files.join(", ")
    )]
    #[diagnostic(help(
        "download the files from {page} into one folder, keep these names, and import them"
    ))]
    ManualDownload {
        /// The item.
        item: String,
        /// Why a program can't.
        reason: String,
        /// Its missing files.
        files: Vec<String>,
        /// The provider's web page.
        page: String,
    },
    /// A folder to import from has no valid file of that name.
    #[error(
        "failed to import {file} of {item}: no valid file of this name in {folder} or below{}",
        paths(rejected)
    )]
    #[diagnostic(help("download it from {page} and keep its official name"))]
    NotInFolder {
        /// The item.
        item: String,
        /// The file.
        file: String,
        /// The folder.
        folder: PathBuf,
        /// Invalid files of that name, each with the reason.
        rejected: Vec<(PathBuf, String)>,
        /// The provider's web page.
        page: String,
    },
    /// A file without an official checksum differs from the first download.
    #[error("failed to verify {path}: not the file of the first download: {reason}")]
    #[diagnostic(help(
        "the provider publishes no checksum, so the program can't decide which file is right; to \
         accept this one, delete {} and run the command again", record.display()
    ))]
    Changed {
        /// The file.
        path: PathBuf,
        /// Both checksums.
        reason: String,
        /// The file with the recorded checksum.
        record: PathBuf,
    },
    /// An archive can't be unpacked.
    #[error("failed to unpack {archive}: {cause}")]
    #[diagnostic(help(
        "nothing was unpacked; if the archive has the official checksum, `unpack` in the \
         catalogue is wrong: please report it"
    ))]
    Unpack {
        /// The archive.
        archive: PathBuf,
        /// Why.
        cause: UnpackError,
    },
    /// A file or folder can't be written.
    #[error("failed to write {path}: {cause}")]
    #[diagnostic(code(fetch::unwritten))]
    Unwritten {
        /// The file or folder.
        path: PathBuf,
        /// The error of the system.
        cause: std::io::Error,
    },
    /// A file or folder is missing or can't be read.
    #[error("failed to read {path}: {cause}")]
    #[diagnostic(help("check that it exists and that you have permission to read it"))]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The error of the system.
        cause: std::io::Error,
    },
    /// Ctrl-C.
    #[error("interrupted while {item} was downloaded; the downloaded bytes are kept")]
    #[diagnostic(help("run the same command again to resume the download"))]
    Interrupted {
        /// The item.
        item: String,
    },
}

impl FetchError {
    /// Whether the data folder can't be written, so that every other item would fail too.
    #[must_use]
    pub fn is_about_writing(&self) -> bool {
        let unwritten = |cause: &UnpackError| matches!(cause, UnpackError::Unwritten { .. });
        match self {
            Self::Unwritten { .. } => true,
            Self::Unpack { cause, .. } => unwritten(cause),
            _ => false,
        }
    }
}

fn addresses(failed: &[FailedAddress]) -> String {
    failed.iter().map(|failed| format!("\n{}: {}", failed.address, failed.reason)).collect()
}

fn paths(rejected: &[(PathBuf, String)]) -> String {
    rejected.iter().map(|(path, reason)| format!("\n{}: {reason}", path.display())).collect()
}
