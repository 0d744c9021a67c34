//! How often a mean lies in its interval when the published seeds are further draws of ours.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::*;

const DRAWS: u32 = 4_000;
const SEED: u64 = 2_007_058_690;
/// How far a rate may lie from the nominal one, in standard errors of the measurement.
const STANDARD_ERRORS: f64 = 4.0;

fn near(rate: f64, nominal: f64) {
    let error = (nominal * (1.0 - nominal) / f64::from(DRAWS)).sqrt();
    assert!((rate - nominal).abs() < STANDARD_ERRORS * error, "{rate}, not {nominal}");
}

fn seeds(generator: &mut ChaCha8Rng, count: usize) -> Vec<f64> {
    let normal = |generator: &mut ChaCha8Rng| -> f64 { generator.sample(StandardNormal) };
    (0..count).map(|_| 50.0 + 2.0 * normal(generator)).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn rate(mut holds: impl FnMut(&mut ChaCha8Rng) -> bool) -> f64 {
    let mut generator = ChaCha8Rng::seed_from_u64(SEED);
    f64::from((0..DRAWS).filter(|_| holds(&mut generator)).count() as u32) / f64::from(DRAWS)
}

#[test]
fn simulations_of_the_prediction_interval_hold_at_every_number_of_seeds() {
    for (ours, theirs) in [(3, 10), (5, 10), (10, 10), (10, 5), (10, 1)] {
        near(
            rate(|generator| {
                let sample = Sample::new(seeds(generator, ours)).unwrap();
                let next = mean(&seeds(generator, theirs));
                replication(&sample, next, theirs, Alpha::CONVENTIONAL).interval.contains(next)
            }),
            0.95,
        );
    }
}

/// The interval from both spreads, one of them from a bootstrap band, is an approximation: what it does
/// is held to what was measured, which is why it does not decide.
#[test]
fn simulations_of_the_interval_from_both_spreads_are_a_little_off_at_three_seeds() {
    for (ours, measured) in [(3, 0.932), (10, 0.943)] {
        let rate = rate(|generator| {
            let sample = Sample::new(seeds(generator, ours)).unwrap();
            let theirs = Sample::new(seeds(generator, 10)).unwrap();
            let band = percentile_bootstrap(
                &theirs,
                std::num::NonZeroU32::new(200).unwrap(),
                |below| generator.random_range(0..below),
                Alpha::CONVENTIONAL,
            );
            let spread = spread_behind(band, 10);
            with_both_spreads(&sample, spread, 10, Alpha::CONVENTIONAL).contains(theirs.mean())
        });
        println!("both spreads, {ours} seeds: {rate}");
        assert!((rate - measured).abs() < 0.01, "{ours} seeds: {rate}");
    }
}

/// Our own seeds are added until a contrast is decided. The means of its arms are then not those of a
/// fixed number of seeds: what that does to the interval was measured, and it is little.
#[test]
fn simulations_of_a_sequential_design_hold_nearly_as_well() {
    for lead in [0.0, 3.0] {
        let rate = rate(|generator| {
            let (natural, robust) = (seeds(generator, 10), seeds(generator, 10));
            let decided = |count: usize| {
                let of = natural.iter().zip(&robust).take(count);
                let sample =
                    Sample::new(of.map(|(natural, robust)| robust + lead - natural).collect())
                        .unwrap();
                let alpha = Alpha::CONVENTIONAL.split(3);
                let interval = repro::stats::t_interval(&sample, alpha);
                interval.low > 0.0 || interval.high < 0.0
            };
            let count = [3, 5].into_iter().find(|count| decided(*count)).unwrap_or(10);
            let sample = Sample::new(natural[..count].to_vec()).unwrap();
            let next = mean(&seeds(generator, 10));
            replication(&sample, next, 10, Alpha::CONVENTIONAL).interval.contains(next)
        });
        println!("sequential, lead of {lead}: {rate}");
        assert!((0.93..0.965).contains(&rate), "lead of {lead}: {rate}");
    }
}
