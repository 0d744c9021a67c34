//! PIL's bilinear resize, antialiased where it shrinks, as two products with small matrices.
//!
//! PIL (`Resample.c`) holds its coefficients in fixed point and rounds to bytes after each of its two
//! passes. In doubles the products and sums of these integers are exact, in any order of summation
//! and so on any device: a sum stays under 2^31.

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

/// Fixed-point sums to whole numbers from 0 to 255, still as doubles.
fn to_bytes(sums: &Tensor) -> Tensor {
    let half = f64::from(1 << (PRECISION_BITS - 1));
    let one = f64::from(1 << PRECISION_BITS);
    ((sums + half) / one).floor().clamp(0.0, 255.0)
}

/// PIL's coefficients, [to, from], as whole numbers: row i holds what each old pixel gives to new
/// pixel i, a triangle as wide as two pixels of the larger grid.
fn coefficients(from: i64, to: i64) -> Tensor {
    let scale = from as f64 / to as f64;
    let support = scale.max(1.0);
    let mut matrix = vec![0.0; (from * to) as usize];
    for (new, row) in matrix.chunks_exact_mut(from as usize).enumerate() {
        let centre = (new as f64 + 0.5) * scale;
        let first = (centre - support + 0.5).max(0.0) as usize;
        let last = ((centre + support + 0.5) as usize).min(from as usize);
        let weights: Vec<f64> = (first..last)
            .map(|old| {
                let distance = (old as f64 - centre + 0.5) * (1.0 / support);
                (1.0 - distance.abs()).max(0.0)
            })
            .collect();
        let sum: f64 = weights.iter().sum();
        for (entry, weight) in row[first..last].iter_mut().zip(weights) {
            *entry = (0.5 + weight / sum * f64::from(1 << PRECISION_BITS)).trunc();
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
