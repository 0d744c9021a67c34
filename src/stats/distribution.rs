//! Tails and quantiles of Student's t and of the normal distribution, that never panic and keep
//! small tails.
//!
//! `statrs` supplies the incomplete beta and error functions. This module leaves `1 − cdf` and
//! `statrs`'s own inverse alone: the first loses every tail below 1e-16, the second is given no
//! bound on its steps.

use statrs::distribution::{Continuous, ContinuousCDF, StudentsT};
use statrs::function::erf::{erfc, erfc_inv};

/// Newton's method squares its error: after a step this small in ln t, what is left is below
/// rounding.
const SETTLED: f64 = 1e-10;
/// Steps after which a quantile is what it is: next to a tail of one half, rounding alone may keep
/// it moving.
const MOST_STEPS: usize = 200;

/// P(T > t) for Student's t with `df` degrees of freedom, which may be fractional.
///
/// Small tails are kept: P(T > 100) with 9 degrees of freedom is 2.5e-15. NaN when `t` is NaN or
/// `df` is not above zero.
pub fn t_upper_tail(t: f64, df: f64) -> f64 {
    match StudentsT::new(0.0, 1.0, df) {
        Ok(distribution) if !t.is_nan() => distribution.sf(t),
        _ => f64::NAN,
    }
}

/// The `p` quantile of Student's t with `df` degrees of freedom, which may be fractional.
///
/// Infinite for `p` of 0 or 1, and NaN for `p` outside them or `df` not above zero. For a small
/// upper tail use [`t_upper_quantile`]: 1 − a keeps few of its digits.
pub fn t_quantile(p: f64, df: f64) -> f64 {
    if p < 0.5 { -t_upper_quantile(p, df) } else { t_upper_quantile(1.0 - p, df) }
}

/// The t that leaves the probability `tail` above it, with `df` degrees of freedom, which may be
/// fractional.
///
/// Infinite for a `tail` of 0 or 1, and NaN for one outside them or `df` not above zero. Tails are
/// told apart down to 1e-150; t would square to infinity not far below.
pub fn t_upper_quantile(tail: f64, df: f64) -> f64 {
    let Ok(distribution) = StudentsT::new(0.0, 1.0, df) else {
        return f64::NAN;
    };
    if !(0.0..=1.0).contains(&tail) {
        f64::NAN
    } else if tail == 0.5 {
        0.0
    } else if tail > 0.5 {
        -t_upper_quantile(1.0 - tail, df)
    } else if tail == 0.0 {
        f64::INFINITY
    } else {
        positive_quantile(&distribution, tail)
    }
}

/// Newton's method on ln P(T > t) against ln t, nearly straight in the far tail of any degrees of
/// freedom, and bisection wherever it would leave the bracket.
fn positive_quantile(distribution: &StudentsT, tail: f64) -> f64 {
    let mut low = f64::MIN_POSITIVE.ln();
    let mut high = f64::MAX.ln();
    let mut log_t = 0.0_f64;
    for _ in 0..MOST_STEPS {
        let t = log_t.exp();
        let above = distribution.sf(t);
        if above > tail {
            low = log_t;
        } else {
            high = log_t;
        }
        let slope = t * distribution.pdf(t) / above;
        let newton = log_t + (above / tail).ln() / slope;
        if (newton - log_t).abs() <= SETTLED {
            return newton.exp();
        }
        let inside = low < newton && newton < high;
        log_t = if inside { newton } else { f64::midpoint(low, high) };
    }
    log_t.exp()
}

/// P(Z > z) for a standard normal Z; NaN when `z` is.
pub fn normal_upper_tail(z: f64) -> f64 {
    0.5 * erfc(z / std::f64::consts::SQRT_2)
}

/// The z that leaves the probability `tail` above it under a standard normal; NaN for a `tail`
/// outside 0 to 1.
pub fn normal_upper_quantile(tail: f64) -> f64 {
    if (0.0..=1.0).contains(&tail) {
        std::f64::consts::SQRT_2 * erfc_inv(2.0 * tail)
    } else {
        f64::NAN
    }
}
