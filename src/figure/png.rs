//! A figure as pixels. The fonts ship with the program, since a fresh machine may have none, and have
//! the widths of the ones that the SVG asks for first.

use std::sync::{Arc, LazyLock};

use resvg::{
    render,
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree, fontdb::Database},
};

/// Pixels of the PNG for one of the SVG: small print stays sharp on a dense screen.
pub const SCALE: u16 = 2;
/// What that makes of the 96 pixels an inch that SVG has, in pixels a metre: programs that ask show the
/// PNG as large as the SVG.
const PIXELS_A_METRE: u32 = 96 * SCALE as u32 * 10_000 / 254;

/// Arimo, of which `font/cut.py` says what was kept; `font/OFL.txt` is its licence.
static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_data(include_bytes!("font/arimo-regular.ttf").to_vec());
    fonts.load_font_data(include_bytes!("font/arimo-bold.ttf").to_vec());
    fonts.set_sans_serif_family("Arimo");
    Arc::new(fonts)
});

/// Why there is no PNG of a drawing: its size is beyond what can be drawn.
#[derive(Debug, thiserror::Error)]
#[error("failed to draw it in pixels: {0}")]
pub struct PngError(String);

/// The PNG of an SVG file that this program made, [`SCALE`] times as wide and high in pixels.
///
/// # Errors
/// Where the SVG can't be read or its size is none.
pub fn png(svg: &str) -> Result<Vec<u8>, PngError> {
    let options = Options { fontdb: Arc::clone(&FONTS), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|error| PngError(error.to_string()))?;
    let size = tree.size().to_int_size().scale_by(f32::from(SCALE));
    let pixels = size.and_then(|size| Pixmap::new(size.width(), size.height()));
    let mut pixels = pixels.ok_or_else(|| PngError("it has no size".to_owned()))?;
    render(&tree, Transform::from_scale(SCALE.into(), SCALE.into()), &mut pixels.as_mut());
    encode(&pixels).map_err(|error| PngError(error.to_string()))
}

/// Figures have white paper, so every pixel is opaque and colours are as they are.
fn encode(pixels: &Pixmap) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Balanced);
    let dense =
        png::PixelDimensions { xppu: PIXELS_A_METRE, yppu: PIXELS_A_METRE, unit: png::Unit::Meter };
    encoder.set_pixel_dims(Some(dense));
    let colours: Vec<u8> = pixels.data().chunks(4).flat_map(|pixel| &pixel[..3]).copied().collect();
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&colours)?;
    writer.finish()?;
    Ok(bytes)
}
