//! Whether an effect follows the measured similarity of targets: a permutation test of the grouping,
//! and a rank correlation over targets. Pure; it never changes a verdict.
//!
//! Where the similarity is of fine-tunes, seeds are split in a fixed way: effects are means over
//! seeds at odd places (the first, the third, ...), similarities over those at even places, so that
//! the same noise is not in both. A distance is of no fine-tune, and effects are then over all.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::join::join;
use crate::{
    claim::{Association, Cell, Design, Larger, Similarity, association::ACCURACY},
    evidence::{Evidence, SamplingDesign, Status},
    experiment::{Key, Seed},
    stats::{grouping, kendall},
    world::World,
};

/// With fewer targets the numbers are descriptive, without p.
const FEWEST_TARGETS: usize = 5;

/// An association of a claim: numbers by size, and averaged over sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AssociationResult {
    /// The id within the claim.
    pub id: String,
    /// What is asked, in one sentence.
    pub sentence: String,
    /// The effect in symbols.
    pub effect: String,
    /// How similarity is measured.
    pub similarity: String,
    /// The measure's name: `head_only_share` or `frechet_distance`.
    #[serde(default = "head_only_share")]
    pub measure: String,
    /// Why the similarity is not available in this world; null where it is. There are then no
    /// sizes.
    #[serde(default)]
    pub unavailable: Option<String>,
    /// Where the effect is expected to be larger: `similar` or `dissimilar`. Both p are one-sided
    /// in this direction.
    pub larger_on: String,
    /// One entry a size, and a last one averaged over sizes if there are several.
    pub sizes: Vec<AssociationAt>,
}

/// The measure of results older than its name.
fn head_only_share() -> String {
    "head_only_share".to_owned()
}

/// An association at one size, or averaged over sizes. A number that can't be computed is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AssociationAt {
    /// Training images; null for the average over sizes.
    pub images: Option<u32>,
    /// Numbers of blocks that the share compares: those that every target has; none for a distance.
    pub blocks: Vec<u32>,
    /// Each target's numbers.
    pub targets: Vec<AssociatedTarget>,
    /// Mean effect of the group that the effect is expected to be larger on, minus the other's, in
    /// points.
    pub difference: Option<f64>,
    /// The number of ways to choose as many targets.
    pub ways: Option<usize>,
    /// The least p that the grouping can have: 1 / `ways`.
    pub least_p: Option<f64>,
    /// One-sided permutation p of the grouping; null with fewer than five targets.
    pub p: Option<f64>,
    /// Kendall's tau-b of effect and similarity over targets.
    pub tau: Option<f64>,
    /// Its exact one-sided p; null with fewer than five targets.
    pub tau_p: Option<f64>,
    /// Why numbers are missing; null where none is.
    pub reason: Option<String>,
}

/// One target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AssociatedTarget {
    /// The target.
    pub target: String,
    /// Whether it is in the group of similar targets.
    pub similar: bool,
    /// The measured similarity, larger where a target is more like the source: the share, over
    /// seeds at even places, or minus the distance.
    pub similarity: Option<f64>,
    /// The mean effect in points, over seeds at odd places, or over all where the similarity is a
    /// distance.
    pub effect: Option<f64>,
    /// Seeds of the effect.
    pub effect_seeds: usize,
    /// Seeds of the similarity, the fewest of its numbers of blocks; 0 for a distance.
    pub similarity_seeds: usize,
}

/// Computes an association.
#[must_use]
pub fn associate(
    association: &Association,
    design: &Design,
    evidence: &Evidence,
) -> AssociationResult {
    let halves = Halves::new(association, design, evidence);
    let unavailable = unavailable(&association.similarity, &evidence.world);
    let sizes = association.effect.cells.iter().filter_map(|cell| cell.images);
    let sizes: BTreeSet<u32> = sizes.filter(|_| unavailable.is_none()).collect();
    let mut all: Vec<AssociationAt> =
        sizes.into_iter().map(|images| at(association, images, &halves, evidence)).collect();
    if all.len() > 1 {
        all.push(tested(averaged(&all), association));
    }
    AssociationResult {
        id: association.id.clone(),
        sentence: association.statement.clone(),
        effect: association.effect.label.clone(),
        similarity: association.similarity.in_words(),
        measure: association.similarity.measure().to_owned(),
        unavailable,
        larger_on: match association.larger_on {
            Larger::Similar => "similar",
            Larger::Dissimilar => "dissimilar",
        }
        .to_owned(),
        sizes: all,
    }
}

/// Why a world has no such similarity; `None` if it has.
fn unavailable(similarity: &Similarity, world: &World) -> Option<String> {
    let Similarity::FrechetDistance { source } = similarity else { return None };
    match world.feature_distances() {
        None => Some(format!("not measured in the {} set-up", world.id)),
        Some(found) if found.source != **source => {
            Some(format!("measured with {} alone in the {} set-up", found.source, world.id))
        }
        Some(_) => None,
    }
}

/// Seeds of the effect and of the similarity.
struct Halves {
    effect: BTreeSet<Seed>,
    similarity: BTreeSet<Seed>,
}

impl Halves {
    /// The seeds of all records that it reads, by their places in increasing order. Where more
    /// seeds are run as needed, only those of the first look: what later looks add depends on other
    /// hypotheses.
    fn new(association: &Association, design: &Design, evidence: &Evidence) -> Self {
        let keys = association.keys();
        let recorded = keys.iter().filter_map(|key| evidence.records.seeds(key));
        let seeds: BTreeSet<Seed> = recorded.flat_map(|seeds| seeds.keys().copied()).collect();
        let most = match evidence.design {
            SamplingDesign::FixedSample => usize::MAX,
            SamplingDesign::GroupSequential => design.looks.seeds()[0],
        };
        if let Similarity::FrechetDistance { .. } = association.similarity {
            let effect = seeds.into_iter().take(most).collect();
            return Self { effect, similarity: BTreeSet::new() };
        }
        let (mut effect, mut similarity) = (BTreeSet::new(), BTreeSet::new());
        for (index, seed) in seeds.into_iter().take(most).enumerate() {
            let half = if index.is_multiple_of(2) { &mut effect } else { &mut similarity };
            half.insert(seed);
        }
        Self { effect, similarity }
    }
}

fn at(
    association: &Association,
    images: u32,
    halves: &Halves,
    evidence: &Evidence,
) -> AssociationAt {
    let cells: Vec<&Cell> =
        association.effect.cells.iter().filter(|cell| cell.images == Some(images)).collect();
    // By cell, the mean accuracy and the number of seeds of each number of blocks with records.
    let by_blocks: Vec<BTreeMap<u32, (f64, usize)>> = cells
        .iter()
        .map(|cell| {
            let of = association.similarity.keys(cell).into_iter();
            of.filter_map(|(blocks, key)| Some((blocks, mean_of(&key, halves, evidence)?)))
                .collect()
        })
        .collect();
    let blocks: Vec<u32> = match by_blocks.split_first() {
        Some((first, rest)) => {
            let everywhere = |blocks: &&u32| rest.iter().all(|of| of.contains_key(*blocks));
            first.keys().filter(everywhere).copied().collect()
        }
        None => Vec::new(),
    };
    let mut mixed = BTreeSet::new();
    let targets = cells.iter().zip(&by_blocks).map(|(cell, means)| {
        let joined = join(&association.effect.terms, &[(*cell).clone()], &ACCURACY, evidence);
        let rows = joined.rows.iter().filter(|row| row.contrast.finished);
        let rows = rows.filter(|row| halves.effect.contains(&row.seed));
        let effects: Vec<f64> = rows.filter_map(|row| row.contrast.middle()).collect();
        let effect = mean(&effects).filter(|_| joined.mixed_recipes.is_none());
        mixed.extend(joined.mixed_recipes);
        let shared: Vec<(f64, usize)> = blocks.iter().map(|blocks| means[blocks]).collect();
        let best = shared.iter().map(|(mean, _)| *mean).fold(0.0, f64::max);
        let head = means.get(&0).filter(|_| shared.len() > 1 && best > 0.0);
        let target = cell.target.clone().unwrap_or_default();
        let similarity = match association.similarity {
            Similarity::HeadOnlyShare { .. } => {
                head.filter(|_| blocks.contains(&0)).map(|(mean, _)| mean / best)
            }
            Similarity::FrechetDistance { .. } => {
                let distances = evidence.world.feature_distances();
                let of = distances.and_then(|found| found.targets.get(&*target));
                of.map(|of| -of.distance)
            }
        };
        AssociatedTarget {
            similar: association.similar.contains(&target),
            target: target.to_string(),
            similarity,
            effect,
            effect_seeds: effects.len(),
            similarity_seeds: shared.iter().map(|(_, seeds)| *seeds).min().unwrap_or(0),
        }
    });
    let targets = targets.collect();
    let reason = mixed.into_iter().next().map(|mixed| format!("mixed recipes: {mixed}"));
    tested(untested(Some(images), blocks, targets, reason), association)
}

/// The mean of finished runs at even places.
fn mean_of(key: &Key, halves: &Halves, evidence: &Evidence) -> Option<(f64, usize)> {
    let seeds = evidence.records.seeds(key)?.iter();
    let finished = seeds.filter(|(seed, record)| {
        halves.similarity.contains(seed) && record.status == Status::Finished
    });
    let values: Vec<f64> =
        finished.filter_map(|(_, record)| Some(record.last()?.test_accuracy)).collect();
    Some((mean(&values)?, values.len()))
}

fn mean(values: &[f64]) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a handful of values")]
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Each target's mean over sizes; null if a size has none.
fn averaged(sizes: &[AssociationAt]) -> AssociationAt {
    let each = |target: &AssociatedTarget| -> Vec<Option<&AssociatedTarget>> {
        let of =
            |size: &'_ AssociationAt| size.targets.iter().position(|it| it.target == target.target);
        sizes.iter().map(|size| of(size).map(|index| &size.targets[index])).collect()
    };
    let average = |targets: &[Option<&AssociatedTarget>],
                   of: fn(&AssociatedTarget) -> Option<f64>| {
        let values: Option<Vec<f64>> = targets.iter().map(|target| of((*target)?)).collect();
        mean(&values?)
    };
    let targets = sizes[0].targets.iter().map(|target| {
        let each = each(target);
        let fewest = |of: fn(&AssociatedTarget) -> usize| {
            each.iter().map(|target| target.map_or(0, of)).min().unwrap_or(0)
        };
        AssociatedTarget {
            target: target.target.clone(),
            similar: target.similar,
            similarity: average(&each, |target| target.similarity),
            effect: average(&each, |target| target.effect),
            effect_seeds: fewest(|target| target.effect_seeds),
            similarity_seeds: fewest(|target| target.similarity_seeds),
        }
    });
    let everywhere = |blocks: &&u32| sizes.iter().all(|size| size.blocks.contains(*blocks));
    let blocks = sizes[0].blocks.iter().filter(everywhere).copied().collect();
    let reason = sizes.iter().find_map(|size| size.reason.clone());
    untested(None, blocks, targets.collect(), reason)
}

fn untested(
    images: Option<u32>,
    blocks: Vec<u32>,
    targets: Vec<AssociatedTarget>,
    reason: Option<String>,
) -> AssociationAt {
    let (difference, ways, least_p, p, tau, tau_p) = (None, None, None, None, None, None);
    AssociationAt { images, blocks, targets, difference, ways, least_p, p, tau, tau_p, reason }
}

/// With the two tests over its targets, where every target has its numbers.
fn tested(mut of: AssociationAt, association: &Association) -> AssociationAt {
    let sign = match association.larger_on {
        Larger::Similar => 1.0,
        Larger::Dissimilar => -1.0,
    };
    let judged = of.targets.len() >= FEWEST_TARGETS;
    let effects: Option<Vec<f64>> = of.targets.iter().map(|target| target.effect).collect();
    let similarities: Option<Vec<f64>> =
        of.targets.iter().map(|target| target.similarity).collect();
    let mut missing = Vec::new();
    match &effects {
        None => missing.push("some target has no effect"),
        Some(effects) => {
            let signed: Vec<f64> = effects.iter().map(|effect| sign * effect).collect();
            let similar: Vec<bool> = of.targets.iter().map(|target| target.similar).collect();
            if let Some(found) = grouping(&signed, &similar) {
                #[expect(clippy::cast_precision_loss, reason = "a handful of ways")]
                let least = 1.0 / found.ways as f64;
                of.difference = Some(found.difference);
                (of.ways, of.least_p) = (Some(found.ways), Some(least));
                of.p = Some(found.p_greater).filter(|_| judged);
            }
        }
    }
    match (&effects, &similarities) {
        (_, None) => missing.push("some target has no similarity"),
        (Some(effects), Some(similarities)) => {
            let signed: Vec<f64> = effects.iter().map(|effect| sign * effect).collect();
            match kendall(&signed, similarities) {
                Some(found) => {
                    of.tau = Some(sign * found.tau);
                    of.tau_p = Some(found.p_greater).filter(|_| judged);
                }
                None => missing.push("no rank correlation: ties alone, or not 2 to 9 targets"),
            }
        }
        _ => {}
    }
    if !judged {
        missing.push("fewer than five targets: descriptive, without p");
    }
    if of.reason.is_none() && !missing.is_empty() {
        of.reason = Some(missing.join("; "));
    }
    of
}
