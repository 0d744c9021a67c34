//! The order in which a worker takes families. Workers that plan from the same ledger see the same
//! families; each begins with others of them, without a word between them.

use std::cmp::Reverse;

/// Families of this many neighbours are taken with the longest first.
const NEAREST: usize = 16;

/// A family that can be taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate<T> {
    /// What distinguishes it from other families.
    pub name: String,
    /// The place of the interim look that needs it: 0 for the first.
    pub look: usize,
    /// Its cost in any unit.
    pub cost: f64,
    /// The family.
    pub family: T,
}

/// The families in the order in which a worker takes them: those of earlier looks first; among them
/// the nearest by a rendezvous hash of the worker and the family (highest random weight), and the
/// longest first of each 16 neighbours, so that workers end at about the same time.
#[must_use]
pub fn order<T>(worker: &str, candidates: Vec<Candidate<T>>) -> Vec<T> {
    let mut weighed: Vec<(Reverse<[u8; 32]>, Candidate<T>)> = candidates
        .into_iter()
        .map(|candidate| (Reverse(weight(worker, &candidate.name)), candidate))
        .collect();
    weighed.sort_by(|(left, left_of), (right, right_of)| {
        (left_of.look, left).cmp(&(right_of.look, right))
    });
    for look in weighed.chunk_by_mut(|(_, left), (_, right)| left.look == right.look) {
        for nearest in look.chunks_mut(NEAREST) {
            nearest.sort_by(|(_, left), (_, right)| right.cost.total_cmp(&left.cost));
        }
    }
    weighed.into_iter().map(|(_, candidate)| candidate.family).collect()
}

/// The weight of a family for a worker: uniform, and independent between workers.
fn weight(worker: &str, family: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    // With its length, so that no two pairs are one text.
    hasher.update(&(worker.len() as u64).to_le_bytes());
    hasher.update(worker.as_bytes());
    hasher.update(family.as_bytes());
    *hasher.finalize().as_bytes()
}
