//! Replicates that are not plainly paired, against `goldens/statistics/replicates.json`, made by
//! scipy. The judge's tests compare the nested ones.

use super::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Replicates {
    unpaired: Vec<Case>,
    floored: Vec<Case>,
    folds: Vec<Case>,
    powers: Vec<PowerCase>,
}

#[derive(Debug, Deserialize)]
struct PowerCase {
    variances: Vec<f64>,
    test_to_train: f64,
    effect: f64,
    level: f64,
    needed: f64,
    power: f64,
}

#[derive(Debug, Deserialize)]
struct Case {
    first: Vec<f64>,
    second: Vec<f64>,
    alpha: f64,
    null: f64,
    #[serde(default)]
    resolution: f64,
    #[serde(default)]
    test_to_train: f64,
    df: f64,
    low: f64,
    high: f64,
    p_greater: f64,
    p_less: f64,
}

impl Case {
    fn agrees(&self, test: &TTest) {
        let Interval { low, high } = test.interval(Alpha::new(self.alpha).unwrap());
        for (found, expected) in [
            (test.degrees_of_freedom, self.df),
            (low, self.low),
            (high, self.high),
            (test.p_greater, self.p_greater),
            (test.p_less, self.p_less),
        ] {
            assert_agrees(found, expected, self);
        }
    }

    fn unpaired(&self) -> TTest {
        let floored = |values: &[f64]| sample(values).with_resolution(self.resolution);
        let (first, second) = (floored(&self.first), floored(&self.second));
        welch_contrast(&[(1.0, &first), (-1.0, &second)], self.null)
    }

    fn folds(&self) -> TTest {
        let differences = self.first.iter().zip(&self.second).map(|(one, other)| one - other);
        let folds = sample(&differences.collect::<Vec<f64>>()).as_folds(self.test_to_train);
        paired_t(&folds, self.null)
    }
}

fn reference() -> Replicates {
    let json = include_str!("../../../goldens/statistics/replicates.json");
    serde_json::from_str(json).unwrap()
}

#[test]
fn unpaired_arms_agree_with_scipy() {
    let reference = reference();
    assert_eq!((reference.unpaired.len(), reference.floored.len()), (10, 3));
    for case in reference.unpaired.iter().chain(&reference.floored) {
        case.agrees(&case.unpaired());
    }
}

#[test]
fn folds_agree_with_the_corrected_resampled_t() {
    let reference = reference();
    assert_eq!(reference.folds.len(), 8);
    for case in &reference.folds {
        case.agrees(&case.folds());
    }
}

/// scipy's noncentral t is accurate to some ten digits.
#[test]
fn the_power_of_unpaired_arms_and_of_folds_agrees_with_scipy() {
    let reference = reference();
    assert_eq!(reference.powers.len(), 26);
    for case in reference.powers {
        let design =
            TestDesign { variances: case.variances.clone(), test_to_train: case.test_to_train };
        let power = design.power(case.effect, 5, case.level);
        assert!((power - case.power).abs() < 1e-8, "{power}, {case:?}");
        let needed = design.needed(case.effect, case.level, 0.8);
        assert_eq!(needed.map(|needed| needed as f64), Some(case.needed), "{case:?}");
        assert!(!design.never(case.effect, case.level, 0.8), "{case:?}");
    }
}
