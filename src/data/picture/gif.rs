//! Decodes the first frame of a GIF to PIL's bytes. Transparent pixels have the colour of their
//! palette's entry, as in PIL's `convert("RGB")`.

use gif::{DecodeOptions, DecodingError, MemoryLimit};

use super::{MAX_PIXELS, Picture};

/// Decodes the bytes of a GIF.
///
/// # Errors
/// What is wrong, if it is damaged or too large, or if its first frame leaves a part of the image
/// empty.
pub(super) fn decode(bytes: &[u8]) -> Result<Picture, String> {
    let text = |error: DecodingError| match error {
        DecodingError::UnexpectedEof | DecodingError::Io(_) => "it is truncated".to_owned(),
        error => error.to_string(),
    };
    let mut options = DecodeOptions::new();
    options.set_memory_limit(MemoryLimit::Bytes(MAX_PIXELS.try_into().expect("it is not 0")));
    let mut decoder = options.read_info(bytes).map_err(text)?;
    let (width, height) = (decoder.width(), decoder.height());
    let global = decoder.global_palette().map(<[u8]>::to_vec);
    let frame = decoder.read_next_frame().map_err(text)?.ok_or("it has no image")?;
    if (frame.left, frame.top, frame.width, frame.height) != (0, 0, width, height) {
        return Err("its first frame is a part of the image".into());
    }
    let palette = frame.palette.clone().or(global).ok_or("it has no palette")?;
    let colour = |index: &u8| palette.get(3 * usize::from(*index)..).and_then(|rest| rest.get(..3));
    let pixels: Option<Vec<&[u8]>> = frame.buffer.iter().map(colour).collect();
    let pixels = pixels.ok_or("a pixel's colour is missing from its palette")?.concat();
    Picture::new(&pixels, 3, height.into(), width.into())
}
