//! Difficult cases of the search for eigenvectors: equal eigenvalues, images fitted to the last
//! digit, more directions than a block has, and the same bits for the same generator.

use rand_distr::{Distribution, StandardNormal};
use repro::engine::influence::{Curvature, InfluenceError, LastLayer, Operator, top};
use tch::{Device, Kind, Tensor};

use super::{distance, eigenpairs, generator, values};

/// Random features and logits.
fn layer(images: i64, features: i64, classes: i64, spread: f64) -> LastLayer {
    let mut generator = generator();
    let mut normal = |shape: [i64; 2], deviation: f64| {
        let draw = |_| -> f64 { StandardNormal.sample(&mut generator) };
        let values: Vec<f64> = (0..shape[0] * shape[1]).map(draw).collect();
        Tensor::from_slice(&values).view(shape) * deviation
    };
    let features = normal([images, features], 1.0);
    let logits = normal([images, classes], spread);
    let labels = Tensor::arange(images, (Kind::Int64, Device::Cpu)).remainder(classes);
    LastLayer::new(&features, &logits, &labels).unwrap()
}

fn dense(layer: &LastLayer) -> Vec<f64> {
    let every = Tensor::eye(layer.parameters(), (Kind::Double, Device::Cpu));
    let (found, _) = Curvature::new(layer).times(&every).linalg_eigh("L");
    let mut found = values(&found);
    found.reverse();
    found
}

#[test]
fn all_of_hundreds_of_eigenpairs_are_found() {
    let layer = layer(300, 40, 6, 2.0);
    let expected = dense(&layer);
    for truncation in [0.3, 0.05, 0.01, 1e-3] {
        let found = values(&eigenpairs(&layer, truncation).unwrap().values);
        let above = expected.iter().filter(|value| **value > truncation * expected[0]).count();
        assert_eq!(found.len(), above, "{truncation}");
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-9 * expected, "{truncation}: {found} {expected}");
        }
    }
}

#[test]
fn equal_eigenvalues_are_found_with_their_multiplicity() {
    // With equal probabilities each eigenvalue occurs `classes - 1` times; with 20 classes 19
    // times.
    let layer = layer(50, 3, 20, 0.0);
    let expected: Vec<f64> = dense(&layer).into_iter().filter(|value| *value > 1e-9).collect();
    assert_eq!(expected.len(), 4 * 19);
    let found = values(&eigenpairs(&layer, 0.0).unwrap().values);
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-9 * expected);
    }
}

#[test]
fn images_fitted_to_the_last_digit_keep_their_curvature() {
    // One image's class leads by 50 nats: its curvature is 2e-22 of its features' square, far below
    // the last digit of 1.
    let features = Tensor::from_slice(&[1.0, 2.0]).view([1, 2]);
    let logits = Tensor::from_slice(&[50.0, 0.0]).view([1, 2]);
    let layer = LastLayer::new(&features, &logits, &Tensor::from_slice(&[0_i64])).unwrap();
    let other = (-50.0_f64).exp();
    // Two classes: the Hessian is p (1 - p) [[1, -1], [-1, 1]] x [f; 1] [f; 1]^T.
    let expected = other * 2.0 * 6.0;
    let pairs = eigenpairs(&layer, 0.05).unwrap();
    let found = values(&pairs.values);
    assert_eq!(found.len(), 1);
    assert!((found[0] / expected - 1.0).abs() < 1e-12, "{} {expected}", found[0]);
    let gradient = layer.gradients_in(&pairs.vectors).abs().double_value(&[0, 0]);
    assert!((gradient / (other * 12.0_f64.sqrt()) - 1.0).abs() < 1e-12);
}

#[test]
fn the_same_generator_gives_the_same_bits() {
    tch::set_num_threads(1);
    let layer = layer(200, 30, 5, 1.0);
    let (one, two) = (eigenpairs(&layer, 0.05).unwrap(), eigenpairs(&layer, 0.05).unwrap());
    assert_eq!(values(&one.values), values(&two.values));
    assert_eq!(one.vectors, two.vectors);
}

#[test]
fn any_symmetric_operator_is_accepted_except_zero() {
    let diagonal = Tensor::arange(100, (Kind::Double, Device::Cpu)).unsqueeze(1);
    let of = |times: &dyn Fn(&Tensor) -> Tensor| {
        let operator = Operator { times, parameters: 100, block: 3, device: Device::Cpu };
        top(&operator, 0.9, &mut generator())
    };
    let pairs = of(&|columns| columns * &diagonal).unwrap();
    let expected: Vec<f64> = (90..100).rev().map(f64::from).collect();
    let expected = Tensor::from_slice(&expected);
    assert!(distance(&pairs.values, &expected) < 1e-12);
    assert_eq!(of(&Tensor::zeros_like).unwrap_err(), InfluenceError::Flat);
}
