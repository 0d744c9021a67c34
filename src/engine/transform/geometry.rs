//! Crop, flip and rotation. Each is an affine map in fixed point from the new image's pixels to the
//! old image's, with zeros where the map points outside.
//!
//! This is how PIL rotates an image (`Geometry.c`, `affine_fixed`, nearest neighbour). A crop and a
//! flip are maps with whole coefficients.

use tch::{Kind, Tensor};

use crate::engine::transfer;

use super::{assert_one_each, per_image};

/// Fractional bits of a coordinate.
const FRACTION_BITS: i32 = 16;
/// One pixel in fixed point.
const ONE: f64 = (1 << FRACTION_BITS) as f64;

/// The position of a crop in an image padded with zeros, and whether the crop is then mirrored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// Rows by which the crop begins below the image's first; negative in the padding above it.
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
/// If there is not one placement for each image.
pub fn place(pixels: &Tensor, placements: &[Placement]) -> Tensor {
    assert_one_each(pixels, placements.len());
    match Placements::new(placements) {
        Some(mut placements) => {
            transfer::upload(placements.tensors(), pixels.device());
            placements.apply(pixels)
        }
        None => pixels.shallow_clone(),
    }
}

/// Placements on a device, one for each image.
#[derive(Debug)]
pub(super) struct Placements {
    rows: Tensor,
    columns: Tensor,
    flip: Tensor,
    /// The padding that the largest shift needs, in pixels.
    padding: i64,
}

impl Placements {
    /// `None` where every image stays unchanged.
    pub fn new(placements: &[Placement]) -> Option<Self> {
        if placements.iter().all(|placement| *placement == Placement::default()) {
            return None;
        }
        let furthest = |placement: &Placement| placement.rows.abs().max(placement.columns.abs());
        let each = |value: fn(&Placement) -> i64| per_image(placements.iter().map(value));
        Some(Self {
            rows: each(|placement| placement.rows),
            columns: each(|placement| placement.columns),
            flip: each(|placement| placement.flip.into()).to_kind(Kind::Bool),
            padding: placements.iter().map(furthest).max().unwrap_or(0),
        })
    }

    /// All tensors, which must be on the images' device.
    pub fn tensors(&mut self) -> impl Iterator<Item = &mut Tensor> {
        [&mut self.rows, &mut self.columns, &mut self.flip].into_iter()
    }

    /// The placements of `length` images from the one at `start` on.
    pub fn narrow(&self, start: i64, length: i64) -> Self {
        let [rows, columns, flip] =
            [&self.rows, &self.columns, &self.flip].map(|tensor| tensor.narrow(0, start, length));
        Self { rows, columns, flip, padding: self.padding }
    }

    pub fn apply(&self, pixels: &Tensor) -> Tensor {
        let (_, channels, height, width) = pixels.size4().expect("images have four dimensions");
        let padding = self.padding;
        let padded = pixels.constant_pad_nd([padding; 4]);
        let range = |end: i64| Tensor::arange(end, (Kind::Int64, pixels.device()));
        let (y, x) = (range(height).view([1, 1, -1, 1]), range(width).view([1, 1, 1, -1]));
        // A new pixel's index in the padded image is a sum of a row's part and a column's part.
        let row = y + &self.rows + padding;
        let column = x.flip([3]).where_self(&self.flip, &x) + &self.columns + padding;
        let from = row * (width + 2 * padding) + column;
        let from = from.flatten(2, 3).expand([-1, channels, -1], false);
        padded.flatten(2, 3).gather(2, &from, false).view_as(pixels)
    }
}

/// Rotates each image counter-clockwise about its centre by its angle in degrees; nearest
/// neighbour, zeros outside (torchvision's `RandomRotation`, PIL's `rotate`).
///
/// Equal to PIL's for every angle except multiples of 90 degrees, for which PIL exchanges rows and
/// columns.
///
/// # Panics
/// If there is not one angle for each image.
pub fn rotate(pixels: &Tensor, degrees: &[f64]) -> Tensor {
    assert_one_each(pixels, degrees.len());
    let (_, _, height, width) = pixels.size4().expect("images have four dimensions");
    match Rotations::new(degrees, [height, width]) {
        Some(mut rotations) => {
            transfer::upload(rotations.tensors(), pixels.device());
            rotations.apply(pixels)
        }
        None => pixels.shallow_clone(),
    }
}

/// Rotations, one for each image: the coefficients of [`Map`], each `[N,1,1,1]`.
#[derive(Debug)]
pub(super) struct Rotations {
    column: [Tensor; 3],
    row: [Tensor; 3],
}

impl Rotations {
    /// For images of `height` rows and `width` columns; `None` where every angle is 0.
    pub fn new(degrees: &[f64], [height, width]: [i64; 2]) -> Option<Self> {
        if degrees.iter().all(|&angle| angle == 0.0) {
            return None;
        }
        let (down, right) = (height as f64 / 2.0, width as f64 / 2.0);
        let map = |angle: &f64| {
            let angle = -angle.rem_euclid(360.0).to_radians();
            let (cosine, sine) = (to_15_decimals(angle.cos()), to_15_decimals(angle.sin()));
            let from_right = cosine * -right + sine * -down + right;
            let from_down = -sine * -right + cosine * -down + down;
            Map::new([cosine, sine, from_right], [-sine, cosine, from_down])
        };
        let maps: Vec<Map> = degrees.iter().map(map).collect();
        let each = |coefficients: fn(&Map) -> [i64; 3]| {
            [0, 1, 2].map(|at| per_image(maps.iter().map(|map| coefficients(map)[at])))
        };
        Some(Self { column: each(|map| map.column), row: each(|map| map.row) })
    }

    /// All tensors, which must be on the images' device.
    pub fn tensors(&mut self) -> impl Iterator<Item = &mut Tensor> {
        self.column.iter_mut().chain(&mut self.row)
    }

    /// The rotations of `length` images from the one at `start` on.
    pub fn narrow(&self, start: i64, length: i64) -> Self {
        let narrow =
            |tensors: &[Tensor; 3]| [0, 1, 2].map(|at| tensors[at].narrow(0, start, length));
        Self { column: narrow(&self.column), row: narrow(&self.row) }
    }

    /// The images seen through their maps.
    pub fn apply(&self, pixels: &Tensor) -> Tensor {
        let (_, channels, height, width) = pixels.size4().expect("images have four dimensions");
        let range = |end: i64| Tensor::arange(end, (Kind::Int64, pixels.device()));
        let (x, y) = (range(width).view([1, 1, 1, -1]), range(height).view([1, 1, -1, 1]));
        let old = |[of_x, of_y, origin]: &[Tensor; 3]| {
            let fixed = of_x * &x + of_y * &y + origin;
            fixed.divide_scalar_mode(1_i64 << FRACTION_BITS, "floor")
        };
        let (column, row) = (old(&self.column), old(&self.row));
        let outside = column
            .lt(0)
            .logical_or(&column.ge(width))
            .logical_or(&row.lt(0))
            .logical_or(&row.ge(height));
        let from = (row * width + column).masked_fill(&outside, 0);
        let from = from.flatten(2, 3).expand([-1, channels, -1], false);
        pixels.flatten(2, 3).gather(2, &from, false).view_as(pixels).masked_fill(&outside, 0)
    }
}

/// Rounds to 15 decimals, as PIL rounds a rotation's cosine and sine.
fn to_15_decimals(value: f64) -> f64 {
    format!("{value:.15}").parse().expect("a formatted number can be parsed")
}

/// An affine map from new to old pixels in fixed point. The old column and the old row each have
/// three coefficients: of the new column, of the new row, and a constant.
struct Map {
    column: [i64; 3],
    row: [i64; 3],
}

impl Map {
    /// From coefficients in pixels. A pixel's coordinates are those of its centre, half a pixel
    /// from its corner.
    fn new(column: [f64; 3], row: [f64; 3]) -> Self {
        let fixed = |[of_x, of_y, origin]: [f64; 3]| {
            [of_x, of_y, origin + of_x * 0.5 + of_y * 0.5]
                .map(|value| (value * ONE + 0.5).floor() as i64)
        };
        Self { column: fixed(column), row: fixed(row) }
    }
}
