//! What each test image contributes to a contrast in each seed, and the variance that a finite test
//! set adds to the mean over seeds. Arms on one test set share its images; different sets add.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    claim::{Cell, Metric, Share, Term},
    evidence::Evidence,
    experiment::{Key, Moment, Seed},
    judge::{join::Row, observe::Scale},
    stats::AddedVariance,
};

/// The contributions of test images to a contrast, in the metric's unit.
pub(super) struct PerImage {
    /// By test set, seed and image; the first seeds, as far as every record has its bits.
    sets: Vec<Vec<Vec<f64>>>,
    /// The variance that images add, by number of seeds.
    variances: BTreeMap<usize, AddedVariance>,
}

impl PerImage {
    /// Reads the bits of `rows`, in their order, up to a seed with a failed run or without bits.
    /// Variances are those of the first `looks` seeds.
    pub(super) fn new(
        terms: &[Term],
        cells: &[Cell],
        metric: &Metric,
        rows: &[Row],
        evidence: &Evidence,
        looks: &[usize],
    ) -> Self {
        let mut by_target: BTreeMap<Arc<str>, Vec<Vec<f64>>> = BTreeMap::new();
        // Bits are those of the last epoch.
        let rows = if terms.iter().any(|term| term.arm.at.is_some()) { &[] } else { rows };
        let keys: Vec<(f64, Vec<Key>)> = terms
            .iter()
            .map(|term| {
                let keys = cells.iter().flat_map(|cell| term.arm.keys(cell, metric));
                (term.weight, keys.collect())
            })
            .collect();
        for (index, row) in rows.iter().enumerate() {
            let of_seed = row.contrast.exact().and_then(|_| {
                let of_seed = of_seed(&keys, row.seed, metric, evidence)?;
                let same = |(target, images): (&Arc<str>, &Vec<f64>)| {
                    by_target.get(target).is_none_or(|set| set[0].len() == images.len())
                };
                of_seed.iter().all(same).then_some(of_seed)
            });
            let Some(of_seed) = of_seed else { break };
            for (target, images) in of_seed {
                by_target.entry(target).or_default().push(images);
            }
            debug_assert!(by_target.values().all(|set| set.len() == index + 1));
        }
        let mut per_image =
            Self { sets: by_target.into_values().collect(), variances: BTreeMap::new() };
        let variance = |seeds: &usize| {
            let tables = per_image.tables(*seeds)?;
            Some((*seeds, AddedVariance::of_images(&tables)?))
        };
        per_image.variances = looks.iter().filter_map(variance).collect();
        per_image
    }

    /// For each test set, the contributions of each of the first seeds; `None` where the bits of
    /// one of them are missing.
    pub(super) fn tables(&self, seeds: usize) -> Option<Vec<&[Vec<f64>]>> {
        let tables: Option<Vec<_>> = self.sets.iter().map(|set| set.get(..seeds)).collect();
        tables.filter(|tables| !tables.is_empty() && seeds > 0)
    }

    /// What test images add to the variance of the mean over the first seeds of a look; `None`
    /// where the bits of one of them are missing.
    pub(super) fn variance(&self, seeds: usize) -> Option<AddedVariance> {
        self.variances.get(&seeds).copied()
    }
}

/// The contributions of one seed, by test set: weights times bits, averaged as the contrast is.
fn of_seed(
    keys: &[(f64, Vec<Key>)],
    seed: Seed,
    metric: &Metric,
    evidence: &Evidence,
) -> Option<BTreeMap<Arc<str>, Vec<f64>>> {
    let mut sets: BTreeMap<Arc<str>, Vec<f64>> = BTreeMap::new();
    for (weight, keys) in keys {
        for key in keys {
            let correct = bits(evidence, key, seed, metric)?;
            let share = weight / keys.len() as f64 * derivative(metric, &correct)?;
            // Keyed by target alone: other resolutions have the same images.
            let set = sets.entry(key.target.clone()).or_insert_with(|| vec![0.0; correct.len()]);
            if set.len() != correct.len() {
                return None;
            }
            for (sum, correct) in set.iter_mut().zip(&*correct) {
                *sum += if *correct { share } else { 0.0 };
            }
        }
    }
    Some(sets)
}

/// The derivative of a metric with respect to the share of correct images, at that share (the delta
/// method); `None` for a metric that is not a function of one bit per test image.
fn derivative(metric: &Metric, correct: &[bool]) -> Option<f64> {
    match metric {
        Metric::Accuracy(Moment::Last) | Metric::AdversarialAccuracy(_) => Some(100.0),
        Metric::LogOdds(Moment::Last) => Some(Scale::LogOdds.slope(correct)),
        Metric::LogError(Moment::Last) => Some(Scale::LogError.slope(correct)),
        Metric::InfluenceMatch(of) => (of.share == Share::Rank(1)).then_some(100.0),
        _ => None,
    }
}

/// One bit per test image: whether the last epoch classifies it correctly (for adversarial accuracy,
/// under attack, the attacked images), or whether it has the class of its most influential training image.
fn bits(evidence: &Evidence, key: &Key, seed: Seed, metric: &Metric) -> Option<Arc<[bool]>> {
    let record = evidence.records.seeds(key)?.get(&seed)?;
    match metric {
        Metric::InfluenceMatch(of) => {
            let (.., first) = record.counts(of.inverse).ok()??.by(of.by)?;
            Some(first.into())
        }
        Metric::AdversarialAccuracy(_) => {
            record.adversarial.as_ref().map(|measured| measured.correct.as_slice().into())
        }
        _ => record.correct.clone(),
    }
}
