//! Many cells, one answer: what several p say together, and which of them still stand.
//!
//! A cell that can't be judged has p = 1 here; NaN counts as that. Which rule a claim's quantifier
//! asks for is the judge's.

/// Holm's step-down adjustment (Holm 1979): adjusted p in the order of `p`, to be held against
/// alpha itself.
///
/// Valid under any dependence between the tests. NaN counts as 1.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| counted(p[a]).total_cmp(&counted(p[b])));
    let mut adjusted = vec![1.0; p.len()];
    let mut largest = 0.0_f64;
    for (rank, &index) in order.iter().enumerate() {
        let still_open = (p.len() - rank) as f64;
        largest = largest.max((still_open * counted(p[index])).min(1.0));
        adjusted[index] = largest;
    }
    adjusted
}

/// The p of "at least `at_least` of these m alternatives are true": (m − u + 1)·p₍ᵤ₎ with the u-th
/// smallest p, at most 1 (the Bonferroni form of the partial conjunction of Benjamini and Heller
/// 2008).
///
/// Valid under any dependence between the tests. NaN counts as 1. With `at_least` of 0 or above m
/// nothing can be tested, and the answer is 1.
pub fn partial_conjunction(p: &[f64], at_least: usize) -> f64 {
    if at_least == 0 || at_least > p.len() {
        return 1.0;
    }
    let mut sorted: Vec<f64> = p.iter().copied().map(counted).collect();
    sorted.sort_by(f64::total_cmp);
    let spared = (p.len() - at_least + 1) as f64;
    (spared * sorted[at_least - 1]).min(1.0)
}

/// The p of "all of these alternatives are true": the largest of them (Berger 1982,
/// intersection-union).
///
/// No correction is due, whatever the dependence. NaN counts as 1, and so does no p at all.
///
/// Here to compare with, in tests and simulations: no verdict is taken from it.
pub fn intersection_union(p: &[f64]) -> f64 {
    p.iter().copied().map(counted).reduce(f64::max).unwrap_or(1.0)
}

/// A p as it counts: within 0 and 1, and 1 where there is none.
fn counted(p: f64) -> f64 {
    if p.is_nan() { 1.0 } else { p.clamp(0.0, 1.0) }
}
