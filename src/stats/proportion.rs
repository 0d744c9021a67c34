//! Proportions over test images: the interval of one accuracy, and tests between two models.
//!
//! They describe the sampling error of a finite test set for fixed models, not the variation over
//! seeds.

use super::distribution::normal_upper_quantile;
use super::interval::{Alpha, Interval};
use statrs::distribution::{Binomial, DiscreteCDF};
use statrs::function::factorial::ln_binomial;

/// Why counts don't make a proportion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProportionError {
    /// No trials.
    #[error("failed to take a proportion of 0 trials: the test set is empty")]
    NoTrials,
    /// More successes than trials.
    #[error(
        "failed to take a proportion: {successes} successes in {trials} trials, \
         the counts may be swapped"
    )]
    MoreSuccessesThanTrials {
        /// The successes.
        successes: u64,
        /// The trials.
        trials: u64,
    },
}

/// Wilson's score interval (Wilson 1927) for a proportion at confidence 1 − 2·alpha, as fractions
/// within 0 and 1.
///
/// For comparison in tests and simulations; no verdict uses it.
///
/// # Errors
/// [`ProportionError`] if there are no trials, or more successes than trials.
pub fn wilson(successes: u64, trials: u64, alpha: Alpha) -> Result<Interval, ProportionError> {
    if trials == 0 {
        return Err(ProportionError::NoTrials);
    }
    if successes > trials {
        return Err(ProportionError::MoreSuccessesThanTrials { successes, trials });
    }
    let n = trials as f64;
    let p = successes as f64 / n;
    let z = normal_upper_quantile(alpha.level());
    let widening = 1.0 + z * z / n;
    let centre = (p + z * z / (2.0 * n)) / widening;
    let half = z / widening * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    // At 0 and n successes an end is exactly 0 or 1; the subtraction may miss it by a rounding
    // error.
    let low = if successes == 0 { 0.0 } else { (centre - half).max(0.0) };
    let high = if successes == trials { 1.0 } else { (centre + half).min(1.0) };
    Ok(Interval { low, high })
}

/// P(X ≥ successes) for X binomial with `trials` trials of probability `probability`.
///
/// # Panics
/// If `probability` is not within 0 and 1.
pub(crate) fn binomial_upper_tail(trials: usize, successes: usize, probability: f64) -> f64 {
    let binomial = Binomial::new(probability, trials as u64).expect("a probability");
    match successes {
        0 => 1.0,
        least => binomial.sf(least as u64 - 1),
    }
}

/// The exact two-sided p of McNemar's test (McNemar 1947, by the binomial) that two models have
/// equal accuracy on the same images, from the numbers of images that only the first and only the
/// second classifies correctly.
///
/// Images that both or neither classify correctly do not count. If none is left, p is 1.
///
/// For comparison in tests and simulations; no verdict uses it.
pub fn mcnemar_exact(only_first: u64, only_second: u64) -> f64 {
    let fewer = only_first.min(only_second);
    let n = only_first.saturating_add(only_second);
    // P(X = fewer) for X binomial with n trials of probability 1/2, then the smaller terms by their
    // ratio.
    let mut term = (ln_binomial(n, fewer) - n as f64 * std::f64::consts::LN_2).exp();
    let mut tail = term;
    for successes in (1..=fewer).rev() {
        term *= successes as f64 / (n - successes + 1) as f64;
        tail += term;
        if term <= tail * (f64::EPSILON / 2.0) {
            break;
        }
    }
    (2.0 * tail).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy.stats.binom.sf(successes - 1, trials, probability).
    #[test]
    fn the_upper_tail_of_the_binomial_is_scipy_s() {
        for (trials, successes, probability, tail) in [
            (10, 0, 0.025, 1.0),
            (10, 1, 0.025, 0.223_670_379_143_562_22),
            (10, 3, 0.3, 0.617_217_213_600_000_3),
            (10, 10, 0.3, 5.904_899_999_999_997_5e-6),
            (90, 5, 0.025, 0.075_511_887_077_981_98),
            (1000, 60, 0.05, 0.086_732_178_384_861_03),
            (4, 4, 0.0, 0.0),
            (4, 1, 1.0, 1.0),
            (4, 5, 0.5, 0.0),
        ] {
            let found = binomial_upper_tail(trials, successes, probability);
            let case = (trials, successes, probability);
            assert!((found - tail).abs() <= 1e-9 * tail, "{case:?}: {found}, not {tail}");
        }
    }
}
