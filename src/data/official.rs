//! Data sets as their makers publish them, in a folder that somebody brings: IDX files, plain or in
//! gzip, each known by the SHA-256 of what is in it.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{Dataset, hexadecimal, idx};

/// A split of a data set of the MNIST family.
#[derive(Clone, Copy, Debug)]
pub struct Split {
    /// Official name of the images file, without `.gz`.
    pub images: &'static str,
    /// Its unpacked SHA-256.
    pub images_sha256: &'static str,
    /// Official name of the labels file, without `.gz`.
    pub labels: &'static str,
    /// Its unpacked SHA-256.
    pub labels_sha256: &'static str,
    /// Classes.
    pub classes: u32,
}

/// Fashion-MNIST's 60,000 training images (Xiao et al. 2017, arXiv 1708.07747).
pub const FASHION_TRAIN: Split = Split {
    images: "train-images-idx3-ubyte",
    images_sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    labels: "train-labels-idx1-ubyte",
    labels_sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    classes: 10,
};

/// Fashion-MNIST's 10,000 test images.
pub const FASHION_TEST: Split = Split {
    images: "t10k-images-idx3-ubyte",
    images_sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    labels: "t10k-labels-idx1-ubyte",
    labels_sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    classes: 10,
};

/// Why a folder does not give a split.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum OfficialError {
    /// A file is not there, or can't be read.
    #[error("failed to read {path} or {path}.gz: {cause}")]
    #[diagnostic(help(
        "name the folder that holds the official files with --from (Debian's package \
         dataset-fashion-mnist has Fashion-MNIST)"
    ))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A file is not the official one.
    #[error("{path}: the SHA-256 of its contents is {found}, not {expected}")]
    #[diagnostic(help("this is not the official file: get it again"))]
    Checksum {
        /// The file.
        path: PathBuf,
        /// Its own.
        found: String,
        /// The official file's.
        expected: &'static str,
    },
    /// A file is no IDX file.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Idx(#[from] idx::IdxError),
}

impl Split {
    /// Reads this split from a folder.
    ///
    /// # Errors
    /// If a file is not there, is damaged, or is not the official one.
    pub fn read(&self, folder: &Path) -> Result<Dataset, OfficialError> {
        let images = contents(folder, self.images, self.images_sha256)?;
        let labels = contents(folder, self.labels, self.labels_sha256)?;
        Ok(idx::read((self.images, &images), (self.labels, &labels), self.classes)?)
    }
}

/// A file's unpacked contents, if they are the official ones.
fn contents(folder: &Path, name: &str, expected: &'static str) -> Result<Vec<u8>, OfficialError> {
    let path = folder.join(name);
    let packed = folder.join(format!("{name}.gz"));
    let (path, bytes) = match std::fs::read(&path) {
        Ok(bytes) => (path, bytes),
        Err(cause) => match std::fs::read(&packed) {
            Ok(bytes) => (packed, bytes),
            Err(_) => return Err(OfficialError::Unreadable { path, cause }),
        },
    };
    let bytes = idx::unpacked(name, &bytes)?;
    let found = hexadecimal(&Sha256::digest(&bytes));
    if found != expected {
        return Err(OfficialError::Checksum { path, found, expected });
    }
    Ok(bytes)
}
