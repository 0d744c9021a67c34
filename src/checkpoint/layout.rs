//! Where a tensor's elements lie, and how to put them in a row.

use std::{borrow::Cow, ops::Range};

use super::dtype::Dtype;

/// A tensor as a view of a part of the file's bytes. The part holds every element: see
/// [`Layout::new`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    dtype: Dtype,
    shape: Vec<usize>,
    /// Elements from one index to the next.
    strides: Vec<usize>,
    /// Where the storage lies in the file.
    storage: Range<usize>,
    /// The first element, in bytes from the storage's beginning.
    offset: usize,
    big_endian: bool,
    /// Bytes of all elements in a row.
    bytes: usize,
}

/// Elements that are not in the storage, or more than a computer counts.
#[derive(Debug)]
pub struct OutOfBounds;

impl Layout {
    /// A view of the storage that lies at `storage`, from its element `offset` on.
    pub fn new(
        dtype: Dtype,
        shape: &[u64],
        strides: &[u64],
        (storage, offset): (Range<usize>, u64),
        big_endian: bool,
    ) -> Result<Self, OutOfBounds> {
        let sizes = |values: &[u64]| -> Result<Vec<usize>, OutOfBounds> {
            values.iter().map(|value| usize::try_from(*value).map_err(|_| OutOfBounds)).collect()
        };
        let (shape, mut strides) = (sizes(shape)?, sizes(strides)?);
        let width = dtype.bytes();
        let product = |values: &[usize]| {
            values.iter().try_fold(1_usize, |product, value| product.checked_mul(*value))
        };
        let mut offset = usize::try_from(offset).map_err(|_| OutOfBounds)?;
        let bytes = if shape.contains(&0) {
            // No element lies anywhere; what its offset and strides say may be anything.
            (offset, strides) = (0, vec![0; shape.len()]);
            0
        } else {
            let last = shape.iter().zip(&strides).try_fold(offset, |last, (size, stride)| {
                last.checked_add((size - 1).checked_mul(*stride)?)
            });
            let end = last.and_then(|last| last.checked_add(1)?.checked_mul(width));
            if end.is_none_or(|end| end > storage.len()) {
                return Err(OutOfBounds);
            }
            product(&shape).and_then(|count| count.checked_mul(width)).ok_or(OutOfBounds)?
        };
        Ok(Self { dtype, shape, strides, storage, offset: offset * width, big_endian, bytes })
    }

    /// The kind of its elements.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Its sizes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Bytes of all elements in a row: what [`Layout::in_a_row`] has.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// All elements, contiguous and little-endian; a part of the file where they lie so in it.
    pub fn in_a_row<'a>(&self, file: &'a [u8]) -> Cow<'a, [u8]> {
        let storage = &file[self.storage.clone()];
        let mut row = if self.is_contiguous() {
            Cow::Borrowed(&storage[self.offset..self.offset + self.bytes])
        } else {
            Cow::Owned(self.gathered(storage))
        };
        let width = self.dtype.ordered();
        if self.big_endian && width > 1 {
            row.to_mut().chunks_exact_mut(width).for_each(<[u8]>::reverse);
        }
        row
    }

    fn is_contiguous(&self) -> bool {
        if self.bytes == 0 {
            return true;
        }
        let mut expected = 1;
        self.shape.iter().zip(&self.strides).rev().all(|(size, stride)| {
            let fits = *size <= 1 || *stride == expected;
            expected *= (*size).max(1);
            fits
        })
    }

    fn gathered(&self, storage: &[u8]) -> Vec<u8> {
        let width = self.dtype.bytes();
        let mut row = Vec::with_capacity(self.bytes);
        let (inner, outer) = match self.shape.split_last() {
            Some((inner, outer)) => (*inner, outer),
            None => (1, &self.shape[..]),
        };
        let step = self.strides.last().copied().unwrap_or(0) * width;
        let mut index = vec![0; outer.len()];
        loop {
            let at: usize = index.iter().zip(&self.strides).map(|(at, stride)| at * stride).sum();
            let mut at = self.offset + at * width;
            for _ in 0..inner {
                row.extend_from_slice(&storage[at..at + width]);
                at += step;
            }
            // The last index first, as an odometer turns.
            let turned = index.iter_mut().zip(outer).rev().find_map(|(at, size)| {
                *at += 1;
                if *at < *size {
                    return Some(());
                }
                *at = 0;
                None
            });
            if turned.is_none() {
                return row;
            }
        }
    }
}
