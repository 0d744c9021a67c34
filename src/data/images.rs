//! The images of a split, in memory (all of one size) or in files (of any size), with what a
//! fine-tune needs of both: labels, selected images at the input size of a network, and a digest.

use std::{
    borrow::Cow,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use sha2::{Digest, Sha256};

use super::{DataError, Dataset, ImageFiles, resize};
use crate::util::hexadecimal;
use crate::{experiment::Resolution, util::files};

/// Images of one split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Images {
    /// Bytes of one size, in memory.
    Bytes(Dataset),
    /// Files of any size, decoded on demand.
    Files(ImageFiles),
}

/// The images of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Training images, from which subsets are drawn.
    pub train: Images,
    /// Test images, on which accuracies are measured.
    pub test: Images,
}

/// Progress callback, which receives the number of images done; called from any thread.
pub type Progress<'a> = &'a (dyn Fn(usize) + Sync);

/// The bytes of an image, with its channels, rows and columns.
type Shaped<'a> = (Cow<'a, [u8]>, (usize, usize, usize));

/// A [`Progress`] that reports nothing.
pub fn no_progress(_: usize) {}

impl Target {
    /// The hexadecimal SHA-256 of the digests of both splits, which record names contain.
    ///
    /// # Errors
    /// If a file can't be read.
    pub fn digest(&self, progress: Progress<'_>) -> Result<String, DataError> {
        let train_images = AtomicUsize::new(0);
        let train = self.train.digest(&|done| {
            train_images.store(done, Ordering::Relaxed);
            progress(done);
        })?;
        let train_images = train_images.into_inner();
        let test = self.test.digest(&|done| progress(train_images + done))?;
        Ok(hexadecimal(&Sha256::digest(format!("train {train}\ntest {test}\n"))))
    }

    /// [`Self::digest`], cached in the file `cache` with the [stamp](Images::stamp) of the images,
    /// so that large folders are read once. If the cache can't be read or written, the digest is
    /// computed.
    ///
    /// # Errors
    /// If an image's file can't be read.
    pub fn cached_digest(&self, cache: &Path, progress: Progress<'_>) -> Result<String, DataError> {
        if let (Images::Bytes(_), Images::Bytes(_)) = (&self.train, &self.test) {
            // Their stamp is this digest.
            return self.digest(progress);
        }
        let stamp = hexadecimal(&Sha256::digest(self.train.stamp()? + &self.test.stamp()?));
        let text = std::fs::read_to_string(cache).unwrap_or_default();
        if let Some((cached_stamp, digest)) = text.trim_end().split_once(' ')
            && cached_stamp == stamp
            && digest.len() == 64
        {
            return Ok(digest.to_owned());
        }
        let digest = self.digest(progress)?;
        // Without a cache, the next call computes the digest again.
        let _ = files::replace(cache, format!("{stamp} {digest}\n").as_bytes());
        Ok(digest)
    }
}

impl Images {
    /// The number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels().len()
    }

    /// Whether there is no image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The label of each image.
    #[must_use]
    pub fn labels(&self) -> &[u32] {
        match self {
            Self::Bytes(dataset) => dataset.labels(),
            Self::Files(files) => files.labels(),
        }
    }

    /// Number of classes; labels are counted from 0.
    #[must_use]
    pub fn classes(&self) -> u32 {
        match self {
            Self::Bytes(dataset) => dataset.classes(),
            Self::Files(files) => files.classes().len() as u32,
        }
    }

    /// The images with these indices, in this order, resized to `resolution` and then to `side` x
    /// `side` pixels, like `OnDevice::resized` of the engine. One thread per core decodes and
    /// resizes them; the result does not depend on the threads. Files have three channels.
    ///
    /// # Errors
    /// If a file can't be read or decoded; the error is that of the first such image.
    ///
    /// # Panics
    /// If an index is out of range, or a side is 0.
    pub fn at(
        &self,
        images: &[usize],
        resolution: Resolution,
        side: u32,
        progress: Progress<'_>,
    ) -> Result<Dataset, DataError> {
        let side = side as usize;
        let channels = match self {
            Self::Bytes(dataset) => dataset.shape().0,
            Self::Files(_) => 3,
        };
        let mut pixels = vec![0; images.len() * channels * side * side];
        let outputs = pixels.chunks_exact_mut(channels * side * side);
        let outputs: Vec<Mutex<&mut [u8]>> = outputs.map(Mutex::new).collect();
        in_threads(images.len(), progress, |at| {
            let (mut pixels, mut shape) = self.one(images[at])?;
            let mut resize = |side: usize| {
                pixels = resize::resize_bytes(&pixels, shape, [side, side]).into();
                shape = (channels, side, side);
            };
            if let Resolution::Pixels(pixels) = resolution {
                resize(pixels as usize);
            }
            resize(side);
            outputs[at].lock().expect("lock is not poisoned").copy_from_slice(&pixels);
            Ok(())
        })?;
        let labels = images.iter().map(|&image| self.labels()[image]).collect();
        let dataset = Dataset::new(pixels, (channels, side, side), labels, self.classes());
        Ok(dataset.expect("all images have this size, and labels are valid"))
    }

    /// One image at its original size.
    fn one(&self, image: usize) -> Result<Shaped<'_>, DataError> {
        match self {
            Self::Bytes(dataset) => {
                let shape = dataset.shape();
                let size = shape.0 * shape.1 * shape.2;
                Ok((Cow::Borrowed(&dataset.pixels()[image * size..][..size]), shape))
            }
            Self::Files(files) => {
                let picture = files.decode(image)?;
                Ok((Cow::Owned(picture.pixels), (3, picture.height, picture.width)))
            }
        }
    }

    /// A hexadecimal SHA-256: [`Dataset::digest`] for images in memory; for files that of a text
    /// with the lines `classes N`, the name of each class, and for each image the SHA-256 of its
    /// file, its label and its name.
    ///
    /// # Errors
    /// If a file can't be read.
    pub fn digest(&self, progress: Progress<'_>) -> Result<String, DataError> {
        match self {
            Self::Bytes(dataset) => Ok(dataset.digest()),
            Self::Files(files) => {
                let lines = in_threads(files.len(), progress, |image| files.digest_line(image))?;
                let text = files.digest_front() + &lines.concat();
                Ok(hexadecimal(&Sha256::digest(text)))
            }
        }
    }

    /// A digest that changes when the images change, without reading files ([`ImageFiles::stamp`]).
    ///
    /// # Errors
    /// If a file is missing.
    pub fn stamp(&self) -> Result<String, DataError> {
        match self {
            Self::Bytes(dataset) => Ok(dataset.digest()),
            Self::Files(files) => files.stamp(),
        }
    }
}

/// The results of a function for 0 to `count - 1`, in order, computed with one thread per core.
///
/// # Errors
/// The first error by index. After an error, no further index is begun.
pub(super) fn in_threads<T: Send>(
    count: usize,
    progress: Progress<'_>,
    compute: impl Fn(usize) -> Result<T, DataError> + Sync,
) -> Result<Vec<T>, DataError> {
    let next = AtomicUsize::new(0);
    // Reported under a lock, so that the last report is the total.
    let done = Mutex::new(0);
    let failed = AtomicBool::new(false);
    let results: Vec<Mutex<Option<Result<T, DataError>>>> =
        (0..count).map(|_| Mutex::new(None)).collect();
    let work = || {
        while !failed.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(slot) = results.get(at) else { return };
            let result = compute(at);
            failed.fetch_or(result.is_err(), Ordering::Relaxed);
            *slot.lock().expect("lock is not poisoned") = Some(result);
            let mut done = done.lock().expect("lock is not poisoned");
            *done += 1;
            progress(*done);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        let spawn = |_| std::thread::Builder::new().spawn_scoped(scope, work).ok();
        // Where the machine has no more threads, those that it has do all of it.
        if (0..threads.min(count)).map_while(spawn).count() == 0 {
            work();
        }
    });
    // After an error later results may be missing, but no earlier ones: they were begun in order.
    let results =
        results.into_iter().map_while(|result| result.into_inner().expect("lock is not poisoned"));
    results.collect()
}
