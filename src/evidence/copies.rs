//! Runs of one arm in one cell that are equal in every logged number: one run under two seeds,
//! or a seed that changes nothing. Wall-clock seconds are no result, so they don't count.

use std::collections::HashMap;

use super::{Record, Records};
use crate::experiment::{Key, Seed};

/// The fewest evaluations at which equal numbers are no coincidence.
const EVALUATIONS: usize = 3;

/// Two runs with the same numbers.
pub(super) struct Copies {
    pub(super) key: Key,
    pub(super) seeds: [Seed; 2],
    pub(super) evaluations: usize,
}

/// The first two runs of one key, in the order of keys, that have the same numbers at three
/// evaluations or more. A curve that never changes is no copy: models that collapsed look alike.
pub(super) fn copies(records: &Records) -> Option<Copies> {
    let found = records.keys().filter_map(|key| copy_of(key, records));
    found.min_by(|one, other| one.key.cmp(&other.key))
}

fn copy_of(key: &Key, records: &Records) -> Option<Copies> {
    // Runs that differ at an end are never compared, so that the cost is linear.
    let mut alike: HashMap<[u64; 4], Vec<&Record>> = HashMap::new();
    for record in records.seeds(key)?.values() {
        let evaluations = record.rows();
        if evaluations < EVALUATIONS || record.is_flat() {
            continue;
        }
        let earlier = alike.entry(record.ends()?).or_default();
        if let Some(twin) = earlier.iter().find(|earlier| earlier.has_the_numbers_of(record)) {
            let seeds = [twin.seed, record.seed];
            return Some(Copies { key: key.clone(), seeds, evaluations });
        }
        earlier.push(record);
    }
    None
}
