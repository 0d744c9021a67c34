//! Multiplicity: adjusted p and combined p over several cells.
//!
//! A cell that can't be judged has p = 1; NaN counts as 1. The judge selects the rule of a claim's
//! quantifier.

/// Holm's step-down adjustment (Holm 1979): adjusted p in the order of `p`, to be compared with
/// alpha.
///
/// Valid under any dependence between the tests. NaN counts as 1.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| counted(p[a]).total_cmp(&counted(p[b])));
    let mut adjusted = vec![1.0; p.len()];
    let mut largest = 0.0_f64;
    for (rank, &index) in order.iter().enumerate() {
        let remaining = (p.len() - rank) as f64;
        largest = largest.max((remaining * counted(p[index])).min(1.0));
        adjusted[index] = largest;
    }
    adjusted
}

/// The p of "at least `at_least` of these m alternatives are true": (m − u + 1)·p₍ᵤ₎ with the u-th
/// smallest p, at most 1 (the Bonferroni form of the partial conjunction of Benjamini and Heller
/// 2008).
///
/// Valid under any dependence between the tests. NaN counts as 1. With `at_least` of 0 or above m,
/// p is 1.
pub fn partial_conjunction(p: &[f64], at_least: usize) -> f64 {
    if at_least == 0 || at_least > p.len() {
        return 1.0;
    }
    let mut sorted: Vec<f64> = p.iter().copied().map(counted).collect();
    sorted.sort_by(f64::total_cmp);
    let factor = (p.len() - at_least + 1) as f64;
    (factor * sorted[at_least - 1]).min(1.0)
}

/// The p of "all of these alternatives are true": the largest of them (Berger 1982,
/// intersection-union).
///
/// No correction is needed under any dependence. NaN counts as 1; without any p the result is 1.
///
/// For comparison in tests and simulations; no verdict uses it.
pub fn intersection_union(p: &[f64]) -> f64 {
    p.iter().copied().map(counted).reduce(f64::max).unwrap_or(1.0)
}

/// A p clamped to 0 and 1; NaN counts as 1.
fn counted(p: f64) -> f64 {
    if p.is_nan() { 1.0 } else { p.clamp(0.0, 1.0) }
}
