//! Inputs without an influence are errors.

use repro::{
    engine::influence::{Influence, InfluenceError, LastLayer},
    experiment::Inverse,
};
use tch::{Kind, Tensor};

use super::eigenpairs;

fn layer(features: &[f64], logits: &[f64], labels: &[i64]) -> Result<LastLayer, InfluenceError> {
    let images = labels.len() as i64;
    let shaped = |values: &[f64]| {
        let columns = values.len() as i64 / images.max(1);
        Tensor::from_slice(values).view([images, columns])
    };
    LastLayer::new(&shaped(features), &shaped(logits), &Tensor::from_slice(labels))
}

#[test]
fn features_and_logits_that_are_not_finite_are_an_error() {
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let found = [
            layer(&[1.0, wrong], &[0.0; 4], &[0, 1]),
            layer(&[1.0; 2], &[0.0, wrong, 0.0, 0.0], &[0, 1]),
        ];
        for found in found {
            assert_eq!(found.unwrap_err(), InfluenceError::NotFinite);
        }
    }
}

#[test]
fn one_class_no_images_and_labels_out_of_range_are_errors() {
    assert_eq!(layer(&[1.0; 2], &[0.0; 2], &[0, 0]).unwrap_err(), InfluenceError::OneClass);
    let none = |columns| Tensor::zeros([0, columns], (Kind::Float, tch::Device::Cpu));
    let labels = Tensor::zeros([0], (Kind::Int64, tch::Device::Cpu));
    assert_eq!(LastLayer::new(&none(3), &none(2), &labels).unwrap_err(), InfluenceError::Empty);
    for label in [-1, 2] {
        let found = layer(&[1.0; 2], &[0.0; 4], &[0, label]);
        assert_eq!(found.unwrap_err(), InfluenceError::Label { label, classes: 2 });
    }
}

#[test]
fn truncations_and_dampings_out_of_range_are_errors() {
    let layer = layer(&[1.0, 2.0], &[0.0; 4], &[0, 1]).unwrap();
    let pairs = eigenpairs(&layer, 0.05).unwrap();
    for truncation in [-0.1, 1.0, f64::NAN, f64::INFINITY] {
        let error = eigenpairs(&layer, truncation).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with(&format!("truncation is {truncation}: it must be a share"))
        );
        let inverse = Inverse { truncation, damping: 0.0 };
        assert!(Influence::new(&layer, &layer, &pairs, inverse).is_err());
    }
    for damping in [-1.0, f64::NAN, f64::INFINITY] {
        let inverse = Inverse { truncation: 0.05, damping };
        let error = Influence::new(&layer, &layer, &pairs, inverse).unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("damping is {damping}: it must be a number"))
        );
    }
}

#[test]
fn images_without_curvature_are_an_error() {
    // The other class's probability is zero in double precision.
    let layer = layer(&[1.0; 2], &[1000.0, 0.0, 1000.0, 0.0], &[0, 0]).unwrap();
    assert_eq!(eigenpairs(&layer, 0.05).unwrap_err(), InfluenceError::Flat);
}
