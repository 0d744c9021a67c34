//! Reads SVHN's cropped digits, format 2 (Netzer et al. 2011,
//! <http://ufldl.stanford.edu/housenumbers/>): a MATLAB file with the images `X` (bytes; rows x
//! columns x channels x images, the first index varies fastest) and the labels `y` (1 to 10, where
//! 10 is the digit 0).

use std::path::Path;

use super::{DataError, Dataset, mat};

/// Rows and columns.
const SIDE: usize = 32;
const CHANNELS: usize = 3;

/// Reads a split from the bytes of a file, which errors call `path`.
///
/// # Errors
/// If it is no MATLAB file, has other variables, or a label is out of range.
pub fn read(path: &Path, bytes: &[u8]) -> Result<Dataset, DataError> {
    let fail = |offset, fault: String| DataError::Mat {
        path: path.to_owned(),
        offset,
        unpacked: None,
        fault,
    };
    let (mut x, mut y) = (None, None);
    for array in mat::read(path, bytes)? {
        let variable = match array.name.as_str() {
            "X" => &mut x,
            "y" => &mut y,
            other => {
                return Err(fail(array.offset, format!("unexpected variable `{other}`")));
            }
        };
        if variable.is_some() {
            return Err(fail(array.offset, format!("duplicate variable `{}`", array.name)));
        }
        *variable = Some(array);
    }
    let (Some(x), Some(y)) = (x, y) else {
        return Err(fail(bytes.len(), "the variable `X` or `y` is missing".into()));
    };
    let images = match x.dimensions[..] {
        [SIDE, SIDE, CHANNELS, images] => Some(images),
        // MATLAB omits a last dimension of 1.
        [SIDE, SIDE, CHANNELS] => Some(1),
        _ => None,
    };
    let (Some(images), mat::Values::Bytes(columns)) = (images, &x.values) else {
        let found = format!("`X` is {:?}, not bytes of [32, 32, 3, images]", x.dimensions);
        return Err(fail(x.offset, found));
    };
    if y.dimensions != [images, 1] {
        let found = format!("`y` is {:?}, but there are {images} images", y.dimensions);
        return Err(fail(y.offset, found));
    }
    let digit =
        |(image, label): (usize, f64)| match (1..=10).find(|&digit| f64::from(digit) == label) {
            Some(digit) => Ok(digit % 10),
            None => {
                let path = path.to_owned();
                Err(DataError::Label { path, image, label, allowed: "1 to 10 (for the digit 0)" })
            }
        };
    let labels = y.values.numbers().into_iter().enumerate().map(digit).collect::<Result<_, _>>()?;
    let shape = (CHANNELS, SIDE, SIDE);
    Dataset::new(rows(columns), shape, labels, 10)
        .map_err(|cause| DataError::Dataset { path: path.to_owned(), cause })
}

/// Transposes planes from column-major to row-major order.
fn rows(columns: &[u8]) -> Vec<u8> {
    let mut rows = Vec::with_capacity(columns.len());
    for plane in columns.chunks_exact(SIDE * SIDE) {
        for row in 0..SIDE {
            rows.extend(plane[row..].iter().step_by(SIDE));
        }
    }
    rows
}
