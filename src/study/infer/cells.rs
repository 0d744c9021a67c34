//! Combinations of factors: how many replicates each has, which have none, which runs are there
//! twice.

use std::collections::{BTreeMap, HashSet};

use super::observed::Observed;
use crate::util::shown::shown;

/// Combinations beyond these are not searched for missing ones.
const MOST_COMBINATIONS: usize = 1_000_000;
/// How many missing combinations are named.
const NAMED: usize = 3;

/// Combinations of factors and their replicates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    /// The combinations that have rows: a value of each factor.
    pub points: Vec<Vec<String>>,
    /// How many combinations have this many replicates; the most replicates first.
    pub replicates: Vec<(usize, usize)>,
    /// The combination with the fewest replicates, where they differ.
    pub fewest: Option<String>,
    /// All combinations of the factors' values; `None` if they are too many to search.
    pub possible: Option<usize>,
    /// The first combinations without a row.
    pub missing: Vec<String>,
    /// Rows whose run, at the same progress, an earlier row has.
    pub duplicates: usize,
    /// The first of them and that earlier row.
    pub first_duplicate: Option<(String, String)>,
}

pub(super) fn count(
    seen: &Observed,
    factors: &[usize],
    replicates: &[usize],
    progress: &[usize],
) -> Cells {
    let all: Vec<usize> = (0..seen.rows()).collect();
    let (groups, count) = seen.groups(factors, &all);
    let firsts = seen.firsts(factors);
    let value = |row: usize, factor: &usize| seen.columns[*factor].value(row).unwrap_or("");
    let point = |row: &usize| -> Vec<String> {
        factors.iter().map(|factor| value(*row, factor).to_owned()).collect()
    };
    let points: Vec<Vec<String>> = firsts.iter().map(point).collect();
    // Rows count where no column says which replicate they are.
    let runs = [factors, replicates].concat();
    let of_runs = if replicates.is_empty() { all.clone() } else { seen.firsts(&runs) };
    let mut of_each = vec![0_usize; count];
    for row in of_runs {
        of_each[groups[row] as usize] += 1;
    }
    let mut histogram: BTreeMap<usize, usize> = BTreeMap::new();
    for count in &of_each {
        *histogram.entry(*count).or_insert(0) += 1;
    }
    let fewest = (histogram.len() > 1)
        .then(|| (0..count).min_by_key(|group| of_each[*group]))
        .flatten()
        .map(|group| label(&points[group]));
    let (possible, missing) = missing(seen, factors, &points);
    let (duplicates, first_duplicate) = duplicates(seen, &runs, progress, !replicates.is_empty());
    Cells {
        points,
        replicates: histogram.into_iter().rev().collect(),
        fewest,
        possible,
        missing,
        duplicates,
        first_duplicate,
    }
}

fn label(point: &[String]) -> String {
    let values: Vec<String> = point.iter().map(|value| shown(value)).collect();
    values.join(", ")
}

/// The number of all combinations of values, and the first without a row.
fn missing(
    seen: &Observed,
    factors: &[usize],
    points: &[Vec<String>],
) -> (Option<usize>, Vec<String>) {
    let values = |factor: &usize| &seen.columns[*factor].values;
    let possible = factors
        .iter()
        .try_fold(1_usize, |product, factor| product.checked_mul(values(factor).len().max(1)))
        .filter(|possible| *possible <= MOST_COMBINATIONS);
    let Some(possible) = possible.filter(|possible| *possible > points.len()) else {
        return (possible, Vec::new());
    };
    let present: HashSet<&Vec<String>> = points.iter().collect();
    let combination = |mut number: usize| -> Vec<String> {
        let mut point: Vec<String> = Vec::with_capacity(factors.len());
        for factor in factors.iter().rev() {
            let values = values(factor);
            point.push(values.get(number % values.len().max(1)).cloned().unwrap_or_default());
            number /= values.len().max(1);
        }
        point.reverse();
        point
    };
    let all = (0..possible).map(combination);
    let missing = all.filter(|point| !present.contains(point)).take(NAMED);
    (Some(possible), missing.map(|point| label(&point)).collect())
}

/// Rows of a run at a progress that an earlier row has.
fn duplicates(
    seen: &Observed,
    runs: &[usize],
    progress: &[usize],
    known: bool,
) -> (usize, Option<(String, String)>) {
    let uncounted = |index: &usize| seen.columns[*index].codes.is_empty();
    if !known || progress.iter().any(uncounted) {
        return (0, None);
    }
    let all: Vec<usize> = (0..seen.rows()).collect();
    let (groups, count) = seen.groups(&[runs, progress].concat(), &all);
    let mut first_rows = vec![None; count];
    let mut first = None;
    for (row, group) in groups.iter().enumerate() {
        match &mut first_rows[*group as usize] {
            Some(earlier) => {
                first = first.or_else(|| Some((seen.place(row), seen.place(*earlier))));
            }
            empty => *empty = Some(row),
        }
    }
    (seen.rows() - count, first)
}
