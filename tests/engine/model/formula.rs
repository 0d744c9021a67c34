//! The formula that goldens/model/make_reference.py fills tensors with: every value is computed
//! from its name and index, with the same bits in both languages.

use std::collections::BTreeMap;

use repro::{engine::model::Weights, experiment::Architecture};
use tch::{Kind, Tensor};

/// The factor of a bottleneck's last norm, which keeps rounding errors small.
const BRANCH: f64 = 0.125;

/// Values in [-1, 1) in steps of 2^-23: FNV-1a of the name, then SplitMix64 from there.
pub fn uniform(name: &str, count: i64) -> Vec<f64> {
    let state = name.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    let value = |at: u64| {
        let mut mixed = state.wrapping_add(at.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        (mixed >> 40) as f64 / f64::from(1 << 23) - 1.0
    };
    (1..=count as u64).map(value).collect()
}

fn uniform_tensor(name: &str, shape: &[i64]) -> Tensor {
    Tensor::from_slice(&uniform(name, shape.iter().product())).view(shape)
}

fn fill(name: &str, shape: &[i64]) -> Tensor {
    let drawn = uniform_tensor(name, shape);
    match shape {
        [_, input, height, width] => drawn * (6.0 / (input * height * width) as f64).sqrt(),
        [_, input] => drawn * (3.0 / *input as f64).sqrt(),
        _ if name.ends_with("running_var") => drawn * 0.5 + 1.0,
        _ if name.ends_with("bn3.weight") => (drawn * 0.25 + 0.75) * BRANCH,
        _ if name.ends_with("weight") => drawn * 0.25 + 0.75,
        _ => drawn * 0.1,
    }
}

/// Weights of an architecture, with the shapes of new ones.
pub fn weights(architecture: &Architecture, kind: Kind) -> Weights {
    let fresh = super::fresh(architecture);
    let entries: BTreeMap<String, Tensor> = fresh
        .parameters()
        .iter()
        .chain(fresh.buffers())
        .map(|(name, tensor)| (name.clone(), fill(name, &tensor.size()).to_kind(kind)))
        .collect();
    Weights::new(architecture.clone(), entries).unwrap()
}

/// Tiles of 8x8 pixels with some noise, from -0.1 to 1.1.
pub fn images(step: usize, [images, channels, height, width]: [i64; 4], kind: Kind) -> Tensor {
    let name = format!("images/{step}");
    let tiles = uniform_tensor(&name, &[images, channels, height / 8, width / 8])
        .repeat_interleave_self_int(8, 2, None)
        .repeat_interleave_self_int(8, 3, None);
    let noise = uniform_tensor(&format!("{name}/noise"), &[images, channels, height, width]);
    (tiles * 0.5 + noise * 0.1 + 0.5).to_kind(kind)
}

pub fn labels(step: usize, count: i64) -> Tensor {
    let classes = uniform(&format!("labels/{step}"), count).into_iter();
    Tensor::from_slice(
        &classes.map(|value| ((value + 1.0) / 2.0 * 10.0) as i64).collect::<Vec<_>>(),
    )
}
