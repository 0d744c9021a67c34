//! The planner: which fine-tunes are outstanding, from claims and existing records. Pure: a
//! [`campaign`] runs them with an executor and plans again with the new records, until nothing is
//! outstanding. [`cost`] counts operations, [`price`] adds time, memory, downloads and disk space, on
//! a device at hand or on a [`gpu`] by its data sheet; [`sensitivity`] varies the protocol.

pub mod campaign;
pub mod cost;
pub mod downloads;
mod families;
pub mod gpu;
mod known;
mod memory;
pub mod order;
pub mod price;
pub mod queue;
pub mod sensitivity;
pub mod standing;
pub mod work;
mod zoo_cost;

use std::collections::{BTreeMap, BTreeSet};

pub use zoo_cost::ZooCost;

use crate::{
    claim::{Claim, Design, Hypothesis, keys},
    evidence::Evidence,
    experiment::{Key, Seed},
    judge::{self, NeededSeeds},
    world::World,
};

/// Outstanding fine-tunes, each with the names of the hypotheses that need it.
pub type Outstanding = BTreeMap<(Key, Seed), BTreeSet<String>>;

/// Keys whose means figures draw, each with the names of the figures that need it.
pub type Points = BTreeMap<Key, BTreeSet<String>>;

/// The number of seeds of a point that figures draw if available: that of the longest design of the
/// claims.
pub(crate) const MOST_SEEDS: usize = 10;
/// The default number of seeds of a point that is run for a figure: that of the first look.
pub(crate) const FIRST_SEEDS: usize = 3;

/// The fine-tunes that the claims' hypotheses need next.
///
/// Every cell gets the seeds of the first look (interim analysis); undecided ones get those of
/// further looks until the judge stops ([`judge::needed_seeds`]). Secondary hypotheses get seeds up
/// to their own last look.
#[must_use]
pub fn outstanding(claims: &[&Claim], evidence: &Evidence) -> Outstanding {
    outlook(claims, evidence).next
}

/// Outstanding fine-tunes: those that are needed next, and all that may be.
#[derive(Clone, Debug, Default)]
pub struct Outlook {
    /// Those of the next look of undecided hypotheses.
    pub next: Outstanding,
    /// Those of every look that is left to them, so with `next`.
    pub at_most: Outstanding,
}

/// What the claims' hypotheses need next, as [`outstanding`], and at most.
#[must_use]
pub fn outlook(claims: &[&Claim], evidence: &Evidence) -> Outlook {
    let mut outlook = Outlook::default();
    for claim in claims {
        for Question { name, hypothesis, design } in hypotheses(claim) {
            let next = needed(hypothesis, &design, evidence);
            let is_open = !next.is_empty();
            for trial in next {
                outlook.next.entry(trial).or_default().insert(name.clone());
            }
            let all = is_open.then(|| possible(hypothesis, design.looks.last(), &evidence.world));
            for trial in all.into_iter().flatten().filter(|trial| !exists(trial, evidence)) {
                outlook.at_most.entry(trial).or_default().insert(name.clone());
            }
        }
    }
    outlook
}

fn exists((key, seed): &(Key, Seed), evidence: &Evidence) -> bool {
    evidence.records.seeds(key).is_some_and(|existing| existing.contains_key(seed))
}

/// The fine-tunes that the claims' hypotheses need at most, with every look.
#[must_use]
pub fn at_most(claims: &[&Claim], world: &World) -> Outstanding {
    let mut outstanding = Outstanding::new();
    for claim in claims {
        for Question { name, hypothesis, design } in hypotheses(claim) {
            for (key, seed) in possible(hypothesis, design.looks.last(), world) {
                outstanding.entry((key, seed)).or_default().insert(name.clone());
            }
        }
    }
    outstanding
}

/// The fine-tunes that associations of claims read where they exist: those of the first look. They
/// are never run for an association alone.
#[must_use]
pub fn read_by_associations(claims: &[&Claim], world: &World) -> Outstanding {
    let mut read = Outstanding::new();
    for claim in claims {
        for association in &claim.associations {
            let keys = association.keys().into_iter();
            for key in keys.filter(|key| world.unavailable(key).is_none()) {
                for place in 0..claim.design.looks.seeds()[0] {
                    read.entry((key.clone(), World::seed(place))).or_default();
                }
            }
        }
    }
    read
}

/// The fine-tunes of `points` with the first `seeds` seeds, without keys that are not available in
/// this world.
#[must_use]
pub fn points(points: &Points, seeds: usize, world: &World) -> Outstanding {
    let possible = points.iter().filter(|(key, _)| world.unavailable(key).is_none());
    possible
        .flat_map(|(key, by)| {
            let seeds = seeds_of(std::iter::once(key), seeds, world);
            seeds.into_iter().map(move |seed| ((key.clone(), seed), by.clone()))
        })
        .collect()
}

/// The fine-tunes of [`points`] with missing records.
#[must_use]
pub(crate) fn outstanding_points(
    needed: &Points,
    seeds: usize,
    evidence: &Evidence,
) -> Outstanding {
    let mut outstanding = points(needed, seeds, &evidence.world);
    outstanding.retain(|trial, _| !exists(trial, evidence));
    outstanding
}

/// A hypothesis that fine-tunes can decide.
struct Question<'a> {
    /// The claim's id, for a secondary hypothesis `claim/reading`.
    name: String,
    hypothesis: &'a Hypothesis,
    design: Design,
}

/// A claim's primary hypothesis and its judged secondary hypotheses.
fn hypotheses(claim: &Claim) -> impl Iterator<Item = Question<'_>> {
    let primary = Question {
        name: claim.id.clone(),
        hypothesis: &claim.hypothesis,
        design: claim.design.clone(),
    };
    let judged = claim.readings.iter().filter(|reading| reading.descriptive.is_none());
    let readings = judged.map(|reading| Question {
        name: format!("{}/{}", claim.id, reading.id),
        hypothesis: &reading.hypothesis,
        design: claim.design.for_secondary(),
    });
    std::iter::once(primary).chain(readings)
}

/// The first `seeds` seeds of fine-tunes that are compared: fewer if the zoo of a later seed has no
/// model of one of them, since the values of the other arms would have no pair.
fn seeds_of<'a>(keys: impl IntoIterator<Item = &'a Key>, seeds: usize, world: &World) -> Vec<Seed> {
    (0..world.seeds_with_models(keys, seeds)).map(World::seed).collect()
}

/// Keys and seeds of the cells that can be judged in this world, with at most so many seeds.
fn possible(hypothesis: &Hypothesis, seeds: usize, world: &World) -> BTreeSet<(Key, Seed)> {
    let mut possible = BTreeSet::new();
    for contrast in &hypothesis.contrasts {
        for (_, cells) in contrast.units(&hypothesis.average_over) {
            let of = keys(&contrast.terms, &cells, &hypothesis.metric);
            let missing = |key| hypothesis.metric.unavailable(key, world);
            if of.iter().all(|key| missing(key).is_none()) {
                for seed in seeds_of(&of, seeds, world) {
                    possible.extend(of.iter().map(|key| (key.clone(), seed)));
                }
            }
        }
    }
    possible
}

fn needed(hypothesis: &Hypothesis, design: &Design, evidence: &Evidence) -> Vec<(Key, Seed)> {
    let mut needed = Vec::new();
    for NeededSeeds { contrast, cells, seeds } in judge::needed_seeds(hypothesis, design, evidence)
    {
        let keys = keys(&contrast.terms, &cells, &hypothesis.metric);
        let missing = |key| hypothesis.metric.unavailable(key, &evidence.world);
        if keys.iter().any(|key| missing(key).is_some()) {
            continue;
        }
        let seeds = seeds_of(&keys, seeds, &evidence.world);
        for key in keys {
            let existing = evidence.records.seeds(&key);
            let has = |seed| existing.is_some_and(|existing| existing.contains_key(seed));
            let missing = seeds.iter().filter(|seed| !has(seed));
            needed.extend(missing.map(|seed| (key.clone(), *seed)));
        }
    }
    needed
}
