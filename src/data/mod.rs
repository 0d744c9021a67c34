//! Labelled images as bytes, and the subsets that fine-tunes are run on. Readers of official formats
//! are one file each ([`idx`]); what is done to images before a network sees them is left to the
//! transforms.

pub mod idx;
mod subset;

pub use subset::{Subset, SubsetError};

/// Labelled images of one size, kept as bytes: N images of C x H x W, in that order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    pixels: Vec<u8>,
    labels: Vec<u32>,
    channels: usize,
    height: usize,
    width: usize,
    classes: u32,
}

/// Parts that do not make a data set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatasetError {
    /// Bytes and labels are not of one count.
    #[error("{bytes} bytes do not hold {images} images of {channels} x {height} x {width}")]
    Shape {
        /// Bytes there are.
        bytes: usize,
        /// Labels there are.
        images: usize,
        /// Channels an image.
        channels: usize,
        /// Rows an image.
        height: usize,
        /// Columns an image.
        width: usize,
    },
    /// A label lies beyond the classes.
    #[error("image {image} has label {label}, and there are {classes} classes, counted from 0")]
    Label {
        /// Which image, counted from 0.
        image: usize,
        /// Its label.
        label: u32,
        /// Number of classes.
        classes: u32,
    },
}

impl Dataset {
    /// Checks that bytes, labels and classes fit together.
    ///
    /// # Errors
    /// Where they do not, naming the image.
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

    /// How many images.
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

    /// All bytes: N x C x H x W.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }
}
