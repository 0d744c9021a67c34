//! Estimates after a sequential design stopped. The mean of a cell that stops early lies too far
//! from the margin on average, since the design stops where it is far.

use std::sync::OnceLock;

use super::distribution::normal_upper_tail;

/// Nodes of the integral over the region where a design continues at one look.
const NODES: usize = 48;

/// The median-unbiased estimate of an effect after a sequential design, in spreads (standard
/// deviations over seeds) from the margin: the effect at which an outcome at least this high has
/// probability one half, with outcomes in stage-wise order (Jennison and Turnbull 2000, section
/// 8.4) and the spread held at its estimate.
///
/// `looks` are the numbers of seeds up to the look of the estimate, `critical` the critical t of
/// each, and `effect` the (mean − margin) / spread there. At the first look the result is `effect`
/// itself. `None` without looks, if they don't increase, or for an effect that is not finite.
#[must_use]
pub fn median_unbiased(looks: &[usize], critical: &[f64], effect: f64) -> Option<f64> {
    let increasing = looks.windows(2).all(|pair| pair[0] < pair[1]);
    if looks.is_empty() || critical.len() < looks.len() || !increasing || !effect.is_finite() {
        return None;
    }
    let design = Stages::new(looks, critical, effect);
    let excess = |truth: f64| design.as_high(truth) - 0.5;
    // The probability grows with the truth; the root is near the estimate.
    let (mut low, mut high, mut step) = (effect, effect, 0.5);
    while excess(low) > 0.0 && step < 1e6 {
        (low, step) = (low - step, 2.0 * step);
    }
    step = 0.5;
    while excess(high) < 0.0 && step < 1e6 {
        (high, step) = (high + step, 2.0 * step);
    }
    Some(root(excess, low, high))
}

/// The root of an increasing function between two numbers: false position with the rule of Illinois
/// (Dowell and Jarratt 1971).
fn root(of: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    let (mut at_low, mut at_high) = (of(low), of(high));
    let mut kept = 0;
    for _ in 0..100 {
        let next = (low * at_high - high * at_low) / (at_high - at_low);
        if high - low < 1e-12 || !(low < next && next < high) {
            break;
        }
        let value = of(next);
        if value.abs() < 1e-13 {
            return next;
        }
        if value < 0.0 {
            (low, at_low) = (next, value);
            at_high *= if kept == 1 { 0.5 } else { 1.0 };
            kept = 1;
        } else {
            (high, at_high) = (next, value);
            at_low *= if kept == -1 { 0.5 } else { 1.0 };
            kept = -1;
        }
    }
    if at_low.abs() < at_high.abs() { low } else { high }
}

/// The sums of seeds, in spreads, of a design that has not stopped before each look.
struct Stages {
    /// The stages before the look of the estimate.
    before: Vec<Stage>,
    /// Seeds at the look of the estimate, and the sum there.
    last: (f64, f64),
}

struct Stage {
    seeds: f64,
    /// The sum above which the design stops.
    boundary: f64,
    /// Sums where it continues, each with its probability (weight times density) without effect.
    nodes: Vec<(f64, f64)>,
}

impl Stages {
    fn new(looks: &[usize], critical: &[f64], effect: f64) -> Self {
        let rule = gauss_legendre();
        let mut before: Vec<Stage> = Vec::new();
        for (look, critical) in looks[..looks.len() - 1].iter().zip(critical) {
            let seeds = *look as f64;
            let boundary = critical * seeds.sqrt();
            let density = |sum: f64| match before.last() {
                None => normal_density(sum, seeds),
                Some(stage) => {
                    let step = |(from, p): &(f64, f64)| {
                        p * normal_density(sum - from, seeds - stage.seeds)
                    };
                    stage.nodes.iter().map(step).sum()
                }
            };
            let node = |(at, weight): &(f64, f64)| {
                let sum = boundary * at;
                (sum, boundary * weight * density(sum))
            };
            let nodes = rule.iter().map(node).collect();
            before.push(Stage { seeds, boundary, nodes });
        }
        let seeds = looks[looks.len() - 1] as f64;
        Self { before, last: (seeds, effect * seeds) }
    }

    /// The probability of an outcome at least as high as the observed one if the effect is `truth`:
    /// a stop above the margin at an earlier look, or a mean at least as high at this look.
    fn as_high(&self, truth: f64) -> f64 {
        let ends = self.before.iter().map(|stage| (stage.seeds, stage.boundary));
        let ends = ends.chain([self.last]);
        let starts = [None].into_iter().chain(self.before.iter().map(Some));
        starts
            .zip(ends)
            .map(|(from, (seeds, reached))| match from {
                None => above(reached - truth * seeds, seeds),
                Some(stage) => {
                    let more = seeds - stage.seeds;
                    let tail = |(sum, p): &(f64, f64)| {
                        // The likelihood ratio of the sum so far.
                        let ratio = (truth * sum - truth * truth * stage.seeds / 2.0).exp();
                        p * ratio * above(reached - sum - truth * more, more)
                    };
                    stage.nodes.iter().map(tail).sum()
                }
            })
            .sum()
    }
}

/// P(X > `distance`) for a normal X with mean 0 and this variance.
fn above(distance: f64, variance: f64) -> f64 {
    normal_upper_tail(distance / variance.sqrt())
}

fn normal_density(value: f64, variance: f64) -> f64 {
    (-value * value / (2.0 * variance)).exp() / (std::f64::consts::TAU * variance).sqrt()
}

/// The Gauss-Legendre rule on −1 to 1: nodes with their weights.
fn gauss_legendre() -> &'static [(f64, f64)] {
    static RULE: OnceLock<Vec<(f64, f64)>> = OnceLock::new();
    RULE.get_or_init(compute_gauss_legendre)
}

fn compute_gauss_legendre() -> Vec<(f64, f64)> {
    let order = NODES as f64;
    let node = |index: usize| {
        let mut at = (std::f64::consts::PI * (index as f64 + 0.75) / (order + 0.5)).cos();
        let mut slope = f64::NAN;
        for _ in 0..100 {
            let (mut value, mut previous) = (1.0, 0.0);
            for degree in 0..NODES {
                let degree = degree as f64;
                let next = ((2.0 * degree + 1.0) * at * value - degree * previous) / (degree + 1.0);
                (previous, value) = (value, next);
            }
            slope = order * (at * value - previous) / (at * at - 1.0);
            let step = value / slope;
            at -= step;
            if step.abs() < 1e-15 {
                break;
            }
        }
        (at, 2.0 / ((1.0 - at * at) * slope * slope))
    };
    (0..NODES).map(node).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOKS: [usize; 3] = [3, 5, 10];
    const CRITICAL: [f64; 3] = [7.6488, 3.9608, 2.9333];

    #[test]
    fn the_rule_integrates_polynomials_and_the_normal_density() {
        let rule = gauss_legendre();
        let integral = |of: &dyn Fn(f64) -> f64| -> f64 {
            rule.iter().map(|(at, weight)| weight * of(*at)).sum()
        };
        assert!((integral(&|_| 1.0) - 2.0).abs() < 1e-13);
        assert!((integral(&|at| at.powi(20)) - 2.0 / 21.0).abs() < 1e-13);
        let within = integral(&|at| 8.0 * normal_density(8.0 * at, 1.0));
        assert!((within - 1.0).abs() < 1e-9, "{within}");
    }

    #[test]
    fn at_the_first_look_the_estimate_is_the_mean() {
        let estimate = median_unbiased(&LOOKS[..1], &CRITICAL, 5.0).unwrap();
        assert!((estimate - 5.0).abs() < 1e-9, "{estimate}");
    }

    #[test]
    fn an_outcome_and_its_mirror_have_mirrored_estimates() {
        for effect in [0.2, 0.9, 1.0, 1.8, 2.5] {
            let up = median_unbiased(&LOOKS, &CRITICAL, effect).unwrap();
            let down = median_unbiased(&LOOKS, &CRITICAL, -effect).unwrap();
            assert!((up + down).abs() < 1e-8, "{up} {down}");
        }
    }

    #[test]
    fn an_estimate_just_past_the_boundary_is_corrected_towards_the_margin_by_boundaries_of_z() {
        // Two looks with boundaries that matter for z; and the first stop is missed.
        let estimate = median_unbiased(&[4, 8], &[2.0, 2.0], 0.8).unwrap();
        assert!((estimate - REFERENCE).abs() < 1e-6, "{estimate}");
    }

    /// The root by scipy's `brentq` of `quad` integrals of the same probability.
    const REFERENCE: f64 = 0.744_261_832_607_084_7;

    #[test]
    fn what_is_no_design_has_no_estimate() {
        assert_eq!(median_unbiased(&[], &[], 1.0), None);
        assert_eq!(median_unbiased(&[5, 3], &CRITICAL, 1.0), None);
        assert_eq!(median_unbiased(&LOOKS, &CRITICAL[..1], 1.0), None);
        assert_eq!(median_unbiased(&LOOKS, &CRITICAL, f64::NAN), None);
    }
}
