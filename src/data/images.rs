//! Images of one split, as bytes of one size in memory or as files of any, and what a fine-tune asks of
//! either: labels at once, and chosen images at a network's input size.

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
    /// Files of any size, decoded when they are asked for.
    Files(ImageFiles),
}

/// What a target is trained and tested on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Those that subsets are drawn from.
    pub train: Images,
    /// Those that accuracies are of.
    pub test: Images,
}

/// Is told how many images are done, now and then and from any thread.
pub type Progress<'a> = &'a (dyn Fn(usize) + Sync);

/// An image's bytes, and its channels, rows and columns.
type Shaped<'a> = (Cow<'a, [u8]>, (usize, usize, usize));

/// For [`Progress`]: says nothing.
pub fn quietly(_: usize) {}

impl Target {
    /// SHA-256 of both splits' digests, in hexadecimal: the name of what a trial has seen.
    ///
    /// # Errors
    /// If a file can't be read.
    pub fn digest(&self, progress: Progress<'_>) -> Result<String, DataError> {
        let before = AtomicUsize::new(0);
        let train = self.train.digest(&|done| {
            before.store(done, Ordering::Relaxed);
            progress(done);
        })?;
        let before = before.into_inner();
        let test = self.test.digest(&|done| progress(before + done))?;
        Ok(hexadecimal(&Sha256::digest(format!("train {train}\ntest {test}\n"))))
    }

    /// [`Self::digest`], kept in a file beside the stamp of what it is of, so that large folders are
    /// read once. A file that can't be read or written is as good as none; the digest is then made.
    ///
    /// # Errors
    /// If an image's file can't be read.
    pub fn digest_kept(&self, kept: &Path, progress: Progress<'_>) -> Result<String, DataError> {
        if let (Images::Bytes(_), Images::Bytes(_)) = (&self.train, &self.test) {
            // Their stamp is no sooner made than this.
            return self.digest(progress);
        }
        let stamp = hexadecimal(&Sha256::digest(self.train.stamp()? + &self.test.stamp()?));
        let text = std::fs::read_to_string(kept).unwrap_or_default();
        if let Some((of, digest)) = text.trim_end().split_once(' ')
            && of == stamp
            && digest.len() == 64
        {
            return Ok(digest.to_owned());
        }
        let digest = self.digest(progress)?;
        // Nothing is lost where it can't be kept but the time to make it again.
        let _ = files::replace(kept, format!("{stamp} {digest}\n").as_bytes());
        Ok(digest)
    }
}

impl Images {
    /// How many images.
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

    /// These images, in this order, brought down to a resolution and then to `side` by `side` pixels, as
    /// `OnDevice::resized` does it. They are decoded and resized in threads, one a core; which is done
    /// when changes nothing. Files give three channels, bytes as many as they have.
    ///
    /// # Errors
    /// If a file can't be read or decoded: the first of those that were tried.
    ///
    /// # Panics
    /// If there is no such image, or a side is 0.
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
        let places = pixels.chunks_exact_mut(channels * side * side);
        let places: Vec<Mutex<&mut [u8]>> = places.map(Mutex::new).collect();
        in_threads(images.len(), progress, |at| {
            let (mut pixels, mut shape) = self.one(images[at])?;
            let mut resize = |side: usize| {
                pixels = resize::resize_bytes(&pixels, shape, [side, side]).into();
                shape = (channels, side, side);
            };
            if let Resolution::Pixels(through) = resolution {
                resize(through as usize);
            }
            resize(side);
            places[at].lock().expect("no panic holds it").copy_from_slice(&pixels);
            Ok(())
        })?;
        let labels = images.iter().map(|&image| self.labels()[image]).collect();
        let dataset = Dataset::new(pixels, (channels, side, side), labels, self.classes());
        Ok(dataset.expect("every image has this size, and labels were checked"))
    }

    /// One image at its own size.
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

    /// SHA-256 in hexadecimal. Of bytes it is [`Dataset::digest`], however they were packed; of files it
    /// is that of a text: `classes` and their number, their names, then for each image the SHA-256 of its
    /// file, its label and its name, each on a line.
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

    /// What changes when the images do, without reading files ([`ImageFiles::stamp`]).
    ///
    /// # Errors
    /// If a file is not there.
    pub fn stamp(&self) -> Result<String, DataError> {
        match self {
            Self::Bytes(dataset) => Ok(dataset.digest()),
            Self::Files(files) => files.stamp(),
        }
    }
}

/// What a function makes of each number up to a count, in their order, worked on by one thread a core.
pub(super) fn in_threads<T: Send>(
    count: usize,
    progress: Progress<'_>,
    make: impl Fn(usize) -> Result<T, DataError> + Sync,
) -> Result<Vec<T>, DataError> {
    let next = AtomicUsize::new(0);
    // Told one after the other, so that the last that is told is all of them.
    let done = Mutex::new(0);
    let failed = AtomicBool::new(false);
    let made: Vec<Mutex<Option<Result<T, DataError>>>> =
        (0..count).map(|_| Mutex::new(None)).collect();
    let work = || {
        while !failed.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(place) = made.get(at) else { return };
            let result = make(at);
            failed.fetch_or(result.is_err(), Ordering::Relaxed);
            *place.lock().expect("no panic holds it") = Some(result);
            let mut done = done.lock().expect("no panic holds it");
            *done += 1;
            progress(*done);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(count) {
            scope.spawn(work);
        }
    });
    // Where one failed, those after it may be missing, but none before it: they were begun in order.
    let made = made.into_iter().map_while(|made| made.into_inner().expect("no panic held it"));
    made.collect()
}
