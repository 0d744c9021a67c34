//! Whether a published mean is compatible with a local sample.
//!
//! If the published values come from the same normal distribution as the sample, the published mean
//! lies in [`prediction_interval`] with exactly the stated probability, for any number of values on
//! either side. No published standard deviation is needed. If it is known, Welch's interval from
//! both is reported as well: it does not assume equal variances, and is approximate for few values.

use super::{
    Alpha, Interval, Sample, normal_upper_quantile, prediction_interval, t_upper_quantile,
    t_upper_tail,
};

/// The comparison of a published mean with a local sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Replication {
    /// The prediction interval for the mean of `k_published` further values.
    pub interval: Interval,
    /// (published − local mean) / (s·√(1/k + 1/k_published)), with the variances of folds where the
    /// sample's values are folds.
    pub t: f64,
    /// The two-sided p of `t`.
    pub p: f64,
}

/// Compares the mean of `k_published` published values with a local sample: the prediction
/// interval, with its t and two-sided p on k − 1 degrees of freedom. With `k_published` of 0 the
/// interval is unbounded, t is 0 and p is 1.
#[must_use]
pub fn replication(
    sample: &Sample,
    published: f64,
    k_published: usize,
    alpha: Alpha,
) -> Replication {
    let interval = prediction_interval(sample, k_published, alpha);
    if k_published == 0 {
        return Replication { interval, t: 0.0, p: 1.0 };
    }
    let shares = sample.variance_of_mean(sample.len()) + sample.variance_of_mean(k_published);
    let difference = published - sample.mean();
    let error = sample.standard_deviation() * shares.sqrt();
    // With an error of zero, t is infinite, except for a difference of zero.
    let t = if difference == 0.0 { 0.0 } else { difference / error };
    Replication { interval, t, p: 2.0 * t_upper_tail(t.abs(), sample.degrees_of_freedom()) }
}

/// The same for a published contrast Σ weight·mean of arms that share no values: each arm's mean has
/// the variance s²·(1/k + 1/k_published), and the degrees of freedom are those of Satterthwaite
/// (1946). One arm gives [`replication`]. With a `k_published` of 0, or without arms, the interval is
/// unbounded, t is 0 and p is 1.
#[must_use]
pub fn unpaired_replication(
    arms: &[(f64, &Sample)],
    published: f64,
    k_published: usize,
    alpha: Alpha,
) -> Replication {
    if k_published == 0 || arms.is_empty() {
        let interval = Interval { low: f64::NEG_INFINITY, high: f64::INFINITY };
        return Replication { interval, t: 0.0, p: 1.0 };
    }
    let mean: f64 = arms.iter().map(|(weight, sample)| weight * sample.mean()).sum();
    let variance = |(weight, sample): &(f64, &Sample)| {
        let shares = sample.variance_of_mean(sample.len()) + sample.variance_of_mean(k_published);
        (weight * sample.standard_deviation()).powi(2) * shares
    };
    let total: f64 = arms.iter().map(variance).sum();
    let freedom = if total == 0.0 {
        // No spread in any arm: the smallest degrees of freedom are conservative.
        let fewest = arms.iter().map(|(_, sample)| sample.degrees_of_freedom());
        fewest.fold(f64::INFINITY, f64::min)
    } else {
        let part =
            |arm: &(f64, &Sample)| (variance(arm) / total).powi(2) / arm.1.degrees_of_freedom();
        1.0 / arms.iter().map(part).sum::<f64>()
    };
    let (difference, error) = (published - mean, total.sqrt());
    let t = if difference == 0.0 { 0.0 } else { difference / error };
    let interval = Interval::around(mean, t_upper_quantile(alpha.level(), freedom) * error);
    Replication { interval, t, p: 2.0 * t_upper_tail(t.abs(), freedom) }
}

/// The approximate standard deviation over seeds, from the 95 % percentile bootstrap band of their
/// mean: the band is 2·z(.975) standard errors wide, and the bootstrap's standard error has k in
/// the denominator instead of k − 1. On the authors' seeds, where both are known, it is .93 to 1.09
/// of the true one. NaN for fewer than two seeds.
#[must_use]
pub fn spread_behind(band: Interval, seeds: usize) -> f64 {
    if seeds < 2 {
        return f64::NAN;
    }
    let seeds = seeds as f64;
    let z = normal_upper_quantile(Alpha::CONVENTIONAL.level());
    band.width() / (2.0 * z) * seeds.sqrt() * (seeds / (seeds - 1.0)).sqrt()
}

/// The interval for the published mean from both standard deviations: local mean ±
/// t(ν)·√(s²/k + s_published²/k_published), with the degrees of freedom ν of Satterthwaite (1946),
/// and with the variances of folds where the sample's values are folds. Unbounded if the published
/// standard deviation is unknown.
#[must_use]
pub fn with_both_spreads(
    sample: &Sample,
    spread_published: f64,
    k_published: usize,
    alpha: Alpha,
) -> Interval {
    if k_published < 2 || !spread_published.is_finite() {
        return Interval { low: f64::NEG_INFINITY, high: f64::INFINITY };
    }
    let overlap = sample.variance_of_mean(k_published) - 1.0 / k_published as f64;
    let k_published = k_published as f64;
    let (local, published) = (
        sample.standard_error().powi(2),
        spread_published.powi(2) / k_published + spread_published.powi(2) * overlap,
    );
    let total = local + published;
    let freedom = if total == 0.0 {
        sample.degrees_of_freedom().min(k_published - 1.0)
    } else {
        let part = |variance: f64, freedom: f64| (variance / total).powi(2) / freedom;
        1.0 / (part(local, sample.degrees_of_freedom()) + part(published, k_published - 1.0))
    };
    Interval::around(sample.mean(), t_upper_quantile(alpha.level(), freedom) * total.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Sample {
        Sample::new(vec![1.0, 2.0, 3.0, 4.0]).expect("four numbers")
    }

    #[test]
    fn a_mean_is_outside_the_interval_exactly_when_p_is_below_the_level() {
        for step in 0..200 {
            let published = f64::from(step) * 0.05 - 2.5;
            let found = replication(&sample(), published, 10, Alpha::CONVENTIONAL);
            assert_eq!(found.interval.contains(published), found.p >= 0.05, "{published}");
        }
        let equal = replication(&sample(), 2.5, 10, Alpha::CONVENTIONAL);
        assert_eq!((equal.t, equal.p), (0.0, 1.0));
    }

    /// scipy: `t.ppf(.975, 3)` is 3.1824463052837; s² is 5/3, and folds add 1/9 to both shares.
    #[test]
    fn folds_widen_the_interval_of_either_mean_by_what_they_share() {
        let folds = sample().as_folds(1.0 / 9.0);
        let found = replication(&folds, 5.0, 10, Alpha::CONVENTIONAL);
        let error = (5.0_f64 / 3.0 * (0.25 + 1.0 / 9.0 + 0.1 + 1.0 / 9.0)).sqrt();
        assert!((found.interval.high - (2.5 + 3.182_446_305_283_7 * error)).abs() < 1e-9);
        assert!((found.t - 2.5 / error).abs() < 1e-12);
        let both =
            |sample: &Sample| with_both_spreads(sample, 1.0, 10, Alpha::CONVENTIONAL).width();
        assert!(both(&folds) > both(&sample()));
        // As many folds as one likes: what they share stays.
        assert!(replication(&folds, 5.0, 1_000_000, Alpha::CONVENTIONAL).interval.width() > 5.6);
    }

    /// scipy, with variances 5/3 and 20/3: `s2 = 25/3 * (1/4 + 1/10)`, degrees of freedom
    /// `25 / ((1 + 16) / 3)`, `t.ppf(.975, 75/17)` = 2.6771735785.
    #[test]
    fn arms_that_share_nothing_add_their_variances() {
        let other = Sample::new(vec![2.0, 4.0, 6.0, 8.0]).expect("four numbers");
        let one = sample();
        let arms = [(1.0, &other), (-1.0, &one)];
        let found = unpaired_replication(&arms, 2.5, 10, Alpha::CONVENTIONAL);
        let half = 2.677_173_578_5 * (25.0_f64 / 3.0 * 0.35).sqrt();
        assert!((found.interval.high - (2.5 + half)).abs() < 1e-6, "{found:?}");
        assert_eq!((found.t, found.p), (0.0, 1.0));
        let alone = unpaired_replication(&[(1.0, &one)], 5.0, 10, Alpha::CONVENTIONAL);
        let same = replication(&one, 5.0, 10, Alpha::CONVENTIONAL);
        assert!((alone.t - same.t).abs() < 1e-12 && (alone.p - same.p).abs() < 1e-12);
        assert!((alone.interval.low - same.interval.low).abs() < 1e-9);
    }

    #[test]
    fn no_published_value_is_compatible_with_everything() {
        let nothing = replication(&sample(), 7.0, 0, Alpha::CONVENTIONAL);
        assert_eq!(nothing.p, 1.0);
        assert!(nothing.interval.contains(1e9));
        assert!(spread_behind(Interval { low: 0.0, high: 1.0 }, 1).is_nan());
        assert!(with_both_spreads(&sample(), f64::NAN, 10, Alpha::CONVENTIONAL).contains(1e9));
    }

    /// A standard error of 1 over four seeds: a spread of 2 by the denominator k.
    #[test]
    fn the_spread_behind_a_band_is_its_standard_error_times_the_seeds() {
        let z = normal_upper_quantile(Alpha::CONVENTIONAL.level());
        let found = spread_behind(Interval::around(7.0, z), 4);
        assert!((found - 4.0 / 3.0_f64.sqrt()).abs() < 1e-12, "{found}");
        assert!(spread_behind(Interval::around(7.0, z), 1).is_nan());
    }

    /// Equal variances of both means, with 3 and 9 degrees of freedom.
    #[test]
    fn the_degrees_of_freedom_are_those_of_both_spreads() {
        let published = (10.0 * sample().standard_error().powi(2)).sqrt();
        let found = with_both_spreads(&sample(), published, 10, Alpha::CONVENTIONAL);
        let freedom = 4.0 / (1.0 / 3.0 + 1.0 / 9.0);
        let error = 2.0_f64.sqrt() * sample().standard_error();
        let half = t_upper_quantile(Alpha::CONVENTIONAL.level(), freedom) * error;
        assert!((found.width() - 2.0 * half).abs() < 1e-9, "{found:?}");
    }
}
