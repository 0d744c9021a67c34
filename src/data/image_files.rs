//! Labelled images in files of any size, which are decoded on demand; labels are known without
//! decoding.

use std::{
    io::Read,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use sha2::{Digest, Sha256};

use super::{
    DataError,
    picture::{self, Picture},
};
use crate::util::hexadecimal;

/// Labelled image files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFiles {
    root: PathBuf,
    names: Vec<String>,
    labels: Vec<u32>,
    classes: Vec<String>,
    hidden: usize,
}

impl ImageFiles {
    /// File names relative to a folder with their labels, the names of the classes, and the number
    /// of skipped hidden files. The caller checks that every label has a class.
    pub(super) fn new(
        root: PathBuf,
        images: Vec<(String, u32)>,
        classes: Vec<String>,
        hidden: usize,
    ) -> Self {
        let (names, labels) = images.into_iter().unzip();
        Self { root, names, labels, classes, hidden }
    }

    /// The number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The label of each image.
    #[must_use]
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Names of the classes; a label is an index of this list.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// File names relative to the folder, with `/` on every system.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The number of hidden files that were skipped.
    #[must_use]
    pub fn hidden(&self) -> usize {
        self.hidden
    }

    /// The path of an image.
    #[must_use]
    pub fn path(&self, image: usize) -> PathBuf {
        self.root.join(&self.names[image])
    }

    /// Decodes an image.
    ///
    /// # Errors
    /// If its file can't be read or decoded.
    pub fn decode(&self, image: usize) -> Result<Picture, DataError> {
        let path = self.path(image);
        picture::decode(&path, &contents(&path, picture::LARGEST_FILE)?)
    }

    /// Checks that an image can be decoded ([`picture::check`]).
    ///
    /// # Errors
    /// If its file can't be read or decoded.
    pub(super) fn check(&self, image: usize) -> Result<(), DataError> {
        let path = self.path(image);
        picture::check(&path, &contents(&path, picture::LARGEST_FILE)?)
    }

    /// A line with the SHA-256 of an image's file, its label and its name.
    pub(super) fn digest_line(&self, image: usize) -> Result<String, DataError> {
        let bytes = contents(&self.path(image), picture::LARGEST_FILE)?;
        let digest = hexadecimal(&Sha256::digest(&bytes));
        Ok(format!("{digest} {} {}\n", self.labels[image], self.names[image]))
    }

    /// The lines before those of the images: the number and the names of the classes.
    pub(super) fn digest_front(&self) -> String {
        let names: String = self.classes.iter().map(|class| format!("{class}\n")).collect();
        format!("classes {}\n{names}", self.classes.len())
    }

    /// The hexadecimal SHA-256 of the files' names, labels, sizes and modification times, without
    /// their contents. While it is the same, so are the contents, unless a change keeps size and
    /// time.
    ///
    /// # Errors
    /// If a file is missing.
    pub fn stamp(&self) -> Result<String, DataError> {
        let mut hasher = Sha256::new();
        hasher.update(self.digest_front());
        for (image, (name, label)) in self.names.iter().zip(&self.labels).enumerate() {
            let path = self.path(image);
            let unreadable = |cause| DataError::Unreadable { path: path.clone(), cause };
            let metadata = path.metadata().map_err(unreadable)?;
            let modified = metadata.modified().map_err(unreadable)?;
            let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            hasher.update(format!("{label} {} {since} {name}\n", metadata.len()));
        }
        Ok(hexadecimal(&hasher.finalize()))
    }
}

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// If it is missing, can't be read, or is larger.
pub(super) fn contents(path: &Path, limit: u64) -> Result<Vec<u8>, DataError> {
    let unreadable = |cause| DataError::Unreadable { path: path.to_owned(), cause };
    let too_large = |bytes| DataError::TooLarge { path: path.to_owned(), bytes, limit };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    if size > limit {
        return Err(too_large(size));
    }
    let mut bytes = Vec::with_capacity(size as usize);
    // A file may grow, and a pipe has no size.
    file.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    match bytes.len() as u64 {
        read if read > limit => Err(too_large(read)),
        _ => Ok(bytes),
    }
}
