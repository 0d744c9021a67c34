//! Alpha spending for many seeds, for comparison: the judge splits its level evenly instead.
//!
//! These boundaries are for z. With 3 to 10 seeds the statistic is t, whose tails are far heavier;
//! `tests/core/simulations.rs` measures how far the type I error exceeds its nominal level.

use super::distribution::{normal_upper_quantile, normal_upper_tail};
use super::interval::Alpha;

/// Why numbers aren't information fractions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to read information fractions: they must increase, from above 0 up to at most 1")]
pub struct FractionsError;

/// The fractions of the planned seeds at which a design has looks: strictly increasing, above 0 and
/// at most 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Fractions(Vec<f64>);

impl Fractions {
    /// Checks information fractions.
    ///
    /// # Errors
    /// [`FractionsError`] if there are none, or they don't increase from above 0 up to at most 1.
    pub fn new(fractions: Vec<f64>) -> Result<Fractions, FractionsError> {
        let within = fractions.iter().all(|fraction| 0.0 < *fraction && *fraction <= 1.0);
        let increasing = fractions.windows(2).all(|pair| pair[0] < pair[1]);
        if within && increasing && !fractions.is_empty() {
            Ok(Fractions(fractions))
        } else {
            Err(FractionsError)
        }
    }

    /// The fractions, in order.
    pub fn values(&self) -> &[f64] {
        &self.0
    }
}

/// How the level is spent as information accrues (Lan and DeMets 1983).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spending {
    /// Little early, most late: 2 − 2Φ(z(1 − alpha/2)/√fraction), after O'Brien and Fleming.
    OBrienFleming,
    /// Nearly even: alpha·ln(1 + (e − 1)·fraction), after Pocock.
    Pocock,
}

impl Spending {
    /// The one-sided level spent at the information fraction `fraction`; all of alpha at 1.
    pub fn spent(self, fraction: f64, alpha: Alpha) -> f64 {
        let alpha = alpha.level();
        match self {
            Spending::OBrienFleming => {
                2.0 * normal_upper_tail(normal_upper_quantile(alpha / 2.0) / fraction.sqrt())
            }
            Spending::Pocock => alpha * ((std::f64::consts::E - 1.0) * fraction).ln_1p(),
        }
    }
}

/// The lower limit of integration, in standard deviations below zero; paths below have a negligible
/// probability to reach a boundary.
const FOLLOWED: f64 = 10.0;
/// Panels of Simpson's rule for the density, an even number. Compared with 4,000 panels, boundaries
/// of five equal looks differ by less than 1e-7, and those of two looks 1 % apart by less than
/// 1e-6.
const PANELS: usize = 400;

/// One-sided upper boundaries for z at each look, such that without an effect the probability of
/// having crossed by a look equals the level spent by then (Lan and DeMets 1983), by recursive
/// numerical integration (Armitage, McPherson and Rowe 1969).
pub fn spending_boundaries(kind: Spending, fractions: &Fractions, alpha: Alpha) -> Vec<f64> {
    let mut boundaries = Vec::with_capacity(fractions.values().len());
    let mut spent_before = 0.0;
    let mut undecided = Undecided::before_any_look();
    for &fraction in fractions.values() {
        let spent = kind.spent(fraction, alpha);
        let boundary = undecided.boundary(fraction, spent - spent_before);
        boundaries.push(boundary / fraction.sqrt());
        undecided = undecided.after(fraction, boundary);
        spent_before = spent;
    }
    boundaries
}

/// The density at one time of a Brownian motion that has not crossed a boundary: points with their
/// mass.
struct Undecided {
    time: f64,
    points: Vec<(f64, f64)>,
}

impl Undecided {
    fn before_any_look() -> Undecided {
        Undecided { time: 0.0, points: vec![(0.0, 1.0)] }
    }

    /// The probability of lying above `boundary` at `time` without an earlier crossing.
    fn crossing(&self, time: f64, boundary: f64) -> f64 {
        let spread = (time - self.time).sqrt();
        self.points
            .iter()
            .map(|(at, mass)| mass * normal_upper_tail((boundary - at) / spread))
            .sum()
    }

    /// The boundary at `time` that is crossed with probability `spend`, by bisection to adjacent
    /// floating-point numbers.
    fn boundary(&self, time: f64, spend: f64) -> f64 {
        // No normal tail in double precision lies beyond 39 standard deviations.
        let (mut low, mut high) = (-40.0 * time.sqrt(), 40.0 * time.sqrt());
        loop {
            let middle = f64::midpoint(low, high);
            if middle <= low || middle >= high {
                return middle;
            }
            if self.crossing(time, middle) > spend { low = middle } else { high = middle }
        }
    }

    /// The density after a look at `time` that stops everything above `boundary`, by Simpson's
    /// rule.
    fn after(&self, time: f64, boundary: f64) -> Undecided {
        let spread = (time - self.time).sqrt();
        let low = -FOLLOWED * time.sqrt();
        let high = boundary.min(FOLLOWED * time.sqrt()).max(low);
        let step = (high - low) / PANELS as f64;
        let density = |at: f64| -> f64 {
            let from = |(start, mass): &(f64, f64)| {
                let z = (at - start) / spread;
                mass * (-0.5 * z * z).exp()
            };
            let scale = spread * (2.0 * std::f64::consts::PI).sqrt();
            self.points.iter().map(from).sum::<f64>() / scale
        };
        let point = |index: usize| {
            let at = low + step * index as f64;
            let weight = match index {
                0 | PANELS => 1.0,
                odd if odd % 2 == 1 => 4.0,
                _ => 2.0,
            };
            (at, density(at) * weight * step / 3.0)
        };
        Undecided { time, points: (0..=PANELS).map(point).collect() }
    }
}
