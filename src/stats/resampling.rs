//! The percentile bootstrap of a mean, for many values: test images, never a handful of seeds.
//!
//! Over 3 to 10 seeds a nominal 95 % interval covers far less (`tests/core/simulations.rs` measures how
//! much), so the judge takes no verdict from it. Randomness is an argument: the caller owns the
//! generator.

use super::interval::{Alpha, Interval};
use super::sample::Sample;
use std::num::NonZeroU32;

/// The percentile interval (Efron 1979) at nominal confidence 1 − 2·alpha for the mean of `values`,
/// such as, for every test image, how much oftener one arm was right than the other: paired, since
/// both saw the same images.
///
/// `draw(n)` returns an index below `n`, uniformly; an index beyond is taken for the last. It is
/// called `resamples` × k times, and the same draws give the same interval. The ends are the order
/// statistics of the resampled means at ⌊alpha·resamples⌋ from either end.
///
/// Here to compare with, in tests and simulations: no verdict is taken from it.
pub fn percentile_bootstrap(
    values: &Sample,
    resamples: NonZeroU32,
    mut draw: impl FnMut(usize) -> usize,
    alpha: Alpha,
) -> Interval {
    let values = values.values();
    let last = values.len() - 1;
    let mut resampled_mean = || {
        let total: f64 = values.iter().map(|_| values[draw(values.len()).min(last)]).sum();
        total / values.len() as f64
    };
    let mut means: Vec<f64> = (0..resamples.get()).map(|_| resampled_mean()).collect();
    means.sort_by(f64::total_cmp);
    let below = (alpha.level() * means.len() as f64).floor() as usize;
    Interval { low: means[below], high: means[means.len() - 1 - below] }
}

/// The [`percentile_bootstrap`] of a sum of means, each over independent items of its own that take few
/// distinct values: `tallies` has, for each mean, its values with how many items have each. Items of one
/// value can't be told apart, so that a resample is a multinomial draw, which is made of binomial ones:
/// `binomial(n, p)` returns how many of n succeed with probability p.
///
/// Means over no item are left out.
pub fn tallied_bootstrap(
    tallies: &[Vec<(f64, u64)>],
    resamples: NonZeroU32,
    mut binomial: impl FnMut(u64, f64) -> u64,
    alpha: Alpha,
) -> Interval {
    let mut resampled_mean = |tally: &Vec<(f64, u64)>| {
        let items: u64 = tally.iter().map(|(_, count)| count).sum();
        let (mut left, mut behind, mut sum) = (items, items, 0.0);
        for (value, count) in tally {
            // Of the draws that are left, those that fall on this value among what is behind it.
            let drawn = match behind {
                _ if *count >= behind => left,
                _ => binomial(left, *count as f64 / behind as f64).min(left),
            };
            sum += value * drawn as f64;
            left -= drawn;
            behind -= count;
        }
        if items == 0 { 0.0 } else { sum / items as f64 }
    };
    let mut means: Vec<f64> =
        (0..resamples.get()).map(|_| tallies.iter().map(&mut resampled_mean).sum()).collect();
    means.sort_by(f64::total_cmp);
    let below = (alpha.level() * means.len() as f64).floor() as usize;
    Interval { low: means[below], high: means[means.len() - 1 - below] }
}
