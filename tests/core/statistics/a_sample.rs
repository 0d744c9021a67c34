//! A sample: the values that it accepts, and its mean and standard deviation.

use super::*;

#[test]
fn needs_two_values() {
    assert_eq!(Sample::new(vec![]), Err(SampleError::TooFew { found: 0 }));
    assert_eq!(Sample::new(vec![1.0]), Err(SampleError::TooFew { found: 1 }));
    assert!(Sample::new(vec![1.0, 2.0]).is_ok());
}

#[test]
fn rejects_a_value_that_is_not_finite_with_its_index() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e101] {
        let refused = Sample::new(vec![1.0, bad, 2.0]);
        assert_eq!(refused, Err(SampleError::NotFinite { index: 1 }));
    }
}

#[test]
fn errors_say_what_to_do_next() {
    let few = SampleError::TooFew { found: 1 }.to_string();
    assert!(few.contains("1 value") && few.contains("run more seeds"), "{few}");
    let not_finite = SampleError::NotFinite { index: 3 }.to_string();
    assert!(not_finite.contains("value 3"), "{not_finite}");
}

/// NIST's Statistical Reference Datasets, univariate summary statistics, NumAcc1 to NumAcc4:
/// certified values for numbers whose spread is small relative to their size.
#[test]
fn holds_nists_certified_mean_and_standard_deviation() {
    let first = sample(&[10_000_001.0, 10_000_003.0, 10_000_002.0]);
    assert_eq!((first.mean(), first.standard_deviation()), (10_000_002.0, 1.0));
    // 1,001 values: the middle one, then 500 pairs a tenth below and above it. The input itself
    // is rounded to the spacing of numbers of its size, which limits the accuracy of any sum.
    for middle in [1.2_f64, 1_000_000.2, 10_000_000.2] {
        let pairs = (0..500).flat_map(|_| [middle - 0.1, middle + 0.1]);
        let found = Sample::new(std::iter::once(middle).chain(pairs).collect()).unwrap();
        let spacing = middle * f64::EPSILON;
        assert!((found.mean() - middle).abs() <= spacing, "{}", found.mean());
        let allowed = spacing + RELATIVE * 0.1;
        assert!((found.standard_deviation() - 0.1).abs() <= allowed, "around {middle}");
    }
}

#[test]
fn of_equal_values_has_exactly_that_mean_and_no_spread() {
    for (value, k) in [(0.1, 10), (72.184_2, 3), (-1e-9, 7), (1e100, 5)] {
        let equal = Sample::new(vec![value; k]).unwrap();
        assert_eq!((equal.mean(), equal.standard_deviation()), (value, 0.0));
    }
}

#[test]
fn without_spread_is_floored_at_half_the_resolution() {
    // Accuracy over 10,000 test images moves in steps of .01 points.
    let equal = sample(&[3.5, 3.5, 3.5]).with_resolution(0.01);
    assert_eq!(equal.standard_deviation(), 0.005);
    assert_rounds_to(equal.standard_error(), "0.0028867513459481");
    let interval = t_interval(&equal, Alpha::CONVENTIONAL);
    assert!(interval.low < 3.5 && 3.5 < interval.high);
}

#[test]
fn equal_on_paper_and_unequal_in_binary_is_floored_too() {
    let rounded = differences(&[85.3, 75.3, 65.3], &[80.1, 70.1, 60.1]);
    assert!(rounded.standard_deviation() > 0.0, "binary rounding spreads these");
    assert_eq!(rounded.with_resolution(0.1).standard_deviation(), 0.05);
}

#[test]
fn with_spread_is_left_alone_by_a_finer_resolution() {
    let spread = sample(&[1.0, 2.0, 4.0]);
    assert_eq!(spread.clone().with_resolution(0.01), spread);
    for nothing in [0.0, -1.0, f64::NAN] {
        assert_eq!(spread.clone().with_resolution(nothing), spread);
    }
}

#[test]
fn keeps_its_values_in_order() {
    assert_eq!(sample(&[3.0, 1.0, 2.0]).values(), [3.0, 1.0, 2.0]);
    assert_eq!(sample(&[3.0, 1.0, 2.0]).len(), 3);
}
