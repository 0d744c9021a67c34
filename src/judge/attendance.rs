//! Which replicates a group of arms has: those of every run, those that are absent though planned,
//! and those that were never planned. What a study does not say was never planned may be absent.

use std::collections::BTreeSet;

use crate::{
    evidence::{Evidence, Structure},
    experiment::{Key, Seed},
};

/// The replicates of some keys: seeds, or the units that they are nested in.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Attendance {
    /// Replicates that every key has, or has lost; in increasing order.
    pub(super) certain: Vec<Seed>,
    /// Replicates of which some key has lost a few and never planned the others.
    pub(super) candidates: Vec<Seed>,
    /// How many of the candidates were planned.
    pub(super) of_candidates: usize,
    /// Replicates that every key has lost, so that no name is known.
    pub(super) nameless: usize,
    /// Replicates of some key that are left out.
    pub(super) left_out: usize,
    /// What is missing from each key, in the order of the keys.
    pub(super) missing: Vec<Missing>,
    /// Whether runs are lost of which nothing says what unit they belong to.
    pub(super) without_unit: bool,
}

/// What is missing from a key.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Missing {
    /// Planned runs, or replicates, that are not in the log.
    pub(super) absent: usize,
    /// Replicates of other keys that were never planned for this one.
    pub(super) never_planned: usize,
}

/// Which replicates of other keys a key has lost.
enum Lost {
    All,
    Few(usize),
    None,
}

impl Attendance {
    pub(super) fn new(keys: &[Key], evidence: &Evidence) -> Self {
        let structure = &evidence.replicates.structure;
        let nested = matches!(structure, Structure::Nested { .. });
        let seeds = |key: &Key| evidence.records.seeds(key).into_iter().flatten();
        let of_key = |key| seeds(key).map(|(seed, _)| structure.unit(*seed)).collect();
        let logged: Vec<BTreeSet<Seed>> = keys.iter().map(of_key).collect();
        let any: BTreeSet<Seed> = logged.iter().flatten().copied().collect();
        let Some(planned) = &evidence.replicates.planned else {
            let in_all = |seed: &Seed| logged.iter().all(|seeds| seeds.contains(seed));
            let certain: Vec<Seed> = any.iter().copied().filter(in_all).collect();
            let left_out = any.len() - certain.len();
            let missing = vec![Missing::default(); keys.len()];
            return Self { certain, left_out, missing, ..Self::default() };
        };

        let mut found = Self::default();
        let mut missing: Vec<(BTreeSet<Seed>, Lost)> = Vec::new();
        // The fewest planned replicates of a key, as far as the study gives numbers.
        let (mut fewest, mut all_known) = (usize::MAX, !nested);
        for (key, logged) in keys.iter().zip(&logged) {
            let ran = |seed: &Seed| nested || !planned.never_ran(key, *seed);
            let of_key: BTreeSet<Seed> = any.difference(logged).copied().filter(ran).collect();
            let lost = planned.count(key).map(|count| count.saturating_sub(seeds(key).count()));
            found.without_unit |= nested && of_key.is_empty() && lost.is_some_and(|lost| lost > 0);
            all_known &= lost.is_some();
            fewest = fewest.min(lost.map_or(usize::MAX, |lost| logged.len() + lost));
            let lost = match lost {
                None => Lost::All,
                Some(0) => Lost::None,
                Some(lost) if nested || lost >= of_key.len() => Lost::All,
                Some(lost) => Lost::Few(lost),
            };
            missing.push((of_key, lost));
        }
        for seed in &any {
            let (mut possible, mut certain) = (true, true);
            for ((missing, lost), logged) in missing.iter().zip(&logged) {
                if !logged.contains(seed) {
                    possible &= missing.contains(seed) && !matches!(lost, Lost::None);
                    certain &= matches!(lost, Lost::All);
                }
            }
            match (possible, certain) {
                (true, true) => found.certain.push(*seed),
                (true, false) => found.candidates.push(*seed),
                (false, _) => {}
            }
        }
        let rest = |taken: usize| fewest.saturating_sub(taken);
        let (certain, candidates) = (found.certain.len(), found.candidates.len());
        found.of_candidates = candidates.min(rest(certain));
        found.nameless = if all_known { rest(certain + candidates) } else { 0 };
        found.left_out = any.len() - certain - found.of_candidates;
        let of_key = |((missing, lost), logged): (&(BTreeSet<Seed>, Lost), &BTreeSet<Seed>)| {
            let named = match lost {
                Lost::All => found.certain.iter().filter(|seed| missing.contains(seed)).count(),
                Lost::Few(lost) => found.of_candidates.min(*lost),
                Lost::None => 0,
            };
            let never_planned = match lost {
                Lost::All => any.len() - logged.len() - missing.len(),
                Lost::Few(lost) => any.len() - logged.len() - lost,
                Lost::None => any.len() - logged.len(),
            };
            Missing { absent: named + found.nameless, never_planned }
        };
        found.missing = missing.iter().zip(&logged).map(of_key).collect();
        found
    }
}
