//! Reads labelled images and draws the subsets that fine-tunes train on. Each official format has
//! its reader, and [`official`] finds them by the names of targets. The result is a [`Target`] of
//! two [`Images`]: images of one size in memory ([`Dataset`]), or files that are decoded on demand
//! ([`ImageFiles`]). Transforms and tensors are left to the engine, downloads to `fetch`, and the
//! folders of a world to `assets`.

pub mod caltech101;
pub mod celeba;
pub mod cifar;
mod error;
pub mod folder;
mod foreign;
pub mod idx;
mod image_files;
mod images;
pub mod mat;
pub mod official;
pub mod packed;
pub mod picture;
pub mod resize;
mod subset;
pub mod svhn;
pub(crate) mod tiny_imagenet;
mod undecodable;

pub use error::{DataError, Problem};
pub use image_files::ImageFiles;
pub use images::{Images, Progress, Target, no_progress};
pub use subset::{Subset, SubsetError};
pub use undecodable::Undecodable;

use sha2::{Digest, Sha256};

use crate::util::hexadecimal;

/// Labelled images of one size in memory: bytes in the order N x C x H x W.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    pixels: Vec<u8>,
    labels: Vec<u32>,
    channels: usize,
    height: usize,
    width: usize,
    classes: u32,
}

/// Images, labels and classes that do not match.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatasetError {
    /// The numbers of bytes and labels do not match.
    #[error("{bytes} bytes are not {images} images of {channels} x {height} x {width}")]
    Shape {
        /// Number of bytes.
        bytes: usize,
        /// Number of labels.
        images: usize,
        /// Channels per image.
        channels: usize,
        /// Rows per image.
        height: usize,
        /// Columns per image.
        width: usize,
    },
    /// A label exceeds the number of classes.
    #[error("image {image} has label {label}, but there are {classes} classes, counted from 0")]
    Label {
        /// The index of the image, from 0.
        image: usize,
        /// Its label.
        label: u32,
        /// Number of classes.
        classes: u32,
    },
}

impl Dataset {
    /// A data set of N x C x H x W bytes and N labels.
    ///
    /// # Errors
    /// If the numbers do not match, or a label is not less than `classes`.
    pub fn new(
        pixels: Vec<u8>,
        (channels, height, width): (usize, usize, usize),
        labels: Vec<u32>,
        classes: u32,
    ) -> Result<Self, DatasetError> {
        let images = labels.len();
        let needed = [channels, height, width]
            .into_iter()
            .try_fold(images, |product: usize, side| product.checked_mul(side));
        if needed != Some(pixels.len()) || channels * height * width == 0 {
            let bytes = pixels.len();
            return Err(DatasetError::Shape { bytes, images, channels, height, width });
        }
        match labels.iter().position(|label| *label >= classes) {
            Some(image) => Err(DatasetError::Label { image, label: labels[image], classes }),
            None => Ok(Self { pixels, labels, channels, height, width, classes }),
        }
    }

    /// The images of the listed classes, in their order; new labels are indices of the list.
    #[must_use]
    pub fn select_classes(&self, classes: &[u32]) -> Self {
        let size = self.channels * self.height * self.width;
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        for (label, image) in self.labels.iter().zip(self.pixels.chunks_exact(size)) {
            if let Some(index) = classes.iter().position(|class| class == label) {
                labels.push(index as u32);
                pixels.extend_from_slice(image);
            }
        }
        Self { pixels, labels, classes: classes.len() as u32, ..*self }
    }

    /// The first `images` images, or all if there are fewer.
    #[must_use]
    pub fn first(&self, images: usize) -> Self {
        let images = images.min(self.len());
        let size = self.channels * self.height * self.width;
        let (pixels, labels) =
            (self.pixels[..images * size].to_vec(), self.labels[..images].to_vec());
        Self { pixels, labels, ..*self }
    }

    /// The hexadecimal SHA-256 of its shape, labels and pixels.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(format!("{:?} {}\n", self.shape(), self.classes));
        for label in &self.labels {
            hasher.update(label.to_le_bytes());
        }
        hasher.update(&self.pixels);
        hexadecimal(&hasher.finalize())
    }

    /// The number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Number of classes; labels are counted from 0.
    #[must_use]
    pub fn classes(&self) -> u32 {
        self.classes
    }

    /// The label of each image.
    #[must_use]
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Channels, rows and columns of an image.
    #[must_use]
    pub fn shape(&self) -> (usize, usize, usize) {
        (self.channels, self.height, self.width)
    }

    /// All bytes, in the order N x C x H x W.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }
}
