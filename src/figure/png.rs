//! Renders a figure as PNG. The fonts are embedded, since a machine may have none; they have the
//! widths of the fonts that the SVG names first.

use std::sync::{Arc, LazyLock};

use resvg::{
    render,
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree, fontdb::Database},
};

/// Pixels of the PNG per pixel of the SVG: small text stays sharp on a high-density screen.
pub const SCALE: u16 = 2;
/// The most pixels of a side: browsers and viewers open no larger image. A figure that is longer, as
/// the forest of 500 cells, is rendered smaller; its SVG has the text at any size.
const LONGEST: f32 = 16_384.0;
/// Pixels per metre at one pixel of the PNG per pixel of the SVG, which has 96 per inch: programs
/// that read it display the PNG at the size of the SVG.
const PIXELS_PER_METRE: f32 = 96.0 * 10_000.0 / 254.0;

/// Subsets of Arimo, made by `font/cut.py`; the licence is `font/OFL.txt`.
static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_data(include_bytes!("font/arimo-regular.ttf").to_vec());
    fonts.load_font_data(include_bytes!("font/arimo-bold.ttf").to_vec());
    fonts.set_sans_serif_family("Arimo");
    Arc::new(fonts)
});

/// The SVG can't be parsed, or its size can't be rendered.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PngError(String);

/// Renders an SVG file of this program as PNG, [`SCALE`] times as wide and high in pixels, or as
/// much as 16,384 pixels of its longer side allow.
///
/// # Errors
/// If the SVG can't be parsed or its size is zero or too large.
pub fn png(svg: &str) -> Result<Vec<u8>, PngError> {
    let options = Options { fontdb: Arc::clone(&FONTS), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|error| PngError(error.to_string()))?;
    let size = tree.size().to_int_size();
    let scale = f32::from(SCALE).min(LONGEST / size.width().max(size.height()) as f32);
    let size = size.scale_by(scale);
    let pixels = size.and_then(|size| Pixmap::new(size.width(), size.height()));
    let mut pixels = pixels.ok_or_else(|| PngError("its size is zero or too large".to_owned()))?;
    render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    encode(&pixels, scale).map_err(|error| PngError(error.to_string()))
}

/// Encodes as RGB: figures have a white background, so every pixel is opaque.
fn encode(pixels: &Pixmap, scale: f32) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Balanced);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "above 0, small")]
    let density = (PIXELS_PER_METRE * scale) as u32;
    let dense = png::PixelDimensions { xppu: density, yppu: density, unit: png::Unit::Meter };
    encoder.set_pixel_dims(Some(dense));
    let colours: Vec<u8> = pixels.data().chunks(4).flat_map(|pixel| &pixel[..3]).copied().collect();
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&colours)?;
    writer.finish()?;
    Ok(bytes)
}
