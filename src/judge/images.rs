//! The confidence interval over test images: the sampling error of a contrast because the test set
//! is a finite sample. Seeds are fixed; images are resampled in pairs, since all arms are tested on
//! the same images. The verdict uses the interval over seeds, not this one.

use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc};

use super::result::TestImages;
use crate::{
    claim::{Cell, Metric, Share, Term},
    evidence::Evidence,
    experiment::{
        Key, Moment, Seed,
        random::{self, Purpose},
    },
    judge::join::Joined,
    stats::{Alpha, tallied_bootstrap},
};

/// Resamples; with 1,000 an end of a 95 % interval is accurate to a tenth of a standard error.
const RESAMPLES: NonZeroU32 = NonZeroU32::new(1000).unwrap();

/// The percentile bootstrap interval of a contrast in a cell, or averaged over several, in accuracy
/// points, at confidence 1 - 2 alpha. `None` unless records have one bit per test image: whether
/// the last epoch classifies it correctly, or whether it has the class of its most influential
/// training image.
pub(super) fn interval(
    terms: &[Term],
    cells: &[Cell],
    metric: &Metric,
    joined: &Joined,
    evidence: &Evidence,
    alpha: Alpha,
) -> Option<TestImages> {
    if !has_image_bits(metric)
        || terms.iter().any(|term| term.arm.at.is_some())
        || joined.rows.is_empty()
    {
        return None;
    }
    // For each test set, the contribution of each image to the contrast's mean over seeds.
    let mut sets: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let keys: Vec<(f64, Vec<Key>)> = terms
        .iter()
        .map(|term| {
            let keys = cells.iter().flat_map(|cell| term.arm.keys(cell, metric));
            (term.weight, keys.collect())
        })
        .collect();
    for (weight, keys) in &keys {
        for key in keys {
            let share = 100.0 * weight / (keys.len() * joined.rows.len()) as f64;
            // Keyed by target alone: other resolutions have the same images.
            let set = sets.entry(&key.target).or_default();
            for row in &joined.rows {
                let correct = bits(evidence, key, row.seed, metric)?;
                if set.is_empty() {
                    set.resize(correct.len(), 0.0);
                }
                if set.len() != correct.len() {
                    return None;
                }
                for (sum, correct) in set.iter_mut().zip(&*correct) {
                    *sum += if *correct { share } else { 0.0 };
                }
            }
        }
    }
    let images = sets.values().map(Vec::len).sum();
    let tallies: Vec<Vec<(f64, u64)>> = sets.values().map(|set| tally(set)).collect();
    let mut generator = random::generator(Seed(0), Purpose::Resampling);
    let binomial = |count: u64, probability: f64| {
        use rand_distr::Distribution;
        let binomial = rand_distr::Binomial::new(count, probability);
        binomial.expect("the ratio of two counts is a probability").sample(&mut generator)
    };
    let interval = tallied_bootstrap(&tallies, RESAMPLES, binomial, alpha);
    Some(TestImages { images, low: interval.low, high: interval.high })
}

/// Whether records can have one bit per test image for a metric.
fn has_image_bits(metric: &Metric) -> bool {
    match metric {
        Metric::Accuracy(at) => *at == Moment::Last,
        Metric::InfluenceMatch(of) => of.share == Share::Rank(1),
        Metric::LogOdds(_)
        | Metric::LogError(_)
        | Metric::Loss(_)
        | Metric::EpochsTo(_)
        | Metric::AreaBelowOwnEnd => false,
    }
}

fn bits(evidence: &Evidence, key: &Key, seed: Seed, metric: &Metric) -> Option<Arc<[bool]>> {
    let record = evidence.records.seeds(key)?.get(&seed)?;
    match metric {
        Metric::InfluenceMatch(of) => {
            record.counts(of.inverse).ok()?.map(|counts| counts.first.as_slice().into())
        }
        _ => record.correct.clone(),
    }
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
