//! Images that can't be decoded. A fine-tune decodes only the images that it draws, so all are
//! decoded once before the first fine-tune of a target: otherwise a damaged file would stop the
//! seed that happens to draw it, hours later.

use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{DataError, Images, Progress, Target, images::in_threads, picture};
use crate::util::{files, hexadecimal};

/// An image that can't be decoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undecodable {
    /// Its file.
    pub file: String,
    /// What is wrong.
    pub fault: String,
}

/// What is cached of a check: valid for files with this stamp and for these rules of decoding.
#[derive(Serialize, Deserialize)]
struct Checked {
    stamp: String,
    rules: u32,
    undecodable: Vec<Undecodable>,
}

impl Target {
    /// Decodes every image once and returns those that can't be decoded, training images first.
    /// The result is cached in the file `cache` with the [stamp](Images::stamp) of the images; if
    /// that can't be read or written, images are decoded again. Images in memory are decoded
    /// already.
    ///
    /// # Errors
    /// If a file is missing or can't be read.
    pub fn undecodable(
        &self,
        cache: &Path,
        progress: Progress<'_>,
    ) -> Result<Vec<Undecodable>, DataError> {
        if let (Images::Bytes(_), Images::Bytes(_)) = (&self.train, &self.test) {
            return Ok(Vec::new());
        }
        let stamp = hexadecimal(&Sha256::digest(self.train.stamp()? + &self.test.stamp()?));
        let cached = std::fs::read(cache).unwrap_or_default();
        if let Ok(checked) = serde_json::from_slice::<Checked>(&cached)
            && (&checked.stamp, checked.rules) == (&stamp, picture::RULES)
        {
            return Ok(checked.undecodable);
        }
        let train_images = AtomicUsize::new(0);
        let mut undecodable = self.train.undecodable(&|done| {
            train_images.store(done, Ordering::Relaxed);
            progress(done);
        })?;
        let train_images = train_images.into_inner();
        undecodable.extend(self.test.undecodable(&|done| progress(train_images + done))?);
        let checked = Checked { stamp, rules: picture::RULES, undecodable };
        if let Ok(text) = serde_json::to_vec_pretty(&checked) {
            // Without a cache, the next call decodes the images again.
            let _ = files::replace(cache, &text);
        }
        Ok(checked.undecodable)
    }
}

impl Images {
    fn undecodable(&self, progress: Progress<'_>) -> Result<Vec<Undecodable>, DataError> {
        let Self::Files(files) = self else { return Ok(Vec::new()) };
        let checked = in_threads(files.len(), progress, |image| match files.check(image) {
            Ok(()) => Ok(None),
            Err(error @ DataError::Unreadable { .. }) => Err(error),
            Err(DataError::Picture { path, fault }) => {
                Ok(Some(Undecodable { file: path.display().to_string(), fault }))
            }
            Err(error) => {
                let file = files.path(image).display().to_string();
                Ok(Some(Undecodable { file, fault: error.to_string() }))
            }
        })?;
        Ok(checked.into_iter().flatten().collect())
    }
}
