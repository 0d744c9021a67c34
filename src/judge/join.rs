//! Contrast values, one per seed, joined on keys and seeds.
//!
//! Everything that could make a comparison unfair is detected here and reported, not fixed: seeds
//! missing from an arm, runs that stopped, recipes that differ where the contrast does not vary
//! them. The judge decides what follows from it.

use std::collections::{BTreeMap, BTreeSet};

use super::attendance::{Attendance, Missing};
use crate::{
    claim::{Cell, Metric, Read, StudyMetric, Term, keys},
    evidence::{Evidence, Record, SamplingDesign, Status, Structure},
    experiment::{Key, RecipeDigest, Seed},
    judge::observe::{Censored, Unobservable, observe},
};

/// One seed's contrast value, and each arm's own value in the order of the terms.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The seed; the number of the unit where replicates are nested; of absent runs whose seed is
    /// not known, a number that no run has.
    pub seed: Seed,
    /// The weighted sum of the arms.
    pub contrast: Censored,
    /// The value of each arm.
    pub arms: Vec<Censored>,
    /// Whether one of its runs was planned and is absent.
    pub absent: bool,
}

/// The values of arms that share no replicate with the other arms of a contrast.
#[derive(Clone, Debug, PartialEq)]
pub struct Independent {
    /// The arms, as indices of the contrast's terms: one, unless arms have a key in common.
    pub terms: Vec<usize>,
    /// One row a replicate; its contrast is the weighted sum of these arms alone.
    pub rows: Vec<Row>,
}

/// Runs or replicates of one arm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfArm {
    /// The arm's name.
    pub arm: String,
    /// How many.
    pub count: usize,
}

/// The values of one contrast in one cell, or averaged over several, with the problems found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Joined {
    /// One row per seed in common to all arms, by increasing seed; empty where arms share none.
    pub rows: Vec<Row>,
    /// The values of each arm, where arms share no replicates; empty where they are paired.
    pub independent: Vec<Independent>,
    /// Runs that the study planned and its log does not have: each may have had any value.
    pub absent_runs: Vec<OfArm>,
    /// Replicates that the study never planned for an arm, and left out of the pairs for it.
    pub never_planned: Vec<OfArm>,
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
        let lengths = || mixed_lengths(&of.progress, evidence, &runs);
        joined.mixed_recipes = mixed_grids(of, terms, &runs).or_else(lengths);
    }

    // The world plans no seeds for user-defined names.
    let user_defined = |key: &Key| {
        evidence.world.user_names.has(&key.target) || evidence.world.user_names.has(&key.source)
    };
    let planned = if keys.iter().any(user_defined) || evidence.replicates.planned.is_some() {
        None
    } else {
        keys.iter().filter_map(|key| evidence.world.planned_seeds(key.images)).min()
    };
    let in_any: BTreeSet<Seed> = runs.iter().flat_map(|(_, seeds)| seeds.keys()).copied().collect();
    joined.missing_seeds = match evidence.design {
        SamplingDesign::FixedSample => planned.unwrap_or(0).saturating_sub(in_any.len()),
        // A seed that has not run is not missing: it was not needed, or not yet.
        SamplingDesign::GroupSequential => 0,
    };
    let mut groups = groups(terms, &leaves, cells, metric, evidence);
    for group in &mut groups {
        group.join(terms, &leaves, metric, evidence, &in_any, &mut joined);
    }
    if evidence.design == SamplingDesign::GroupSequential {
        // An arm can have extra seeds because another hypothesis needed them.
        joined.unmatched_seeds = 0;
    }
    if let Some(reason) = &joined.unobservable {
        // An evaluation far from a share exists, so nothing is missing.
        joined.unread = reason.is_of_absent_runs()
            || !reason.is_far_from_share()
                && !groups.iter().flat_map(|of| &of.rows).any(|row| row.contrast.finished);
        groups.iter_mut().for_each(|group| group.rows.clear());
    }
    match groups.as_mut_slice() {
        [paired] => joined.rows = std::mem::take(&mut paired.rows),
        _ => {
            let arms = groups.into_iter();
            let arms = arms.map(|Group { terms, rows, .. }| Independent { terms, rows });
            joined.independent = arms.collect();
        }
    }
    joined
}

impl Joined {
    /// The number of replicates: of pairs, or of the arm that has the fewest.
    #[must_use]
    pub fn replicates(&self) -> usize {
        let arms = self.independent.iter().map(|arm| arm.rows.len());
        arms.min().unwrap_or(self.rows.len())
    }

    /// The number of replicates of each arm, or one number of pairs.
    pub(super) fn counts(&self) -> Vec<usize> {
        match self.independent.as_slice() {
            [] => vec![self.rows.len()],
            arms => arms.iter().map(|arm| arm.rows.len()).collect(),
        }
    }

    /// Every row: pairs, or those of each arm.
    pub(super) fn all_rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().chain(self.independent.iter().flat_map(|arm| &arm.rows))
    }

    /// The seeds of the runs behind some of its rows, in increasing order; those of the unit where
    /// replicates are nested.
    pub(super) fn seeds(&self, evidence: &Evidence, of: impl Fn(&Row) -> bool) -> Vec<Seed> {
        let rows: BTreeSet<Seed> =
            self.all_rows().filter(|row| of(row)).map(|row| row.seed).collect();
        match &evidence.replicates.structure {
            Structure::Nested { units } => {
                let members = units.iter().filter(|(_, unit)| rows.contains(unit));
                members.map(|(seed, _)| *seed).collect()
            }
            Structure::Independent | Structure::Folds { .. } => rows.into_iter().collect(),
        }
    }

    /// The first `replicates` of each arm.
    pub(super) fn truncate(&mut self, replicates: usize) {
        self.rows.truncate(replicates);
        self.independent.iter_mut().for_each(|arm| arm.rows.truncate(replicates));
    }
}

/// Arms whose values are joined by replicate.
struct Group {
    /// Indices of terms.
    terms: Vec<usize>,
    keys: Vec<Key>,
    attendance: Attendance,
    rows: Vec<Row>,
}

/// One group where arms share replicates. Where they share none: one an arm, and one for arms that
/// have a key in common, which are not independent.
fn groups(
    terms: &[Term],
    leaves: &[Vec<Key>],
    cells: &[Cell],
    metric: &Metric,
    evidence: &Evidence,
) -> Vec<Group> {
    let group = |of: Vec<usize>| {
        let own: Vec<Term> = of.iter().map(|&term| terms[term].clone()).collect();
        let keys: Vec<Key> = keys(&own, cells, metric).into_iter().collect();
        let attendance = Attendance::new(&keys, evidence);
        Group { terms: of, keys, attendance, rows: Vec::new() }
    };
    let each = || {
        let mut sets: Vec<(Vec<usize>, BTreeSet<&Key>)> = Vec::new();
        for (term, keys) in leaves.iter().enumerate() {
            let mut merged = (vec![term], keys.iter().collect::<BTreeSet<&Key>>());
            let (alike, others): (Vec<_>, Vec<_>) =
                sets.into_iter().partition(|(_, keys)| !keys.is_disjoint(&merged.1));
            for (terms, keys) in alike {
                merged.0.extend(terms);
                merged.1.extend(keys);
            }
            merged.0.sort_unstable();
            sets = others;
            sets.push(merged);
        }
        sets.sort_unstable();
        sets.into_iter().map(|(terms, _)| group(terms)).collect::<Vec<Group>>()
    };
    if !evidence.replicates.paired {
        return each();
    }
    if let Structure::Nested { units } = &evidence.replicates.structure {
        // Units that no two arms share can't be paired.
        let of_key = |key: &Key| evidence.records.seeds(key).into_iter().flat_map(BTreeMap::keys);
        let of_arm = |keys: &Vec<Key>| -> BTreeSet<Seed> {
            let seeds = keys.iter().flat_map(of_key);
            seeds.map(|seed| units.get(seed).copied().unwrap_or(*seed)).collect()
        };
        let arms: Vec<BTreeSet<Seed>> = leaves.iter().map(of_arm).collect();
        if !arms[0].iter().any(|unit| arms.iter().all(|arm| arm.contains(unit))) {
            return each();
        }
    }
    vec![group((0..terms.len()).collect())]
}

impl Group {
    fn join(
        &mut self,
        terms: &[Term],
        leaves: &[Vec<Key>],
        metric: &Metric,
        evidence: &Evidence,
        in_any: &BTreeSet<Seed>,
        joined: &mut Joined,
    ) {
        let Attendance { certain, candidates, of_candidates, nameless, left_out, .. } =
            &self.attendance;
        joined.unmatched_seeds += left_out;
        let mut members: BTreeMap<Seed, Vec<Seed>> = BTreeMap::new();
        if let Structure::Nested { units } = &evidence.replicates.structure {
            for (seed, unit) in units {
                members.entry(*unit).or_default().push(*seed);
            }
        }
        let arms: Vec<(&Term, &[Key])> =
            self.terms.iter().map(|&term| (&terms[term], &*leaves[term])).collect();
        let reader = Reader { arms, members, metric, evidence };
        let mut keep = |row: Result<Row, Unobservable>, rows: &mut Vec<Row>| match row {
            Ok(row) => rows.push(row),
            Err(reason) => _ = joined.unobservable.get_or_insert(reason),
        };
        let mut rows = Vec::new();
        for seed in certain {
            keep(reader.row(*seed), &mut rows);
        }
        let taken = |seed: &Seed| in_any.contains(seed) || certain.contains(seed);
        let mut unknown = (0..=u64::MAX).rev().map(Seed).filter(|seed| !taken(seed));
        let mut possible = Vec::new();
        for seed in candidates.iter().filter(|_| *of_candidates > 0) {
            keep(reader.row(*seed), &mut possible);
        }
        if let Some(any) = possible.into_iter().reduce(Row::or) {
            let one = |seed| Row { seed, ..any.clone() };
            rows.extend(unknown.by_ref().take(*of_candidates).map(one));
        }
        for seed in unknown.take(*nameless) {
            keep(reader.row(seed), &mut rows);
        }
        if self.attendance.without_unit {
            joined.unobservable.get_or_insert(Unobservable::AbsentWithoutUnit);
        }
        self.rows = rows;
        let missing: BTreeMap<&Key, &Missing> =
            self.keys.iter().zip(&self.attendance.missing).collect();
        for &term in &self.terms {
            let keys: BTreeSet<&Key> = leaves[term].iter().collect();
            let of_arm = || keys.iter().filter_map(|key| missing.get(key));
            let arm = &terms[term].arm.name;
            let absent = of_arm().map(|of| of.absent).sum();
            let never_planned = of_arm().map(|of| of.never_planned).max().unwrap_or(0);
            for (list, count) in
                [(&mut joined.absent_runs, absent), (&mut joined.never_planned, never_planned)]
            {
                if count > 0 {
                    list.push(OfArm { arm: arm.clone(), count });
                }
            }
        }
    }
}

impl Row {
    /// A row that may be either of two.
    fn or(self, other: Self) -> Self {
        Self {
            contrast: self.contrast.or(other.contrast),
            arms: self.arms.iter().zip(other.arms).map(|(one, other)| one.or(other)).collect(),
            absent: self.absent || other.absent,
            ..self
        }
    }
}

/// Reads the rows of a group of arms.
struct Reader<'a> {
    arms: Vec<(&'a Term, &'a [Key])>,
    /// The replicates of each unit; empty where replicates are not nested.
    members: BTreeMap<Seed, Vec<Seed>>,
    metric: &'a Metric,
    evidence: &'a Evidence,
}

impl Reader<'_> {
    fn row(&self, seed: Seed) -> Result<Row, Unobservable> {
        let mut arms = Vec::with_capacity(self.arms.len());
        let mut is_absent = false;
        for (term, keys) in &self.arms {
            let mut values = Vec::with_capacity(keys.len());
            for key in *keys {
                let value = self.value(term, key, seed)?;
                is_absent |= value.is_none();
                values.push(value.map_or_else(|| self.absent(term, key), Ok)?);
            }
            arms.push(mean(&values));
        }
        let weights = self.arms.iter().map(|(term, _)| term.weight);
        let contrast = Censored::weighted(weights.zip(arms.iter().copied()));
        Ok(Row { seed, contrast, arms, absent: is_absent })
    }

    /// The value of a replicate, averaged over the runs of its unit; `None` without a run.
    fn value(&self, term: &Term, key: &Key, seed: Seed) -> Result<Option<Censored>, Unobservable> {
        let itself = [seed];
        let members = self.members.get(&seed).map_or(&itself[..], Vec::as_slice);
        let find = |key: &Key, seed: &Seed| self.evidence.records.seeds(key)?.get(seed);
        let mut values = Vec::with_capacity(members.len());
        for member in members {
            let Some(record) = find(key, member) else { continue };
            let reference = self.metric.reference(key);
            let reference = reference.as_ref().and_then(|key| find(key, member));
            let images = self.test_images(key);
            values.push(observe(self.metric, term.arm.at, record, reference, images)?);
        }
        Ok((!values.is_empty()).then(|| mean(&values)))
    }

    /// The value of a run that was planned and is absent: that of a run that stopped before its
    /// first evaluation.
    fn absent(&self, term: &Term, key: &Key) -> Result<Censored, Unobservable> {
        if self.evidence.replicates.planned.is_none() {
            return Err(Unobservable::NotRecorded);
        }
        let recipe = RecipeDigest::default();
        let stopped = Record::new(key.clone(), Seed(0), recipe, Status::Stopped, Vec::new());
        let stopped = stopped.ok_or(Unobservable::NotRecorded)?;
        let images = self.test_images(key);
        let value = observe(self.metric, term.arm.at, &stopped, None, images)?;
        if value.low.is_finite() && value.high.is_finite() {
            Ok(Censored { finished: false, ..value })
        } else {
            Err(Unobservable::AbsentWithoutRange { arm: term.arm.name.clone() })
        }
    }

    fn test_images(&self, key: &Key) -> Option<u32> {
        self.evidence.world.targets.get(&*key.target).map(|of| of.test)
    }
}

fn mean(values: &[Censored]) -> Censored {
    #[expect(clippy::cast_precision_loss, reason = "a handful of runs")]
    let share = 1.0 / values.len() as f64;
    Censored::weighted(values.iter().map(|value| (share, *value)))
}

/// A description of steps at which the runs of a cell are evaluated, where they differ and the
/// metric depends on them: one run's steps must begin as another's do.
fn mixed_grids(
    of: &StudyMetric,
    terms: &[Term],
    runs: &[(&Key, &BTreeMap<Seed, Record>)],
) -> Option<String> {
    let depends = |term: &Term| {
        let read = of.at(term.arm.at).read;
        matches!(read, Read::Best | Read::FromShare(_) | Read::StepsTo(_))
    };
    if !terms.iter().any(depends) {
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

/// A description of lengths of runs that differ where a study says that all arms share one.
fn mixed_lengths(
    progress: &str,
    evidence: &Evidence,
    runs: &[(&Key, &BTreeMap<Seed, Record>)],
) -> Option<String> {
    let same_for = evidence.world.study.as_ref()?.progress.as_ref()?.same_for.as_ref()?;
    let mut lengths: BTreeMap<Vec<String>, Vec<f64>> = BTreeMap::new();
    for (key, seeds) in runs {
        let value = |name: &String| Some(format!("{name} {}", key.factors.get(name.as_str())?));
        let known = lengths.entry(same_for.iter().filter_map(value).collect()).or_default();
        known.extend(seeds.values().filter_map(|record| Some(record.logged.as_ref()?.end)));
    }
    lengths.into_iter().find_map(|(place, mut lengths)| {
        lengths.sort_by(f64::total_cmp);
        lengths.dedup();
        let several = lengths.len() > 1;
        let place = if place.is_empty() { "all runs".to_owned() } else { place.join(", ") };
        let lengths: Vec<String> = lengths.iter().map(ToString::to_string).collect();
        several.then(|| format!("{place}: runs up to {progress} {}", lengths.join(" and ")))
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_may_be_either_of_two_has_the_bounds_of_both() {
        let row = |low, high, finished| {
            let value = Censored { low, high, finished };
            Row { seed: Seed(1), contrast: value, arms: vec![value], absent: !finished }
        };
        let either = row(1.0, 2.0, true).or(row(-1.0, 1.5, false));
        assert_eq!(either, row(-1.0, 2.0, false));
        assert_eq!(row(1.0, 2.0, true).or(row(1.5, 3.0, true)), row(1.0, 3.0, true));
    }
}
