//! Anytime-valid evidence, which may be evaluated after every seed, for runs without a planned end.
//!
//! It has less power than a planned design with few looks. The claim fixes g in advance.

/// The Bayes factor of an effect against none, given the t statistic of `n` values:
/// (1 + n·g)^−½ · \[(1 + t²/ν) / (1 + t²/(ν·(1 + n·g)))\]^(n/2) with ν = n − 1.
///
/// The effect in standard deviations has a normal prior with mean 0 and variance `g`: the integrand
/// of the Bayes factor of Rouder et al. 2009 at one g. It is an e-value: without an effect, the
/// probability that it ever reaches 1/alpha, evaluated after every seed, is at most alpha
/// (Hendriksen, de Heide and Grünwald 2021). It is two-sided: evidence for a positive effect also
/// requires t > 0.
///
/// An infinite `t` gives the limit, (1 + n·g)^(ν/2). NaN when `n` is below 2, `t` is NaN, or `g` is
/// not above zero and finite.
pub fn e_value(t: f64, n: usize, g: f64) -> f64 {
    if n < 2 || t.is_nan() || !g.is_finite() || g <= 0.0 {
        return f64::NAN;
    }
    let n = n as f64;
    let growth = 1.0 + n * g;
    let squared = t * t / (n - 1.0);
    // The bracket's reciprocal, (1 + x/c)/(1 + x), written so that an infinite x gives its limit
    // 1/c.
    let shrunk = 1.0 / growth + (n * g / growth) / (1.0 + squared);
    (-0.5 * growth.ln() - 0.5 * n * shrunk.ln()).exp()
}
