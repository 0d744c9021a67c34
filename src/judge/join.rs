//! Contrast values, one per seed, joined on keys and seeds.
//!
//! Everything that could make a comparison unfair is detected here and reported, not fixed: seeds
//! missing from an arm, runs that stopped, recipes that differ where the contrast does not vary
//! them. The judge decides what follows from it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    claim::{Cell, Metric, Read, StudyMetric, Term, keys},
    evidence::{Evidence, Record, SamplingDesign},
    experiment::{Key, RecipeDigest, Seed},
    judge::observe::{Censored, Unobservable, observe},
};

/// One seed's contrast value, and each arm's own value in the order of the terms.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The seed.
    pub seed: Seed,
    /// The weighted sum of the arms.
    pub contrast: Censored,
    /// The value of each arm.
    pub arms: Vec<Censored>,
}

/// The values of one contrast in one cell, or averaged over several, with the problems found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Joined {
    /// One row per seed in common to all arms, by increasing seed.
    pub rows: Vec<Row>,
    /// Planned seeds missing from every arm: they were never run.
    pub missing_seeds: usize,
    /// Seeds missing from at least one arm, but not from all: excluded from the pairs.
    pub unmatched_seeds: usize,
    /// Keys without any record.
    pub absent: Vec<Key>,
    /// Number of keys that the contrast needs.
    pub keys: usize,
    /// A description of recipes that differ within one target and size, if they do.
    pub mixed_recipes: Option<String>,
    /// Whether schedules differ between the targets or sizes that the contrast compares.
    pub schedule_differs: bool,
    /// Whether subsets are so large a part of their pool that seeds share images.
    pub subset_over_pool: bool,
    /// Why the metric can't be read off some of the records; `rows` is then empty.
    pub unobservable: Option<Unobservable>,
    /// Whether the metric can't be read for any seed: the cell is then incomplete.
    pub unread: bool,
}

/// Joins the arms of a contrast over `cells`. Within a seed, each arm is averaged over the cells
/// (one, unless the hypothesis averages) and over the arm's own lists of values.
#[must_use]
pub fn join(terms: &[Term], cells: &[Cell], metric: &Metric, evidence: &Evidence) -> Joined {
    let leaves: Vec<Vec<Key>> = terms
        .iter()
        .map(|term| cells.iter().flat_map(|cell| term.arm.keys(cell, metric)).collect())
        .collect();
    let keys = keys(terms, cells, metric);
    let mut joined = Joined { keys: keys.len(), ..Joined::default() };
    let mut runs: Vec<(&Key, &BTreeMap<Seed, Record>)> = Vec::new();
    for key in &keys {
        match evidence.records.seeds(key) {
            Some(seeds) => runs.push((key, seeds)),
            None => joined.absent.push(key.clone()),
        }
    }
    joined.subset_over_pool =
        keys.iter().any(|key| evidence.world.subset_over_pool(&key.target, key.images));
    if !joined.absent.is_empty() || runs.is_empty() {
        return joined;
    }
    compare_recipes(&runs, &mut joined);
    if let Metric::Study(of) = metric {
        joined.mixed_recipes = mixed_grids(of, &runs);
    }

    let in_any: BTreeSet<Seed> = runs.iter().flat_map(|(_, seeds)| seeds.keys()).copied().collect();
    let in_all: Vec<Seed> = in_any
        .iter()
        .copied()
        .filter(|seed| runs.iter().all(|(_, seeds)| seeds.contains_key(seed)))
        .collect();
    // The world plans no seeds for user-defined names.
    let of_study = evidence.world.study.is_some();
    let user_defined = |key: &Key| {
        evidence.world.user_names.has(&key.target) || evidence.world.user_names.has(&key.source)
    };
    let planned = if of_study {
        keys.iter().filter_map(|key| evidence.world.planned(key)).min()
    } else if keys.iter().any(user_defined) {
        None
    } else {
        keys.iter().filter_map(|key| evidence.world.planned_seeds(key.images)).min()
    };
    joined.missing_seeds = match evidence.design {
        SamplingDesign::FixedSample => planned.unwrap_or(0).saturating_sub(in_any.len()),
        // A seed that has not run is not missing: it was not needed, or not yet.
        SamplingDesign::GroupSequential => 0,
    };
    joined.unmatched_seeds = match evidence.design {
        SamplingDesign::FixedSample => in_any.len() - in_all.len(),
        // An arm can have extra seeds because another hypothesis needed them.
        SamplingDesign::GroupSequential => 0,
    };
    for seed in in_all {
        match row(seed, terms, &leaves, metric, evidence) {
            Ok(row) => joined.rows.push(row),
            Err(reason) => _ = joined.unobservable.get_or_insert(reason),
        }
    }
    if let Some(reason) = &joined.unobservable {
        // An evaluation far from a share exists, so nothing is missing.
        joined.unread =
            !reason.is_far_from_share() && !joined.rows.iter().any(|row| row.contrast.finished);
        joined.rows.clear();
    }
    joined
}

fn row(
    seed: Seed,
    terms: &[Term],
    leaves: &[Vec<Key>],
    metric: &Metric,
    evidence: &Evidence,
) -> Result<Row, Unobservable> {
    let find = |key: &Key| evidence.records.seeds(key).and_then(|seeds| seeds.get(&seed));
    let test_images = |key: &Key| evidence.world.targets.get(&*key.target).map(|of| of.test);
    let mut arms = Vec::with_capacity(terms.len());
    for (term, keys) in terms.iter().zip(leaves) {
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            let record = find(key).ok_or(Unobservable::NotRecorded)?;
            let reference = metric.reference(key);
            let reference = reference.as_ref().and_then(find);
            values.push(observe(metric, term.arm.at, record, reference, test_images(key))?);
        }
        #[expect(clippy::cast_precision_loss, reason = "a handful of keys")]
        let share = 1.0 / values.len() as f64;
        arms.push(Censored::weighted(values.into_iter().map(|value| (share, value))));
    }
    let weights = terms.iter().map(|term| term.weight);
    let contrast = Censored::weighted(weights.zip(arms.iter().copied()));
    Ok(Row { seed, contrast, arms })
}

/// A description of steps at which the runs of a cell are evaluated, where they differ and the
/// metric depends on them: one run's steps must begin as another's do.
fn mixed_grids(of: &StudyMetric, runs: &[(&Key, &BTreeMap<Seed, Record>)]) -> Option<String> {
    if !matches!(of.read, Read::Best | Read::FromShare(_) | Read::StepsTo(_)) {
        return None;
    }
    let grids = || {
        let records = runs.iter().flat_map(|(_, seeds)| seeds.values());
        records.filter_map(|record| record.logged.as_ref()).map(|logged| &logged.progress[..])
    };
    let longest = grids().max_by_key(|grid| grid.len())?;
    let other = grids().find(|grid| !longest.starts_with(grid))?;
    let first = longest.iter().zip(other).find(|(one, other)| one != other)?;
    Some(format!(
        "runs are evaluated at different {}s ({} and {}), and {} depends on them",
        of.progress, first.0, first.1, of.metric.name
    ))
}

/// Checks recipes. Within one target and size, all arms and seeds must share one recipe, or the
/// cell can't be judged. Between targets and sizes only schedules may differ, which sets a flag.
fn compare_recipes(runs: &[(&Key, &BTreeMap<Seed, Record>)], joined: &mut Joined) {
    let mut recipes: BTreeMap<(&str, u32), BTreeSet<&RecipeDigest>> = BTreeMap::new();
    for (key, seeds) in runs {
        let of_cell = recipes.entry((&key.target, key.images)).or_default();
        of_cell.extend(seeds.values().map(|record| &record.recipe));
    }
    let rests: BTreeSet<&str> = recipes.values().flatten().map(|recipe| &*recipe.rest).collect();
    let mixed = recipes.iter().find(|(_, recipes)| recipes.len() > 1);
    joined.mixed_recipes = match mixed {
        Some(((target, images), recipes)) => {
            let epochs: BTreeSet<u32> = recipes.iter().map(|recipe| recipe.epochs).collect();
            let epochs: Vec<String> = epochs.iter().map(ToString::to_string).collect();
            let differ = if rests.len() > 1 { ", with other differences" } else { "" };
            let epochs = epochs.join(" and ");
            Some(format!("{target}, {images} images: runs of {epochs} epochs{differ}"))
        }
        None if rests.len() > 1 => {
            Some("runs of different cells differ in more than the schedule".to_owned())
        }
        None => None,
    };
    let all: BTreeSet<&BTreeSet<&RecipeDigest>> = recipes.values().collect();
    joined.schedule_differs = joined.mixed_recipes.is_none() && all.len() > 1;
}
