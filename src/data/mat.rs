//! Numeric arrays of MATLAB 5 files ("Level 5 MAT-File Format", MathWorks), as far as SVHN needs:
//! little-endian, packed by zlib or not, real and not sparse. Everything else is refused where it
//! stands. A file is untrusted: an array's bytes are taken as they come, and no more of them than its
//! dimensions say and [`LARGEST_BYTES`] allows, whatever a packed element would unpack to.

use std::{io::Read, path::Path};

use super::DataError;

/// An array larger than this is refused: SVHN's largest of those used has 225 MB.
pub const LARGEST_BYTES: u64 = 1 << 30;
/// Length of the header: text, a version and a mark of the order of bytes.
const HEADER: usize = 128;
/// Dimensions of an array; SVHN's images have four.
const MOST_DIMENSIONS: usize = 8;
/// The most characters of a variable's name.
const LONGEST_NAME: u64 = 63;

/// Types of elements.
const INT8: u32 = 1;
const UINT8: u32 = 2;
const INT32: u32 = 5;
const UINT32: u32 = 6;
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;
/// Classes of arrays that are numbers: double, single, and whole ones of 8 to 64 bits.
const NUMERIC: std::ops::RangeInclusive<u32> = 6..=15;
/// Of an array's flags: its numbers are complex.
const COMPLEX: u32 = 0x0800;

/// A variable of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Its name.
    pub name: String,
    /// Its sizes; the first runs fastest.
    pub dimensions: Vec<usize>,
    /// Its values, in that order.
    pub values: Values,
    /// Where the element lies in the file.
    pub offset: usize,
}

/// Values as they are stored, which for whole numbers is often smaller than the array's class.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Unsigned bytes.
    Bytes(Vec<u8>),
    /// Any other type, as doubles.
    Numbers(Vec<f64>),
}

impl Values {
    /// All of them as doubles.
    #[must_use]
    pub fn numbers(&self) -> Vec<f64> {
        match self {
            Self::Bytes(bytes) => bytes.iter().copied().map(f64::from).collect(),
            Self::Numbers(numbers) => numbers.clone(),
        }
    }
}

/// Reads every variable of a file. `path` is what errors call it by.
///
/// # Errors
/// If the file is none of this format, is damaged, or has a variable that is no plain array of numbers.
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

/// Offset in the file, offset in what is packed there, and what is wrong.
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
        found => Err((124, None, format!("{found:02x?} stands there, not 00 01 `IM`"))),
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
        return Err((at, None, format!("an element of {size} bytes, and {left} bytes are left")));
    };
    let array = match kind {
        COMPRESSED => {
            let mut packed = Elements::new(flate2::read::ZlibDecoder::new(content));
            packed.whole_matrix(at).map_err(|fault| (at, Some(packed.position), fault))
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

/// Elements one after the other.
struct Elements<R> {
    from: R,
    position: u64,
}

/// An element's tag.
struct Tag {
    kind: u32,
    size: u64,
    /// The content of a small element, which lies in the tag.
    small: Option<[u8; 4]>,
}

impl<R: Read> Elements<R> {
    fn new(from: R) -> Self {
        Self { from, position: 0 }
    }

    /// The next bytes; grows with what is there, not with what is asked for.
    fn bytes(&mut self, count: u64) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let read = self.from.by_ref().take(count).read_to_end(&mut bytes);
        read.map_err(|cause| format!("can't be unpacked: {cause}"))?;
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
            return Err(format!("a small element of {size} bytes, and it has room for 4"));
        }
        let small = Some([bytes[4], bytes[5], bytes[6], bytes[7]]);
        Ok(Tag { kind: first & 0xffff, size, small })
    }

    /// An element of one type, of at most so many bytes.
    fn content(&mut self, what: &str, kind: u32, most: u64) -> Result<Vec<u8>, String> {
        let tag = self.tag()?;
        if tag.kind != kind {
            return Err(format!("{what} of type {}, not {kind}", tag.kind));
        }
        if tag.size > most {
            return Err(format!("{what} of {} bytes, and there can be {most}", tag.size));
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

    /// What a packed element holds: the tag of an array, the array, nothing more.
    fn whole_matrix(&mut self, offset: usize) -> Result<Array, String> {
        let tag = self.tag()?;
        if tag.kind != MATRIX || tag.small.is_some() {
            return Err(format!("an element of type {}, not an array", tag.kind));
        }
        let array = self.matrix(tag.size, offset)?;
        // The last read is also what compares zlib's checksum.
        match self.from.read(&mut [0]) {
            Ok(0) => Ok(array),
            Ok(_) => Err("something follows the array".into()),
            Err(cause) => Err(format!("can't be unpacked: {cause}")),
        }
    }

    /// An array of `size` bytes: flags, dimensions, name, values.
    fn matrix(&mut self, size: u64, offset: usize) -> Result<Array, String> {
        let start = self.position;
        let flags = self.content("flags", UINT32, 8)?;
        let flags = flags.get(..4).map(word).ok_or("there are no flags")?;
        let class = flags & 0xff;
        if !NUMERIC.contains(&class) || flags & COMPLEX != 0 {
            return Err(format!(
                "an array of class {class}, flags {flags:#06x}, not of plain numbers"
            ));
        }
        let dimensions = self.content("dimensions", INT32, 4 * MOST_DIMENSIONS as u64)?;
        let dimensions: Vec<usize> =
            dimensions.chunks_exact(4).map(|bytes| word(bytes) as usize).collect();
        let name = self.content("a name", INT8, LONGEST_NAME)?;
        let name = String::from_utf8(name).map_err(|_| "the name is not text")?;
        let tag = self.tag()?;
        let width = width(tag.kind).ok_or_else(|| format!("values of type {}", tag.kind))?;
        let promised = dimensions.iter().try_fold(width, |bytes: u64, &side| {
            bytes.checked_mul(side as u64).filter(|bytes| *bytes <= LARGEST_BYTES)
        });
        if dimensions.len() < 2 || promised != Some(tag.size) {
            return Err(format!(
                "`{name}` has {} bytes of values, and its dimensions are {dimensions:?}, of {width} \
                 bytes each (at most {LARGEST_BYTES} in all)",
                tag.size
            ));
        }
        let bytes = match tag.small {
            Some(small) => small[..tag.size as usize].to_vec(),
            None => self.bytes(tag.size)?,
        };
        // Values are padded to eight bytes; a writer that leaves that out at the end says so in `size`.
        let found = self.position - start;
        if size != found && size != found.next_multiple_of(8) {
            return Err(format!("`{name}` ends after {found} bytes, and the array has {size}"));
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

/// Bytes of one value, for types of numbers up to 32 bits and doubles.
fn width(kind: u32) -> Option<u64> {
    match kind {
        1 | 2 => Some(1),
        3 | 4 => Some(2),
        5..=7 => Some(4),
        9 => Some(8),
        _ => None,
    }
}

/// A value of such a type.
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
