//! The statistics against other implementations: scipy, statsmodels, R's documentation, NIST and
//! published tables.
//!
//! `goldens/statistics/make_reference.py` makes `reference.json`, a grid of values by scipy and
//! statsmodels; the literals below are values that a reader can look up or recompute by hand.

use repro::stats::*;

mod a_sample;
mod reference;
mod replicates;
mod sequential_designs;

/// The relative tolerance of values that both sides compute in double precision. The largest
/// difference found is 1.2e-10, in Welch's t of two means that nearly agree, where the reference's
/// sums cancel; then 9e-11, in the normal tail at 1. A wrong formula, degree of freedom or tail
/// changes the first digits.
const RELATIVE: f64 = 1e-9;

/// Checks that `found` rounds to the printed `digits`, within half a unit of their last place.
#[track_caller]
fn assert_rounds_to(found: f64, digits: &str) {
    let (mantissa, exponent) = digits.split_once('e').unwrap_or((digits, "0"));
    let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let last_place = exponent.parse::<i32>().unwrap() - decimals as i32;
    let expected: f64 = digits.parse().unwrap();
    // Slightly over one half, for the binary rounding of the comparison itself.
    let allowed = 0.500_001 * 10f64.powi(last_place);
    assert!((found - expected).abs() <= allowed, "{found} does not round to {digits}");
}

#[track_caller]
fn assert_agrees(found: f64, expected: f64, what: &dyn std::fmt::Debug) {
    let allowed = RELATIVE * expected.abs().max(f64::MIN_POSITIVE);
    assert!((found - expected).abs() <= allowed, "{found} differs from {expected} for {what:?}");
}

fn sample(values: &[f64]) -> Sample {
    Sample::new(values.to_vec()).unwrap()
}

fn alpha(level: f64) -> Alpha {
    Alpha::new(level).unwrap()
}

/// R's `sleep` (Cushny and Peebles 1905, Student 1908): extra hours of sleep of ten patients with
/// one drug.
const FIRST_DRUG: [f64; 10] = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
/// The same patients with the other drug.
const SECOND_DRUG: [f64; 10] = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];

fn sleep_differences() -> Sample {
    differences(&FIRST_DRUG, &SECOND_DRUG)
}

fn differences(first: &[f64], second: &[f64]) -> Sample {
    Sample::new(first.iter().zip(second).map(|(a, b)| a - b).collect()).unwrap()
}

mod students_t {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        assert_rounds_to(t_quantile(0.975, 2.0), "4.30265272975");
        assert_rounds_to(t_quantile(0.975, 4.0), "2.7764451052");
        assert_rounds_to(t_quantile(0.975, 9.0), "2.2621571628");
        assert_rounds_to(t_quantile(0.975, 17.776), "2.10282131038");
        assert_rounds_to(t_quantile(0.025, 9.0), "-2.2621571628");
        assert_eq!(t_quantile(0.5, 9.0), 0.0);
    }

    #[test]
    fn a_far_tail_keeps_its_digits() {
        assert_rounds_to(t_upper_tail(12.0, 9.0), "3.84994311149e-7");
        assert_rounds_to(t_upper_tail(100.0, 9.0), "2.5365448831e-15");
        assert_eq!(t_upper_tail(f64::INFINITY, 9.0), 0.0);
        assert_eq!(t_upper_tail(f64::NEG_INFINITY, 9.0), 1.0);
    }

    #[test]
    fn one_degree_of_freedom_is_cauchys_distribution() {
        for t in [-1e6_f64, -3.0, 0.25, 1.0, 40.0, 1e12] {
            let tail = f64::atan2(1.0, t) / std::f64::consts::PI;
            assert_agrees(t_upper_tail(t, 1.0), tail, &t);
            assert_agrees(t_upper_quantile(tail, 1.0), t, &tail);
        }
    }

    #[test]
    fn quantiles_undo_tails_however_small() {
        for df in [1.0, 1.5, 2.0, 9.0, 99.5] {
            for tail in [0.49, 0.1, 1e-3, 1e-9, 1e-60, 1e-150] {
                assert_agrees(t_upper_tail(t_upper_quantile(tail, df), df), tail, &(df, tail));
            }
        }
    }

    #[test]
    fn an_undefined_result_is_not_a_number() {
        assert!(t_upper_tail(f64::NAN, 9.0).is_nan());
        for df in [f64::NAN, 0.0, -1.0] {
            assert!(t_upper_tail(1.0, df).is_nan());
            assert!(t_upper_quantile(0.025, df).is_nan());
        }
        for tail in [f64::NAN, -0.1, 1.1] {
            assert!(t_upper_quantile(tail, 9.0).is_nan());
            assert!(t_quantile(tail, 9.0).is_nan());
            assert!(normal_upper_quantile(tail).is_nan());
        }
        assert_eq!(t_upper_quantile(0.0, 9.0), f64::INFINITY);
        assert_eq!(t_upper_quantile(1.0, 9.0), f64::NEG_INFINITY);
    }
}

mod t_tests {
    use super::*;

    #[test]
    fn welch_on_sleep_is_what_r_prints() {
        let (first, second) = (sample(&FIRST_DRUG), sample(&SECOND_DRUG));
        let welch = welch_contrast(&[(1.0, &first), (-1.0, &second)], 0.0);
        assert_rounds_to(welch.t, "-1.86081346749");
        assert_rounds_to(welch.degrees_of_freedom, "17.7764735162");
        assert_rounds_to(welch.p_two_sided(), "0.0793941401874");
        let interval = welch.interval(Alpha::CONVENTIONAL);
        assert_rounds_to(interval.low, "-3.36548323071");
        assert_rounds_to(interval.high, "0.205483230712");
    }

    #[test]
    fn paired_t_on_sleep_is_what_r_prints() {
        let paired = paired_t(&sleep_differences(), 0.0);
        assert_rounds_to(paired.t, "-4.06212768338");
        assert_rounds_to(paired.p_two_sided(), "0.00283289019738");
        assert_eq!(paired.degrees_of_freedom, 9.0);
        let interval = t_interval(&sleep_differences(), Alpha::CONVENTIONAL);
        assert_rounds_to(interval.low, "-2.45988576328");
        assert_rounds_to(interval.high, "-0.700114236723");
        assert_eq!(paired.interval(Alpha::CONVENTIONAL), interval);
    }

    #[test]
    fn tost_on_sleep_is_what_statsmodels_prints() {
        let found = tost(&sleep_differences(), 2.5, Alpha::CONVENTIONAL);
        assert_rounds_to(found.p, "0.0211168602465");
        assert!(found.interval.lies_within(2.5));
    }

    /// Accuracies after the last epoch, 3 blocks, in the authors' logs, seeds 20000000 to 20900000
    /// in steps of 100000.
    #[test]
    fn the_authors_svhn_logs_show_robust_ahead_by_22_points() {
        let robust = [
            72.1842, 71.6695, 70.0907, 73.6978, 70.6899, 68.9690, 71.9614, 73.0524, 69.0304,
            70.5747,
        ];
        let natural = [
            53.2575, 47.6798, 48.8053, 52.5353, 51.4789, 45.0407, 44.2532, 50.6607, 45.9665,
            51.9975,
        ];
        let found = differences(&robust, &natural);
        assert_rounds_to(found.mean(), "22.02446");
        assert_rounds_to(paired_t(&found, 0.0).t, "24.6770296220");
        let interval = t_interval(&found, Alpha::CONVENTIONAL);
        assert_rounds_to(interval.low, "20.0054653840");
        assert_rounds_to(interval.high, "24.0434546160");
    }

    #[test]
    fn the_authors_cifar100_logs_leave_200_images_open() {
        let robust = [14.06, 13.67, 12.58, 12.55, 13.12, 12.64, 13.69, 12.68, 13.81, 13.79];
        let natural = [13.79, 12.79, 12.20, 12.33, 12.54, 13.69, 12.93, 13.86, 12.51, 13.90];
        let found = differences(&robust, &natural);
        assert_rounds_to(found.mean(), "0.205");
        let interval = t_interval(&found, Alpha::CONVENTIONAL);
        assert_rounds_to(interval.low, "-0.365835587043");
        assert_rounds_to(interval.high, "0.775835587043");
        assert!(interval.contains(0.0));
    }

    #[test]
    fn without_spread_any_difference_is_certain_and_no_difference_has_p_one_half() {
        let equal = sample(&[2.0, 2.0]);
        let above = paired_t(&equal, 1.0);
        assert_eq!((above.t, above.p_greater, above.p_less), (f64::INFINITY, 0.0, 1.0));
        let below = paired_t(&equal, 3.0);
        assert_eq!((below.t, below.p_greater, below.p_less), (f64::NEG_INFINITY, 1.0, 0.0));
        let at = paired_t(&equal, 2.0);
        assert_eq!((at.t, at.p_greater, at.p_less), (0.0, 0.5, 0.5));
        assert_eq!(welch_contrast(&[(1.0, &equal), (-1.0, &equal)], 0.0).p_greater, 0.5);
    }

    #[test]
    fn an_empty_contrast_or_a_nan_null_shows_nothing() {
        let found = welch_contrast(&[], -1.0);
        assert!(found.t.is_nan() && found.p_greater.is_nan() && found.p_less.is_nan());
        let unknown = paired_t(&sleep_differences(), f64::NAN);
        assert!(unknown.p_greater.is_nan() && unknown.p_less.is_nan());
        let spread = sample(&[1.0, 2.0]);
        assert!(welch_contrast(&[(f64::NAN, &spread)], 0.0).p_greater.is_nan());
        assert!(tost(&spread, f64::NAN, Alpha::CONVENTIONAL).p.is_nan());
    }

    #[test]
    fn an_arm_with_all_the_spread_gives_all_the_degrees_of_freedom() {
        let equal = sample(&[1.0; 5]);
        let spread = sample(&[1.0, 2.0, 4.0]);
        let found = welch_contrast(&[(1.0, &spread), (-1.0, &equal)], 0.0);
        assert_agrees(found.degrees_of_freedom, 2.0, &"k - 1 of the spread arm");
        assert_agrees(found.standard_error, spread.standard_error(), &"its standard error");
    }
}

mod multiplicity {
    use super::*;

    #[test]
    fn holm_steps_down() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, digits) in adjusted.iter().zip(["0.03", "0.06", "0.06", "0.02"]) {
            assert_rounds_to(*found, &format!("{digits}0000000000"));
        }
        assert_eq!(holm(&[]), Vec::<f64>::new());
    }

    #[test]
    fn a_missing_p_counts_as_one() {
        assert_eq!(holm(&[f64::NAN, 0.01]), [1.0, 0.02]);
        assert_eq!(intersection_union(&[0.01, f64::NAN]), 1.0);
        assert_eq!(partial_conjunction(&[0.01, f64::NAN, 0.01], 2), 0.02);
        assert_eq!(partial_conjunction(&[0.01, f64::NAN, 0.01], 3), 1.0);
    }

    #[test]
    fn a_partial_conjunction_lies_between_bonferroni_and_the_largest_p() {
        let p = [0.03, 0.001, 0.02, 0.2];
        assert_eq!(partial_conjunction(&p, 1), 4.0 * 0.001);
        assert_eq!(partial_conjunction(&p, 2), 3.0 * 0.02);
        assert_eq!(partial_conjunction(&p, 3), 2.0 * 0.03);
        assert_eq!(partial_conjunction(&p, 4), intersection_union(&p));
        assert_eq!(intersection_union(&p), 0.2);
    }

    #[test]
    fn no_tests_show_nothing() {
        assert_eq!(intersection_union(&[]), 1.0);
        assert_eq!(partial_conjunction(&[], 1), 1.0);
        assert_eq!(partial_conjunction(&[0.001], 0), 1.0);
        assert_eq!(partial_conjunction(&[0.001], 2), 1.0);
    }
}

mod anytime_evidence {
    use super::*;

    #[test]
    fn the_bayes_factor_has_its_closed_form() {
        assert_rounds_to(e_value(4.0, 5, 1.0), "6.36396103");
        assert_rounds_to(e_value(12.0, 3, 9.0), "17.46394366");
    }

    #[test]
    fn with_unit_g_five_seeds_never_decide_and_six_can() {
        let needed = 1.0 / Alpha::CONVENTIONAL.level();
        assert!(e_value(f64::INFINITY, 5, 1.0) < needed);
        assert!(e_value(f64::INFINITY, 6, 1.0) > needed);
        assert_agrees(e_value(f64::INFINITY, 5, 1.0), 36.0, &"(1 + 5)^(4/2)");
    }

    #[test]
    fn no_effect_is_evidence_for_the_null_and_the_sign_does_not_matter() {
        assert_agrees(e_value(0.0, 5, 1.0), 1.0 / 6f64.sqrt(), &"(1 + 5)^(-1/2)");
        assert_eq!(e_value(-4.0, 5, 1.0), e_value(4.0, 5, 1.0));
    }

    #[test]
    fn a_huge_t_approaches_the_limit_without_overflow() {
        assert_agrees(e_value(1e200, 6, 1.0), e_value(f64::INFINITY, 6, 1.0), &1e200);
        assert_agrees(e_value(1e200, 6, 1e30), (1.0 + 6e30_f64).powf(2.5), &"a wide prior");
    }

    #[test]
    fn an_undefined_result_is_not_a_number() {
        for (t, n, g) in [(f64::NAN, 5, 1.0), (4.0, 1, 1.0), (4.0, 0, 1.0)] {
            assert!(e_value(t, n, g).is_nan());
        }
        for g in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(e_value(4.0, 5, g).is_nan());
        }
    }
}

mod proportions {
    use super::*;

    #[test]
    fn wilson_brackets_an_accuracy_of_ninety_percent() {
        let interval = wilson(9012, 10_000, Alpha::CONVENTIONAL).unwrap();
        assert_rounds_to(interval.low, "0.895196632502");
        assert_rounds_to(interval.high, "0.906895247206");
    }

    #[test]
    fn wilson_stays_within_nought_and_one() {
        assert_eq!(wilson(0, 30, Alpha::CONVENTIONAL).unwrap().low, 0.0);
        assert_eq!(wilson(30, 30, Alpha::CONVENTIONAL).unwrap().high, 1.0);
    }

    #[test]
    fn counts_must_make_a_proportion() {
        assert_eq!(wilson(0, 0, Alpha::CONVENTIONAL), Err(ProportionError::NoTrials));
        let swapped = wilson(10, 9, Alpha::CONVENTIONAL);
        let expected = ProportionError::MoreSuccessesThanTrials { successes: 10, trials: 9 };
        assert_eq!(swapped, Err(expected));
    }

    #[test]
    fn mcnemar_counts_coin_tosses() {
        assert_agrees(mcnemar_exact(0, 10), 2.0 / 1024.0, &"ten heads in a row, either way");
        assert_agrees(mcnemar_exact(1, 4), 2.0 * 6.0 / 32.0, &"at most one head in five");
        assert_eq!(mcnemar_exact(0, 0), 1.0);
        assert_eq!(mcnemar_exact(7, 7), 1.0);
        assert_eq!(mcnemar_exact(14, 3), mcnemar_exact(3, 14));
    }

    #[test]
    fn mcnemar_of_counts_beyond_any_test_set_is_still_a_probability() {
        let p = mcnemar_exact(1_000_000_000, 1_000_100_000);
        assert!(0.0 < p && p < 1.0, "{p}");
        assert_eq!(mcnemar_exact(0, u64::MAX), 0.0);
    }
}

mod predictions {
    use super::*;

    #[test]
    fn a_prediction_interval_is_wider_and_shrinks_with_more_seeds() {
        let found = sleep_differences();
        let own = t_interval(&found, Alpha::CONVENTIONAL);
        let one = prediction_interval(&found, 1, Alpha::CONVENTIONAL);
        let ten = prediction_interval(&found, 10, Alpha::CONVENTIONAL);
        assert!(own.width() < ten.width() && ten.width() < one.width());
        // As many seeds again: the variance doubles.
        assert_agrees(ten.width(), own.width() * 2f64.sqrt(), &"k = k published");
    }

    #[test]
    fn no_published_seed_is_compatible_with_everything() {
        let open = prediction_interval(&sleep_differences(), 0, Alpha::CONVENTIONAL);
        assert!(open.contains(f64::MAX) && open.contains(f64::MIN));
    }
}

mod bootstraps {
    use super::*;

    #[test]
    fn the_ends_are_order_statistics_of_the_resampled_means() {
        // Resample r draws the r-th of forty values forty times: its mean is r.
        let values = Sample::new((0..40).map(f64::from).collect()).unwrap();
        let mut drawn = 0;
        let draw = |n: usize| {
            drawn += 1;
            (drawn - 1) / n
        };
        let resamples = 40.try_into().unwrap();
        let interval = percentile_bootstrap(&values, resamples, draw, Alpha::CONVENTIONAL);
        assert_eq!((interval.low, interval.high), (1.0, 38.0));
    }

    /// If every binomial draw is its mean, every resample equals the observed data.
    #[test]
    fn a_resample_of_tallies_equals_the_data_if_every_draw_is_its_mean() {
        let tallies = [vec![(-1.0, 100), (0.0, 300), (2.0, 600)], vec![(0.5, 7)]];
        let mean = |n: u64, p: f64| (n as f64 * p).round() as u64;
        let resamples = 40.try_into().unwrap();
        let interval = tallied_bootstrap(&tallies, resamples, mean, Alpha::CONVENTIONAL);
        assert_eq!((interval.low, interval.high), (1.1 + 0.5, 1.1 + 0.5));
        // Without successes every count goes to the last value, with only successes to the first.
        let none = tallied_bootstrap(&tallies, resamples, |_, _| 0, Alpha::CONVENTIONAL);
        assert_eq!(none.low, 2.0 + 0.5);
        let all = tallied_bootstrap(&tallies, resamples, |n, _| n, Alpha::CONVENTIONAL);
        assert_eq!(all.high, -1.0 + 0.5);
    }

    /// The same interval as by drawing item after item, within the accuracy of 4,000 resamples.
    #[test]
    fn drawing_tallies_and_drawing_items_agree() {
        use rand::{RngExt, SeedableRng};
        use rand_distr::Distribution;
        let mut generator = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let items: Vec<f64> = (0..400).map(|at| f64::from(at % 5) - 1.5).collect();
        let resamples = 4000.try_into().unwrap();
        let values = Sample::new(items).unwrap();
        let draw = |n: usize| generator.random_range(0..n);
        let one_by_one = percentile_bootstrap(&values, resamples, draw, Alpha::CONVENTIONAL);
        let tally: Vec<(f64, u64)> = (0..5).map(|at| (f64::from(at) - 1.5, 80)).collect();
        let binomial =
            |n: u64, p: f64| rand_distr::Binomial::new(n, p).unwrap().sample(&mut generator);
        let at_once = tallied_bootstrap(&[tally], resamples, binomial, Alpha::CONVENTIONAL);
        // A standard error of .07; its 2.5 % point is known to .003 by so many resamples.
        assert!((one_by_one.low - at_once.low).abs() < 0.012, "{one_by_one:?} {at_once:?}");
        assert!((one_by_one.high - at_once.high).abs() < 0.012, "{one_by_one:?} {at_once:?}");
    }
}
