//! The Fréchet distance, against scipy and by hand, and the distances that ship with the project.

use std::collections::BTreeMap;

use repro::{
    assets::bundled,
    engine::{
        OnDevice,
        frechet::Moments,
        model::{Network, Weights},
    },
    experiment::{FeatureDistances, Resolution},
    world::World,
};
use serde::Deserialize;
use tch::{Device, Tensor};

#[derive(Deserialize)]
struct Reference {
    frechets: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    first: Vec<Vec<f64>>,
    second: Vec<Vec<f64>>,
    distance: f64,
}

fn of(rows: &[Vec<f64>]) -> Moments {
    let shape = [rows.len() as i64, rows[0].len() as i64];
    Moments::of(&Tensor::from_slice(&rows.concat()).view(shape))
}

#[test]
fn distances_are_scipy_s() {
    let text = include_str!("../../goldens/statistics/reference.json");
    let reference: Reference = serde_json::from_str(text).unwrap();
    assert!(reference.frechets.len() >= 4);
    for Case { first, second, distance } in reference.frechets {
        for found in [of(&first).distance(&of(&second)), of(&second).distance(&of(&first))] {
            let found = found.unwrap();
            assert!((found / distance - 1.0).abs() < 1e-9, "{found} {distance}");
        }
    }
}

#[test]
fn distances_by_hand_also_without_full_rank() {
    let diagonal = |of: [f64; 2]| vec![vec![of[0], 0.0], vec![of[1]]];
    let first = Moments::from_numbers(&[1.0, 2.0], &diagonal([9.0, 0.0]));
    let second = Moments::from_numbers(&[4.0, -2.0], &diagonal([1.0, 4.0]));
    // 3^2 + 4^2, then (3 - 1)^2 + (0 - 2)^2.
    assert!((first.distance(&second).unwrap() - 33.0).abs() < 1e-9);
    assert!(first.distance(&first).unwrap().abs() < 1e-9);
    let infinite = Moments::from_numbers(&[f64::INFINITY, 0.0], &diagonal([1.0, 1.0]));
    assert_eq!(first.distance(&infinite), None);
    let (mean, covariance) =
        Moments::of(&Tensor::from_slice(&[1.0, 0.0, 3.0, 4.0]).view([2, 2])).to_numbers();
    assert_eq!((mean, covariance), (vec![2.0, 2.0], vec![vec![2.0, 4.0], vec![8.0]]));
}

/// Moments of a dataset's features in zoo 1's model of this name.
fn moments(source: &str, images: &repro::data::Dataset) -> Moments {
    let protocol = World::smoke().protocol;
    let weights = Weights::from(bundled::weights(source).unwrap());
    let network: Network = protocol.network(weights).unwrap();
    let images = OnDevice::new(images, Device::Cpu).resized(Resolution::Native, protocol.side);
    Moments::of_images(&network, &images)
}

/// What ships, computed again: all but the moments of the source's features, whose images do not
/// ship. The first of its training images do, and are far nearer to these moments than any target.
#[test]
fn the_distances_that_ship_are_those_of_the_bundled_images() {
    let world = World::smoke();
    let shipped: &FeatureDistances = world.feature_distances().unwrap();
    let card = bundled::card(&shipped.source).unwrap();
    assert_eq!(shipped.weights, card.weights);
    let features = &shipped.source_features;
    let source = Moments::from_numbers(&features.mean, &features.covariance);
    let mut found = BTreeMap::new();
    for (target, of) in &shipped.targets {
        let images = bundled::target(target).unwrap().test;
        assert_eq!(of.images.sha256, images.digest(), "{target}");
        let distance = source.distance(&moments(&shipped.source, &images)).unwrap();
        // Vector instructions of another width round features otherwise.
        assert!((distance / of.distance - 1.0).abs() < 1e-3, "{target}: {distance} {of:?}");
        found.insert(target, distance);
    }
    let own = moments(&shipped.source, &bundled::first_of_source().unwrap());
    let own = source.distance(&own).unwrap();
    let nearest = found.values().copied().fold(f64::INFINITY, f64::min);
    assert!(10.0 * own < nearest, "{own} {found:?}");
}
