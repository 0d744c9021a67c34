//! Exact permutation tests over a handful of items, such as target data sets: of a grouping, and of
//! a rank correlation. What is compared, and whether items are exchangeable, the judge decides.

/// The most items whose orders are all gone through: 9! = 362,880.
const MOST_RANKED: usize = 9;
/// The most items whose groupings are all gone through: at most 184,756 of 20.
const MOST_GROUPED: usize = 20;

/// A grouping of items into two groups, against all groupings of the same sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grouping {
    /// Mean of the chosen items minus mean of the others, in the units of the values.
    pub difference: f64,
    /// The number of ways to choose as many items.
    pub ways: usize,
    /// One-sided p: the share of ways whose difference is at least this one. Never below 1/ways.
    pub p_greater: f64,
}

/// The permutation test of a grouping (Fisher 1935): all ways to choose as many items. `None`
/// without a chosen or another item, for a value that is not finite, or for more than 20 items.
#[must_use]
pub fn grouping(values: &[f64], chosen: &[bool]) -> Option<Grouping> {
    let count = chosen.iter().filter(|chosen| **chosen).count();
    let possible = values.len() == chosen.len() && count > 0 && count < values.len();
    if !possible || values.len() > MOST_GROUPED || !values.iter().all(|value| value.is_finite()) {
        return None;
    }
    let mask = |bits: u32, item: usize| bits >> item & 1 == 1;
    let of = |is_chosen: &dyn Fn(usize) -> bool| {
        let mean = |wanted: bool, count: usize| {
            let items = (0..values.len()).filter(|item| is_chosen(*item) == wanted);
            items.map(|item| values[item]).sum::<f64>() / count as f64
        };
        mean(true, count) - mean(false, values.len() - count)
    };
    let difference = of(&|item| chosen[item]);
    let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    // Equal differences may differ by rounding, and count as equal.
    let least = difference - 1e-12 * largest;
    let ways = (0..1_u32 << values.len()).filter(|bits| bits.count_ones() as usize == count);
    let (mut all, mut at_least) = (0_usize, 0_usize);
    for bits in ways {
        all += 1;
        at_least += usize::from(of(&|item| mask(bits, item)) >= least);
    }
    Some(Grouping { difference, ways: all, p_greater: at_least as f64 / all as f64 })
}

/// Kendall's rank correlation with its exact p.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankCorrelation {
    /// Kendall's tau-b, from -1 to 1.
    pub tau: f64,
    /// One-sided p: the share of all orders of one list whose tau is at least this one.
    pub p_greater: f64,
}

/// Kendall's tau-b (Kendall 1945) with the exact p over all orders, ties included. `None` for
/// fewer than two or more than 9 pairs, for a value that is not finite, or if all of a list are
/// equal.
#[must_use]
pub fn kendall(first: &[f64], second: &[f64]) -> Option<RankCorrelation> {
    let count = first.len();
    let finite = first.iter().chain(second).all(|value| value.is_finite());
    if count != second.len() || !(2..=MOST_RANKED).contains(&count) || !finite {
        return None;
    }
    let untied = |list: &[f64]| pairs(count).filter(|&(a, b)| order(list, a, b) != 0).count();
    let largest = (untied(first) as f64 * untied(second) as f64).sqrt();
    if largest == 0.0 {
        return None;
    }
    let score = |places: &[usize]| -> i32 {
        let of = |(a, b)| order(first, a, b) * order(second, places[a], places[b]);
        pairs(count).map(of).sum()
    };
    let mut places: Vec<usize> = (0..count).collect();
    let observed = score(&places);
    let (mut all, mut at_least) = (0_usize, 0_usize);
    each_order(&mut places, count, &mut |places| {
        all += 1;
        at_least += usize::from(score(places) >= observed);
    });
    Some(RankCorrelation {
        tau: f64::from(observed) / largest,
        p_greater: at_least as f64 / all as f64,
    })
}

fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).flat_map(move |b| (0..b).map(move |a| (a, b)))
}

/// 1 if the second of two items is larger, -1 if it is smaller, 0 if they are equal.
fn order(list: &[f64], a: usize, b: usize) -> i32 {
    i32::from(list[a] < list[b]) - i32::from(list[a] > list[b])
}

/// Calls `visit` with every order of the first `count` places (Heap 1963).
fn each_order(places: &mut [usize], count: usize, visit: &mut dyn FnMut(&[usize])) {
    if count <= 1 {
        return visit(places);
    }
    for index in 0..count {
        each_order(places, count - 1, visit);
        if index + 1 < count {
            places.swap(if count.is_multiple_of(2) { index } else { 0 }, count - 1);
        }
    }
}
