//! Decodes a JPEG, PNG or WebP file like PIL's `Image.open(..).convert("RGB")`, which torchvision's
//! folders use: grey becomes three equal channels, alpha is dropped, and an EXIF orientation is
//! ignored. The first bytes of a file decide its format, not its name.
//!
//! JPEG is decoded by a port of libjpeg-turbo, PIL's decoder, without its SIMD kernels, which are
//! unsafe code. The bytes equal PIL's (7.1.2 to 13.0) bit for bit: for all files in
//! `goldens/data/pictures`, for 4,000 files of CIFAR-10 and Tiny ImageNet, and for 1,270 of other
//! sizes, samplings and modes. On the 200 of 300 x 200 pixels at 4:2:0, zune-jpeg 0.5.15 differs by
//! up to 9 levels (mean 0.22), and jpeg-decoder 0.3.2 by up to 3 (mean 0.10).

use std::{io::Cursor, path::Path};

use libjpeg_turbo_rs::{DecodeLimits, DecodeWarning, Decoder, JpegError, PixelFormat};

use super::DataError;

/// Limit on the pixels of an image: 64 megapixels, or 192 MiB decoded.
pub(crate) const MAX_PIXELS: u64 = 1 << 26;
/// Size limit of a file in bytes.
pub(crate) const LARGEST_FILE: u64 = 1 << 27;
/// Limit on the scans of a progressive JPEG. Encoders write about ten.
const MAX_SCANS: usize = 256;

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
/// If it is neither JPEG, PNG nor WebP, is damaged, truncated or too large, or has unsupported
/// colours (CMYK, or more than 8 bits).
pub fn decode(path: &Path, bytes: &[u8]) -> Result<Picture, DataError> {
    let decoded = match bytes {
        [0xff, 0xd8, 0xff, ..] => jpeg(bytes),
        [0x89, b'P', b'N', b'G', ..] => png(bytes),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => webp(bytes),
        [] => Err("it is empty".into()),
        _ => {
            let first = bytes[..bytes.len().min(8)].escape_ascii();
            Err(format!("it begins with `{first}`, and is neither JPEG, PNG nor WebP"))
        }
    };
    decoded.map_err(|fault| DataError::Picture { path: path.to_owned(), fault })
}

fn jpeg(bytes: &[u8]) -> Result<Picture, String> {
    let limits =
        DecodeLimits { max_pixels: MAX_PIXELS, max_scans: MAX_SCANS, ..DecodeLimits::default() };
    let text = |error: JpegError| match error {
        JpegError::UnexpectedEof => "it is truncated or damaged".to_owned(),
        error => error.to_string(),
    };
    let decoder = Decoder::new_with_limits(bytes, limits).map_err(text)?;
    let header = decoder.header();
    let (height, width) = (usize::from(header.height), usize::from(header.width));
    match (header.components.len(), header.precision) {
        (1 | 3, 8) => {}
        (4, _) => return Err("it has four channels (CMYK)".into()),
        (channels, bits) => return Err(format!("it has {channels} channels of {bits} bits")),
    }
    let image = decoder.with_output_format(PixelFormat::Rgb).decode_image().map_err(text)?;
    // Extraneous bytes between segments do not matter; PIL ignores them too.
    let harmful =
        |warning: &&DecodeWarning| !matches!(warning, DecodeWarning::ExtraneousData { .. });
    match image.warnings.iter().find(harmful) {
        Some(warning) => Err(warning.to_string()),
        None => Picture::new(&image.data, 3, height, width),
    }
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
