//! Influence functions against direct computations: dense Hessians by automatic differentiation,
//! dense pseudo-inverses, and retraining without each image.
//!
//! `goldens/influence/make_reference.py` makes `reference.json`.

mod fine_tunes;
mod hostile;
mod ranks;
mod reference;
mod retraining;
mod spectra;

use rand_chacha::ChaCha8Rng;
use repro::{
    engine::influence::{Curvature, Eigenpairs, InfluenceError, LastLayer},
    experiment::{
        Seed,
        random::{self, Purpose},
    },
};
use tch::Tensor;

fn generator() -> ChaCha8Rng {
    random::generator(Seed(1), Purpose::Influence)
}

fn matrix(rows: &[Vec<f64>]) -> Tensor {
    let columns = rows[0].len() as i64;
    Tensor::from_slice(&rows.concat()).view([rows.len() as i64, columns])
}

/// The top eigenpairs of images' curvature.
fn eigenpairs(train: &LastLayer, truncation: f64) -> Result<Eigenpairs, InfluenceError> {
    Curvature::new(train).top(truncation, &mut generator())
}

/// The largest difference, relative to the largest number.
fn distance(found: &Tensor, expected: &Tensor) -> f64 {
    assert_eq!(found.size(), expected.size());
    ((found - expected).abs().max() / expected.abs().max()).double_value(&[])
}

fn values(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor).unwrap()
}
