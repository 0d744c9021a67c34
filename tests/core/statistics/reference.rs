//! The statistics against the grid of `goldens/statistics/reference.json`, made by scipy and
//! statsmodels.

use super::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    t_tails: Vec<TTail>,
    t_quantiles: Vec<TQuantile>,
    normal_tails: Vec<NormalTail>,
    normal_quantiles: Vec<NormalTail>,
    one_sample: Vec<OneSample>,
    welch: Vec<Welch>,
    contrasts: Vec<Contrast>,
    holm: Vec<Holm>,
    wilson: Vec<Wilson>,
    mcnemar: Vec<McNemar>,
    noncentral_t_tails: Vec<NoncentralTail>,
    seeds_needed: Vec<SeedsNeeded>,
    detectable: Vec<SeedsNeeded>,
    groupings: Vec<GroupingCase>,
    kendalls: Vec<KendallCase>,
    seeds_and_images: Vec<Crossed>,
    shuffles: Vec<Shuffle>,
}

#[derive(Debug, Deserialize)]
struct Shuffle {
    matches: Vec<Vec<u32>>,
    labels: Vec<u32>,
    mean: f64,
    standard_deviation: f64,
}

#[derive(Debug, Deserialize)]
struct Crossed {
    tables: Vec<Vec<Vec<f64>>>,
    mean: f64,
    variance: f64,
    df: f64,
    low: f64,
    high: f64,
}

#[derive(Debug, Deserialize)]
struct NoncentralTail {
    df: u32,
    shift: f64,
    t: f64,
    tail: f64,
}

#[derive(Debug, Deserialize)]
struct SeedsNeeded {
    effect: f64,
    level: f64,
    seeds: usize,
}

#[derive(Debug, Deserialize)]
struct TTail {
    t: f64,
    df: f64,
    tail: f64,
}

#[derive(Debug, Deserialize)]
struct TQuantile {
    tail: f64,
    df: f64,
    t: f64,
}

#[derive(Debug, Deserialize)]
struct NormalTail {
    z: f64,
    tail: f64,
}

#[derive(Debug, Deserialize)]
struct OneSample {
    values: Vec<f64>,
    alpha: f64,
    null: f64,
    margin: f64,
    published: usize,
    mean: f64,
    standard_deviation: f64,
    t: f64,
    p_greater: f64,
    p_less: f64,
    p_two_sided: f64,
    low: f64,
    high: f64,
    tost: f64,
    prediction_low: f64,
    prediction_high: f64,
}

#[derive(Debug, Deserialize)]
struct Welch {
    first: Vec<f64>,
    second: Vec<f64>,
    alpha: f64,
    t: f64,
    df: f64,
    p_two_sided: f64,
    p_greater: f64,
    low: f64,
    high: f64,
}

#[derive(Debug, Deserialize)]
struct Contrast {
    weights: Vec<f64>,
    arms: Vec<Vec<f64>>,
    estimate: f64,
    standard_error: f64,
    df: f64,
    p_greater: f64,
    p_less: f64,
}

#[derive(Debug, Deserialize)]
struct Holm {
    p: Vec<f64>,
    adjusted: Vec<f64>,
}

#[derive(Debug, Deserialize)]
struct Wilson {
    successes: u64,
    trials: u64,
    alpha: f64,
    low: f64,
    high: f64,
}

#[derive(Debug, Deserialize)]
struct McNemar {
    only_first: u64,
    only_second: u64,
    p: f64,
}

fn reference() -> Reference {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/goldens/statistics/reference.json");
    let reference: Reference =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(reference.t_tails.len() >= 200, "the grid has shrunk");
    reference
}

/// An end of an interval, or a mean, may be near zero by cancellation, so the tolerance is relative
/// to the scale of the values that it was computed from.
#[track_caller]
fn assert_agrees_on_scale(found: f64, expected: f64, scale: f64, what: &dyn std::fmt::Debug) {
    let allowed = RELATIVE * scale;
    assert!((found - expected).abs() <= allowed, "{found} differs from {expected} for {what:?}");
}

#[test]
fn tails_are_scipys() {
    for case in reference().t_tails {
        assert_agrees(t_upper_tail(case.t, case.df), case.tail, &case);
    }
    for case in reference().normal_tails {
        assert_agrees(normal_upper_tail(case.z), case.tail, &case);
    }
}

#[test]
fn quantiles_are_scipys() {
    for case in reference().t_quantiles {
        assert_agrees(t_upper_quantile(case.tail, case.df), case.t, &case);
    }
    for case in reference().normal_quantiles {
        assert_agrees(normal_upper_quantile(case.tail), case.z, &case);
    }
}

#[test]
fn one_sample_agrees_with_scipy_and_statsmodels() {
    for case in reference().one_sample {
        let values = sample(&case.values);
        let level = alpha(case.alpha);
        let scale = case.mean.abs() + case.standard_deviation;
        assert_agrees_on_scale(values.mean(), case.mean, scale, &case);
        assert_agrees(values.standard_deviation(), case.standard_deviation, &case);

        let paired = paired_t(&values, case.null);
        assert_agrees(paired.t, case.t, &case);
        assert_agrees(paired.p_greater, case.p_greater, &case);
        assert_agrees(paired.p_less, case.p_less, &case);
        assert_agrees(paired.p_two_sided(), case.p_two_sided, &case);

        let found = tost(&values, case.margin, level);
        assert_agrees(found.p, case.tost, &case);
        let reach = case.high - case.low + scale;
        for interval in [t_interval(&values, level), paired.interval(level), found.interval] {
            assert_agrees_on_scale(interval.low, case.low, reach, &case);
            assert_agrees_on_scale(interval.high, case.high, reach, &case);
        }

        let predicted = prediction_interval(&values, case.published, level);
        let reach = case.prediction_high - case.prediction_low + scale;
        assert_agrees_on_scale(predicted.low, case.prediction_low, reach, &case);
        assert_agrees_on_scale(predicted.high, case.prediction_high, reach, &case);
    }
}

#[test]
fn welchs_test_agrees_with_scipy_and_statsmodels() {
    for case in reference().welch {
        let (first, second) = (sample(&case.first), sample(&case.second));
        let found = welch_contrast(&[(1.0, &first), (-1.0, &second)], 0.0);
        assert_agrees(found.t, case.t, &case);
        assert_agrees(found.degrees_of_freedom, case.df, &case);
        assert_agrees(found.p_two_sided(), case.p_two_sided, &case);
        assert_agrees(found.p_greater, case.p_greater, &case);
        let interval = found.interval(alpha(case.alpha));
        assert_agrees_on_scale(interval.low, case.low, case.high - case.low, &case);
        assert_agrees_on_scale(interval.high, case.high, case.high - case.low, &case);
    }
}

#[test]
fn contrasts_of_four_arms_have_satterthwaites_degrees_of_freedom() {
    for case in reference().contrasts {
        let arms: Vec<Sample> = case.arms.iter().map(|arm| sample(arm)).collect();
        let weighted: Vec<_> = case.weights.iter().copied().zip(&arms).collect();
        let found = welch_contrast(&weighted, 0.0);
        assert_agrees_on_scale(found.estimate, case.estimate, case.standard_error, &case);
        assert_agrees(found.standard_error, case.standard_error, &case);
        assert_agrees(found.degrees_of_freedom, case.df, &case);
        assert_agrees(found.p_greater, case.p_greater, &case);
        assert_agrees(found.p_less, case.p_less, &case);
    }
}

#[test]
fn holm_agrees_with_statsmodels() {
    for case in reference().holm {
        let found = holm(&case.p);
        assert_eq!(found.len(), case.adjusted.len());
        for (found, expected) in found.iter().zip(&case.adjusted) {
            assert_agrees(*found, *expected, &case);
        }
    }
}

#[test]
fn wilson_agrees_with_statsmodels() {
    for case in reference().wilson {
        let found = wilson(case.successes, case.trials, alpha(case.alpha)).unwrap();
        // On the scale of a proportion: statsmodels leaves 1e-17 where an end is 0.
        assert_agrees_on_scale(found.low, case.low, 1.0, &case);
        assert_agrees_on_scale(found.high, case.high, 1.0, &case);
    }
}

#[test]
fn mcnemar_agrees_with_statsmodels() {
    for case in reference().mcnemar {
        assert_agrees(mcnemar_exact(case.only_first, case.only_second), case.p, &case);
    }
}

/// scipy's noncentral t is accurate to some ten digits.
#[test]
fn power_and_the_seeds_and_effects_it_needs_agree_with_scipy() {
    let reference = reference();
    for case in &reference.noncentral_t_tails {
        let found = noncentral_t_upper_tail(case.t, case.df.into(), case.shift);
        assert!((found - case.tail).abs() < 1e-9, "{found}, {case:?}");
    }
    for case in &reference.seeds_needed {
        assert_eq!(seeds_needed(case.effect, case.level, 0.8), Some(case.seeds), "{case:?}");
    }
    for case in &reference.detectable {
        let found = detectable(case.seeds, case.level, 0.8);
        assert!((found - case.effect).abs() < 1e-7 * case.effect, "{found}, {case:?}");
    }
}

#[derive(Debug, Deserialize)]
struct GroupingCase {
    values: Vec<f64>,
    chosen: usize,
    difference: f64,
    p: f64,
    ways: usize,
}

#[derive(Debug, Deserialize)]
struct KendallCase {
    first: Vec<f64>,
    second: Vec<f64>,
    tau: f64,
    p: f64,
}

#[test]
fn permutations_of_groups_and_ranks_are_scipy_s() {
    let near = |ours: f64, theirs: f64| (ours - theirs).abs() < 1e-9;
    let all = reference();
    assert!(all.groupings.len() >= 10 && all.kendalls.len() >= 8);
    for case in &all.groupings {
        let chosen: Vec<bool> = (0..case.values.len()).map(|item| item < case.chosen).collect();
        let ours = grouping(&case.values, &chosen).unwrap();
        assert_eq!(ours.ways, case.ways, "{case:?}");
        assert!(near(ours.difference, case.difference), "{case:?} {ours:?}");
        assert!(near(ours.p_greater, case.p), "{case:?} {ours:?}");
    }
    for case in &all.kendalls {
        let ours = kendall(&case.first, &case.second).unwrap();
        assert!(near(ours.tau, case.tau) && near(ours.p_greater, case.p), "{case:?} {ours:?}");
    }
}

#[test]
fn two_of_six_have_fifteen_ways_and_undefined_tests_are_none() {
    let values = [9.0, 8.0, 1.0, 2.0, 3.0, 4.0];
    let chosen = [true, true, false, false, false, false];
    let best = grouping(&values, &chosen).unwrap();
    assert_eq!((best.ways, best.p_greater), (15, 1.0 / 15.0));
    assert_eq!(grouping(&values, &[false; 6]), None);
    assert_eq!(grouping(&[f64::NAN, 1.0], &[true, false]), None);
    assert_eq!(kendall(&values, &values).unwrap().p_greater, 1.0 / 720.0);
    assert_eq!(kendall(&[1.0, 1.0], &[1.0, 2.0]), None);
    assert_eq!(kendall(&[0.0; 10], &[0.0; 10]), None);
}

fn crossed(case: &Crossed) -> TTest {
    let tables: Vec<&[Vec<f64>]> = case.tables.iter().map(Vec::as_slice).collect();
    let mean = |row: &Vec<f64>| row.iter().sum::<f64>() / row.len() as f64;
    let seed = |seed: usize| tables.iter().map(|table| mean(&table[seed])).sum();
    let sample = Sample::new((0..tables[0].len()).map(seed).collect()).unwrap();
    t_with_added(&sample, 0.0, AddedVariance::of_images(&tables).unwrap())
}

#[test]
fn seeds_and_images_agree_with_their_definition() {
    for case in reference().seeds_and_images {
        let found = crossed(&case);
        let interval = found.interval(Alpha::CONVENTIONAL);
        assert_agrees(found.estimate, case.mean, &case);
        assert_agrees(found.standard_error.powi(2), case.variance, &case);
        assert_agrees(found.degrees_of_freedom, case.df, &case);
        assert_agrees_on_scale(interval.low, case.low, 1.0, &case);
        assert_agrees_on_scale(interval.high, case.high, 1.0, &case);
    }
}

#[test]
fn three_seeds_and_five_images_have_the_pinned_variance() {
    let case = &reference().seeds_and_images[0];
    assert_eq!(
        case.tables,
        [[[1.0, 0.0, 2.0, 1.0, -1.0], [2.0, 1.0, 3.0, 0.0, 0.0], [0.0, 1.0, 2.0, 1.0, 1.0]]]
    );
    let found = crossed(case);
    assert!((found.estimate - 0.933_333_3).abs() < 1e-7);
    assert!((found.standard_error.powi(2) - 0.137_777_8).abs() < 1e-7);
    assert!((found.degrees_of_freedom - 3.037_834_6).abs() < 1e-7);
}

#[test]
fn a_table_that_says_nothing_of_images_has_no_variance() {
    let none = |table: &[Vec<f64>]| AddedVariance::of_images(&[table]).is_none();
    assert!(none(&[]) && none(&[vec![1.0, 2.0]]) && none(&[vec![1.0], vec![2.0]]));
    assert!(none(&[vec![1.0, 2.0], vec![1.0]]) && none(&[vec![1.0, f64::NAN], vec![1.0, 2.0]]));
}

#[test]
fn matches_by_chance_are_those_over_all_orders() {
    for case in reference().shuffles {
        let found = shuffled(&case.matches, &case.labels).unwrap();
        assert_agrees(found.mean, case.mean, &case);
        assert_agrees(found.standard_deviation, case.standard_deviation, &case);
    }
    // One item has one order; numbers that do not agree have none.
    assert_eq!(shuffled(&[vec![1]], &[1]), None);
    assert_eq!(shuffled(&[vec![1, 2], vec![1, 2]], &[1, 2]), None);
    assert_eq!(shuffled(&[vec![1, 2], vec![1]], &[1, 1]), None);
    // What is the same for every label does not vary.
    let same = shuffled(&[vec![3, 3], vec![1, 1]], &[1, 1]).unwrap();
    assert_eq!((same.mean, same.standard_deviation), (4.0, 0.0));
}
