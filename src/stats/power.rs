//! Power of a one-sided t test from the noncentral t distribution: the seeds it needs, and the
//! smallest effect it detects. Effects are measured from the margin, in standard deviations over
//! seeds; those of a [`TestDesign`], whose samples have standard deviations of their own, in the
//! metric's unit.

use super::distribution::{normal_upper_quantile, normal_upper_tail, t_upper_quantile};

/// Intervals of Simpson's rule; the tails then agree with scipy's to 1e-9.
const POINTS: u32 = 2000;
/// The largest number of seeds that is searched.
pub const MOST_SEEDS: usize = 10_000;

/// P(T > t) for the noncentral t with `df` degrees of freedom, from 1, and noncentrality `shift`: T
/// is a normal value with mean `shift` and variance 1, divided by the root of an independent mean
/// square. NaN if `df` is below 1.
#[must_use]
pub fn noncentral_t_upper_tail(t: f64, df: f64, shift: f64) -> f64 {
    if df.is_nan() || df < 1.0 {
        return f64::NAN;
    }
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
    if seeds < 2 {
        return 0.0;
    }
    let df = seeds as f64 - 1.0;
    let t = t_upper_quantile(level, df);
    noncentral_t_upper_tail(t, df, effect * (seeds as f64).sqrt())
}

/// The smallest number of seeds with power `target` against `effect` standard deviations; `None` if
/// it exceeds [`MOST_SEEDS`], as for an effect against the hypothesis.
#[must_use]
pub fn seeds_needed(effect: f64, level: f64, target: f64) -> Option<usize> {
    fewest(|seeds| power(effect, seeds, level) >= target)
}

/// The smallest number of seeds, from 2 to [`MOST_SEEDS`], for which `reaches` holds; it must hold
/// for every larger number too.
fn fewest(reaches: impl Fn(usize) -> bool) -> Option<usize> {
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

/// A t test over replicates that are not one independent sample: of arms that share none (Welch),
/// of folds of cross-validation, or of both.
#[derive(Clone, Debug, PartialEq)]
pub struct TestDesign {
    /// The variance over replicates of each independent sample, with the square of its weight: one
    /// of differences where replicates are paired, one an arm where arms share none.
    pub variances: Vec<f64>,
    /// Test items by training items, as in [`Sample::as_folds`](super::Sample::as_folds); 0 where
    /// replicates share none.
    pub test_to_train: f64,
}

impl TestDesign {
    /// The standard error of the contrast over `replicates` of each sample: √(Σ v·(1/k + ratio)).
    #[must_use]
    pub fn standard_error(&self, replicates: usize) -> f64 {
        let share = 1.0 / replicates as f64 + self.test_to_train;
        (self.variances.iter().sum::<f64>() * share).sqrt()
    }

    /// The degrees of freedom, those of Satterthwaite (1946) for several samples:
    /// (k − 1)·(Σ v)² / Σ v². NaN if no sample varies.
    #[must_use]
    pub fn degrees_of_freedom(&self, replicates: usize) -> f64 {
        let total: f64 = self.variances.iter().sum();
        let squares: f64 = self.variances.iter().map(|variance| variance * variance).sum();
        (replicates as f64 - 1.0) * total * total / squares
    }

    /// The power over `replicates` of each sample against `effect`, at a one-sided `level`; 0 for
    /// fewer than two. Of arms that share no replicates it is approximate, as Welch's test is.
    #[must_use]
    pub fn power(&self, effect: f64, replicates: usize, level: f64) -> f64 {
        if replicates < 2 {
            return 0.0;
        }
        let df = self.degrees_of_freedom(replicates);
        let t = t_upper_quantile(level, df);
        noncentral_t_upper_tail(t, df, effect / self.standard_error(replicates))
    }

    /// The smallest number of replicates of each sample with power `target` against `effect`;
    /// `None` if it exceeds [`MOST_SEEDS`], as for an effect against the hypothesis. More folds are
    /// further repetitions of the cross-validation, whose ratio stays.
    #[must_use]
    pub fn needed(&self, effect: f64, level: f64, target: f64) -> Option<usize> {
        fewest(|replicates| self.power(effect, replicates, level) >= target)
    }

    /// Whether no number of replicates has power `target` against `effect`: folds share training
    /// items, so their standard error has a limit.
    #[must_use]
    pub fn never(&self, effect: f64, level: f64, target: f64) -> bool {
        let limit = (self.variances.iter().sum::<f64>() * self.test_to_train).sqrt();
        let shift = effect / limit;
        effect <= 0.0 || normal_upper_tail(normal_upper_quantile(level) - shift) < target
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The other cases are compared with scipy in `goldens/statistics`.
    #[test]
    fn too_few_seeds_and_effects_against_the_hypothesis_have_no_power() {
        for df in [0.0, 0.5, -1.0, f64::NAN] {
            assert!(noncentral_t_upper_tail(1.0, df, 1.0).is_nan(), "{df}");
        }
        assert_eq!(power(10.0, 1, 0.025), 0.0);
        assert!(detectable(1, 0.025, 0.8).is_infinite());
        assert_eq!(seeds_needed(0.0, 0.025, 0.8), None);
        assert_eq!(seeds_needed(-1.0, 0.025, 0.8), None);
    }

    #[test]
    fn one_sample_that_shares_nothing_is_the_paired_design() {
        let design = TestDesign { variances: vec![4.0], test_to_train: 0.0 };
        for effect in [0.5, 1.0, 3.0] {
            assert_eq!(design.needed(2.0 * effect, 0.025, 0.8), seeds_needed(effect, 0.025, 0.8));
            assert!(!design.never(effect, 0.025, 0.8));
        }
        assert!(design.never(0.0, 0.025, 0.8));
    }

    #[test]
    fn folds_have_an_effect_that_no_number_of_them_finds() {
        let folds = TestDesign { variances: vec![1.0], test_to_train: 1.0 / 9.0 };
        // z(.025) + z(.2) standard errors, of which no more than a third of a deviation is left.
        let least = (1.959_964 + 0.841_621) / 3.0;
        assert!(folds.never(least - 1e-3, 0.025, 0.8));
        assert!(!folds.never(least + 1e-3, 0.025, 0.8));
        assert_eq!(folds.needed(least - 1e-3, 0.025, 0.8), None);
    }
}
