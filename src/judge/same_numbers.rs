//! Seeds that change nothing: runs of one arm in one cell that are equal in every accuracy and
//! loss. Two may agree by chance; where three or more runs are all equal, the arm is deterministic,
//! and a spread over its seeds says nothing. Models that collapsed are equal too, and that is a
//! result: such an arm counts only where no arm varies at all.

use std::collections::{BTreeSet, HashMap};

use crate::{
    claim::{Cell, Metric, Term},
    evidence::{Evidence, Record},
    experiment::{Key, Seed},
};

/// The fewest equal runs that make an arm deterministic.
const RUNS: usize = 3;

/// What the runs of the arms say about their seeds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SameNumbers {
    /// Seeds with a run that is equal to the same arm's run of an earlier seed.
    pub(super) seeds: usize,
    /// Why the cell can't be judged: an arm all of whose runs are equal.
    pub(super) deterministic: Option<String>,
}

/// Compares the runs of `seeds`, arm by arm; an arm is deterministic by those of the
/// first `look` seeds, so that the answer does not depend on what else the evidence holds.
pub(super) fn same_numbers(
    terms: &[Term],
    cells: &[Cell],
    metric: &Metric,
    seeds: &[Seed],
    look: usize,
    evidence: &Evidence,
) -> SameNumbers {
    let keys = terms.iter().flat_map(|term| cells.iter().map(move |cell| (term, cell)));
    let keys: BTreeSet<Key> = keys.flat_map(|(term, cell)| term.arm.keys(cell, metric)).collect();
    let mut repeated: BTreeSet<Seed> = BTreeSet::new();
    let (mut deterministic, mut collapsed, mut varies) = (None, None, false);
    for key in &keys {
        let Some(records) = evidence.records.seeds(key) else { continue };
        let runs: Vec<&Record> = seeds.iter().filter_map(|seed| records.get(seed)).collect();
        // Runs that differ at an end are never compared, so that the cost is linear.
        let mut kinds: HashMap<[u64; 4], Vec<&Record>> = HashMap::new();
        for &run in &runs {
            let Some(ends) = run.ends() else { continue };
            let alike = kinds.entry(ends).or_default();
            if alike.iter().any(|earlier| earlier.has_the_numbers_of(run)) {
                repeated.insert(run.seed);
            } else {
                alike.push(run);
            }
        }
        let first = &runs[..runs.len().min(look)];
        let all_equal = first.iter().skip(1).all(|run| run.has_the_numbers_of(first[0]));
        if first.len() < RUNS || !all_equal {
            varies = true;
            continue;
        }
        let found = if first[0].is_flat() { &mut collapsed } else { &mut deterministic };
        found.get_or_insert_with(|| {
            format!(
                "all {} seeds of {key} have the same numbers: the seed changes nothing in \
                 this arm, so a spread over seeds can't be judged",
                first.len()
            )
        });
    }
    let deterministic = deterministic.or(collapsed.filter(|_| !varies));
    SameNumbers { seeds: repeated.len(), deterministic }
}
