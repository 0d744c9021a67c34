//! The IDX format of MNIST and its relatives (KMNIST, Fashion-MNIST): a magic number, big-endian
//! sizes, bytes; plain or in gzip. A file is untrusted: nothing is allocated for what its header
//! only promises.

use std::io::Read;

use super::{Dataset, DatasetError};
use crate::util::files::GZIP;

/// Magic number of unsigned bytes in three dimensions: images, rows, columns.
const IMAGES: u32 = 0x0000_0803;
/// Magic number of unsigned bytes in one dimension: labels.
const LABELS: u32 = 0x0000_0801;
/// A file larger than this unpacked is refused: MNIST's largest has 47 MB.
pub const LARGEST_BYTES: u64 = 1 << 30;

/// What is wrong with an IDX file, and where.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum IdxError {
    /// The gzip stream is damaged or cut short.
    #[error("failed to unpack {file}, which is damaged or cut short: {cause}")]
    #[diagnostic(help("get the file again, and compare its checksum"))]
    Damaged {
        /// The file's name.
        file: String,
        /// What the decoder said.
        cause: std::io::Error,
    },
    /// The file is larger than [`LARGEST_BYTES`].
    #[error("{file} is larger than {LARGEST_BYTES} bytes unpacked")]
    #[diagnostic(help("this is no file of the MNIST family; get the official one"))]
    TooLarge {
        /// The file's name.
        file: String,
    },
    /// The file does not begin as it should.
    #[error("{file}, offset 0: the magic number is {found:#010x}, not {expected:#010x}")]
    #[diagnostic(help(
        "an images file begins with 0x00000803, a labels file with 0x00000801; a page of HTML \
         begins with 0x3c: get the official file"
    ))]
    Magic {
        /// The file's name.
        file: String,
        /// What stands there.
        found: u32,
        /// What should.
        expected: u32,
    },
    /// The header promises another number of bytes than there are.
    #[error("{file}, offset {offset}: {found} bytes follow, and the header promises {promised}")]
    #[diagnostic(help("the file is cut short or has something after its end: get it again"))]
    Length {
        /// The file's name.
        file: String,
        /// Where the data begin.
        offset: usize,
        /// Bytes there are.
        found: usize,
        /// Bytes there should be.
        promised: u128,
    },
    /// Images and labels do not fit together.
    #[error("{file}: {cause}")]
    #[diagnostic(help("take images and labels of the same split"))]
    Mismatch {
        /// The labels file's name.
        file: String,
        /// What does not fit.
        cause: DatasetError,
    },
}

/// Reads a split from its images file and its labels file, both plain or in gzip. Each is given
/// with the name that errors call it by.
///
/// # Errors
/// Every fault that [`IdxError`] names.
pub fn read(
    (images_file, images): (&str, &[u8]),
    (labels_file, labels): (&str, &[u8]),
    classes: u32,
) -> Result<Dataset, IdxError> {
    let (sizes, pixels) = parse::<3>(images_file, images, IMAGES)?;
    let labels = self::labels(labels_file, labels)?;
    let shape = (1, sizes[1], sizes[2]);
    Dataset::new(pixels, shape, labels, classes)
        .map_err(|cause| IdxError::Mismatch { file: labels_file.to_owned(), cause })
}

/// Reads a labels file alone.
///
/// # Errors
/// Every fault that [`IdxError`] names.
pub fn labels(file: &str, labels: &[u8]) -> Result<Vec<u32>, IdxError> {
    let (_, labels) = parse::<1>(file, labels, LABELS)?;
    Ok(labels.into_iter().map(u32::from).collect())
}

/// The sizes of each dimension, and the bytes.
fn parse<const DIMENSIONS: usize>(
    file: &str,
    bytes: &[u8],
    magic: u32,
) -> Result<([usize; DIMENSIONS], Vec<u8>), IdxError> {
    let bytes = unpacked(file, bytes)?;
    let header = 4 * (1 + DIMENSIONS);
    let word = |index: usize| {
        let bytes = bytes.get(4 * index..4 * index + 4)?;
        Some(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    };
    let found = word(0).unwrap_or_default();
    if found != magic {
        return Err(IdxError::Magic { file: file.to_owned(), found, expected: magic });
    }
    let mut sizes = [0; DIMENSIONS];
    let mut promised: u128 = 1;
    for (index, size) in sizes.iter_mut().enumerate() {
        // A header that is itself cut short promises at least itself.
        let value = word(index + 1).unwrap_or(u32::MAX);
        promised = promised.saturating_mul(u128::from(value));
        *size = value as usize;
    }
    let data = bytes.get(header..).unwrap_or_default();
    if data.len() as u128 != promised || bytes.len() < header {
        return Err(IdxError::Length {
            file: file.to_owned(),
            offset: header.min(bytes.len()),
            found: data.len(),
            promised,
        });
    }
    Ok((sizes, data.to_vec()))
}

pub(super) fn unpacked(file: &str, bytes: &[u8]) -> Result<Vec<u8>, IdxError> {
    let mut plain = Vec::new();
    let limit = LARGEST_BYTES + 1;
    if bytes.starts_with(&GZIP) {
        flate2::read::MultiGzDecoder::new(bytes)
            .take(limit)
            .read_to_end(&mut plain)
            .map_err(|cause| IdxError::Damaged { file: file.to_owned(), cause })?;
    } else {
        plain = bytes.to_vec();
    }
    if plain.len() as u64 > LARGEST_BYTES {
        return Err(IdxError::TooLarge { file: file.to_owned() });
    }
    Ok(plain)
}
