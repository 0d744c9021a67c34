//! Contrast values, one a seed, joined on keys. Everything that could make a comparison unfair is
//! found here and told, not mended: seeds that some arms lack, runs that stopped, recipes that
//! differ where the contrast does not say so. What follows from it is left to the judge.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    claim::{Cell, Metric, Term, keys},
    evidence::{Evidence, Looking, Record},
    experiment::{Key, RecipeDigest, Seed},
    judge::observe::{Observed, Unobservable, observe},
};

/// One seed's contrast value, and each arm's own value in the order of the terms.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The seed.
    pub seed: Seed,
    /// The weighted sum of the arms.
    pub contrast: Observed,
    /// The arms.
    pub arms: Vec<Observed>,
}

/// What the evidence has for one contrast in one cell, or averaged over several.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Joined {
    /// Seeds that every arm has, in their fixed order.
    pub rows: Vec<Row>,
    /// Planned seeds that no arm has: they were never run.
    pub missing_seeds: usize,
    /// Seeds that some arms have and others lack: left out of the pairs.
    pub unmatched_seeds: usize,
    /// Keys of which there is no record at all.
    pub absent: Vec<Key>,
    /// How many keys were asked for.
    pub asked: usize,
    /// Where recipes differ within one target and size, in words.
    pub mixed_recipes: Option<String>,
    /// Whether schedules differ between the targets or sizes that the contrast compares.
    pub schedule_differs: bool,
    /// Whether subsets are so large a part of their pool that seeds share images.
    pub subset_over_pool: bool,
    /// Why the metric can't be read off some of the records: it is then read off none.
    pub unobservable: Option<Unobservable>,
    /// Whether it can be read off no seed's: then there is as little to judge as without records.
    pub unread: bool,
}

/// Joins a contrast's arms over cells: within a seed, each arm is averaged over the cells (one,
/// unless the hypothesis averages) and over the arm's own lists.
#[must_use]
pub fn join(terms: &[Term], cells: &[Cell], metric: &Metric, evidence: &Evidence) -> Joined {
    let leaves: Vec<Vec<Key>> = terms
        .iter()
        .map(|term| cells.iter().flat_map(|cell| term.arm.keys(cell, metric)).collect())
        .collect();
    let asked = keys(terms, cells, metric);
    let mut joined = Joined { asked: asked.len(), ..Joined::default() };
    let mut runs: Vec<(&Key, &BTreeMap<Seed, Record>)> = Vec::new();
    for key in &asked {
        match evidence.records.seeds(key) {
            Some(seeds) => runs.push((key, seeds)),
            None => joined.absent.push(key.clone()),
        }
    }
    joined.subset_over_pool =
        asked.iter().any(|key| evidence.world.subset_over_pool(&key.target, key.images));
    if !joined.absent.is_empty() || runs.is_empty() {
        return joined;
    }
    compare_recipes(&runs, &mut joined);

    let anywhere: BTreeSet<Seed> =
        runs.iter().flat_map(|(_, seeds)| seeds.keys()).copied().collect();
    let everywhere: Vec<Seed> = anywhere
        .iter()
        .copied()
        .filter(|seed| runs.iter().all(|(_, seeds)| seeds.contains_key(seed)))
        .collect();
    // Nobody planned any for names of a user's own.
    let own =
        |key: &Key| evidence.world.own.has(&key.target) || evidence.world.own.has(&key.source);
    let planned = if asked.iter().any(own) {
        None
    } else {
        asked.iter().filter_map(|key| evidence.world.planned_seeds(key.images)).min()
    };
    joined.missing_seeds = match evidence.looking {
        Looking::Fixed => planned.unwrap_or(0).saturating_sub(anywhere.len()),
        // Those that are not there are not missing: they were not needed, or not yet.
        Looking::Sequential => 0,
    };
    joined.unmatched_seeds = match evidence.looking {
        Looking::Fixed => anywhere.len() - everywhere.len(),
        // One arm has more seeds than another where another hypothesis needed them.
        Looking::Sequential => 0,
    };
    for seed in everywhere {
        match row(seed, terms, &leaves, metric, evidence) {
            Ok(row) => joined.rows.push(row),
            Err(reason) => _ = joined.unobservable.get_or_insert(reason),
        }
    }
    if joined.unobservable.is_some() {
        joined.unread = !joined.rows.iter().any(|row| row.contrast.finished);
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
    let mut arms = Vec::with_capacity(terms.len());
    for (term, keys) in terms.iter().zip(leaves) {
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            let record = find(key).ok_or(Unobservable::NotRecorded)?;
            let reference = metric.reference(key);
            let reference = reference.as_ref().and_then(find);
            values.push(observe(metric, term.arm.at, record, reference)?);
        }
        #[expect(clippy::cast_precision_loss, reason = "a handful of keys")]
        let share = 1.0 / values.len() as f64;
        arms.push(Observed::weighted(values.into_iter().map(|value| (share, value))));
    }
    let weights = terms.iter().map(|term| term.weight);
    let contrast = Observed::weighted(weights.zip(arms.iter().copied()));
    Ok(Row { seed, contrast, arms })
}

/// Within one target and size every arm and seed shares one recipe, or the cell can't be judged;
/// between targets and sizes schedules may differ, and that is told, but nothing else.
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
            let differ = if rests.len() > 1 { ", which differ in more than that" } else { "" };
            let epochs = epochs.join(" and of ");
            Some(format!("{target}, {images} images: runs of {epochs} epochs{differ}"))
        }
        None if rests.len() > 1 => {
            Some("runs of different cells differ in more than their schedules".to_owned())
        }
        None => None,
    };
    let all: BTreeSet<&BTreeSet<&RecipeDigest>> = recipes.values().collect();
    joined.schedule_differs = joined.mixed_recipes.is_none() && all.len() > 1;
}
