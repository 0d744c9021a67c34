//! Against PyTorch's automatic differentiation and scipy's pseudo-inverse.

use repro::{
    engine::influence::{Curvature, Influence, LastLayer, Shares},
    experiment::Inverse,
};
use serde::Deserialize;
use tch::{Kind, Tensor};

use super::{distance, eigenpairs, matrix, values};

/// Both sides compute in double precision. The difference is rounding in sums over 40 images and in
/// a pseudo-inverse with a condition number of at most 1e3.
const ROUNDING: f64 = 1e-10;

#[derive(Deserialize)]
struct Reference {
    head: Vec<Vec<f64>>,
    train: Labelled,
    test: Labelled,
    hessian: Vec<Vec<f64>>,
    eigenvalues: Vec<f64>,
    gradients: Vec<Vec<f64>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Labelled {
    features: Vec<Vec<f64>>,
    labels: Vec<i64>,
}

#[derive(Deserialize)]
struct Case {
    truncation: f64,
    damping: f64,
    kept: i64,
    influence: Vec<Vec<f64>>,
    matches: Vec<u32>,
    three_of_five: u32,
}

impl Reference {
    fn read() -> Self {
        serde_json::from_str(include_str!("../../../goldens/influence/reference.json")).unwrap()
    }

    fn layer(&self, images: &Labelled) -> LastLayer {
        let features = matrix(&images.features);
        let ones = Tensor::ones([features.size()[0], 1], (Kind::Double, features.device()));
        let logits = Tensor::cat(&[&features, &ones], 1).matmul(&matrix(&self.head));
        LastLayer::new(&features, &logits, &Tensor::from_slice(&images.labels)).unwrap()
    }
}

#[test]
fn the_operator_is_the_hessian_by_automatic_differentiation() {
    let reference = Reference::read();
    let train = reference.layer(&reference.train);
    let every = Tensor::eye(train.parameters(), (Kind::Double, tch::Device::Cpu));
    let found = Curvature::new(&train).times(&every);
    assert!(distance(&found, &matrix(&reference.hessian)) < ROUNDING);
}

#[test]
fn gradients_agree_with_automatic_differentiation() {
    let reference = Reference::read();
    let test = reference.layer(&reference.test);
    let every = Tensor::eye(test.parameters(), (Kind::Double, tch::Device::Cpu));
    assert!(distance(&test.gradients_in(&every), &matrix(&reference.gradients)) < ROUNDING);
}

#[test]
fn eigenpairs_are_those_of_the_dense_hessian() {
    let reference = Reference::read();
    let hessian = matrix(&reference.hessian);
    for truncation in [0.9, 0.05, 0.02, 0.0] {
        let pairs = eigenpairs(&reference.layer(&reference.train), truncation).unwrap();
        let found = values(&pairs.values);
        let largest = reference.eigenvalues[0];
        let above = |value: &&f64| **value > truncation.max(1e-10) * largest;
        let expected: Vec<f64> = reference.eigenvalues.iter().filter(above).copied().collect();
        assert_eq!(found.len(), expected.len(), "{truncation}");
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < ROUNDING * largest, "{found} {expected}");
        }
        let images = hessian.matmul(&pairs.vectors);
        assert!(distance(&images, &(&pairs.vectors * &pairs.values)) < 10.0 * ROUNDING);
        let square = pairs.vectors.tr().matmul(&pairs.vectors);
        let unit = Tensor::eye(found.len() as i64, (Kind::Double, tch::Device::Cpu));
        assert!(distance(&square, &unit) < ROUNDING);
    }
}

#[test]
fn influences_and_shares_are_those_by_the_dense_pseudo_inverse() {
    let reference = Reference::read();
    let (train, test) = (reference.layer(&reference.train), reference.layer(&reference.test));
    // As for a record: one search with the smallest truncation serves all others.
    let pairs = eigenpairs(&train, 0.0).unwrap();
    for case in &reference.cases {
        let inverse = Inverse { truncation: case.truncation, damping: case.damping };
        let alone = eigenpairs(&train, case.truncation).unwrap();
        for pairs in [&pairs, &alone] {
            let influence = Influence::new(&train, &test, pairs, inverse).unwrap();
            assert_eq!(influence.kept(), case.kept, "{inverse}");
            let found = influence.on(0, influence.tests());
            assert!(distance(&found, &matrix(&case.influence)) < 100.0 * ROUNDING, "{inverse}");
            let shares = Shares::new(&influence, train.labels(), test.labels());
            assert_eq!(shares.matches, case.matches, "{inverse}");
            assert_eq!(shares.three_of_five, case.three_of_five, "{inverse}");
        }
    }
    let cases: Vec<_> =
        reference.cases.iter().map(|case| (case.kept, case.three_of_five)).collect();
    assert!(cases.windows(2).any(|pair| pair[0] != pair[1]), "cases that differ");
}
