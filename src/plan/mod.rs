//! Which fine-tunes are outstanding: from claims and the records that there are, the ones that the
//! judge needs next. Pure: running them is the executor's, and once they are in the evidence the same
//! question has another answer, until it has none.

pub mod campaign;
pub mod cost;
pub mod sensitivity;
mod zoo_cost;

use std::collections::{BTreeMap, BTreeSet};

pub use zoo_cost::Cost;

use crate::{
    claim::{Claim, Design, Hypothesis, keys},
    evidence::Evidence,
    experiment::{Key, Seed},
    judge::{self, Wanted},
    world::World,
};

/// Outstanding fine-tunes, each with the claims and readings that want it.
pub type Outstanding = BTreeMap<(Key, Seed), BTreeSet<String>>;

/// Fine-tunes that points are drawn from, each with the names of what wants it.
pub type Points = BTreeMap<Key, BTreeSet<String>>;

/// Seeds of a point that are drawn where they are there: as many as the longest design of the claims has.
pub(crate) const MOST_SEEDS: usize = 10;
/// Seeds of a point that are run where nobody says: those of the first look.
pub(crate) const FIRST_SEEDS: usize = 3;

/// What the claims' hypotheses need next.
///
/// Every cell gets the seeds of the first look, and what is open those of further looks, until the
/// judge stops ([`judge::wanted`]). So do readings, up to their own last look.
#[must_use]
pub fn outstanding(claims: &[&Claim], evidence: &Evidence) -> Outstanding {
    let mut wanted = Outstanding::new();
    for claim in claims {
        for Asked { name, hypothesis, design } in hypotheses(claim) {
            for (key, seed) in needed(hypothesis, &design, evidence) {
                wanted.entry((key, seed)).or_default().insert(name.clone());
            }
        }
    }
    wanted
}

/// What the claims' hypotheses could need at most, with every look.
#[must_use]
pub fn at_most(claims: &[&Claim], world: &World) -> Outstanding {
    let mut wanted = Outstanding::new();
    for claim in claims {
        for Asked { name, hypothesis, design } in hypotheses(claim) {
            for key in possible(hypothesis, world) {
                for place in 0..design.looks.last() {
                    let seed = World::seed(place);
                    wanted.entry((key.clone(), seed)).or_default().insert(name.clone());
                }
            }
        }
    }
    wanted
}

/// The fine-tunes of keys with their first seeds, where this world can have them: for points that are
/// drawn, which nothing decides.
#[must_use]
pub fn points(wanted: &Points, seeds: usize, world: &World) -> Outstanding {
    let possible = wanted.iter().filter(|(key, _)| world.lacks(key).is_none());
    possible
        .flat_map(|(key, by)| {
            (0..seeds).map(move |place| ((key.clone(), World::seed(place)), by.clone()))
        })
        .collect()
}

/// Those of these fine-tunes that have no record yet.
#[must_use]
pub(crate) fn outstanding_points(
    wanted: &Points,
    seeds: usize,
    evidence: &Evidence,
) -> Outstanding {
    let mut points = points(wanted, seeds, &evidence.world);
    points.retain(|(key, seed), _| {
        evidence.records.seeds(key).is_none_or(|there| !there.contains_key(seed))
    });
    points
}

/// A hypothesis that fine-tunes can decide.
struct Asked<'a> {
    /// The claim's name, with the reading's where it is one.
    name: String,
    hypothesis: &'a Hypothesis,
    design: Design,
}

/// A claim's primary hypothesis and its judged readings.
fn hypotheses(claim: &Claim) -> impl Iterator<Item = Asked<'_>> {
    let primary = Asked {
        name: claim.id.clone(),
        hypothesis: &claim.hypothesis,
        design: claim.design.clone(),
    };
    let judged = claim.readings.iter().filter(|reading| reading.shown.is_none());
    let readings = judged.map(|reading| Asked {
        name: format!("{}/{}", claim.id, reading.id),
        hypothesis: &reading.hypothesis,
        design: claim.design.of_readings(),
    });
    std::iter::once(primary).chain(readings)
}

/// Keys of the cells that can be judged in this world.
fn possible(hypothesis: &Hypothesis, world: &World) -> BTreeSet<Key> {
    let mut possible = BTreeSet::new();
    for contrast in &hypothesis.contrasts {
        for (_, cells) in contrast.units(&hypothesis.average_over) {
            let of = keys(&contrast.terms, &cells, &hypothesis.metric);
            if of.iter().all(|key| world.lacks(key).is_none()) {
                possible.extend(of);
            }
        }
    }
    possible
}

fn needed(hypothesis: &Hypothesis, design: &Design, evidence: &Evidence) -> Vec<(Key, Seed)> {
    let mut needed = Vec::new();
    for Wanted { contrast, cells, seeds } in judge::wanted(hypothesis, design, evidence) {
        let keys = keys(&contrast.terms, &cells, &hypothesis.metric);
        if keys.iter().any(|key| evidence.world.lacks(key).is_some()) {
            continue;
        }
        for key in keys {
            let there = evidence.records.seeds(&key);
            let has = |seed| there.is_some_and(|there| there.contains_key(&seed));
            let lacking = (0..seeds).map(World::seed).filter(|seed| !has(*seed));
            needed.extend(lacking.map(|seed| (key.clone(), seed)));
        }
    }
    needed
}
