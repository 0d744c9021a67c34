//! Images that lie one in a file, of whatever size: their labels are known without decoding, and only
//! those that are asked for are decoded.

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
    /// Names relative to a folder, each with its label; the classes' names; how many hidden files
    /// were passed over. Readers make sure that a label has a class.
    pub(super) fn new(
        root: PathBuf,
        images: Vec<(String, u32)>,
        classes: Vec<String>,
        hidden: usize,
    ) -> Self {
        let (names, labels) = images.into_iter().unzip();
        Self { root, names, labels, classes, hidden }
    }

    /// How many images.
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

    /// The classes' names; a label is a place in this list.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The files' names below their folder, with `/` on every system.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// How many hidden files (`.` in front) were passed over.
    #[must_use]
    pub fn hidden(&self) -> usize {
        self.hidden
    }

    /// Where an image lies.
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

    /// SHA-256 of an image's file, its label and its name, as a line.
    pub(super) fn digest_line(&self, image: usize) -> Result<String, DataError> {
        let bytes = contents(&self.path(image), picture::LARGEST_FILE)?;
        let digest = hexadecimal(&Sha256::digest(&bytes));
        Ok(format!("{digest} {} {}\n", self.labels[image], self.names[image]))
    }

    /// The lines in front of those of the images.
    pub(super) fn digest_front(&self) -> String {
        let names: String = self.classes.iter().map(|class| format!("{class}\n")).collect();
        format!("classes {}\n{names}", self.classes.len())
    }

    /// SHA-256 of everything about the files but their contents: names, labels, sizes and the times
    /// of their last change. As long as it is the same, so are the contents, unless somebody hides it.
    ///
    /// # Errors
    /// If a file is not there.
    pub fn stamp(&self) -> Result<String, DataError> {
        let mut hasher = Sha256::new();
        hasher.update(self.digest_front());
        for (image, (name, label)) in self.names.iter().zip(&self.labels).enumerate() {
            let path = self.path(image);
            let unreadable = |cause| DataError::Unreadable { path: path.clone(), cause };
            let about = path.metadata().map_err(unreadable)?;
            let changed = about.modified().map_err(unreadable)?;
            let since = changed.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            hasher.update(format!("{label} {} {since} {name}\n", about.len()));
        }
        Ok(hexadecimal(&hasher.finalize()))
    }
}

/// A file's contents, if it is no larger than that.
pub(super) fn contents(path: &Path, limit: u64) -> Result<Vec<u8>, DataError> {
    let unreadable = |cause| DataError::Unreadable { path: path.to_owned(), cause };
    let too_large = |bytes| DataError::TooLarge { path: path.to_owned(), bytes, limit };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    if size > limit {
        return Err(too_large(size));
    }
    let mut bytes = Vec::with_capacity(size as usize);
    // A file may grow, and not everything that can be opened has a size.
    file.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    match bytes.len() as u64 {
        read if read > limit => Err(too_large(read)),
        _ => Ok(bytes),
    }
}
