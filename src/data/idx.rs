//! Reads the IDX format of MNIST, KMNIST and Fashion-MNIST: a magic number, big-endian sizes, and
//! bytes, plain or compressed with gzip. Files are untrusted: a wrong size in the header allocates
//! no memory.

use std::io::Read;

use super::{Dataset, DatasetError};
use crate::util::{files::GZIP, gzip};

/// Magic number of unsigned bytes in three dimensions: images, rows, columns.
const IMAGES: u32 = 0x0000_0803;
/// Magic number of unsigned bytes in one dimension: labels.
const LABELS: u32 = 0x0000_0801;
/// Size limit of an unpacked file in bytes. MNIST's largest has 47 MB.
pub const LARGEST_BYTES: u64 = 1 << 30;

/// An invalid IDX file.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum IdxError {
    /// The gzip stream is damaged or truncated.
    #[error("failed to unpack {file}, which is damaged or truncated: {cause}")]
    #[diagnostic(help("download the file again, and compare its checksum"))]
    Damaged {
        /// The file's name.
        file: String,
        /// The error of the decoder.
        cause: std::io::Error,
    },
    /// The file is larger than [`LARGEST_BYTES`].
    #[error(
        "failed to read {file}: unpacked, it is larger than the limit of {LARGEST_BYTES} bytes"
    )]
    #[diagnostic(help("this is no file of the MNIST family: download the official one"))]
    TooLarge {
        /// The file's name.
        file: String,
    },
    /// The magic number is another one.
    #[error(
        "failed to read {file}, offset 0: the magic number is {found:#010x}, not {expected:#010x}"
    )]
    #[diagnostic(help(
        "download the official file (images begin with 0x00000803, labels with 0x00000801, a web \
         page with 0x3c)"
    ))]
    Magic {
        /// The file's name.
        file: String,
        /// The magic number of the file.
        found: u32,
        /// The expected one.
        expected: u32,
    },
    /// The number of bytes differs from the header.
    #[error(
        "failed to read {file}, offset {offset}: {found} bytes follow, the header states {stated}"
    )]
    #[diagnostic(help("the file is truncated or too long: download it again"))]
    Length {
        /// The file's name.
        file: String,
        /// The offset of the data.
        offset: usize,
        /// Bytes of data.
        found: usize,
        /// Bytes that the header states.
        stated: u128,
    },
    /// Images and labels do not match.
    #[error("failed to read {file}: {cause}")]
    #[diagnostic(help("use images and labels of the same split"))]
    Mismatch {
        /// The labels file's name.
        file: String,
        /// What does not match.
        cause: DatasetError,
    },
}

/// Reads a split from the file of its images and the file of its labels, plain or compressed with
/// gzip, each with its name for errors. Images have the shape 1 x H x W.
///
/// # Errors
/// Each [`IdxError`].
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

/// Reads a file of labels.
///
/// # Errors
/// Each [`IdxError`].
pub fn labels(file: &str, labels: &[u8]) -> Result<Vec<u32>, IdxError> {
    let (_, labels) = parse::<1>(file, labels, LABELS)?;
    Ok(labels.into_iter().map(u32::from).collect())
}

/// The size of each dimension, and the bytes.
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
    let mut stated: u128 = 1;
    for (index, size) in sizes.iter_mut().enumerate() {
        // A truncated header counts as the largest size.
        let value = word(index + 1).unwrap_or(u32::MAX);
        stated = stated.saturating_mul(u128::from(value));
        *size = value as usize;
    }
    let data = bytes.get(header..).unwrap_or_default();
    if data.len() as u128 != stated || bytes.len() < header {
        return Err(IdxError::Length {
            file: file.to_owned(),
            offset: header.min(bytes.len()),
            found: data.len(),
            stated,
        });
    }
    Ok((sizes, data.to_vec()))
}

/// Decompresses gzip; other bytes are copied.
pub(super) fn unpacked(file: &str, bytes: &[u8]) -> Result<Vec<u8>, IdxError> {
    let mut plain = Vec::new();
    let limit = LARGEST_BYTES + 1;
    if bytes.starts_with(&GZIP) {
        gzip::Members::new(bytes)
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
