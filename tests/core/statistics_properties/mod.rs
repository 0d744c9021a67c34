//! Properties that hold for every sample and that verdicts rely on.
//!
//! Invariance under permutation and under swapping arms holds to the last bit, because sums are
//! rounded once. Where values are shifted or scaled, there is a tolerance for rounding.

use proptest::prelude::*;
use repro::stats::*;

mod designs;

/// The tolerance for rounding, on the scale of the values, which are shifted and shifted back in
/// double precision.
const ROUNDING: f64 = 1e-9;
/// A p and an end of an interval may disagree by rounding when they are on the boundary. So close
/// to alpha they are not compared.
const ON_THE_BOUNDARY: f64 = 1e-9;
/// Accuracies change in steps of one test image in 10,000: .01 points.
const RESOLUTION: f64 = 0.01;

/// Differences of accuracies between arms in points: 2 to 30 seeds, on the metric's grid.
fn differences() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-5_000..5_000_i32, 2..30).prop_map(on_the_grid)
}

fn on_the_grid(steps: Vec<i32>) -> Vec<f64> {
    steps.into_iter().map(|step| f64::from(step) * RESOLUTION).collect()
}

fn differences_and_shuffled() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    differences().prop_flat_map(|values| (Just(values.clone()), Just(values).prop_shuffle()))
}

fn sample(values: Vec<f64>) -> Sample {
    Sample::new(values).unwrap().with_resolution(RESOLUTION)
}

fn levels() -> impl Strategy<Value = Alpha> {
    (1e-4..0.2).prop_map(|level| Alpha::new(level).unwrap())
}

fn nulls() -> impl Strategy<Value = f64> {
    -50.0..50.0
}

fn probabilities() -> impl Strategy<Value = Vec<f64>> {
    // Squared, so that small values, where decisions are made, are common.
    prop::collection::vec((0.0..=1.0).prop_map(|u: f64| u * u), 1..20)
}

fn close(a: f64, b: f64, scale: f64) -> bool {
    (a - b).abs() <= ROUNDING * (1.0 + scale.abs())
}

/// The same test with "greater" and "less" exchanged.
fn mirrored(test: TTest) -> TTest {
    TTest {
        estimate: -test.estimate,
        null: -test.null,
        t: -test.t,
        p_greater: test.p_less,
        p_less: test.p_greater,
        ..test
    }
}

// A sample.
proptest! {
    #[test]
    fn a_mean_lies_within_its_values(values in differences()) {
        let found = sample(values.clone());
        prop_assert!(values.iter().any(|value| *value <= found.mean()));
        prop_assert!(values.iter().any(|value| *value >= found.mean()));
    }

    #[test]
    fn equal_values_have_exactly_that_mean(value in -1e9..1e9, k in 2..50_usize) {
        let found = Sample::new(vec![value; k]).unwrap();
        prop_assert_eq!((found.mean(), found.standard_deviation()), (value, 0.0));
    }

    /// The oracle adds whole numbers, which are exact, and rounds once at the end.
    #[test]
    fn a_sum_is_rounded_once(terms in prop::array::uniform8((-(1_i64 << 53)..1 << 53, 0..60_u32))) {
        let exact: i128 = terms.iter().map(|(digits, shift)| i128::from(*digits) << shift).sum();
        let values = terms.iter().map(|(digits, shift)| *digits as f64 * 2f64.powi(*shift as i32));
        let found = Sample::new(values.collect()).unwrap();
        prop_assert_eq!(found.mean(), exact as f64 / 8.0);
    }

    #[test]
    fn a_value_that_is_not_finite_is_rejected(
        values in differences(),
        at in any::<prop::sample::Index>(),
        bad in prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
    ) {
        let mut values = values;
        let index = at.index(values.len());
        values[index] = bad;
        prop_assert_eq!(Sample::new(values), Err(SampleError::NotFinite { index }));
    }

    #[test]
    fn a_floor_never_lowers_the_spread(values in differences(), resolution in 0.0..100.0) {
        let bare = Sample::new(values).unwrap();
        let floored = bare.clone().with_resolution(resolution);
        prop_assert!(floored.standard_deviation() >= bare.standard_deviation());
        prop_assert!(floored.standard_deviation() >= resolution / 2.0);
        prop_assert_eq!(floored.mean(), bare.mean());
    }
}

// Intervals and t tests.
proptest! {
    #[test]
    fn an_interval_contains_the_mean(values in differences(), alpha in levels()) {
        let found = sample(values);
        prop_assert!(t_interval(&found, alpha).contains(found.mean()));
        prop_assert!(prediction_interval(&found, 10, alpha).contains(found.mean()));
    }

    #[test]
    fn an_interval_moves_with_a_shift(
        values in differences(),
        shift in -100.0..100.0,
        alpha in levels(),
    ) {
        let moved = sample(values.iter().map(|value| value + shift).collect());
        let (before, after) = (t_interval(&sample(values), alpha), t_interval(&moved, alpha));
        let scale = before.width();
        prop_assert!(close(after.low, before.low + shift, scale), "{before:?} {after:?}");
        prop_assert!(close(after.high, before.high + shift, scale), "{before:?} {after:?}");
    }

    #[test]
    fn an_interval_grows_with_its_scale(
        values in differences(),
        scale in 0.001..1000.0,
        alpha in levels(),
    ) {
        let scaled = values.iter().map(|value| value * scale).collect();
        let scaled = Sample::new(scaled).unwrap().with_resolution(RESOLUTION * scale);
        let (before, after) = (t_interval(&sample(values), alpha), t_interval(&scaled, alpha));
        let size = scale * before.width();
        prop_assert!(close(after.low, before.low * scale, size), "{before:?} {after:?}");
        prop_assert!(close(after.high, before.high * scale, size), "{before:?} {after:?}");
    }

    /// Scaling by powers of two is exact in binary, so that p may not change by a bit.
    #[test]
    fn a_test_does_not_depend_on_units(values in differences(), null in nulls(), exponent in -20..20_i32) {
        let unit = 2f64.powi(exponent);
        let scaled = values.iter().map(|value| value * unit).collect();
        let scaled = Sample::new(scaled).unwrap().with_resolution(RESOLUTION * unit);
        let (before, after) = (paired_t(&sample(values), null), paired_t(&scaled, null * unit));
        prop_assert_eq!(before.t, after.t);
        prop_assert_eq!(before.p_greater, after.p_greater);
        prop_assert_eq!(before.p_less, after.p_less);
    }

    #[test]
    fn no_statistic_depends_on_the_order_of_seeds(
        (values, shuffled) in differences_and_shuffled(),
        null in nulls(),
        margin in 0.0..50.0,
        alpha in levels(),
    ) {
        let (values, shuffled) = (sample(values), sample(shuffled));
        prop_assert_eq!(values.mean(), shuffled.mean());
        prop_assert_eq!(values.standard_deviation(), shuffled.standard_deviation());
        prop_assert_eq!(t_interval(&values, alpha), t_interval(&shuffled, alpha));
        prop_assert_eq!(paired_t(&values, null), paired_t(&shuffled, null));
        prop_assert_eq!(tost(&values, margin, alpha), tost(&shuffled, margin, alpha));
        let other = sample(vec![1.0, 2.5, 7.0]);
        prop_assert_eq!(
            welch_contrast(&[(1.0, &values), (-1.0, &other)], null),
            welch_contrast(&[(1.0, &shuffled), (-1.0, &other)], null)
        );
    }

    #[test]
    fn swapping_arms_exchanges_above_and_below(
        first in differences(),
        second in differences(),
        null in nulls(),
        alpha in levels(),
    ) {
        let negated = sample(first.iter().map(|value| -value).collect());
        let (first, second) = (sample(first), sample(second));
        prop_assert_eq!(paired_t(&negated, -null), mirrored(paired_t(&first, null)));
        let (before, after) = (t_interval(&first, alpha), t_interval(&negated, alpha));
        prop_assert_eq!((after.low, after.high), (-before.high, -before.low));

        let forth = welch_contrast(&[(1.0, &first), (-1.0, &second)], null);
        let back = welch_contrast(&[(-1.0, &first), (1.0, &second)], -null);
        prop_assert_eq!(back, mirrored(forth));
    }

    #[test]
    fn a_test_rejects_when_the_interval_lies_beyond_the_null(
        values in differences(),
        null in nulls(),
        alpha in levels(),
    ) {
        let found = sample(values);
        let (test, interval) = (paired_t(&found, null), t_interval(&found, alpha));
        prop_assume!((test.p_greater - alpha.level()).abs() > ON_THE_BOUNDARY);
        prop_assume!((test.p_less - alpha.level()).abs() > ON_THE_BOUNDARY);
        prop_assert_eq!(test.p_greater < alpha.level(), interval.lies_above(null));
        prop_assert_eq!(test.p_less < alpha.level(), interval.lies_below(null));
    }

    #[test]
    fn a_stricter_level_never_narrows(values in differences(), a in levels(), b in levels()) {
        let (strict, loose) = if a <= b { (a, b) } else { (b, a) };
        let found = sample(values);
        prop_assert!(t_interval(&found, strict).width() >= t_interval(&found, loose).width());
    }

    #[test]
    fn a_prediction_interval_is_never_narrower_than_that_of_the_mean(
        values in differences(),
        published in 0..50_usize,
        alpha in levels(),
    ) {
        let found = sample(values);
        let mean = t_interval(&found, alpha);
        let prediction = prediction_interval(&found, published, alpha);
        prop_assert!(prediction.low <= mean.low && mean.high <= prediction.high);
    }

    #[test]
    fn a_contrast_of_one_arm_is_the_one_sample_test(values in differences(), null in nulls()) {
        let found = sample(values);
        let (contrast, test) = (welch_contrast(&[(1.0, &found)], null), paired_t(&found, null));
        prop_assert!(close(contrast.t, test.t, test.t));
        prop_assert!(close(contrast.p_greater, test.p_greater, 0.0));
        prop_assert!(close(contrast.degrees_of_freedom, test.degrees_of_freedom, 0.0));
    }

    #[test]
    fn folds_widen_with_their_overlap_and_never_narrow(
        values in differences(),
        alpha in levels(),
        a in -1.0..2.0,
        b in -1.0..2.0,
    ) {
        let of = |ratio: f64| t_interval(&sample(values.clone()).as_folds(ratio), alpha).width();
        let (less, more) = (f64::min(a, b), f64::max(a, b));
        prop_assert!(of(less) <= of(more) * (1.0 + ROUNDING));
        prop_assert!(of(0.0) <= of(less) * (1.0 + ROUNDING));
        for none in [0.0, -1.0, f64::NAN] {
            prop_assert_eq!(of(none), t_interval(&sample(values.clone()), alpha).width());
        }
    }

    #[test]
    fn an_overlap_of_the_mean_of_k_halves_the_information(values in differences(), alpha in levels()) {
        // 1/k + 1/k: the standard error is that of half as many values.
        let found = sample(values);
        let folds = found.clone().as_folds(1.0 / found.len() as f64);
        let ratio = t_interval(&folds, alpha).width() / t_interval(&found, alpha).width();
        prop_assume!(ratio.is_finite());
        prop_assert!(close(ratio, 2.0_f64.sqrt(), 1.0));
    }

    #[test]
    fn a_floor_in_one_arm_never_narrows_welchs_standard_error(
        first in differences(),
        second in differences(),
        floor in 0.0..50.0,
    ) {
        let (first, second) = (sample(first), sample(second));
        let of = |second: &Sample| welch_contrast(&[(1.0, &first), (-1.0, second)], 0.0);
        let (plain, floored) = (of(&second), of(&second.clone().with_resolution(floor)));
        prop_assert!(plain.standard_error <= floored.standard_error * (1.0 + ROUNDING));
        prop_assert_eq!(plain.estimate, floored.estimate);
    }

    #[test]
    fn welchs_degrees_of_freedom_lie_between_the_fewest_and_all(
        arms in prop::collection::vec((-3.0..3.0, differences()), 1..6),
    ) {
        let arms = arms.into_iter().map(|(w, values)| (w, sample(values)));
        let arms: Vec<(f64, Sample)> = arms.collect();
        let borrowed: Vec<(f64, &Sample)> = arms.iter().map(|(w, arm)| (*w, arm)).collect();
        let found = welch_contrast(&borrowed, 0.0).degrees_of_freedom;
        let each = arms.iter().map(|(_, arm)| arm.degrees_of_freedom());
        let (fewest, all) = (each.clone().fold(f64::INFINITY, f64::min), each.sum::<f64>());
        prop_assert!(fewest * (1.0 - ROUNDING) <= found, "{found} is below {fewest}");
        prop_assert!(found <= all * (1.0 + ROUNDING), "{found} is above {all}");
    }

    #[test]
    fn a_null_or_margin_that_is_not_a_number_never_shows_anything(
        values in differences(),
        alpha in levels(),
    ) {
        let found = sample(values);
        let test = paired_t(&found, f64::NAN);
        let equal = tost(&found, f64::NAN, alpha);
        for p in [test.p_greater, test.p_less, test.p_two_sided(), equal.p] {
            prop_assert!(p.is_nan());
            prop_assert_eq!(intersection_union(&[0.0, p]), 1.0);
        }
        prop_assert!(!equal.interval.lies_above(f64::NAN) && !equal.interval.lies_below(f64::NAN));
        prop_assert!(!equal.interval.lies_within(f64::NAN));
    }
}

// Equivalence.
proptest! {
    #[test]
    fn two_one_sided_tests_agree_with_the_interval(
        values in differences(),
        margin in 0.0..80.0,
        alpha in levels(),
    ) {
        let found = tost(&sample(values), margin, alpha);
        prop_assume!((found.p - alpha.level()).abs() > ON_THE_BOUNDARY);
        prop_assert_eq!(found.p < alpha.level(), found.interval.lies_within(margin));
    }

    #[test]
    fn a_wider_margin_never_weakens_equivalence(
        values in differences(),
        a in 0.0..80.0,
        b in 0.0..80.0,
        alpha in levels(),
    ) {
        let found = sample(values);
        let (narrow, wide) = (f64::min(a, b), f64::max(a, b));
        prop_assert!(tost(&found, wide, alpha).p <= tost(&found, narrow, alpha).p);
    }

    #[test]
    fn without_a_margin_nothing_is_equivalent(values in differences(), margin in -50.0..=0.0, alpha in levels()) {
        let found = tost(&sample(values), margin, alpha);
        prop_assert!(found.p >= 0.5);
        prop_assert!(!found.interval.lies_within(margin));
    }
}

// Multiplicity.
proptest! {
    #[test]
    fn holm_never_lies_below_raw_nor_above_bonferroni(p in probabilities()) {
        for (raw, adjusted) in p.iter().zip(holm(&p)) {
            prop_assert!(*raw <= adjusted && adjusted <= (raw * p.len() as f64).min(1.0));
        }
    }

    #[test]
    fn holm_keeps_the_order_of_p(p in probabilities()) {
        let adjusted = holm(&p);
        for (raw, one) in p.iter().zip(&adjusted) {
            for (other_raw, other) in p.iter().zip(&adjusted) {
                prop_assert!(raw > other_raw || one <= other);
            }
        }
    }

    #[test]
    fn holm_does_not_depend_on_the_order_of_cells(
        (p, order) in probabilities().prop_flat_map(|p| {
            let order = Just((0..p.len()).collect::<Vec<_>>()).prop_shuffle();
            (Just(p), order)
        }),
    ) {
        let shuffled: Vec<f64> = order.iter().map(|&cell| p[cell]).collect();
        let adjusted = holm(&p);
        let expected: Vec<f64> = order.iter().map(|&cell| adjusted[cell]).collect();
        prop_assert_eq!(holm(&shuffled), expected);
    }

    #[test]
    fn a_weaker_cell_never_strengthens_a_partial_conjunction(
        p in probabilities(),
        cell in any::<prop::sample::Index>(),
        weaker in 0.0..=1.0,
        at_least in 1..20_usize,
    ) {
        let mut raised = p.clone();
        let cell = cell.index(p.len());
        raised[cell] = raised[cell].max(weaker);
        prop_assert!(partial_conjunction(&p, at_least) <= partial_conjunction(&raised, at_least));
        prop_assert!(intersection_union(&p) <= intersection_union(&raised));
    }

    #[test]
    fn a_partial_conjunction_of_all_is_the_intersection_union(p in probabilities()) {
        prop_assert_eq!(partial_conjunction(&p, p.len()), intersection_union(&p));
        let smallest = p.iter().copied().fold(1.0, f64::min);
        prop_assert_eq!(partial_conjunction(&p, 1), (p.len() as f64 * smallest).min(1.0));
    }

    #[test]
    fn a_partial_conjunction_is_never_below_its_own_p(
        p in probabilities(),
        at_least in 1..20_usize,
    ) {
        let found = partial_conjunction(&p, at_least);
        let reached = p.iter().filter(|p| **p <= found).count();
        prop_assert!(reached >= at_least.min(p.len()));
        prop_assert!((0.0..=1.0).contains(&found));
    }
}
