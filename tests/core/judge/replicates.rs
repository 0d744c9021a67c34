//! Replicates that are not paired, share training items or are nested in units. Numbers are
//! compared with `goldens/statistics/replicates.json`, made by scipy.

use std::collections::BTreeMap;

use repro::{
    evidence::{Replicates, Structure},
    experiment::Seed,
    judge::CellVerdict,
};
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Reference {
    unpaired: Vec<Case<f64>>,
    folds: Vec<Case<f64>>,
    nested: Vec<Case<Vec<f64>>>,
}

#[derive(Debug, Deserialize)]
struct Case<Value> {
    first: Vec<Value>,
    second: Vec<Value>,
    alpha: f64,
    null: f64,
    #[serde(default)]
    test_to_train: f64,
    #[serde(default)]
    share_units: bool,
    df: f64,
    low: f64,
    high: f64,
    p_greater: f64,
}

impl<Value: std::fmt::Debug> Case<Value> {
    /// Judges this comparison and compares its numbers.
    fn agrees(&self, runs: &[Run<'_>], replicates: &Replicates) -> CellVerdict {
        let verdict = judged(&format!("greater_than = {:?}", self.null), runs, replicates);
        let cell = verdict.cells[0].clone();
        let found = [cell.low, cell.high, cell.p].map(Option::unwrap);
        for (found, expected) in found.into_iter().zip([self.low, self.high, self.p_greater]) {
            // The sums of differences of large values round.
            assert!((found - expected).abs() <= 1e-8 * expected.abs().max(1.0), "{found} {self:?}");
        }
        cell
    }
}

fn reference() -> Reference {
    let json = include_str!("../../../goldens/statistics/replicates.json");
    let mut reference: Reference = serde_json::from_str(json).unwrap();
    reference.unpaired.retain(|case| case.alpha == 0.025);
    reference.folds.retain(|case| case.alpha == 0.025);
    reference.nested.retain(|case| case.alpha == 0.025);
    reference
}

fn judged(relation: &str, runs: &[Run<'_>], replicates: &Replicates) -> ClaimVerdict {
    let evidence = evidence(&log(&rows(runs)), SamplingDesign::FixedSample);
    let evidence = Evidence { replicates: replicates.clone(), ..evidence };
    judge(&claim(&claim_text(relation)), &evidence)
}

fn unpaired() -> Replicates {
    Replicates { paired: false, ..Replicates::default() }
}

/// Runs of both arms, with the first seed of each.
fn arms(first: &[f64], second: &[f64], from: [u64; 2]) -> Vec<Run<'static>> {
    let of = |source, values: &[f64], from: u64| -> Vec<Run<'static>> {
        values.iter().zip(from..).map(|(value, seed)| run(source, seed, *value)).collect()
    };
    let mut runs = of("l2_3", first, from[0]);
    runs.extend(of("natural", second, from[1]));
    runs
}

#[test]
fn unpaired_arms_agree_with_scipy_whatever_their_seeds_are_called() {
    let cases = reference().unpaired;
    assert_eq!(cases.len(), 5);
    for case in &cases {
        for from in [[1, 1], [1, 501]] {
            let cell = case.agrees(&arms(&case.first, &case.second, from), &unpaired());
            let found = cell.unpaired.unwrap();
            assert!((found.df.unwrap() - case.df).abs() < 1e-8 * case.df, "{case:?}");
            let counts: Vec<usize> = found.arms.iter().map(|arm| arm.replicates).collect();
            let (natural, robust) = (case.second.len(), case.first.len());
            let names: Vec<&str> = found.arms.iter().map(|arm| &*arm.arm).collect();
            let expected =
                if names == ["robust", "natural"] { [robust, natural] } else { [natural, robust] };
            assert_eq!(counts, expected);
            assert_eq!(cell.seeds, natural.min(robust));
            // What needs pairs has no number.
            assert_eq!((cell.seeds_ahead, cell.sign_flip_p, cell.e_value), (None, None, None));
            assert!(cell.welch.is_none() && cell.unmatched_seeds == 0);
        }
    }
}

#[test]
fn folds_agree_with_the_corrected_resampled_t() {
    let cases = reference().folds;
    assert_eq!(cases.len(), 4);
    for case in &cases {
        let structure = Structure::Folds { test_to_train: case.test_to_train };
        let folds = Replicates { structure, ..Replicates::default() };
        let runs = arms(&case.first, &case.second, [1, 1]);
        let cell = case.agrees(&runs, &folds);
        assert_eq!((cell.sign_flip_p, cell.e_value), (None, None));
        // As if folds were independent, the interval is narrower.
        let naive = gap(&runs).cells[0].clone();
        assert!(naive.high.unwrap() < cell.high.unwrap() && naive.mean == cell.mean);
    }
}

/// Sessions of subjects: the runs, and the subject of each seed.
fn sessions(case: &Case<Vec<f64>>) -> (Vec<Run<'static>>, BTreeMap<Seed, Seed>) {
    let (mut runs, mut units) = (Vec::new(), BTreeMap::new());
    for (arm, (source, subjects)) in
        [("l2_3", &case.first), ("natural", &case.second)].into_iter().enumerate()
    {
        for (subject, values) in subjects.iter().enumerate() {
            let unit = if case.share_units { subject } else { 100 * arm + subject };
            for (session, value) in values.iter().enumerate() {
                // Sessions have names of their own in each arm.
                let seed = (1000 * (arm + 1) + 10 * subject + session) as u64;
                runs.push(run(source, seed, *value));
                units.insert(Seed(seed), Seed(unit as u64));
            }
        }
    }
    (runs, units)
}

#[test]
fn nested_replicates_are_averaged_and_paired_where_arms_share_units() {
    let cases = reference().nested;
    assert_eq!(cases.len(), 4);
    for case in &cases {
        let (runs, units) = sessions(case);
        let nested = Replicates { structure: Structure::Nested { units }, ..Replicates::default() };
        let cell = case.agrees(&runs, &nested);
        assert_eq!((cell.seeds, cell.unpaired.is_none()), (case.first.len(), case.share_units));
        if let Some(found) = cell.unpaired {
            assert!((found.df.unwrap() - case.df).abs() < 1e-8 * case.df);
        }
        // The study may say that units of one name don't belong together.
        let apart = judged("greater_than = 0.0", &runs, &Replicates { paired: false, ..nested });
        assert!(apart.cells[0].unpaired.is_some());
    }
}

#[test]
fn every_relation_and_quantifier_works_on_unpaired_arms() {
    let robust = [50.4, 50.6, 50.5, 50.3, 50.7, 50.5];
    let natural = [50.0, 50.2, 49.9, 50.1, 50.0];
    let verdict =
        |relation| judged(relation, &arms(&robust, &natural, [1, 1]), &unpaired()).verdict;
    assert_eq!(verdict("greater_than = 0.0"), Verdict::Supported);
    assert_eq!(verdict("greater_than = 1.0"), Verdict::Refuted);
    assert_eq!(verdict("greater_than = 0.5"), Verdict::Inconclusive);
    assert_eq!(verdict("not_worse_than = 0.2"), Verdict::Supported);
    assert_eq!(verdict("equivalent_within = 1.0"), Verdict::Supported);
    assert_eq!(verdict("equivalent_within = 0.1"), Verdict::Refuted);

    // Two sizes, averaged or each: arms are averaged within a seed, and not paired.
    let mut runs = Vec::new();
    for images in [100, 200] {
        let sized = arms(&robust, &natural, [1, 7]).into_iter();
        runs.extend(sized.map(|run| Run { images, ..run }));
    }
    let text = claim_text("greater_than = 0.0").replace("images = 100", "images = [100, 200]");
    let average =
        text.replace("holds = \"every\"", "holds = \"every\"\naverage_over = [\"images\"]");
    let evidence = evidence(&log(&rows(&runs)), SamplingDesign::FixedSample);
    let evidence = Evidence { replicates: unpaired(), ..evidence };
    let each = judge(&claim(&text), &evidence);
    assert_eq!((each.verdict, each.cells.len()), (Verdict::Supported, 2), "{}", each.reason);
    assert!(each.cells.iter().all(|cell| cell.p_adjusted > cell.p));
    let one = &judge(&claim(&average), &evidence).averages[0];
    // Both sizes have the same values, so the average has them too.
    let same = |average: Option<f64>, cell: Option<f64>| {
        assert!((average.unwrap() - cell.unwrap()).abs() < 1e-9);
    };
    same(one.low, each.cells[0].low);
    same(one.high, each.cells[0].high);
}

#[test]
fn unpaired_arms_are_looked_at_as_often_as_paired_ones() {
    let robust: Vec<f64> = (0..10).map(|seed| 60.0 + f64::from(seed % 3)).collect();
    let natural: Vec<f64> = (0..10).map(|seed| 50.0 + f64::from(seed % 4)).collect();
    let looked = |robust: &[f64], natural: &[f64]| {
        let runs = arms(robust, natural, [1, 101]);
        let evidence = evidence(&log(&rows(&runs)), SamplingDesign::GroupSequential);
        let evidence = Evidence { replicates: unpaired(), ..evidence };
        judge(&claim(&claim_text("greater_than = 0.0")), &evidence)
    };
    let all = looked(&robust, &natural);
    let cell = &all.cells[0];
    let look = cell.look.unwrap();
    assert_eq!((all.verdict, cell.seeds), (Verdict::Supported, look));
    // Seeds after the look change nothing.
    let fewer = looked(&robust[..look], &natural);
    assert_eq!((fewer.cells[0].low, fewer.cells[0].high), (cell.low, cell.high));
    // Without a common number of seeds at the first look there is no answer.
    assert_eq!(looked(&robust[..2], &natural).verdict, Verdict::Inconclusive);
}

#[test]
fn a_verdict_on_unpaired_arms_may_hinge_on_one_seed_of_one_arm() {
    let natural = [50.0, 50.2, 49.9, 50.1, 50.0, 49.8];
    let steady = [50.4, 50.6, 50.5, 50.3, 50.7, 50.5];
    let one_low = [50.4, 50.6, 50.5, 50.3, 50.7, 48.0];
    let hinges = |robust: &[f64]| {
        let verdict = judged("greater_than = 0.0", &arms(robust, &natural, [1, 1]), &unpaired());
        (verdict.verdict, verdict.hinges_on_one_seed)
    };
    assert_eq!(hinges(&steady), (Verdict::Supported, Some(false)));
    assert_eq!(hinges(&one_low), (Verdict::Inconclusive, Some(true)));
    let reason = judged("greater_than = 0.0", &arms(&steady, &natural[..5], [1, 1]), &unpaired());
    assert!(reason.reason.contains(" over 6 and 5 seeds: above 0"), "{}", reason.reason);
}

#[test]
fn an_inconclusive_cell_says_what_unpaired_arms_would_have_found() {
    let verdict = judged(
        "greater_than = 0.0",
        &arms(&[51.0, 49.0, 50.5, 50.0], &[50.0, 50.4, 49.0, 51.0, 49.5], [1, 1]),
        &unpaired(),
    );
    let cell = &verdict.cells[0];
    let half = (cell.high.unwrap() - cell.low.unwrap()) / 2.0;
    let detectable = cell.detectable.unwrap();
    assert!(verdict.verdict == Verdict::Inconclusive && detectable > half, "{detectable} {half}");
    assert!(detectable < 2.0 * half, "{detectable} {half}");
}

#[test]
fn an_arm_near_the_ceiling_is_flagged_and_log_error_is_not() {
    let robust = [98.0, 98.5, 97.9, 98.2];
    let natural = [95.0, 95.5, 94.9, 95.1];
    assert!(has(&gap(&arms(&robust, &natural, [1, 1])), Flag::NearCeiling));
    let flagged = judged("greater_than = 0.0", &arms(&robust, &natural, [1, 1]), &unpaired());
    assert!(has(&flagged, Flag::NearCeiling));
    assert!(!has(&gap(&arms(&natural, &natural, [1, 1])), Flag::NearCeiling));
    let text = claim_text("greater_than = 0.0").replace("accuracy = ", "log_error = ");
    let log = log(&rows(&arms(&robust, &natural, [1, 1])));
    let verdict = judge(&claim(&text), &evidence(&log, SamplingDesign::FixedSample));
    assert!(!has(&verdict, Flag::NearCeiling));
}
