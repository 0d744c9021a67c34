//! What a choice does to the size of an effect: the difference between the hypothesis's contrast
//! under the choice and under the paper's recipe, paired by seed.
//!
//! A seed draws the same images, the same order and the same new head under every choice, so the
//! difference within a seed has less spread than two leads that are set side by side.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::units;
use crate::{
    claim::{Claim, Relation},
    evidence::Evidence,
    experiment::Seed,
    judge::{ClaimVerdict, UnitValues, decide, observe::Censored, unit_values},
    stats::Alpha,
};

/// A mean over seeds with its t interval, in the claim's unit. A number that can't be computed is
/// null.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// Seeds that it is from.
    pub seeds: usize,
    /// Mean over seeds.
    pub mean: Option<f64>,
    /// Lower end of the t interval over seeds.
    pub low: Option<f64>,
    /// Upper end of the t interval over seeds.
    pub high: Option<f64>,
    /// Two-sided confidence in percent, for this interval alone; null where there is none.
    pub confidence: Option<f64>,
}

impl Estimate {
    /// The mean of one value a seed. A run that failed counts as in a verdict: the interval holds
    /// without it, and with it at its worst value. `resolution` is the metric's smallest step.
    #[must_use]
    pub fn new(values: &[Censored], alpha: Alpha, resolution: f64) -> Self {
        let answer = decide(values, Relation::GreaterThan(0.0), alpha, resolution);
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        let (low, high) = (finite(answer.low), finite(answer.high));
        Self {
            seeds: values.len(),
            mean: finite(answer.estimate),
            low,
            high,
            confidence: low.or(high).map(|_| 100.0 * (1.0 - 2.0 * alpha.level())),
        }
    }
}

/// The difference of one judged unit (a cell, or an average over cells).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Difference {
    /// The unit in a few words; unique together with `contrast`.
    pub name: String,
    /// The contrast in symbols.
    pub contrast: String,
    /// The contrast under the choice minus the contrast under the paper's recipe.
    #[serde(flatten)]
    pub estimate: Estimate,
}

/// The values by seed that the verdict on each unit used.
#[derive(Clone, Debug)]
pub struct Used(Vec<UnitValues>);

impl Used {
    /// Those of the deciding look of each unit, whatever else the evidence holds.
    #[must_use]
    pub fn new(claim: &Claim, evidence: &Evidence, verdict: &ClaimVerdict) -> Self {
        let mut values = unit_values(&claim.hypothesis, evidence);
        for (unit, judged) in values.iter_mut().zip(units(verdict)) {
            unit.values.truncate(judged.seeds);
        }
        Self(values)
    }

    /// The mean over units within a seed, for the seeds that every unit has.
    #[must_use]
    pub fn mean(&self) -> Vec<Censored> {
        mean_over_units(&self.0)
    }

    /// This minus `paper` within a seed, by unit, for the seeds that both verdicts used.
    fn minus(&self, paper: &Self) -> Vec<UnitValues> {
        let of = |unit: &UnitValues| {
            let same =
                |other: &&UnitValues| other.name == unit.name && other.contrast == unit.contrast;
            let before: BTreeMap<Seed, Censored> = paper
                .0
                .iter()
                .find(same)
                .into_iter()
                .flat_map(|unit| unit.values.clone())
                .collect();
            let difference = |(seed, now): &(Seed, Censored)| {
                let before = *before.get(seed)?;
                Some((*seed, Censored::weighted([(1.0, *now), (-1.0, before)])))
            };
            UnitValues {
                values: unit.values.iter().filter_map(difference).collect(),
                ..unit.clone()
            }
        };
        self.0.iter().map(of).collect()
    }
}

/// The difference of each unit, and that of the mean over units, which is from the seeds that all
/// units have in common.
#[must_use]
pub fn differences(claim: &Claim, now: &Used, paper: &Used) -> (Vec<Difference>, Estimate) {
    let (alpha, resolution) = (claim.design.alpha, claim.hypothesis.metric.resolution());
    let units = now.minus(paper);
    let of = |unit: &UnitValues| {
        let values: Vec<Censored> = unit.values.iter().map(|(_, value)| *value).collect();
        Difference {
            name: unit.name.clone(),
            contrast: unit.contrast.clone(),
            estimate: Estimate::new(&values, alpha, resolution),
        }
    };
    let mean = Estimate::new(&mean_over_units(&units), alpha, resolution);
    (units.iter().map(of).collect(), mean)
}

fn mean_over_units(units: &[UnitValues]) -> Vec<Censored> {
    let Some((first, rest)) = units.split_first() else { return Vec::new() };
    let share = 1.0 / units.len() as f64;
    let of_seed = |(seed, value): &(Seed, Censored)| {
        let find = |unit: &UnitValues| {
            unit.values.iter().find(|(other, _)| other == seed).map(|(_, value)| (share, *value))
        };
        let others: Option<Vec<(f64, Censored)>> = rest.iter().map(find).collect();
        Some(Censored::weighted([(share, *value)].into_iter().chain(others?)))
    };
    first.values.iter().filter_map(of_seed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(name: &str, values: &[(u64, f64)]) -> UnitValues {
        let value = |(seed, value): &(u64, f64)| (Seed(*seed), Censored::exactly(*value));
        UnitValues {
            name: name.to_owned(),
            contrast: "a - b".to_owned(),
            values: values.iter().map(value).collect(),
        }
    }

    #[test]
    fn a_difference_is_paired_by_seed_and_not_by_place() {
        let paper = Used(vec![unit("a", &[(1, 10.0), (2, 20.0), (3, 30.0)])]);
        let now = Used(vec![unit("a", &[(2, 15.0), (3, 26.0), (4, 90.0)])]);
        let found = now.minus(&paper);
        assert_eq!(found, [unit("a", &[(2, -5.0), (3, -4.0)])]);
        // -4.5 with s = .7071 and t = 12.7062 (scipy.stats.t.ppf(.975, 1)).
        let values: Vec<Censored> = found[0].values.iter().map(|(_, value)| *value).collect();
        let estimate = Estimate::new(&values, Alpha::new(0.025).unwrap(), 0.0);
        assert_eq!((estimate.seeds, estimate.mean), (2, Some(-4.5)));
        assert!((estimate.low.unwrap() + 10.853_102).abs() < 1e-5, "{estimate:?}");
        assert!((estimate.high.unwrap() - 1.853_102).abs() < 1e-5, "{estimate:?}");
        assert_eq!(estimate.confidence, Some(95.0));
    }

    #[test]
    fn the_mean_over_units_is_from_the_seeds_that_all_have() {
        let units = [
            unit("a", &[(1, 1.0), (2, 2.0), (3, 3.0)]),
            unit("b", &[(2, 4.0), (3, 8.0), (4, 1.0)]),
        ];
        assert_eq!(mean_over_units(&units), [Censored::exactly(3.0), Censored::exactly(5.5)]);
        assert_eq!(mean_over_units(&[]), []);
    }

    #[test]
    fn a_failed_run_widens_the_difference_and_nothing_in_common_is_no_number() {
        let failed = Censored { low: -100.0, high: 100.0, finished: false };
        let alpha = Alpha::new(0.025).unwrap();
        let whole = [1.0, 2.0, 3.0].map(Censored::exactly);
        let with = Estimate::new(&[whole[0], whole[1], whole[2], failed], alpha, 0.0);
        assert!(with.low < Estimate::new(&whole, alpha, 0.0).low);
        let none = Estimate { seeds: 0, mean: None, low: None, high: None, confidence: None };
        assert_eq!(Estimate::new(&[], alpha, 0.0), none);
    }
}
