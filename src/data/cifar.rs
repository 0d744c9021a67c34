//! CIFAR-10 and CIFAR-100 in their binary version (Krizhevsky 2009,
//! <https://www.cs.toronto.edu/~kriz/cifar.html>): records without a header. Each record is a
//! label (CIFAR-100: a coarse and a fine one) and 3 x 32 x 32 bytes: red, green and blue planes,
//! row by row.

use std::path::Path;

use super::DataError;

/// Channels, rows and columns.
pub(crate) const SHAPE: (usize, usize, usize) = (3, 32, 32);
const PIXELS: usize = SHAPE.0 * SHAPE.1 * SHAPE.2;

/// One of the two data sets, which differ in the bytes before an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cifar {
    /// CIFAR-10: one byte, the label.
    Ten,
    /// CIFAR-100: the coarse label, which is checked but not used, then the fine one.
    Hundred,
}

impl Cifar {
    /// The number of classes.
    #[must_use]
    pub fn classes(self) -> u32 {
        match self {
            Self::Ten => 10,
            Self::Hundred => 100,
        }
    }

    /// The valid values of each byte before an image; the last byte is its label.
    fn labels(self) -> &'static [(u8, &'static str)] {
        match self {
            Self::Ten => &[(10, "0 to 9")],
            Self::Hundred => &[(20, "0 to 19 (coarse)"), (100, "0 to 99 (fine)")],
        }
    }

    /// Appends the images and labels of a file, which errors call `path`.
    ///
    /// # Errors
    /// If the file ends within a record, or has a label out of range.
    pub fn append(
        self,
        path: &Path,
        bytes: &[u8],
        (pixels, labels): (&mut Vec<u8>, &mut Vec<u32>),
    ) -> Result<(), DataError> {
        let ranges = self.labels();
        let record = ranges.len() + PIXELS;
        let (path, left) = (path.to_owned(), bytes.len() % record);
        if left != 0 {
            return Err(DataError::Records { path, offset: bytes.len() - left, left, record });
        }
        for (image, record) in bytes.chunks_exact(record).enumerate() {
            let (front, image_pixels) = record.split_at(ranges.len());
            for (&label, &(end, allowed)) in front.iter().zip(ranges) {
                if label >= end {
                    return Err(DataError::Label { path, image, label: label.into(), allowed });
                }
            }
            labels.extend(front.last().copied().map(u32::from));
            pixels.extend_from_slice(image_pixels);
        }
        Ok(())
    }
}
