//! SVHN's cropped digits, format 2 (Netzer et al. 2011, <http://ufldl.stanford.edu/housenumbers/>): a
//! MATLAB file with `X`, the images, as rows x columns x channels x images of bytes of which the first
//! index runs fastest, and `y`, their labels from 1 to 10, where 10 stands for the digit 0.

use std::path::Path;

use super::{DataError, Dataset, mat};

/// Rows and columns.
const SIDE: usize = 32;
const CHANNELS: usize = 3;

/// Reads a split. `path` is what errors call it by.
///
/// # Errors
/// If it is no MATLAB file, has other variables than these two, or a label that is none of these.
pub fn read(path: &Path, bytes: &[u8]) -> Result<Dataset, DataError> {
    let fail = |offset, fault: String| DataError::Mat {
        path: path.to_owned(),
        offset,
        unpacked: None,
        fault,
    };
    let (mut x, mut y) = (None, None);
    for array in mat::read(path, bytes)? {
        let place = match array.name.as_str() {
            "X" => &mut x,
            "y" => &mut y,
            other => {
                return Err(fail(array.offset, format!("a variable `{other}`, not `X` or `y`")));
            }
        };
        if place.is_some() {
            return Err(fail(array.offset, format!("a second `{}`", array.name)));
        }
        *place = Some(array);
    }
    let (Some(x), Some(y)) = (x, y) else {
        return Err(fail(bytes.len(), "the file ends, and there was no `X` or no `y`".into()));
    };
    let images = match x.dimensions[..] {
        [SIDE, SIDE, CHANNELS, images] => Some(images),
        // MATLAB leaves out a last dimension of 1.
        [SIDE, SIDE, CHANNELS] => Some(1),
        _ => None,
    };
    let (Some(images), mat::Values::Bytes(columns)) = (images, &x.values) else {
        let found = format!("`X` is {:?}, not bytes of [32, 32, 3, images]", x.dimensions);
        return Err(fail(x.offset, found));
    };
    if y.dimensions != [images, 1] {
        let found = format!("`y` is {:?}, and there are {images} images", y.dimensions);
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

/// Planes whose rows run fastest to planes whose columns do.
fn rows(columns: &[u8]) -> Vec<u8> {
    let mut rows = Vec::with_capacity(columns.len());
    for plane in columns.chunks_exact(SIDE * SIDE) {
        for row in 0..SIDE {
            rows.extend(plane[row..].iter().step_by(SIDE));
        }
    }
    rows
}
