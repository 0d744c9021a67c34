//! Power of a one-sided t test from the noncentral t distribution: the seeds it needs, and the
//! smallest effect it detects. Effects are measured from the margin, in standard deviations over
//! seeds.

use super::distribution::{normal_upper_tail, t_upper_quantile};

/// Intervals of Simpson's rule; the tails then agree with scipy's to 1e-9.
const POINTS: u32 = 2000;
/// The largest number of seeds that is searched.
pub const MOST_SEEDS: usize = 10_000;

/// P(T > t) for the noncentral t with `df` degrees of freedom and noncentrality `shift`: T is a
/// normal value with mean `shift` and variance 1, divided by the root of an independent mean
/// square. NaN if `df` is 0.
#[must_use]
pub fn noncentral_t_upper_tail(t: f64, df: u32, shift: f64) -> f64 {
    if df == 0 {
        return f64::NAN;
    }
    let df = f64::from(df);
    // The root of a mean square of df normal values has the density c w^(df-1) exp(-df w^2 / 2).
    let log_density = |w: f64| (df - 1.0) * w.ln() - df * w * w / 2.0;
    // The probability beyond is below 1e-18.
    let end = 1.0 + 9.0 / df.sqrt();
    let width = end / f64::from(POINTS);
    let peak = log_density(((df - 1.0) / df).sqrt().max(f64::MIN_POSITIVE));
    let (mut whole, mut above) = (0.0, 0.0);
    for point in 0..=POINTS {
        let weight = match point {
            0 | POINTS => 1.0,
            odd if odd % 2 == 1 => 4.0,
            _ => 2.0,
        };
        let w = width * f64::from(point);
        // The density at 0 is positive only for one degree of freedom.
        let density = match (point, df > 1.0) {
            (0, true) => 0.0,
            (0, false) => 1.0,
            _ => (log_density(w) - peak).exp(),
        };
        whole += weight * density;
        above += weight * density * normal_upper_tail(t * w - shift);
    }
    // Dividing by the integral of the density by the same rule removes the constant and most of the
    // rule's error.
    above / whole
}

/// The power of a test over `seeds` seeds against `effect` standard deviations, at a one-sided
/// `level`; 0 for fewer than two seeds.
#[must_use]
pub fn power(effect: f64, seeds: usize, level: f64) -> f64 {
    let Some(df) = u32::try_from(seeds).ok().and_then(|seeds| seeds.checked_sub(1)) else {
        return 0.0;
    };
    if df == 0 {
        return 0.0;
    }
    let t = t_upper_quantile(level, f64::from(df));
    noncentral_t_upper_tail(t, df, effect * (seeds as f64).sqrt())
}

/// The smallest number of seeds with power `target` against `effect` standard deviations; `None` if
/// it exceeds [`MOST_SEEDS`], as for an effect against the hypothesis.
#[must_use]
pub fn seeds_needed(effect: f64, level: f64, target: f64) -> Option<usize> {
    let reaches = |seeds: usize| power(effect, seeds, level) >= target;
    // Power increases with seeds: doubling, then bisection.
    let mut enough = 2;
    while !reaches(enough) {
        enough *= 2;
        if enough > MOST_SEEDS {
            return None;
        }
    }
    let mut too_few = enough / 2;
    while enough - too_few > 1 {
        let between = usize::midpoint(too_few, enough);
        if reaches(between) {
            enough = between;
        } else {
            too_few = between;
        }
    }
    Some(enough)
}

/// The smallest effect, in standard deviations, that `seeds` seeds detect with power `target`;
/// infinite for fewer than two seeds.
#[must_use]
pub fn detectable(seeds: usize, level: f64, target: f64) -> f64 {
    if seeds < 2 {
        return f64::INFINITY;
    }
    let (mut low, mut high) = (0.0, 1.0);
    while power(high, seeds, level) < target {
        high *= 2.0;
    }
    // Relative precision 2^-50.
    for _ in 0..50 {
        let between = f64::midpoint(low, high);
        if power(between, seeds, level) < target {
            low = between;
        } else {
            high = between;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The other cases are compared with scipy in `goldens/statistics`.
    #[test]
    fn too_few_seeds_and_effects_against_the_hypothesis_have_no_power() {
        assert!(noncentral_t_upper_tail(1.0, 0, 1.0).is_nan());
        assert_eq!(power(10.0, 1, 0.025), 0.0);
        assert!(detectable(1, 0.025, 0.8).is_infinite());
        assert_eq!(seeds_needed(0.0, 0.025, 0.8), None);
        assert_eq!(seeds_needed(-1.0, 0.025, 0.8), None);
    }
}
