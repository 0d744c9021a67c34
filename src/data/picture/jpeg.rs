//! Decodes JPEGs, sound and damaged, to PIL's bytes. libjpeg continues after most damage with a
//! warning that PIL does not print, and real data sets have such files (two of Oxford-IIIT Pets end
//! before their last rows). Extraneous bytes between segments do no harm. The rows after an early
//! end are what libjpeg makes of them. Other damage is refused, since libjpeg's pixels then depend on
//! the processor; and so is a file without an end, as PIL does.
//!
//! CMYK is inverted first and then becomes red, green and blue, as in PIL: no colour profile is
//! used.

use libjpeg_turbo_rs::{
    DecodeLimits, DecodeWarning, Decoder, Image, JpegError, PixelFormat, read_coefficients,
};

use super::{LARGEST_FILE, MAX_PIXELS, Picture};

/// Limit on the scans of a progressive JPEG. Encoders write about ten.
const MAX_SCANS: usize = 256;
/// The end marker.
const END: u8 = 0xd9;
/// The start of a scan.
const SCAN: u8 = 0xda;

/// Decodes the bytes of a JPEG.
///
/// # Errors
/// What is wrong, if PIL refuses the file or its pixels are not known to be PIL's.
pub(super) fn decode(bytes: &[u8]) -> Result<Picture, String> {
    let Image { data, width, height, pixel_format, .. } = image(bytes)?;
    match pixel_format {
        PixelFormat::Cmyk => Picture::new(&rgb_of_cmyk(&data), 3, height, width),
        _ => Picture::new(&data, 3, height, width),
    }
}

/// Checks that a JPEG can be decoded and that its pixels do not depend on the processor: that no
/// step of the inverse transform leaves 16 bits, and no result the range that libjpeg limits. A
/// photograph is far from both, and damaged data often exceed them. This takes about twice as long
/// as [`decode`].
///
/// # Errors
/// What is wrong.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    let image = image(bytes)?;
    let end = image.warnings.iter().find_map(|warning| match warning {
        DecodeWarning::TruncatedData { decoded_mcus, .. } => Some(*decoded_mcus),
        _ => None,
    });
    let coefficients = match end {
        None => read_coefficients(bytes),
        Some(_) => read_coefficients(&lengthened(bytes)?),
    };
    let coefficients = coefficients.map_err(|error| damaged(&error.to_string()))?;
    let in_range = coefficients.components.iter().all(|component| {
        let (across, down) = (usize::from(component.h_sampling), usize::from(component.v_sampling));
        let unit = |block: usize| {
            let (row, column) = (block / component.blocks_x, block % component.blocks_x);
            row / down * (component.blocks_x / across) + column / across
        };
        // libjpeg leaves the blocks after an early end grey.
        let is_read = |block: usize| end.is_none_or(|end| unit(block) <= end);
        let table = coefficients.quant_tables.get(usize::from(component.quant_table_index));
        table.is_none_or(|table| {
            let blocks = component.blocks.iter().enumerate();
            blocks.filter(|(at, _)| is_read(*at)).all(|(_, block)| is_in_range(block, table))
        })
    });
    if in_range { Ok(()) } else { Err(damaged("values are out of range")) }
}

/// The pixels of a JPEG, with the warnings that do not matter: red, green and blue, or CMYK.
fn image(bytes: &[u8]) -> Result<Image, String> {
    let decoder = decoder(bytes)?;
    let (after, _) = marker_after_data(bytes, decoder.has_multiple_scans())?;
    let header = decoder.header();
    if header.height == 0 || header.width == 0 {
        return Err("it has no rows or no columns".into());
    }
    let format = match (header.components.len(), header.precision) {
        (1 | 3, 8) => PixelFormat::Rgb,
        (4, 8) => {
            let size = |at: usize| {
                let component = &header.components[at];
                (component.horizontal_sampling, component.vertical_sampling)
            };
            if (1..4).any(|at| size(at) != size(0)) {
                return Err("its four channels (CMYK) have several sizes".into());
            }
            PixelFormat::Cmyk
        }
        (channels, bits) => return Err(format!("it has {channels} channels of {bits} bits")),
    };
    match decoder.with_output_format(format).decode_image() {
        Ok(image) if image.warnings.iter().all(is_harmless) => Ok(image),
        Ok(_) | Err(JpegError::UnexpectedEof) if after == END => recovered(bytes, format),
        Ok(_) | Err(JpegError::UnexpectedEof) => Err(damaged("a marker is in its data")),
        Err(error) => Err(error.to_string()),
    }
}

/// A JPEG whose only scan ends early, with zeros as bits of the blocks that are missing.
fn lengthened(bytes: &[u8]) -> Result<Vec<u8>, String> {
    /// Bytes of a block: 64 codes of at most 16 bits, each with a value of at most 16 bits.
    const BLOCK: usize = 64 * 4;
    let decoder = decoder(bytes)?;
    let header = decoder.header();
    let blocks = usize::from(header.width).div_ceil(8) * usize::from(header.height).div_ceil(8);
    let (_, end) = marker_after_data(bytes, false)?;
    let length = BLOCK * blocks * header.components.len();
    if length as u64 > LARGEST_FILE {
        return Err("its data end early, and it is too large for a check of the rest".into());
    }
    let zeros = vec![0; length];
    Ok([&bytes[..end], &zeros, &bytes[end..]].concat())
}

fn damaged(what: &str) -> String {
    format!(
        "its data are damaged ({what}); PIL decodes it, but to pixels that may depend on the \
         processor"
    )
}

/// Whether the inverse transform of a block stays in range, with coefficients in zigzag order and
/// quantisers row by row.
fn is_in_range(block: &[i16; 64], quantisers: &[u16; 64]) -> bool {
    /// Half of what 16 bits hold, since two values are added, with the 2 spare bits of the first
    /// pass.
    const FIRST_PASS: f32 = 4095.0;
    /// libjpeg limits values of 10 bits to a byte.
    const RESULT: f32 = 511.0;
    let mut values = [0.0; 64];
    let mut sum = 0.0;
    for (coefficient, place) in block.iter().zip(ZIGZAG) {
        let value = f32::from(*coefficient) * f32::from(quantisers[place]);
        sum += value.abs();
        values[place] = value;
    }
    // No result is larger than this.
    if sum / 8.0 < RESULT {
        return true;
    }
    let cosine = |at: usize, frequency: usize| {
        let angle = std::f32::consts::PI / 16.0 * ((2 * at + 1) * frequency) as f32;
        if frequency == 0 { 1.0 } else { std::f32::consts::SQRT_2 * angle.cos() }
    };
    let transform = |line: [f32; 8]| -> [f32; 8] {
        std::array::from_fn(|at| (0..8).map(|of| line[of] * cosine(at, of)).sum())
    };
    let mut columns = [[0.0; 8]; 8];
    for (column, output) in columns.iter_mut().enumerate() {
        *output = transform(std::array::from_fn(|row| values[8 * row + column]));
    }
    let first_in_range = columns.iter().flatten().all(|value| value.abs() < FIRST_PASS);
    first_in_range
        && (0..8).all(|row| {
            let results = transform(std::array::from_fn(|column| columns[column][row]));
            results.iter().all(|result| result.abs() / 8.0 < RESULT)
        })
}

/// The place of each coefficient of the zigzag order in a block, row by row.
const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

fn decoder(bytes: &[u8]) -> Result<Decoder<'_>, String> {
    let limits =
        DecodeLimits { max_pixels: MAX_PIXELS, max_scans: MAX_SCANS, ..DecodeLimits::default() };
    let decoder = Decoder::new_with_limits(bytes, limits).map_err(|error| match error {
        JpegError::UnexpectedEof => "it is truncated or damaged".to_owned(),
        error => error.to_string(),
    })?;
    // Of a progressive file without its last scans libjpeg smooths the blocks. It changes nothing
    // where all scans are there.
    Ok(decoder.with_block_smoothing(true))
}

/// What libjpeg makes of a file whose data end early.
fn recovered(bytes: &[u8], format: PixelFormat) -> Result<Image, String> {
    let decoder = decoder(bytes)?.with_lenient(true).with_output_format(format);
    let image = decoder.decode_image().map_err(|error| error.to_string())?;
    let ends_early = |warning: &DecodeWarning| {
        is_harmless(warning) || matches!(warning, DecodeWarning::TruncatedData { .. })
    };
    match image.warnings.iter().find(|warning| !ends_early(warning)) {
        Some(warning) => Err(damaged(&warning.to_string())),
        None => Ok(image),
    }
}

/// Extraneous bytes between segments do not matter to libjpeg.
fn is_harmless(warning: &DecodeWarning) -> bool {
    matches!(warning, DecodeWarning::ExtraneousData { .. })
}

/// The marker without which PIL waits for more bytes: the first after the only scan, or the end
/// marker after several scans; and its offset.
///
/// # Errors
/// If it is missing, or a restart marker is not the next one, which libjpeg takes for a loss of
/// data.
fn marker_after_data(bytes: &[u8], several_scans: bool) -> Result<(u8, usize), String> {
    let (mut rest, mut in_scan, mut restarts) = (bytes, false, 0);
    while let Some(at) = rest.iter().position(|byte| *byte == 0xff) {
        let offset = bytes.len() - rest.len() + at;
        rest = &rest[at + 1..];
        let padding = rest.iter().take_while(|byte| **byte == 0xff).count();
        rest = &rest[padding..];
        match rest {
            [END, ..] => return Ok((END, offset)),
            [restart @ 0xd0..=0xd7, after @ ..] if in_scan => {
                if restart - 0xd0 != restarts {
                    return Err(damaged("restart markers are out of order"));
                }
                restarts = (restarts + 1) % 8;
                rest = after;
            }
            // A stuffed byte of data, and markers without a length.
            [0x00 | 0x01 | 0xd0..=0xd8, after @ ..] => rest = after,
            [marker, ..] if in_scan && !several_scans => return Ok((*marker, offset)),
            [marker, high, low, ..] => {
                (in_scan, restarts) = (*marker == SCAN, 0);
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                rest = rest.get(1 + length..).unwrap_or_default();
            }
            _ => break,
        }
    }
    Err("it is truncated: the marker after its data is missing".into())
}

/// PIL's red, green and blue of inverted cyan, magenta, yellow and black (`cmyk2rgb` of its
/// `Convert.c`, in integers).
fn rgb_of_cmyk(pixels: &[u8]) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(pixels.len() / 4 * 3);
    for pixel in pixels.chunks_exact(4) {
        let white = u32::from(pixel[3]);
        rgb.extend(pixel[..3].iter().map(|ink| {
            let product = (255 - u32::from(*ink)) * white + 128;
            white.saturating_sub((product + (product >> 8)) >> 8) as u8
        }));
    }
    rgb
}
