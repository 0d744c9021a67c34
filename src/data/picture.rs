//! One JPEG, PNG or WebP file to bytes, as PIL's `Image.open(..).convert("RGB")` does, which is what
//! torchvision's folders give: grey in three equal channels, an alpha channel dropped, an orientation
//! in EXIF left alone. What a file is, its first bytes say, not its name.
//!
//! JPEG is decoded by a port of libjpeg-turbo, PIL's own decoder, without its SIMD kernels, which are
//! unsafe code: the same bytes as PIL's (7.1.2 to 13.0), bit for bit: no pixel of those in
//! `goldens/data/pictures`, and none of 4,000 files of CIFAR-10 and Tiny ImageNet and 1,270 of other sizes,
//! samplings and modes. On the 200 of 300 x 200 pixels at 4:2:0, zune-jpeg 0.5.15 is off by up to 9 levels,
//! .22 in the mean; jpeg-decoder 0.3.2 by up to 3 and .10.

use std::{io::Cursor, path::Path};

use libjpeg_turbo_rs::{DecodeLimits, DecodeWarning, Decoder, JpegError, PixelFormat};

use super::DataError;

/// Images of more pixels are refused: 64 megapixels, 192 MiB as bytes.
pub(crate) const MOST_PIXELS: u64 = 1 << 26;
/// Files of more bytes are not read.
pub(crate) const LARGEST_FILE: u64 = 1 << 27;
/// Scans of a progressive JPEG; an encoder writes about ten.
const MOST_SCANS: usize = 256;

/// An image in three channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Bytes, 3 x height x width: all of red, then green, then blue.
    pub pixels: Vec<u8>,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

/// Decodes a file. `path` is what errors call it by.
///
/// # Errors
/// If it is neither JPEG, PNG nor WebP, is damaged or cut short, is too large, or has colours that are not
/// read: four inks (CMYK), or more than 8 bits.
pub fn decode(path: &Path, bytes: &[u8]) -> Result<Picture, DataError> {
    let decoded = match bytes {
        [0xff, 0xd8, 0xff, ..] => jpeg(bytes),
        [0x89, b'P', b'N', b'G', ..] => png(bytes),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => webp(bytes),
        [] => Err("it is empty".into()),
        _ => {
            let first = bytes[..bytes.len().min(8)].escape_ascii();
            Err(format!("it begins with `{first}`, as neither JPEG, PNG nor WebP does"))
        }
    };
    decoded.map_err(|fault| DataError::Picture { path: path.to_owned(), fault })
}

fn jpeg(bytes: &[u8]) -> Result<Picture, String> {
    let limits =
        DecodeLimits { max_pixels: MOST_PIXELS, max_scans: MOST_SCANS, ..DecodeLimits::default() };
    let words = |error: JpegError| match error {
        JpegError::UnexpectedEof => "it is cut short or damaged".to_owned(),
        error => error.to_string(),
    };
    let decoder = Decoder::new_with_limits(bytes, limits).map_err(words)?;
    let header = decoder.header();
    let (height, width) = (usize::from(header.height), usize::from(header.width));
    match (header.components.len(), header.precision) {
        (1 | 3, 8) => {}
        (4, _) => return Err("it has four inks (CMYK)".into()),
        (channels, bits) => return Err(format!("it has {channels} channels of {bits} bits")),
    }
    let image = decoder.with_output_format(PixelFormat::Rgb).decode_image().map_err(words)?;
    // Bytes between segments change nothing and are passed over by PIL too.
    let harmless =
        |warning: &&DecodeWarning| !matches!(warning, DecodeWarning::ExtraneousData { .. });
    match image.warnings.iter().find(harmless) {
        Some(warning) => Err(warning.to_string()),
        None => Picture::new(&image.data, 3, height, width),
    }
}

fn png(bytes: &[u8]) -> Result<Picture, String> {
    let words = |error: png::DecodingError| error.to_string();
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_limits(png::Limits { bytes: 4 * MOST_PIXELS as usize });
    decoder.ignore_checksums(false);
    // Palettes to colours, fewer bits to 8.
    decoder.set_transformations(png::Transformations::EXPAND);
    let header = decoder.read_header_info().map_err(words)?;
    let (width, height) = (header.width, header.height);
    if header.bit_depth == png::BitDepth::Sixteen {
        return Err("it has 16 bits".into());
    }
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(format!("it has {width} x {height} pixels, more than {MOST_PIXELS}"));
    }
    let mut reader = decoder.read_info().map_err(words)?;
    let size = reader.output_buffer_size().ok_or("it is too large")?;
    let mut pixels = vec![0; size];
    reader.next_frame(&mut pixels).map_err(words)?;
    let channels = reader.output_color_type().0.samples();
    Picture::new(&pixels, channels, height as usize, width as usize)
}

fn webp(bytes: &[u8]) -> Result<Picture, String> {
    let words = |error: image_webp::DecodingError| error.to_string();
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(bytes)).map_err(words)?;
    decoder.set_memory_limit(4 * MOST_PIXELS as usize);
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(format!("it has {width} x {height} pixels, more than {MOST_PIXELS}"));
    }
    if decoder.is_animated() {
        return Err("it is animated".into());
    }
    let size = decoder.output_buffer_size().ok_or("it is too large")?;
    let mut pixels = vec![0; size];
    decoder.read_image(&mut pixels).map_err(words)?;
    let channels = if decoder.has_alpha() { 4 } else { 3 };
    Picture::new(&pixels, channels, height as usize, width as usize)
}

impl Picture {
    /// From pixels of one to four channels: grey, grey and alpha, colours, colours and alpha.
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
        let places = reds.iter_mut().zip(greens).zip(blues);
        for (((red_place, green_place), blue_place), pixel) in
            places.zip(pixels.chunks_exact(channels))
        {
            (*red_place, *green_place, *blue_place) = (pixel[0], pixel[green], pixel[blue]);
        }
        Ok(Self { pixels: planes, height, width })
    }
}
