//! PIL's bilinear resizing of an image in bytes, with antialiasing when it shrinks, for images that
//! are decoded one by one. The engine resizes whole batches with the same coefficients.

/// Fractional bits of PIL's coefficients: 32 of the sum, minus 8 of a byte, minus 2 spare bits.
pub(crate) const PRECISION_BITS: i32 = 32 - 8 - 2;

/// Resizes the bytes `[C,H,W]` of an image to `[C,height,width]`. The result equals PIL's bit for
/// bit.
///
/// # Panics
/// If a side is 0, or the number of bytes is not C x H x W.
#[must_use]
pub fn resize_bytes(
    pixels: &[u8],
    (channels, from_height, from_width): (usize, usize, usize),
    [height, width]: [usize; 2],
) -> Vec<u8> {
    assert!(height > 0 && width > 0, "a side must have at least one pixel");
    assert_eq!(pixels.len(), channels * from_height * from_width, "one byte per value");
    let half = 1_i32 << (PRECISION_BITS - 1);
    let to_byte = |sum: i32| (sum >> PRECISION_BITS).clamp(0, 255) as u8;
    let resized_rows = if width == from_width {
        pixels.to_vec()
    } else {
        let windows = windows(from_width, width);
        let mut rows = Vec::with_capacity(channels * from_height * width);
        for row in pixels.chunks_exact(from_width) {
            rows.extend(windows.iter().map(|Window { first, weights }| {
                let old = &row[*first..*first + weights.len()];
                let sum: i32 =
                    old.iter().zip(weights).map(|(&old, weight)| i32::from(old) * weight).sum();
                to_byte(half + sum)
            }));
        }
        rows
    };
    if height == from_height {
        return resized_rows;
    }
    let windows = windows(from_height, height);
    let mut resized = Vec::with_capacity(channels * height * width);
    let mut sums = vec![0; width];
    for plane in resized_rows.chunks_exact(from_height * width) {
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

/// The old pixels that one new pixel is computed from, beginning at `first`, with their
/// coefficients.
pub(crate) struct Window {
    pub(crate) first: usize,
    pub(crate) weights: Vec<i32>,
}

/// PIL's fixed-point coefficients for each new pixel: a triangle filter, two pixels wide on the
/// coarser grid.
pub(crate) fn windows(from: usize, to: usize) -> Vec<Window> {
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
