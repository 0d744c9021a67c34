//! PIL's bilinear resize, antialiased where it shrinks, as two products with small matrices.
//!
//! PIL (`Resample.c`) holds its coefficients in fixed point and rounds to bytes after each of its two
//! passes, across and then down. (Measured on random sizes: 7.1.2, which is of the authors' time, 11.3,
//! 12.0, 12.2 and 12.3 all do; 13.0 goes down first for some images that lose rows, and is then one
//! level off for some pixels. Between squares there is no difference.) In doubles the products and sums of
//! these integers are exact, in any order of summation and so on any device: a sum stays under 2^31.

use tch::{Kind, Tensor};

/// Fractional bits of PIL's coefficients: 32 for the sum, less 8 for a byte, less 2 to spare.
const PRECISION_BITS: i32 = 32 - 8 - 2;

/// Values, in or out, that are resized together: 128 MiB of doubles. Data sets go through in parts.
const VALUES_AT_ONCE: i64 = 1 << 24;

/// Resizes bytes `[N,C,H,W]` to bytes `[N,C,height,width]`.
///
/// # Panics
/// If a side is under 1, or `pixels` does not have four dimensions.
pub fn resize(pixels: &Tensor, [height, width]: [i64; 2]) -> Tensor {
    let (_, channels, from_height, from_width) =
        pixels.size4().expect("images have four dimensions");
    assert!(height > 0 && width > 0, "a side has at least one pixel");
    if [height, width] == [from_height, from_width] {
        return pixels.shallow_clone();
    }
    let across = coefficients(from_width, width).transpose(0, 1).to_device(pixels.device());
    let down = coefficients(from_height, height).to_device(pixels.device());
    let values = channels * from_height.max(height) * from_width.max(width);
    let parts: Vec<Tensor> = pixels
        .split((VALUES_AT_ONCE / values).max(1), 0)
        .iter()
        .map(|part| {
            let mut part = part.to_kind(Kind::Double);
            // Sides that stay as they are have no pass, as in PIL; it would change nothing.
            if width != from_width {
                part = to_bytes(&part.matmul(&across));
            }
            if height != from_height {
                part = to_bytes(&down.matmul(&part));
            }
            part.to_kind(Kind::Uint8)
        })
        .collect();
    Tensor::cat(&parts, 0)
}

/// Resizes to `through` by `through` pixels, then to `side` by `side`: what is left of an image after
/// a low resolution (figure 6 of the paper: 32 pixels and back to 224).
///
/// # Panics
/// As [`resize`].
pub fn downscale_then_upscale(pixels: &Tensor, through: i64, side: i64) -> Tensor {
    resize(&resize(pixels, [through, through]), [side, side])
}

/// [`resize`] of one image's bytes `[C,H,W]` without tensors: what images that are decoded one by one
/// go through, in threads of ours. The same bytes, by the same coefficients.
///
/// # Panics
/// If a side is 0, or there are other than C x H x W bytes.
#[must_use]
pub fn resize_bytes(
    pixels: &[u8],
    (channels, from_height, from_width): (usize, usize, usize),
    [height, width]: [usize; 2],
) -> Vec<u8> {
    assert!(height > 0 && width > 0, "a side has at least one pixel");
    assert_eq!(pixels.len(), channels * from_height * from_width, "as many bytes as pixels");
    let half = 1_i32 << (PRECISION_BITS - 1);
    let to_byte = |sum: i32| (sum >> PRECISION_BITS).clamp(0, 255) as u8;
    let across = if width == from_width {
        pixels.to_vec()
    } else {
        let windows = windows(from_width, width);
        let mut across = Vec::with_capacity(channels * from_height * width);
        for row in pixels.chunks_exact(from_width) {
            across.extend(windows.iter().map(|Window { first, weights }| {
                let old = &row[*first..*first + weights.len()];
                let sum: i32 =
                    old.iter().zip(weights).map(|(&old, weight)| i32::from(old) * weight).sum();
                to_byte(half + sum)
            }));
        }
        across
    };
    if height == from_height {
        return across;
    }
    let windows = windows(from_height, height);
    let mut resized = Vec::with_capacity(channels * height * width);
    let mut sums = vec![0; width];
    for plane in across.chunks_exact(from_height * width) {
        for Window { first, weights } in &windows {
            sums.fill(half);
            for (row, weight) in plane[first * width..].chunks_exact(width).zip(weights) {
                for (sum, &old) in sums.iter_mut().zip(row) {
                    *sum += i32::from(old) * weight;
                }
            }
            resized.extend(sums.iter().copied().map(to_byte));
        }
    }
    resized
}

/// Fixed-point sums to whole numbers from 0 to 255, still as doubles.
fn to_bytes(sums: &Tensor) -> Tensor {
    let half = f64::from(1 << (PRECISION_BITS - 1));
    let one = f64::from(1 << PRECISION_BITS);
    ((sums + half) / one).floor().clamp(0.0, 255.0)
}

/// What one new pixel is made of: old pixels from `first` on, each with its coefficient.
struct Window {
    first: usize,
    weights: Vec<i32>,
}

/// PIL's coefficients for each new pixel, as whole numbers: a triangle as wide as two pixels of the
/// larger grid.
fn windows(from: usize, to: usize) -> Vec<Window> {
    let scale = from as f64 / to as f64;
    let support = scale.max(1.0);
    let window = |new: usize| {
        let centre = (new as f64 + 0.5) * scale;
        let first = (centre - support + 0.5).max(0.0) as usize;
        let last = ((centre + support + 0.5) as usize).min(from);
        let weights: Vec<f64> = (first..last)
            .map(|old| {
                let distance = (old as f64 - centre + 0.5) * (1.0 / support);
                (1.0 - distance.abs()).max(0.0)
            })
            .collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |weight| (0.5 + weight / sum * f64::from(1 << PRECISION_BITS)) as i32;
        Window { first, weights: weights.into_iter().map(fixed).collect() }
    };
    (0..to).map(window).collect()
}

/// The coefficients as a matrix, [to, from]: row i holds what each old pixel gives to new pixel i.
fn coefficients(from: i64, to: i64) -> Tensor {
    let mut matrix = vec![0.0; (from * to) as usize];
    let rows = matrix.chunks_exact_mut(from as usize);
    for (row, Window { first, weights }) in rows.zip(windows(from as usize, to as usize)) {
        for (entry, weight) in row[first..].iter_mut().zip(weights) {
            *entry = weight.into();
        }
    }
    Tensor::from_slice(&matrix).view([to, from])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_new_pixel_is_a_mean_of_old_ones_but_for_the_rounding_of_its_coefficients() {
        for (from, to) in [(28, 224), (224, 28), (31, 47), (178, 32), (1, 5), (5, 1)] {
            let sums = coefficients(from, to).sum_dim_intlist(1, false, Kind::Double);
            // Each coefficient is rounded by at most a half.
            let off = (sums - f64::from(1 << PRECISION_BITS)).abs().max().double_value(&[]);
            assert!(off <= 0.5 * from as f64, "{from} to {to}: {off}");
        }
    }

    #[test]
    fn halving_takes_a_triangle_of_four_pixels_and_fewer_at_the_edge() {
        let one = f64::from(1 << PRECISION_BITS);
        let found = coefficients(8, 4) / one;
        let row = |at: i64| Vec::<f64>::try_from(found.get(at)).unwrap();
        let near = |row: Vec<f64>, expected: [f64; 8]| {
            row.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1.0 / one)
        };
        assert!(near(row(1), [0.0, 0.125, 0.375, 0.375, 0.125, 0.0, 0.0, 0.0]));
        let edge = [3.0 / 7.0, 3.0 / 7.0, 1.0 / 7.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert!(near(row(0), edge));
    }
}
