//! Shares by rank, on cases that can be counted by hand.

use repro::engine::influence::Shares;
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
