//! Cells at the floor of a metric: every arm lies so low that a contrast between them says little
//! about what it asks, so the cell can't be judged.

use super::join::Row;
use crate::claim::{Metric, Term};

/// Why a cell is at the floor of its metric; `None` if it is not, or the metric has no floor.
///
/// It is at the floor if the mean of every arm over the first `look` seeds, those of the first look
/// (interim analysis), lies below [`Metric::floor`]. The seeds of further looks do not count, so
/// that the answer does not depend on what else the evidence holds. Seeds with a failed run are
/// left out.
pub(super) fn at_the_floor(
    metric: &Metric,
    terms: &[Term],
    rows: &[Row],
    look: usize,
) -> Option<String> {
    let floor = metric.floor()?;
    let first = &rows[..rows.len().min(look)];
    let finished: Vec<&Row> = first.iter().filter(|row| row.contrast.finished).collect();
    if finished.is_empty() {
        return None;
    }
    let mean = |arm: usize| {
        let values = finished.iter().map(|row| row.arms[arm].middle());
        Some(values.sum::<Option<f64>>()? / finished.len() as f64)
    };
    let means = (0..terms.len()).map(mean).collect::<Option<Vec<f64>>>()?;
    if means.iter().any(|mean| *mean >= floor) {
        return None;
    }
    let named = terms.iter().zip(&means);
    let named: Vec<String> =
        named.map(|(term, mean)| format!("{} {mean:.2}", term.arm.name)).collect();
    let (unit, named) = (metric.unit(), named.join(", "));
    let unit = unit.after();
    Some(format!("at the floor: every arm lies below {floor}{unit} ({named})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        claim::{Arm, Attacked},
        experiment::{Moment, Seed},
        judge::observe::Censored,
    };

    const ATTACKED: Metric = Metric::AdversarialAccuracy(Attacked { images: Some(500) });

    fn terms() -> [Term; 2] {
        [("one", 1.0), ("nine", -1.0)].map(|(name, weight)| {
            let arm = Arm { name: name.to_owned(), ..Arm::default() };
            Term { weight, arm }
        })
    }

    fn rows(values: &[(f64, f64)]) -> Vec<Row> {
        let row = |(seed, (one, nine)): (u64, &(f64, f64))| Row {
            seed: Seed(seed),
            contrast: Censored::exactly(one - nine),
            arms: [one, nine].map(|value| Censored::exactly(*value)).to_vec(),
            absent: false,
        };
        (0..).zip(values).map(row).collect()
    }

    #[test]
    fn a_cell_is_at_the_floor_where_every_arm_is_below_it() {
        let of = |rows: &[Row]| at_the_floor(&ATTACKED, &terms(), rows, 3);
        let below = rows(&[(4.0, 1.0), (5.0, 0.0), (3.0, 2.0)]);
        assert_eq!(
            of(&below).unwrap(),
            "at the floor: every arm lies below 5 points (one 4.00, nine 1.00)"
        );
        // One arm at 5 points is enough, and it is the mean that counts.
        assert_eq!(of(&rows(&[(4.0, 1.0), (7.0, 0.0), (4.0, 2.0)])), None);
        assert_eq!(of(&rows(&[(1.0, 5.0)])), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn seeds_after_the_first_look_and_failed_ones_do_not_count() {
        let mut found = rows(&[(4.0, 1.0), (4.0, 1.0), (4.0, 1.0), (90.0, 90.0)]);
        assert!(at_the_floor(&ATTACKED, &terms(), &found, 3).is_some());
        assert!(at_the_floor(&ATTACKED, &terms(), &found, 4).is_none());
        let unknown = Censored { low: 0.0, high: 100.0, finished: false };
        found[0] = Row { contrast: unknown, arms: vec![unknown; 2], ..found[0].clone() };
        assert!(at_the_floor(&ATTACKED, &terms(), &found, 3).is_some());
        assert!(at_the_floor(&ATTACKED, &terms(), &found[..1], 3).is_none());
    }

    #[test]
    fn plain_accuracy_has_no_floor() {
        let metric = Metric::Accuracy(Moment::Last);
        assert_eq!(at_the_floor(&metric, &terms(), &rows(&[(1.0, 1.0)]), 3), None);
    }
}
