//! Reads numeric arrays of MATLAB 5 files ("Level 5 MAT-File Format", MathWorks), as far as SVHN
//! needs them: little-endian, compressed with zlib or not, real and dense. Everything else is an
//! error with its offset. Files are untrusted: no more bytes of an array are read than its
//! dimensions state and [`LARGEST_BYTES`] allows, whatever a compressed element would unpack to.

use std::{io::Read, path::Path};

use super::DataError;
use crate::util::gzip;

/// Size limit of an array in bytes. The largest used one of SVHN has 225 MB.
pub const LARGEST_BYTES: u64 = 1 << 30;
/// Length of the header in bytes: text, a version and a byte order mark.
const HEADER: usize = 128;
/// Limit on the dimensions of an array. SVHN's images have four.
const MAX_DIMENSIONS: usize = 8;
/// Limit on the length of a variable's name.
const MAX_NAME: u64 = 63;

/// Types of elements.
const INT8: u32 = 1;
const UINT8: u32 = 2;
const INT32: u32 = 5;
const UINT32: u32 = 6;
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;
/// Classes of numeric arrays: double, single, and integers of 8 to 64 bits.
const NUMERIC: std::ops::RangeInclusive<u32> = 6..=15;
/// The flag of an array with complex numbers.
const COMPLEX: u32 = 0x0800;

/// A variable of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Its name.
    pub name: String,
    /// Its size in each dimension; the first index varies fastest.
    pub dimensions: Vec<usize>,
    /// Its values, in that order.
    pub values: Values,
    /// The offset of the element in the file.
    pub offset: usize,
}

/// Values as stored. The stored type of integers is often smaller than the class of the array.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Unsigned bytes.
    Bytes(Vec<u8>),
    /// Any other type, converted to double precision.
    Numbers(Vec<f64>),
}

impl Values {
    /// All values in double precision.
    #[must_use]
    pub fn numbers(&self) -> Vec<f64> {
        match self {
            Self::Bytes(bytes) => bytes.iter().copied().map(f64::from).collect(),
            Self::Numbers(numbers) => numbers.clone(),
        }
    }
}

/// Reads every variable of a file, which errors call `path`.
///
/// # Errors
/// If the format is another one, the file is damaged, or a variable is no plain numeric array.
pub fn read(path: &Path, bytes: &[u8]) -> Result<Vec<Array>, DataError> {
    let fail = |(offset, unpacked, fault): Fault| DataError::Mat {
        path: path.to_owned(),
        offset,
        unpacked,
        fault,
    };
    header(bytes).map_err(fail)?;
    let mut arrays = Vec::new();
    let mut at = HEADER;
    while at < bytes.len() {
        let (array, next) = element(bytes, at).map_err(fail)?;
        arrays.push(array);
        at = next;
    }
    Ok(arrays)
}

/// The offset in the file, the offset in the compressed element there, and what is wrong.
type Fault = (usize, Option<u64>, String);

fn header(bytes: &[u8]) -> Result<(), Fault> {
    let Some(header) = bytes.get(..HEADER) else {
        return Err((
            bytes.len(),
            None,
            format!("the file ends within its header of {HEADER} bytes"),
        ));
    };
    match &header[124..] {
        [0x00, 0x01, b'I', b'M'] => Ok(()),
        [0x01, 0x00, b'M', b'I'] => Err((124, None, "the file is big-endian".into())),
        [0x00, 0x02, b'I', b'M'] => Err((124, None, "the file is of version 7.3 (HDF5)".into())),
        found => Err((124, None, format!("found {found:02x?}, expected 00 01 `IM`"))),
    }
}

/// The array of the element at an offset, and the offset after the element.
fn element(file: &[u8], at: usize) -> Result<(Array, usize), Fault> {
    let Some(tag) = file.get(at..at + 8) else {
        return Err((at, None, "the file ends within the tag of an element".into()));
    };
    let (kind, size) = (word(&tag[..4]), word(&tag[4..]) as usize);
    let left = file.len() - at - 8;
    let Some(content) = file.get(at + 8..).and_then(|rest| rest.get(..size)) else {
        return Err((
            at,
            None,
            format!("an element of {size} bytes, but only {left} bytes are left"),
        ));
    };
    let array = match kind {
        COMPRESSED => {
            let mut packed = Elements::new(flate2::bufread::ZlibDecoder::new(content));
            let array = packed.whole_matrix(at).and_then(|array| {
                let end = gzip::only_zeros(packed.from.get_mut());
                end.map(|()| array).map_err(|cause| format!("failed to unpack: {cause}"))
            });
            array.map_err(|fault| (at, Some(packed.position), fault))
        }
        MATRIX => {
            let mut plain = Elements::new(content);
            let array = plain.matrix(size as u64, at);
            array.map_err(|fault| (at + 8 + plain.position as usize, None, fault))
        }
        other => Err((at, None, format!("an element of type {other}, not an array"))),
    };
    Ok((array?, at + 8 + size))
}

fn word(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte))
}

/// A reader of elements.
struct Elements<R> {
    from: R,
    position: u64,
}

/// An element's tag.
struct Tag {
    kind: u32,
    size: u64,
    /// The content of a small element, which is in the tag.
    small: Option<[u8; 4]>,
}

impl<R: Read> Elements<R> {
    fn new(from: R) -> Self {
        Self { from, position: 0 }
    }

    /// Reads the next bytes; allocates for the bytes found, not for `count`.
    fn bytes(&mut self, count: u64) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let read = self.from.by_ref().take(count).read_to_end(&mut bytes);
        read.map_err(|cause| format!("failed to unpack: {cause}"))?;
        self.position += bytes.len() as u64;
        if bytes.len() as u64 == count { Ok(bytes) } else { Err("the element ends here".into()) }
    }

    fn tag(&mut self) -> Result<Tag, String> {
        let bytes = self.bytes(8)?;
        let first = word(&bytes[..4]);
        if first >> 16 == 0 {
            return Ok(Tag { kind: first, size: word(&bytes[4..]).into(), small: None });
        }
        let size = u64::from(first >> 16);
        if size > 4 {
            return Err(format!("a small element of {size} bytes, more than the limit of 4"));
        }
        let small = Some([bytes[4], bytes[5], bytes[6], bytes[7]]);
        Ok(Tag { kind: first & 0xffff, size, small })
    }

    /// Reads an element of a type, of at most `limit` bytes.
    fn content(&mut self, what: &str, kind: u32, limit: u64) -> Result<Vec<u8>, String> {
        let tag = self.tag()?;
        if tag.kind != kind {
            return Err(format!("{what} of type {}, not {kind}", tag.kind));
        }
        if tag.size > limit {
            return Err(format!("{what} of {} bytes, more than the limit of {limit}", tag.size));
        }
        self.content_of(&tag)
    }

    fn content_of(&mut self, tag: &Tag) -> Result<Vec<u8>, String> {
        if let Some(small) = tag.small {
            return Ok(small[..tag.size as usize].to_vec());
        }
        let content = self.bytes(tag.size)?;
        self.bytes(tag.size.next_multiple_of(8) - tag.size)?;
        Ok(content)
    }

    /// Reads a compressed element: the tag of an array and the array, and nothing else.
    fn whole_matrix(&mut self, offset: usize) -> Result<Array, String> {
        let tag = self.tag()?;
        if tag.kind != MATRIX || tag.small.is_some() {
            return Err(format!("an element of type {}, not an array", tag.kind));
        }
        let array = self.matrix(tag.size, offset)?;
        // The last read also verifies the checksum of zlib.
        match self.from.read(&mut [0]) {
            Ok(0) => Ok(array),
            Ok(_) => Err("unexpected bytes follow the array".into()),
            Err(cause) => Err(format!("failed to unpack: {cause}")),
        }
    }

    /// Reads an array of `size` bytes: flags, dimensions, name, values.
    fn matrix(&mut self, size: u64, offset: usize) -> Result<Array, String> {
        let start = self.position;
        let flags = self.content("flags", UINT32, 8)?;
        let flags = flags.get(..4).map(word).ok_or("the flags are missing")?;
        let class = flags & 0xff;
        if !NUMERIC.contains(&class) || flags & COMPLEX != 0 {
            return Err(format!(
                "an array of class {class}, flags {flags:#06x}, which is no plain numeric array"
            ));
        }
        let dimensions = self.content("dimensions", INT32, 4 * MAX_DIMENSIONS as u64)?;
        let dimensions: Vec<usize> =
            dimensions.chunks_exact(4).map(|bytes| word(bytes) as usize).collect();
        let name = self.content("a name", INT8, MAX_NAME)?;
        let name = String::from_utf8(name).map_err(|_| "the name is not text")?;
        let tag = self.tag()?;
        let width = width(tag.kind).ok_or_else(|| format!("values of type {}", tag.kind))?;
        let stated = dimensions.iter().try_fold(width, |bytes: u64, &side| {
            bytes.checked_mul(side as u64).filter(|bytes| *bytes <= LARGEST_BYTES)
        });
        if dimensions.len() < 2 || stated != Some(tag.size) {
            return Err(format!(
                "`{name}` has {} bytes of values, but its dimensions are {dimensions:?}, of \
                 {width} bytes each (limit: {LARGEST_BYTES} bytes)",
                tag.size
            ));
        }
        let bytes = match tag.small {
            Some(small) => small[..tag.size as usize].to_vec(),
            None => self.bytes(tag.size)?,
        };
        // Values are padded to eight bytes; a writer that omits the last padding excludes it from
        // `size`.
        let found = self.position - start;
        if size != found && size != found.next_multiple_of(8) {
            return Err(format!("`{name}` ends after {found} bytes, but the array has {size}"));
        }
        self.bytes(size - found)?;
        let values = match tag.kind {
            UINT8 => Values::Bytes(bytes),
            kind => Values::Numbers(
                bytes.chunks_exact(width as usize).map(|bytes| number(kind, bytes)).collect(),
            ),
        };
        Ok(Array { name, dimensions, values, offset })
    }
}

/// Bytes of one value of a type: integers and floats of up to 32 bits, and doubles.
fn width(kind: u32) -> Option<u64> {
    match kind {
        1 | 2 => Some(1),
        3 | 4 => Some(2),
        5..=7 => Some(4),
        9 => Some(8),
        _ => None,
    }
}

/// Converts a value of a type.
fn number(kind: u32, bytes: &[u8]) -> f64 {
    let low = word(bytes.get(..4).unwrap_or(bytes));
    match kind {
        1 => f64::from(low as u8 as i8),
        3 => f64::from(low as u16 as i16),
        5 => f64::from(low as i32),
        7 => f64::from(f32::from_bits(low)),
        9 => f64::from_bits(u64::from(word(&bytes[4..])) << 32 | u64::from(low)),
        _ => f64::from(low),
    }
}
