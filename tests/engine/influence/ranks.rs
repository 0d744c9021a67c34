//! Shares by rank, on cases that can be counted by hand.

use repro::engine::influence::{LastLayer, Scores, Shares};
use repro::experiment::RANKS;
use tch::Tensor;

use super::matrix;

#[test]
fn ranks_are_counted_from_the_most_influential_image() {
    let influences = matrix(&[
        vec![0.1, 3.0, -2.0, 1.0, 0.5, 0.4],
        vec![5.0, 4.0, 3.0, 2.0, 1.0, 0.0],
        vec![-6.0, -5.0, -4.0, -3.0, -2.0, -1.0],
    ]);
    let train = Tensor::from_slice(&[0_i64, 1, 0, 1, 1, 0]);
    let test = Tensor::from_slice(&[1_i64, 0, 1]);
    // By rank: 1 1 1 0 0 0, then 1 0 1 0 0 1, then 0 1 1 0 1 0.
    let shares = Shares::count(&influences, &train, &test);
    assert_eq!(shares.matches, [2, 2, 3, 0, 1, 1]);
    assert_eq!(shares.first, [true, true, false]);
    // Of the five first: three of class 1; two of class 0; three of class 1: so the first and the
    // last.
    assert_eq!(shares.three_of_five, 2);
    assert_eq!(shares.strongest, [(1, 3.0), (0, 5.0), (5, -1.0)]);
}

#[test]
fn equal_influences_match_none_and_among_ties_the_earlier_image_is_first() {
    let influences = matrix(&[vec![0.0, 0.0, 0.0], vec![1.0, 2.0, 2.0]]);
    let train = Tensor::from_slice(&[0_i64, 0, 1]);
    let shares = Shares::count(&influences, &train, &Tensor::from_slice(&[0_i64, 0]));
    assert_eq!(shares.matches, [1, 0, 1]);
    assert_eq!(shares.first, [false, true]);
}

#[test]
fn at_most_100_ranks_are_counted() {
    let many: Vec<f64> = (0..300).map(f64::from).collect();
    let train = Tensor::from_slice(&[1_i64; 300]);
    let shares = Shares::count(&matrix(&[many]), &train, &Tensor::from_slice(&[1_i64]));
    assert_eq!(shares.matches, vec![1; RANKS as usize]);
}

#[test]
fn features_rank_by_their_cosine_without_their_length_or_the_head() {
    let features = |rows: &[Vec<f64>]| {
        let logits = Tensor::zeros([rows.len() as i64, 2], (tch::Kind::Double, tch::Device::Cpu));
        let labels = Tensor::zeros([rows.len() as i64], (tch::Kind::Int64, tch::Device::Cpu));
        LastLayer::new(&matrix(rows), &logits, &labels).unwrap()
    };
    let train = features(&[vec![100.0, 0.0], vec![1.0, 1.0], vec![0.0, 0.5], vec![0.0, 0.0]]);
    let test = features(&[vec![0.1, 0.1], vec![1.0, 3.0]]);
    let scores = Scores::of_features(&train, &test);
    let half = 0.5_f64.sqrt();
    let tenth = 0.1_f64.sqrt();
    let expected =
        matrix(&[vec![half, 1.0, half, 0.0], vec![tenth, 4.0 * tenth * half, 3.0 * tenth, 0.0]]);
    let found = scores.on(0, scores.tests());
    assert!((found - expected).abs().max().double_value(&[]) < 1e-15);
    // The nearest is the second image for the first, and for the second test image the third.
    let labels = Tensor::from_slice(&[0_i64, 1, 0, 1]);
    let shares = Shares::by(&scores, &labels, &Tensor::from_slice(&[1_i64, 1]));
    assert_eq!(shares.first, [true, false]);
}

#[test]
fn the_predicted_class_in_place_of_the_label_is_that_of_the_largest_logit() {
    let features = matrix(&[vec![1.0, 2.0], vec![-1.0, 0.5]]);
    let logits = matrix(&[vec![0.1, 2.0, 1.0], vec![3.0, 0.0, -1.0]]);
    let of =
        |labels: &[i64]| LastLayer::new(&features, &logits, &Tensor::from_slice(labels)).unwrap();
    let (as_predicted, expected) = (of(&[2, 1]).as_predicted(), of(&[1, 0]));
    assert_eq!(as_predicted.labels(), expected.labels());
    let all = Tensor::eye(as_predicted.parameters(), (tch::Kind::Double, tch::Device::Cpu));
    assert_eq!(as_predicted.gradients_in(&all), expected.gradients_in(&all));
}

#[test]
fn chance_is_over_all_orders_of_the_training_labels() {
    // Three test images have the first training image first, one the second; the last has none.
    let influences = matrix(&[
        vec![2.0, 1.0, 0.0],
        vec![2.0, 1.0, 0.0],
        vec![2.0, 1.0, 0.0],
        vec![0.0, 1.0, 0.5],
        vec![1.0, 1.0, 1.0],
    ]);
    let train = Tensor::from_slice(&[0_i64, 0, 1]);
    let test = Tensor::from_slice(&[0_i64, 0, 1, 1, 0]);
    let chance = Shares::count(&influences, &train, &test).by_chance(&train, &test).unwrap();
    // Orders 0 0 1, 0 1 0 and 1 0 0 match 2, 3 and 1 of five.
    assert!((chance.mean - 40.0).abs() < 1e-12, "{chance:?}");
    let deviation = 20.0 * (2.0_f64 / 3.0).sqrt();
    assert!((chance.standard_deviation - deviation).abs() < 1e-12, "{chance:?}");
}
