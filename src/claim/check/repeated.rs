//! Cells that a hypothesis counts twice: a quantifier that counts one comparison as two would be
//! surer than its seeds are.

use std::{collections::BTreeMap, ops::Range};

use super::{Checked, fault};
use crate::{
    claim::{Cell, Holds, Hypothesis, Metric, Relation, Term, keys},
    experiment::Key,
};

/// A unit (a cell, or an average over cells) as what it computes of the records: each key with the
/// evaluation that is read, and its weight, in parts of 1e9 of the largest weight. Two units are one
/// comparison exactly if these are equal, whatever their arms are called and however they are
/// scaled.
type Comparison = BTreeMap<(Key, String), i64>;

/// Checks that no unit of the contrasts is there twice, and under `more_than_chance` that no two
/// units read the same fine-tune, unless the spec states `shared_runs`. `places` are those of the
/// contrasts in the spec.
pub(super) fn no_unit_twice(
    hypothesis: &Hypothesis,
    places: &[Range<usize>],
    shared_runs: bool,
) -> Checked<()> {
    let Hypothesis { contrasts, average_over, metric, relation, holds, .. } = hypothesis;
    let disjoint = *holds == Holds::MoreThanChance && !shared_runs;
    let mut seen: BTreeMap<Comparison, String> = BTreeMap::new();
    let mut readers: BTreeMap<Key, String> = BTreeMap::new();
    for (contrast, place) in contrasts.iter().zip(places) {
        for (_, cells) in contrast.units(average_over) {
            let name = &contrast.label;
            let comparison = comparison(&contrast.terms, &cells, metric, *relation);
            if let Some(first) = seen.insert(comparison, name.clone()) {
                let read = keys(&contrast.terms, &cells, metric);
                let read = read.first().map_or_else(String::new, ToString::to_string);
                let what = format!(
                    "one cell is there twice, so it would count as two: `{first}` and `{name}` are \
                     the same comparison ({read})"
                );
                return fault(place.clone(), what);
            }
            if !disjoint {
                continue;
            }
            for key in keys(&contrast.terms, &cells, metric) {
                let what = |first: &str| {
                    format!(
                        "more_than_chance is for cells that share no fine-tune, and both `{first}` \
                         and `{name}` read {key}: use at_least, or state `shared_runs = true` if \
                         the count is a description"
                    )
                };
                if let Some(first) = readers.get(&key) {
                    return fault(place.clone(), what(first));
                }
                readers.insert(key, name.clone());
            }
        }
    }
    Ok(())
}

fn comparison(terms: &[Term], cells: &[Cell], metric: &Metric, relation: Relation) -> Comparison {
    let mut weights: BTreeMap<(Key, String), f64> = BTreeMap::new();
    for Term { weight, arm } in terms {
        let keys: Vec<Key> = cells.iter().flat_map(|cell| arm.keys(cell, metric)).collect();
        #[expect(clippy::cast_precision_loss, reason = "the number of cells is limited")]
        let share = weight / keys.len() as f64;
        for key in keys {
            let at = match metric {
                Metric::Study(of) => format!("{:?}", of.at(arm.at).read),
                _ => format!("{:?}", arm.at.or(metric.moment())),
            };
            *weights.entry((key, at)).or_default() += share;
        }
    }
    let largest = weights.values().fold(0.0, |largest, weight| f64::max(largest, weight.abs()));
    // The two directions of a difference are one question only if neither is asked for.
    let first = weights.values().next().copied().unwrap_or(1.0);
    let sign = if relation.is_direction() { 1.0 } else { first.signum() };
    #[expect(clippy::cast_possible_truncation, reason = "at most 1e9")]
    let parts = |weight: f64| (sign * weight / largest * 1e9).round() as i64;
    weights.into_iter().map(|(of, weight)| (of, parts(weight))).collect()
}
