//! PIL's bilinear resize, antialiased where it shrinks, as two products with small matrices.
//!
//! PIL (`Resample.c`) has its coefficients in fixed point and rounds to bytes after each of its two
//! passes, first across, then down. Measured on random sizes, PIL 7.1.2 (of the authors' time),
//! 11.3, 12.0, 12.2 and 12.3 all do so. PIL 13.0 passes down first for some images that lose rows,
//! and then differs by one level in some pixels; between squares there is no difference. In doubles
//! the products and sums of these integers are exact, in any order of summation and so on any
//! device: a sum stays under 2^31.

use tch::{Kind, Tensor};

use crate::data::resize::{PRECISION_BITS, Window, windows};

/// Input or output values that are resized together: 128 MiB of doubles. Data sets are resized in
/// parts.
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
            // A side that keeps its length has no pass, as in PIL; it would change nothing.
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

/// Resizes to `low` by `low` pixels, then to `side` by `side`, which removes detail (figure 6 of
/// the paper: to 32 pixels and back to 224).
///
/// # Panics
/// As [`resize`].
pub fn downscale_then_upscale(pixels: &Tensor, low: i64, side: i64) -> Tensor {
    resize(&resize(pixels, [low, low]), [side, side])
}

/// Fixed-point sums to whole numbers from 0 to 255, still as doubles.
fn to_bytes(sums: &Tensor) -> Tensor {
    let half = f64::from(1 << (PRECISION_BITS - 1));
    let one = f64::from(1 << PRECISION_BITS);
    ((sums + half) / one).floor().clamp(0.0, 255.0)
}

/// The coefficients as a matrix, `[to, from]`: row i holds each old pixel's weight in new pixel i.
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
    fn the_coefficients_of_every_new_pixel_sum_to_one_up_to_rounding() {
        for (from, to) in [(28, 224), (224, 28), (31, 47), (178, 32), (1, 5), (5, 1)] {
            let sums = coefficients(from, to).sum_dim_intlist(1, false, Kind::Double);
            // Rounding changes each coefficient by at most a half.
            let error = (sums - f64::from(1 << PRECISION_BITS)).abs().max().double_value(&[]);
            assert!(error <= 0.5 * from as f64, "{from} to {to}: {error}");
        }
    }

    #[test]
    fn halving_uses_a_triangle_of_four_pixels_and_fewer_at_the_edge() {
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
