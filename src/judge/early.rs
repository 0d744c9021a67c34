//! Estimates of a cell in a sequential design: the median-unbiased one, and the simulated bias of
//! the mean where the cell stopped early.
//!
//! The bias is read off a table that `tests/core/after_stopping.rs` simulates and holds: for the
//! looks 3, 5, 10 and 3, 5 at alpha 0.025, by the look and by the true effect in spreads. The judge
//! reads the row of the estimated effect, since the true one is unknown.

use crate::{
    claim::Design,
    stats::{Alpha, Sample, median_unbiased},
};

/// The simulated table, as the documentation shows it.
const TABLE: &str = include_str!("../../goldens/statistics/simulations/stopping_bias.snap");

/// What a sequential design says beside a mean, in the metric's unit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Estimates {
    /// The median-unbiased estimate.
    pub(super) median_unbiased: Option<f64>,
    /// The mean's bias if the true effect were the estimated one.
    pub(super) bias: Option<f64>,
}

/// The estimates for the seeds at the look of this index. `early`: whether the look decided the
/// cell, and more looks were planned.
pub(super) fn estimates(
    sample: &Sample,
    threshold: f64,
    design: &Design,
    index: usize,
    early: bool,
) -> Estimates {
    let looks = design.looks.seeds();
    let spread = sample.standard_deviation();
    let effect = (sample.mean() - threshold) / spread;
    let critical = design.looks.critical_values(design.alpha);
    let median = median_unbiased(&looks[..=index], &critical, effect);
    let simulated = early && design.alpha == Alpha::CONVENTIONAL;
    let bias = simulated.then(|| bias(looks, index, effect.abs())).flatten();
    Estimates {
        median_unbiased: match index {
            // Not `threshold + ...`, which rounds.
            0 => Some(sample.mean()),
            _ => median.map(|effect| threshold + effect * spread),
        },
        bias: bias.map(|bias| bias * spread * effect.signum()),
    }
}

/// The bias in spreads, away from the margin, of the means that stop at the look of this index:
/// between rows linear, beyond the first and the last row theirs.
fn bias(looks: &[usize], index: usize, effect: f64) -> Option<f64> {
    let looks: Vec<String> = looks.iter().map(usize::to_string).collect();
    let looks = looks.join(",");
    let row = |line: &str| -> Option<(f64, f64)> {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let of_look = fields.get(2 + 2 * index + 1)?.parse().ok()?;
        (*fields.first()? == looks).then_some((fields.get(1)?.parse().ok()?, of_look))
    };
    let rows: Vec<(f64, f64)> = TABLE.lines().filter_map(row).collect();
    let next = rows.partition_point(|(at, _)| *at < effect);
    let (above, below) = (rows.get(next), next.checked_sub(1).and_then(|last| rows.get(last)));
    match (below, above) {
        (Some((low, at_low)), Some((high, at_high))) => {
            Some(at_low + (at_high - at_low) * (effect - low) / (high - low))
        }
        (one, other) => one.or(other).map(|(_, bias)| *bias),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bias_is_read_off_the_table() {
        let far = bias(&[3, 5, 10], 0, 1000.0).unwrap();
        assert!(far.abs() < 0.02, "{far}");
        let near = bias(&[3, 5, 10], 1, 1.8).unwrap();
        assert!(near > 0.05, "{near}");
        assert_eq!(bias(&[4, 9], 0, 2.0), None);
    }

    #[test]
    fn the_bias_is_linear_between_rows_and_theirs_beyond_them() {
        let at = |effect| bias(&[3, 5, 10], 1, effect).unwrap();
        for (low, high) in [(0.25, 0.5), (0.75, 1.0), (1.5, 2.0)] {
            for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
                let linear = at(low) + (at(high) - at(low)) * share;
                assert!((at(low + (high - low) * share) - linear).abs() < 1e-12, "{low} {share}");
            }
        }
        // Rows of goldens/statistics/simulations/stopping_bias.snap.
        assert_eq!([0.0, 0.1, 0.25, 0.5, 2.0].map(at), [0.76, 0.76, 0.76, 0.59, 0.11]);
    }
}
