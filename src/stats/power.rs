//! How many seeds a t test needs, and how small an effect it can see, from the noncentral t distribution.
//! One-sided; effects are counted from the margin, in standard deviations of a seed's value.

use super::distribution::{normal_upper_tail, t_upper_quantile};

/// Points of Simpson's rule; the tails then agree with scipy's to 1e-9.
const POINTS: u32 = 2000;
/// More seeds than this are as good as never.
pub const MOST_SEEDS: usize = 10_000;

/// P(T > t) for the noncentral t with `df` degrees of freedom and noncentrality `shift`: the chance of a
/// normal value of mean `shift`, over the root of an independent mean square. NaN where `df` is 0.
#[must_use]
pub fn noncentral_t_upper_tail(t: f64, df: u32, shift: f64) -> f64 {
    if df == 0 {
        return f64::NAN;
    }
    let df = f64::from(df);
    // The root of a mean square of df normal values has the density c w^(df-1) exp(-df w^2 / 2).
    let log_density = |w: f64| (df - 1.0) * w.ln() - df * w * w / 2.0;
    // What lies farther out is below 1e-18.
    let end = 1.0 + 9.0 / df.sqrt();
    let width = end / f64::from(POINTS);
    let peak = log_density(((df - 1.0) / df).sqrt().max(f64::MIN_POSITIVE));
    let peak = if df > 1.0 { peak } else { 0.0 };
    let (mut whole, mut above) = (0.0, 0.0);
    for point in 0..=POINTS {
        let weight = match point {
            0 | POINTS => 1.0,
            odd if odd % 2 == 1 => 4.0,
            _ => 2.0,
        };
        let w = width * f64::from(point);
        // At 0 one degree of freedom has density, more have none.
        let density = match (point, df > 1.0) {
            (0, true) => 0.0,
            (0, false) => 1.0,
            _ => (log_density(w) - peak).exp(),
        };
        whole += weight * density;
        above += weight * density * normal_upper_tail(t * w - shift);
    }
    // Divided by the same rule's own whole, which takes the constant and most of the rule's error out.
    above / whole
}

/// The chance that a test over `seeds` supports an effect of so many standard deviations, at a one-sided
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

/// The fewest seeds whose power reaches `power`; `None` where not even [`MOST_SEEDS`] do, as for an
/// effect against the hypothesis.
#[must_use]
pub fn seeds_needed(effect: f64, level: f64, wanted: f64) -> Option<usize> {
    let reaches = |seeds: usize| power(effect, seeds, level) >= wanted;
    // Power rises with seeds: doubled until they do, then halved in between.
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

/// The smallest effect, in standard deviations, that so many seeds support with the chance `power`;
/// infinite for fewer than two.
#[must_use]
pub fn detectable(seeds: usize, level: f64, wanted: f64) -> f64 {
    if seeds < 2 {
        return f64::INFINITY;
    }
    let (mut low, mut high) = (0.0, 1.0);
    while power(high, seeds, level) < wanted {
        high *= 2.0;
    }
    // To a part in 2^50 of an effect.
    for _ in 0..50 {
        let between = f64::midpoint(low, high);
        if power(between, seeds, level) < wanted {
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

    /// What there is no power for; the rest is held to scipy's by `goldens/statistics`.
    #[test]
    fn too_few_seeds_and_effects_against_the_hypothesis_have_no_answer() {
        assert!(noncentral_t_upper_tail(1.0, 0, 1.0).is_nan());
        assert_eq!(power(10.0, 1, 0.025), 0.0);
        assert!(detectable(1, 0.025, 0.8).is_infinite());
        assert_eq!(seeds_needed(0.0, 0.025, 0.8), None);
        assert_eq!(seeds_needed(-1.0, 0.025, 0.8), None);
    }
}
