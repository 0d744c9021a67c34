//! libtorch works: it multiplies small matrices exactly, and runs on the given number of threads.

use crate::common::stand_in::full_test_name;
use tch::{Kind, Tensor};

fn values(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.to_kind(Kind::Double).flatten(0, -1)).expect("a flat tensor of doubles")
}

/// [[1, 2, 3], [4, 5, 6]] times [[7, 8], [9, 10], [11, 12]].
const PRODUCT: [f64; 4] = [58.0, 64.0, 139.0, 154.0];

#[test]
fn a_product_of_integer_matrices_is_exact_in_every_kind() {
    for kind in [Kind::Int64, Kind::Float, Kind::Double] {
        let left = Tensor::from_slice(&[1_i64, 2, 3, 4, 5, 6]).view([2, 3]).to_kind(kind);
        let right = Tensor::from_slice(&[7_i64, 8, 9, 10, 11, 12]).view([3, 2]).to_kind(kind);
        let product = left.matmul(&right);
        assert_eq!(product.size(), [2, 2]);
        assert_eq!(product.kind(), kind);
        assert_eq!(values(&product), PRODUCT, "{kind:?}");
    }
}

#[test]
fn a_batched_product_multiplies_each_pair_by_itself() {
    // Left: the unit matrix, then the swap of two rows; right: the same matrix twice.
    let left = Tensor::from_slice(&[1.0_f32, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0]).view([2, 2, 2]);
    let right = Tensor::from_slice(&[1.0_f32, 2.0, 3.0, 4.0]).view([1, 2, 2]);
    let product = left.matmul(&right);
    assert_eq!(product.size(), [2, 2, 2]);
    assert_eq!(values(&product), [1.0, 2.0, 3.0, 4.0, 3.0, 4.0, 1.0, 2.0]);
}

#[test]
fn doubles_keep_the_digits_that_floats_lose() {
    // 2^53 - 1 is the largest odd integer of a double; as a float it is 2^53.
    let largest_odd = 9_007_199_254_740_991.0_f64;
    let product = Tensor::from_slice(&[largest_odd])
        .view([1, 1])
        .matmul(&Tensor::from_slice(&[1.0_f64]).view([1, 1]));
    assert_eq!(product.double_value(&[0, 0]), largest_odd);
    assert_ne!(product.to_kind(Kind::Float).double_value(&[0, 0]), largest_odd);
}

#[test]
fn a_large_product_is_exact_on_any_number_of_threads() {
    const NAME: &str = "a_large_product_is_exact_on_any_number_of_threads";
    const ALONE: &str = "REPRO_TEST_ALONE";
    // In a separate process, since all tests share the number of threads.
    if std::env::var_os(ALONE).is_none() {
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        let again = again.args(["--exact", &full_test_name(NAME)]).env(ALONE, "1");
        assert!(again.status().unwrap().success());
        return;
    }
    // Sums of 256 products under 64 are far below 2^24, so that floats add them exactly in any
    // order.
    let side = 256;
    let left: Vec<f32> = (0..side * side).map(|at| (at % 7) as f32).collect();
    let right: Vec<f32> = (0..side * side).map(|at| (at % 5) as f32).collect();
    let at_3_11: f32 = (0..side).map(|k| left[3 * side + k] * right[k * side + 11]).sum();
    let shape = [side as i64, side as i64];
    let before = tch::get_num_threads();
    for threads in [1, 2] {
        tch::set_num_threads(threads);
        assert_eq!(tch::get_num_threads(), threads);
        let product =
            Tensor::from_slice(&left).view(shape).matmul(&Tensor::from_slice(&right).view(shape));
        assert_eq!(product.double_value(&[3, 11]), f64::from(at_3_11), "{threads} threads");
    }
    tch::set_num_threads(before);
    assert_eq!(tch::get_num_threads(), before);
}
