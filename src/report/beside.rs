//! What stands beside the numbers of a table of cells, as text: the range over targets behind
//! averages, the exact sign-flip p, and estimates after an early stop.

use super::terminal::probability;
use crate::{
    judge::{CellVerdict, Flag},
    util::decimals::signed,
    world::World,
};

/// Bias and correction of a mean below this size, in its unit, are not listed.
const SMALL: f64 = 0.005;

/// The notes below a table, each a paragraph; empty where the cells have no such numbers.
#[must_use]
pub(super) fn notes(cells: &[CellVerdict], world: &World) -> Vec<String> {
    let signs = signs(cells).map(|text| world.with_its_replicate(&text));
    [ranges(cells), signs, stopped_early(cells)].into_iter().flatten().collect()
}

/// The range over targets of an average: `+0.12 (mnist) to +3.20 (svhn)`.
#[must_use]
pub(super) fn range(cell: &CellVerdict) -> Option<String> {
    let range = cell.range_over_targets.as_ref()?;
    let (low, high) = (number(range.low), number(range.high));
    Some(format!("{low} ({}) to {high} ({})", range.lowest, range.highest))
}

fn ranges(cells: &[CellVerdict]) -> Option<String> {
    let listed: Vec<String> = cells
        .iter()
        .filter_map(|cell| Some(format!("{}{}", named(cell, cells), range(cell)?)))
        .collect();
    (!listed.is_empty()).then(|| format!("range over the targets averaged: {}", listed.join("; ")))
}

/// The range of the sign-flip p, with the least one that so many seeds can give.
fn signs(cells: &[CellVerdict]) -> Option<String> {
    let judged = || cells.iter().filter_map(|cell| Some((cell.sign_flip_p?, cell.seeds)));
    let p = |fold: fn(f64, f64) -> f64| judged().map(|(p, _)| p).reduce(fold);
    let (low, high) = (p(f64::min)?, p(f64::max)?);
    let fewest = judged().map(|(_, seeds)| seeds).min()?;
    let range = match (probability(Some(low)), probability(Some(high))) {
        (low, high) if low == high => low,
        (low, high) => format!("{low} to {high}"),
    };
    Some(format!(
        "ahead: seeds above the threshold, of all; exact sign-flip p: {range} ({fewest} seeds can't go below 1/{})",
        1_u64.checked_shl(u32::try_from(fewest).ok()?)?
    ))
}

fn stopped_early(cells: &[CellVerdict]) -> Option<String> {
    let early = || cells.iter().filter(|cell| cell.flags.contains(&Flag::StoppedEarly));
    early().next()?;
    let listed: Vec<String> = early()
        .filter_map(|cell| Some(format!("{}{}", named(cell, cells), correction(cell)?)))
        .collect();
    let rest = match early().count() - listed.len() {
        0 => None,
        rest => Some(format!("{rest} others below {SMALL}")),
    };
    let listed = listed.into_iter().chain(rest).collect::<Vec<String>>();
    Some(format!(
        "means after an early stop, with their simulated bias if the true effect were the \
         estimated one: {}",
        listed.join("; ")
    ))
}

/// `+7.31 (bias +0.10, median-unbiased +7.20)`, unless both are small.
fn correction(cell: &CellVerdict) -> Option<String> {
    let mean = cell.mean?;
    let bias = cell.stopping_bias.filter(|bias| bias.abs() >= SMALL);
    let median = cell.median_unbiased.filter(|median| (median - mean).abs() >= SMALL);
    let parts = [
        bias.map(|bias| format!("bias {}", number(bias))),
        median.map(|median| format!("median-unbiased {}", number(median))),
    ];
    let parts = parts.into_iter().flatten().collect::<Vec<String>>();
    (!parts.is_empty()).then(|| format!("{} ({})", number(mean), parts.join(", ")))
}

/// A cell's name before its numbers, with its contrast where there are several; empty for the only
/// cell.
fn named(cell: &CellVerdict, cells: &[CellVerdict]) -> String {
    match cells {
        [_] => String::new(),
        cells if cells.iter().all(|other| other.contrast == cell.contrast) => {
            format!("{} ", cell.name)
        }
        _ => format!("{} at {} ", cell.contrast, cell.name),
    }
}

/// A signed number.
fn number(value: f64) -> String {
    signed(value, 2)
}
