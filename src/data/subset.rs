//! Draws the images that a fine-tune trains on, by the rule of the paper's authors (`make_mask` in
//! their code): take images in a shuffled order while enough places are left for the classes not
//! taken yet, and then only images of those classes. So a subset is uniform except that it has
//! every class, and a smaller subset is a part of a larger one with the same order.

use std::collections::HashSet;

use super::Dataset;

/// Indices of images of a data set, in the order in which they were drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subset(Vec<usize>);

/// A size or an order that no subset can be drawn with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubsetError {
    /// More images than the data set has.
    #[error("failed to draw {requested} images: the data set has {pool}")]
    TooMany {
        /// Images requested.
        requested: usize,
        /// Images of the data set.
        pool: usize,
    },
    /// Fewer images than classes.
    #[error("failed to draw {requested} images: fewer than the {classes} classes")]
    TooFew {
        /// Images requested.
        requested: usize,
        /// Classes of the data set that have images.
        classes: usize,
    },
    /// The order is no permutation of the data set's images.
    #[error("failed to draw images: the order has {found} images, not each of {pool} once")]
    InvalidOrder {
        /// Length of the order.
        found: usize,
        /// Images of the data set.
        pool: usize,
    },
}

impl Subset {
    /// Draws `size` images of a data set in a given order: a permutation of all images, which
    /// depends on the seed alone.
    ///
    /// # Errors
    /// If there are fewer images, or more classes, or the order is no permutation.
    pub fn draw(dataset: &Dataset, size: usize, order: &[usize]) -> Result<Self, SubsetError> {
        Self::draw_from_labels(dataset.labels(), size, order)
    }

    /// [`Self::draw`] from labels, which is all that it needs.
    ///
    /// # Errors
    /// As [`Self::draw`].
    pub(crate) fn draw_from_labels(
        labels: &[u32],
        size: usize,
        order: &[usize],
    ) -> Result<Self, SubsetError> {
        let pool = labels.len();
        let mut seen = vec![false; pool];
        for &image in order {
            if image >= pool || std::mem::replace(&mut seen[image], true) {
                return Err(SubsetError::InvalidOrder { found: order.len(), pool });
            }
        }
        if order.len() != pool {
            return Err(SubsetError::InvalidOrder { found: order.len(), pool });
        }
        if size > pool {
            return Err(SubsetError::TooMany { requested: size, pool });
        }
        let mut missing: HashSet<u32> = labels.iter().copied().collect();
        let mut classes_left = missing.len();
        if size < classes_left {
            return Err(SubsetError::TooFew { requested: size, classes: classes_left });
        }
        let mut taken = Vec::with_capacity(size);
        for &image in order {
            let places = size - taken.len();
            if places == 0 {
                break;
            }
            if missing.remove(&labels[image]) {
                classes_left -= 1;
                taken.push(image);
            } else if places > classes_left {
                taken.push(image);
            }
        }
        Ok(Self(taken))
    }

    /// The indices of the images, in the order in which they were drawn.
    #[must_use]
    pub fn images(&self) -> &[usize] {
        &self.0
    }
}
