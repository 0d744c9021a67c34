//! Decodes a JPEG, PNG, WebP or GIF file like PIL's `Image.open(..).convert("RGB")`, which
//! torchvision's folders use: grey becomes three equal channels, alpha is dropped, of an animated
//! GIF the first frame is taken, and an EXIF orientation is ignored. The first bytes of a file decide
//! its format, not its name.
//!
//! JPEG is decoded by a port of libjpeg-turbo, PIL's decoder, without its SIMD kernels, which are
//! unsafe code. The bytes equal PIL's (7.1.2 to 13.0) bit for bit: for all files in
//! `goldens/data/pictures`, for 4,000 files of CIFAR-10 and Tiny ImageNet, and for 1,270 of other
//! sizes, samplings and modes. On the 200 of 300 x 200 pixels at 4:2:0, zune-jpeg 0.5.15 differs by
//! up to 9 levels (mean 0.22), and jpeg-decoder 0.3.2 by up to 3 (mean 0.10).
//!
//! Damaged JPEGs are in `jpeg`. What PIL decodes and this module does not is refused by the name of
//! its format, so that nothing is decoded to other pixels in silence.

mod gif;
mod jpeg;

use std::{io::Cursor, path::Path};

use super::DataError;

/// Limit on the pixels of an image: 64 megapixels, or 192 MiB decoded.
pub(crate) const MAX_PIXELS: u64 = 1 << 26;
/// Size limit of a file in bytes.
pub(crate) const LARGEST_FILE: u64 = 1 << 27;
/// The formats that are decoded, in words.
pub(crate) const FORMATS: &str = "JPEG, PNG, WebP or GIF";
/// File extensions of these formats, in upper or lower case.
pub(crate) const EXTENSIONS: [&str; 5] = ["jpg", "jpeg", "png", "webp", "gif"];
/// The version of the rules by which files are decoded or refused. Raise it when a file is decoded
/// that was refused, or the reverse: images are then checked again.
pub(super) const RULES: u32 = 1;
/// Formats that are recognised but not decoded, by their first bytes.
const OTHERS: [(&[u8], &str); 12] = [
    (b"BM", "a BMP image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"8BPS", "a Photoshop image"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file that it stands for"),
    (b"<!DOCTYPE html", "a web page"),
    (b"<html", "a web page"),
    (b"<svg", "an SVG drawing"),
];

/// An image in three channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// 3 x height x width bytes: the red, green and blue planes.
    pub pixels: Vec<u8>,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

/// Decodes the bytes of a file, which errors call `path`.
///
/// # Errors
/// If it is of another format, is damaged, truncated or too large, or has more than 8 bits a
/// channel.
pub fn decode(path: &Path, bytes: &[u8]) -> Result<Picture, DataError> {
    let decoded = match bytes {
        [0xff, 0xd8, 0xff, ..] => jpeg::decode(bytes),
        [0x89, b'P', b'N', b'G', ..] => png(bytes),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => webp(bytes),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => gif::decode(bytes),
        [] => Err("it is empty".into()),
        _ => Err(other_format(bytes)),
    };
    decoded.map_err(|fault| DataError::Picture { path: path.to_owned(), fault })
}

/// Checks that [`decode`] gives PIL's pixels, as far as that can be recognised. For a JPEG this
/// takes about twice as long.
///
/// # Errors
/// As [`decode`], and if the pixels of a damaged JPEG depend on the processor.
pub fn check(path: &Path, bytes: &[u8]) -> Result<(), DataError> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => {
            jpeg::check(bytes).map_err(|fault| DataError::Picture { path: path.to_owned(), fault })
        }
        _ => decode(path, bytes).map(drop),
    }
}

/// The fault of a file in another format.
fn other_format(bytes: &[u8]) -> String {
    let begins = |first: &[u8]| match (first, bytes.get(..first.len())) {
        ([b'<', ..], Some(bytes)) => bytes.eq_ignore_ascii_case(first),
        (_, bytes) => bytes == Some(first),
    };
    let other = OTHERS.iter().find(|(first, _)| begins(first)).map(|(_, name)| *name);
    // ISO base media files name their brand after the size of their first box.
    let brand = bytes.get(4..12).and_then(|bytes| bytes.strip_prefix(b"ftyp"));
    let other = other.or(match brand {
        Some(b"avif" | b"avis") => Some("an AVIF image"),
        Some(b"heic" | b"heix" | b"mif1") => Some("a HEIC image"),
        _ => None,
    });
    if let Some(other) = other {
        return format!("it is {other}, and not {FORMATS}");
    }
    let first = bytes[..bytes.len().min(8)].escape_ascii();
    format!("it begins with `{first}`, and is not {FORMATS}")
}

fn png(bytes: &[u8]) -> Result<Picture, String> {
    let text = |error: png::DecodingError| error.to_string();
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_limits(png::Limits { bytes: 4 * MAX_PIXELS as usize });
    decoder.ignore_checksums(false);
    // Converts palettes to colours, and fewer bits to 8.
    decoder.set_transformations(png::Transformations::EXPAND);
    let header = decoder.read_header_info().map_err(text)?;
    let (width, height) = (header.width, header.height);
    if header.bit_depth == png::BitDepth::Sixteen {
        return Err("it has 16 bits".into());
    }
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(format!(
            "it has {width} x {height} pixels, more than the limit of {MAX_PIXELS}"
        ));
    }
    let mut reader = decoder.read_info().map_err(text)?;
    let size = reader.output_buffer_size().ok_or("it is too large")?;
    let mut pixels = vec![0; size];
    reader.next_frame(&mut pixels).map_err(text)?;
    let channels = reader.output_color_type().0.samples();
    Picture::new(&pixels, channels, height as usize, width as usize)
}

fn webp(bytes: &[u8]) -> Result<Picture, String> {
    let text = |error: image_webp::DecodingError| error.to_string();
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(bytes)).map_err(text)?;
    decoder.set_memory_limit(4 * MAX_PIXELS as usize);
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(format!(
            "it has {width} x {height} pixels, more than the limit of {MAX_PIXELS}"
        ));
    }
    if decoder.is_animated() {
        return Err("it is animated".into());
    }
    let size = decoder.output_buffer_size().ok_or("it is too large")?;
    let mut pixels = vec![0; size];
    decoder.read_image(&mut pixels).map_err(text)?;
    let channels = if decoder.has_alpha() { 4 } else { 3 };
    Picture::new(&pixels, channels, height as usize, width as usize)
}

impl Picture {
    /// From interleaved pixels of one to four channels: grey, grey and alpha, RGB, or RGB and
    /// alpha.
    fn new(pixels: &[u8], channels: usize, height: usize, width: usize) -> Result<Self, String> {
        if pixels.len() != channels * height * width || pixels.is_empty() {
            let bytes = pixels.len();
            return Err(format!("its {bytes} bytes are not {height} x {width} x {channels}"));
        }
        let (green, blue) = if channels < 3 { (0, 0) } else { (1, 2) };
        let count = height * width;
        let mut planes = vec![0; 3 * count];
        let (reds, rest) = planes.split_at_mut(count);
        let (greens, blues) = rest.split_at_mut(count);
        let outputs = reds.iter_mut().zip(greens).zip(blues);
        for (((red_output, green_output), blue_output), pixel) in
            outputs.zip(pixels.chunks_exact(channels))
        {
            (*red_output, *green_output, *blue_output) = (pixel[0], pixel[green], pixel[blue]);
        }
        Ok(Self { pixels: planes, height, width })
    }
}
