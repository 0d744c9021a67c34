//! Whether a published mean is one that our seeds could have given.
//!
//! The question is answered by our seeds' own spread: if the published seeds are further draws of what
//! ours are drawn from, the published mean lies in [`prediction_interval`]
//! with exactly the stated chance, for any number of seeds on either side, and no spread of theirs is
//! needed. Where their spread is known as well, Welch's interval from both stands beside it: it does not
//! take the spreads for equal, and is approximate for few seeds.

use super::{
    Alpha, Interval, Sample, normal_upper_quantile, prediction_interval, t_upper_quantile,
    t_upper_tail,
};

/// A published mean beside a sample of ours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Replication {
    /// Where a mean of as many further seeds of ours would lie.
    pub interval: Interval,
    /// (published − ours) / (s·√(1/k + 1/k_published)).
    pub t: f64,
    /// The chance that a mean of as many further seeds of ours lies as far from ours or farther.
    pub p: f64,
}

/// Sets the mean of `k_published` published values beside a sample of ours: the prediction interval, and
/// the t and two-sided p that go with it, on k − 1 degrees of freedom. Without any published value the
/// interval is unbounded, t is 0 and p is 1.
#[must_use]
pub fn replication(ours: &Sample, published: f64, k_published: usize, alpha: Alpha) -> Replication {
    let interval = prediction_interval(ours, k_published, alpha);
    if k_published == 0 {
        return Replication { interval, t: 0.0, p: 1.0 };
    }
    let shares = 1.0 / ours.len() as f64 + 1.0 / k_published as f64;
    let difference = published - ours.mean();
    let error = ours.standard_deviation() * shares.sqrt();
    // No spread at all makes any difference infinitely large and none zero.
    let t = if difference == 0.0 { 0.0 } else { difference / error };
    Replication { interval, t, p: 2.0 * t_upper_tail(t.abs(), ours.degrees_of_freedom()) }
}

/// The standard deviation over seeds behind the 95 % percentile bootstrap's band for their mean, about:
/// the band is 2·z(.975) standard errors wide, and the bootstrap takes its standard error with k in the
/// denominator where the sample's has k − 1. On the authors' own seeds, of which both are known, it comes
/// to .93 to 1.09 of the true one. NaN for fewer than two seeds.
#[must_use]
pub fn spread_behind(band: Interval, seeds: usize) -> f64 {
    if seeds < 2 {
        return f64::NAN;
    }
    let seeds = seeds as f64;
    let z = normal_upper_quantile(Alpha::CONVENTIONAL.level());
    band.width() / (2.0 * z) * seeds.sqrt() * (seeds / (seeds - 1.0)).sqrt()
}

/// Where the published mean would lie by both spreads: ours ± t(ν)·√(s²/k + s_published²/k_published),
/// with the degrees of freedom ν of Satterthwaite (1946). Unbounded where the published spread is not
/// known.
#[must_use]
pub fn with_both_spreads(
    ours: &Sample,
    spread_published: f64,
    k_published: usize,
    alpha: Alpha,
) -> Interval {
    if k_published < 2 || !spread_published.is_finite() {
        return Interval { low: f64::NEG_INFINITY, high: f64::INFINITY };
    }
    let k_published = k_published as f64;
    let (own, theirs) = (ours.standard_error().powi(2), spread_published.powi(2) / k_published);
    let total = own + theirs;
    let freedom = if total == 0.0 {
        ours.degrees_of_freedom().min(k_published - 1.0)
    } else {
        let part = |variance: f64, freedom: f64| (variance / total).powi(2) / freedom;
        1.0 / (part(own, ours.degrees_of_freedom()) + part(theirs, k_published - 1.0))
    };
    Interval::around(ours.mean(), t_upper_quantile(alpha.level(), freedom) * total.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Sample {
        Sample::new(vec![1.0, 2.0, 3.0, 4.0]).expect("four numbers")
    }

    #[test]
    fn a_mean_is_outside_exactly_when_its_p_is_below_the_level() {
        for step in 0..200 {
            let published = f64::from(step) * 0.05 - 2.5;
            let found = replication(&sample(), published, 10, Alpha::CONVENTIONAL);
            assert_eq!(found.interval.contains(published), found.p >= 0.05, "{published}");
        }
        let equal = replication(&sample(), 2.5, 10, Alpha::CONVENTIONAL);
        assert_eq!((equal.t, equal.p), (0.0, 1.0));
    }

    #[test]
    fn what_was_not_published_is_compatible_with_everything() {
        let nothing = replication(&sample(), 7.0, 0, Alpha::CONVENTIONAL);
        assert_eq!(nothing.p, 1.0);
        assert!(nothing.interval.contains(1e9));
        assert!(spread_behind(Interval { low: 0.0, high: 1.0 }, 1).is_nan());
        assert!(with_both_spreads(&sample(), f64::NAN, 10, Alpha::CONVENTIONAL).contains(1e9));
    }
}
