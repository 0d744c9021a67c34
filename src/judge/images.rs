//! The confidence interval over test images: the sampling error of a contrast because the test set
//! is a finite sample. Seeds are fixed; images are resampled in pairs, since all arms are tested on
//! the same images. The verdict uses the interval over seeds, not this one.

use std::num::NonZeroU32;

use super::{per_image::PerImage, result::TestImages};
use crate::{
    claim::{Metric, Unit},
    experiment::{
        Seed,
        random::{self, Purpose},
    },
    stats::{Alpha, tallied_bootstrap},
};

/// Resamples; with 1,000 an end of a 95 % interval is accurate to a tenth of a standard error.
const RESAMPLES: NonZeroU32 = NonZeroU32::new(1000).unwrap();

/// The percentile bootstrap interval of a contrast over its first `seeds` seeds, in accuracy
/// points, at confidence 1 - 2 alpha. `None` unless records have one bit per test image: whether
/// the last epoch classifies it correctly (attacked or not), or whether it has the class of its
/// most influential training image.
pub(super) fn interval(
    metric: &Metric,
    per_image: &PerImage,
    seeds: usize,
    alpha: Alpha,
) -> Option<TestImages> {
    if metric.unit() != Unit::Points {
        return None;
    }
    // For each test set, the contribution of each image to the contrast's mean over seeds.
    let mean_over_seeds = |rows: &[Vec<f64>]| -> Vec<f64> {
        let of_image = |image| rows.iter().map(|row| row[image]).sum::<f64>() / seeds as f64;
        (0..rows[0].len()).map(of_image).collect()
    };
    let sets: Vec<Vec<f64>> = per_image.tables(seeds)?.into_iter().map(mean_over_seeds).collect();
    let images = sets.iter().map(Vec::len).sum();
    let tallies: Vec<Vec<(f64, u64)>> = sets.iter().map(|set| tally(set)).collect();
    let mut generator = random::generator(Seed(0), Purpose::Resampling);
    let binomial = |count: u64, probability: f64| {
        use rand_distr::Distribution;
        let binomial = rand_distr::Binomial::new(count, probability);
        binomial.expect("the ratio of two counts is a probability").sample(&mut generator)
    };
    let interval = tallied_bootstrap(&tallies, RESAMPLES, binomial, alpha);
    Some(TestImages { images, low: interval.low, high: interval.high })
}

/// Distinct values with their counts. Sums of the same shares in another order differ in their last
/// bits, so nearly equal values are merged.
fn tally(values: &[f64]) -> Vec<(f64, u64)> {
    const SAME: f64 = 1e-9;
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut tally: Vec<(f64, u64)> = Vec::new();
    for value in sorted {
        match tally.last_mut() {
            Some((last, count)) if value - *last < SAME => *count += 1,
            _ => tally.push((value, 1)),
        }
    }
    tally
}
