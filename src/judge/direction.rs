//! On which side of the hypothesis' threshold its cells surely lie: after Holm over the cells, with
//! each direction as a family at the claim's level. A hypothesis that is refuted or open can have
//! sure cells on both sides, and its reason then says so.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CellVerdict, Side, Unit};
use crate::{
    claim::{Holds, Relation, Unit as Measure},
    experiment::Verdict,
    stats::{Alpha, holm},
    util::decimals::plain,
};

/// The sides of the threshold on which cells surely lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Some cells surely lie above the threshold, and none surely below it.
    Above,
    /// Some cells surely lie below the threshold, and none surely above it.
    Below,
    /// Some cells surely lie above the threshold, and others surely below it.
    Mixed,
    /// No cell surely lies on either side.
    None,
}

/// The cells that surely lie above and below the threshold, each by its mean's distance from the
/// threshold, in the metric's unit; `None` where the mean is not known.
pub(super) struct Sides {
    above: Vec<Option<f64>>,
    below: Vec<Option<f64>>,
    cells: usize,
}

impl Sides {
    /// The sides of judged cells; `units` are the same cells as the quantifier counts them. An
    /// equivalence has two thresholds, minus and plus the margin.
    pub(super) fn new(
        units: &[Unit],
        cells: &[CellVerdict],
        relation: Relation,
        alpha: Alpha,
    ) -> Self {
        let two_sided = matches!(relation, Relation::EquivalentWithin(_));
        let is_positive = |cell: &CellVerdict| cell.mean.is_some_and(|mean| mean > 0.0);
        let above = |(unit, cell): (&Unit, &CellVerdict)| match two_sided {
            false => (unit.p, unit.side == Side::Supported),
            true if is_positive(cell) => (unit.p_refuted, unit.side == Side::Refuted),
            true => (1.0, false),
        };
        let below = |(unit, cell): (&Unit, &CellVerdict)| match two_sided {
            true if is_positive(cell) => (1.0, false),
            _ => (unit.p_refuted, unit.side == Side::Refuted),
        };
        let pairs = || units.iter().zip(cells);
        let sure = |family: Vec<(f64, bool)>, threshold: f64| {
            let adjusted = holm(&family.iter().map(|(p, _)| *p).collect::<Vec<f64>>());
            let is_sure = family.iter().zip(adjusted);
            let is_sure = is_sure.map(|((_, decided), p)| *decided && p < alpha.level());
            let distance = |cell: &CellVerdict| cell.mean.map(|mean| (mean - threshold).abs());
            let sure = cells.iter().zip(is_sure).filter(|(_, sure)| *sure);
            sure.map(|(cell, _)| distance(cell)).collect()
        };
        let threshold = relation.threshold();
        let lower = if two_sided { -threshold } else { threshold };
        Self {
            above: sure(pairs().map(above).collect(), threshold),
            below: sure(pairs().map(below).collect(), lower),
            cells: cells.len(),
        }
    }

    pub(super) fn direction(&self) -> Direction {
        match (self.above.is_empty(), self.below.is_empty()) {
            (false, true) => Direction::Above,
            (true, false) => Direction::Below,
            (false, false) => Direction::Mixed,
            (true, true) => Direction::None,
        }
    }

    /// `refuted as asked, of every cell: 6 of 9 above by 7.1 to 16.2 points and 1 below by 1.0
    /// points, after Holm`, if the hypothesis is refuted or open and the direction is mixed.
    pub(super) fn mixed(&self, verdict: Verdict, holds: Holds, unit: &Measure) -> Option<String> {
        let open = matches!(verdict, Verdict::Refuted | Verdict::Inconclusive);
        if !open || self.direction() != Direction::Mixed {
            return None;
        }
        let cells = self.cells;
        let asked = match holds {
            Holds::AtLeast(least) if least < cells => format!("at least {least} of {cells} cells"),
            Holds::MoreThanChance => "more cells than by chance".to_owned(),
            Holds::Every | Holds::AtLeast(_) => "every cell".to_owned(),
        };
        Some(format!(
            "{verdict} as asked, of {asked}: {} of {cells} above{} and {} below{}, after Holm",
            self.above.len(),
            by(&self.above, unit),
            self.below.len(),
            by(&self.below, unit),
        ))
    }
}

/// ` by 1.0 points`, or ` by 7.1 to 16.2 points`.
fn by(sizes: &[Option<f64>], unit: &Measure) -> String {
    let known = sizes.iter().flatten();
    let (low, high) = known.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), size| {
        (low.min(*size), high.max(*size))
    });
    if low > high {
        return String::new();
    }
    let (low, high) = (short(low), short(high));
    let sizes = if low == high { low } else { format!("{low} to {high}") };
    format!(" by {sizes}{}", unit.after())
}

/// One decimal, or more where the size would read as zero.
fn short(size: f64) -> String {
    match size {
        size if size >= 0.05 => format!("{size:.1}"),
        size if size >= 0.005 => format!("{size:.2}"),
        size if size >= 0.000_05 => format!("{size:.4}"),
        size => plain(size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_one_decimal_or_as_many_as_it_takes() {
        let shown = [7.25, 0.05, 0.049, 0.005, 0.0049, 0.000_05].map(short);
        assert_eq!(shown, ["7.2", "0.1", "0.05", "0.01", "0.0049", "0.0001"]);
    }
}
