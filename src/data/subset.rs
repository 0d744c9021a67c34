//! Which images a fine-tune trains on. The rule is the authors' (`make_mask` of their code): walk a
//! shuffled order and take every image while there is room to spare for the classes not seen yet,
//! and from then on only images of those classes. So a subset is uniform but for one image of every
//! class, and the subset of a smaller size is part of the larger one's under the same order.

use std::collections::HashSet;

use super::Dataset;

/// Indices of a data set's images, in the order in which they were taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subset(Vec<usize>);

/// Why no subset of this size can be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubsetError {
    /// More images than there are.
    #[error("a subset of {asked} images from {pool}: ask for at most {pool}")]
    TooMany {
        /// Images asked for.
        asked: usize,
        /// Images there are.
        pool: usize,
    },
    /// Fewer images than classes.
    #[error("a subset of {asked} images can't have one of each of {classes} classes")]
    TooFew {
        /// Images asked for.
        asked: usize,
        /// Classes of the data set that have an image at all.
        classes: usize,
    },
    /// The order is no order of the data set's images.
    #[error("the order has {found} images, not each of {pool} once")]
    NoOrder {
        /// How many it has.
        found: usize,
        /// Images there are.
        pool: usize,
    },
}

impl Subset {
    /// Takes `size` images of a data set, walking it in a given order (a permutation of all of its
    /// images, which the seed alone decides).
    ///
    /// # Errors
    /// Where there are fewer images than that, or more classes, or the order is none.
    pub fn draw(dataset: &Dataset, size: usize, order: &[usize]) -> Result<Self, SubsetError> {
        Self::of_labels(dataset.labels(), size, order)
    }

    /// [`Self::draw`] by labels alone, which is all that it asks of images.
    ///
    /// # Errors
    /// As [`Self::draw`].
    pub(crate) fn of_labels(
        labels: &[u32],
        size: usize,
        order: &[usize],
    ) -> Result<Self, SubsetError> {
        let pool = labels.len();
        let mut met = vec![false; pool];
        for &image in order {
            if image >= pool || std::mem::replace(&mut met[image], true) {
                return Err(SubsetError::NoOrder { found: order.len(), pool });
            }
        }
        if order.len() != pool {
            return Err(SubsetError::NoOrder { found: order.len(), pool });
        }
        if size > pool {
            return Err(SubsetError::TooMany { asked: size, pool });
        }
        let mut unseen: HashSet<u32> = labels.iter().copied().collect();
        let mut classes_left = unseen.len();
        if size < classes_left {
            return Err(SubsetError::TooFew { asked: size, classes: classes_left });
        }
        let mut taken = Vec::with_capacity(size);
        for &image in order {
            let room = size - taken.len();
            if room == 0 {
                break;
            }
            if unseen.remove(&labels[image]) {
                classes_left -= 1;
                taken.push(image);
            } else if room > classes_left {
                taken.push(image);
            }
        }
        Ok(Self(taken))
    }

    /// The images' indices, in the order in which they were taken.
    #[must_use]
    pub fn images(&self) -> &[usize] {
        &self.0
    }
}
