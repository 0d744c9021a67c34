//! Where each pixel comes from: crop, flip and rotation, all one thing, an affine map in fixed point
//! from the new image's pixels to the old one's, with zeros where it points outside.
//!
//! This is PIL's way of turning an image (`Geometry.c`, `affine_fixed`, nearest neighbour); a crop
//! and a flip are maps with whole coefficients.

use tch::{Kind, Tensor};

use super::{assert_one_each, per_image};

/// Fractional bits of a coordinate.
const FRACTION_BITS: i32 = 16;
/// One pixel in fixed point.
const ONE: f64 = (1 << FRACTION_BITS) as f64;

/// Where an image is cropped from, padded with zeros all round, and whether it is then mirrored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// Rows by which the crop begins below the image's first; under 0, in the padding above it.
    pub rows: i64,
    /// Columns by which the crop begins right of the image's first.
    pub columns: i64,
    /// Whether left and right are exchanged, after the crop.
    pub flip: bool,
}

/// Crops each image to its own size after padding it with zeros, then flips it where its placement
/// says so (torchvision's `RandomCrop` with padding, then `RandomHorizontalFlip`).
///
/// # Panics
/// If there is not one placement an image.
pub fn place(pixels: &Tensor, placements: &[Placement]) -> Tensor {
    assert_one_each(pixels, placements.len());
    if placements.iter().all(|placement| *placement == Placement::default()) {
        return pixels.shallow_clone();
    }
    let (_, channels, height, width) = pixels.size4().expect("images have four dimensions");
    let furthest = |placement: &Placement| placement.rows.abs().max(placement.columns.abs());
    let padding = placements.iter().map(furthest).max().unwrap_or(0);
    let padded = pixels.constant_pad_nd([padding; 4]);
    // Where a new pixel lies in the padded image is the sum of what its row and its column give.
    let row: Vec<i64> = placements
        .iter()
        .flat_map(|placement| (0..height).map(move |y| y + placement.rows + padding))
        .collect();
    let column: Vec<i64> = placements
        .iter()
        .flat_map(|placement| {
            let old = move |x| if placement.flip { width - 1 - x } else { x };
            (0..width).map(move |x| old(x) + placement.columns + padding)
        })
        .collect();
    let on_device = |values: &[i64]| Tensor::from_slice(values).to_device(pixels.device());
    let from = on_device(&row).view([-1, 1, height, 1]) * (width + 2 * padding)
        + on_device(&column).view([-1, 1, 1, width]);
    let from = from.flatten(2, 3).expand([-1, channels, -1], false);
    padded.flatten(2, 3).gather(2, &from, false).view_as(pixels)
}

/// Turns each image counter-clockwise about its centre by its angle in degrees; nearest neighbour,
/// zeros outside (torchvision's `RandomRotation`, PIL's `rotate`).
///
/// Equal to PIL's for every angle but whole quarter turns, which PIL answers by exchanging rows and
/// columns.
///
/// # Panics
/// If there is not one angle an image.
pub fn rotate(pixels: &Tensor, degrees: &[f64]) -> Tensor {
    assert_one_each(pixels, degrees.len());
    if degrees.iter().all(|&angle| angle == 0.0) {
        return pixels.shallow_clone();
    }
    let shape = pixels.size();
    let (down, right) = (shape[2] as f64 / 2.0, shape[3] as f64 / 2.0);
    let maps: Vec<Map> = degrees
        .iter()
        .map(|angle| {
            let angle = -angle.rem_euclid(360.0).to_radians();
            let (cosine, sine) = (to_15_decimals(angle.cos()), to_15_decimals(angle.sin()));
            let from_right = cosine * -right + sine * -down + right;
            let from_down = -sine * -right + cosine * -down + down;
            Map::new([cosine, sine, from_right], [-sine, cosine, from_down])
        })
        .collect();
    sample(pixels, &maps)
}

/// Rounded in decimals, as PIL does to a rotation's cosine and sine.
fn to_15_decimals(value: f64) -> f64 {
    format!("{value:.15}").parse().expect("a printed number is a number")
}

/// An affine map from new to old pixels in fixed point: what the old column and the old row each take
/// of the new column, of the new row, and their value at the new origin.
struct Map {
    column: [i64; 3],
    row: [i64; 3],
}

impl Map {
    /// From coordinates in pixels. A pixel is where its centre is, half a pixel from its corner.
    fn new(column: [f64; 3], row: [f64; 3]) -> Self {
        let fixed = |[of_x, of_y, origin]: [f64; 3]| {
            [of_x, of_y, origin + of_x * 0.5 + of_y * 0.5]
                .map(|value| (value * ONE + 0.5).floor() as i64)
        };
        Self { column: fixed(column), row: fixed(row) }
    }
}

/// The images seen through their maps.
fn sample(pixels: &Tensor, maps: &[Map]) -> Tensor {
    let shape = pixels.size();
    let (channels, height, width) = (shape[1], shape[2], shape[3]);
    let counted = |end: i64| Tensor::arange(end, (Kind::Int64, pixels.device()));
    let (x, y) = (counted(width).view([1, 1, 1, -1]), counted(height).view([1, 1, -1, 1]));
    let old = |coefficients: fn(&Map) -> [i64; 3]| {
        let [of_x, of_y, origin] = [0, 1, 2].map(|at| {
            let each: Vec<i64> = maps.iter().map(|map| coefficients(map)[at]).collect();
            per_image(&each, pixels)
        });
        (of_x * &x + of_y * &y + origin).divide_scalar_mode(1_i64 << FRACTION_BITS, "floor")
    };
    let (column, row) = (old(|map| map.column), old(|map| map.row));
    let outside = column
        .lt(0)
        .logical_or(&column.ge(width))
        .logical_or(&row.lt(0))
        .logical_or(&row.ge(height));
    let from = (row * width + column).masked_fill(&outside, 0);
    let from = from.flatten(2, 3).expand([-1, channels, -1], false);
    pixels.flatten(2, 3).gather(2, &from, false).view_as(pixels).masked_fill(&outside, 0)
}
