//! The layout of a tensor (shape, strides, offset in a storage), and its elements as contiguous
//! bytes.

use std::{borrow::Cow, io, ops::Range};

use super::{bytes::Bytes, dtype::Dtype};

/// A tensor as a view of a range of the file's bytes, which contains every element
/// ([`Layout::new`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    dtype: Dtype,
    shape: Vec<usize>,
    /// The distance in elements from one index to the next, for each dimension.
    strides: Vec<usize>,
    /// The byte range of the storage in the file.
    storage: Range<usize>,
    /// The offset of the first element in the storage, in bytes.
    offset: usize,
    big_endian: bool,
    /// The size of all elements in bytes.
    bytes: usize,
}

/// An element is outside the storage, or a size overflows.
#[derive(Debug)]
pub struct OutOfBounds;

impl Layout {
    /// A view of the bytes `storage` of the file that begins at the element `offset`. Strides are
    /// in elements.
    ///
    /// # Errors
    /// If an element is outside the storage, or a size overflows.
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
            // Without elements, any offset and strides are valid.
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

    /// The type of its elements.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Its size in each dimension.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The size of all elements in bytes: the length of [`Layout::contiguous`].
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// All elements, contiguous in row-major order and little-endian; borrowed from bytes in memory
    /// if they are stored that way.
    ///
    /// # Errors
    /// If the file can't be read.
    pub fn contiguous<'a>(&self, file: &'a Bytes) -> io::Result<Cow<'a, [u8]>> {
        let begin = self.storage.start + self.offset;
        let mut bytes = if self.is_contiguous() {
            file.range(begin..begin + self.bytes)?
        } else {
            // From the first to the last element: no other part of the storage is read.
            Cow::Owned(self.gather(&file.range(begin..begin + self.extent())?))
        };
        let width = self.dtype.swapped();
        if self.big_endian && width > 1 {
            bytes.to_mut().chunks_exact_mut(width).for_each(<[u8]>::reverse);
        }
        Ok(bytes)
    }

    /// The bytes from the first element to the end of the last one.
    fn extent(&self) -> usize {
        let last: usize =
            self.shape.iter().zip(&self.strides).map(|(size, stride)| (size - 1) * stride).sum();
        (last + 1) * self.dtype.bytes()
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

    /// Copies the elements in row-major order. `stored` begins with the first one.
    fn gather(&self, stored: &[u8]) -> Vec<u8> {
        let width = self.dtype.bytes();
        let mut bytes = Vec::with_capacity(self.bytes);
        let (inner, outer) = match self.shape.split_last() {
            Some((inner, outer)) => (*inner, outer),
            None => (1, &self.shape[..]),
        };
        let step = self.strides.last().copied().unwrap_or(0) * width;
        let mut index = vec![0; outer.len()];
        loop {
            let at: usize = index.iter().zip(&self.strides).map(|(at, stride)| at * stride).sum();
            let mut at = at * width;
            for _ in 0..inner {
                bytes.extend_from_slice(&stored[at..at + width]);
                at += step;
            }
            // Increment the last index first, with carry.
            let incremented = index.iter_mut().zip(outer).rev().find_map(|(at, size)| {
                *at += 1;
                if *at < *size {
                    return Some(());
                }
                *at = 0;
                None
            });
            if incremented.is_none() {
                return bytes;
            }
        }
    }
}
