//! The numbers of goldens/model/reference.json, and the distance of a result from them.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use serde::Deserialize;
use tch::{Kind, Tensor};

use super::formula;

/// Sum, sum of squares, product with a formula of the name; first, middle and last value.
pub type Summary = [f64; 6];

#[derive(Deserialize)]
pub struct Reference {
    pub resnet50: Case,
    pub thin: Case,
}

#[derive(Deserialize)]
pub struct Case {
    pub evaluate: Evaluate,
    pub train: Train,
    pub curve: Curve,
}

#[derive(Deserialize)]
pub struct Evaluate {
    pub features: Summary,
    pub logits: Vec<f64>,
}

#[derive(Deserialize)]
pub struct Train {
    pub logits: Vec<f64>,
    pub loss: Vec<f64>,
    pub gradients: BTreeMap<String, Summary>,
    pub statistics: BTreeMap<String, Summary>,
    pub parameters: BTreeMap<String, Summary>,
}

#[derive(Deserialize)]
pub struct Curve {
    pub losses: Vec<f64>,
    pub logits: Vec<f64>,
    pub parameters: BTreeMap<String, Summary>,
    pub statistics: BTreeMap<String, Summary>,
}

impl Reference {
    pub fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/goldens/model/reference.json");
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }
}

fn doubles(tensor: &Tensor) -> Tensor {
    tensor.detach().to_kind(Kind::Double).contiguous().flatten(0, -1)
}

/// The largest difference, relative to the expected root mean square.
pub fn apart(found: &Tensor, expected: &[f64]) -> f64 {
    let expected = Tensor::from_slice(expected);
    let found = doubles(found);
    assert_eq!(found.size(), expected.size());
    ((found - &expected).abs().max() / expected.square().mean(Kind::Double).sqrt())
        .double_value(&[])
}

/// The distance of a tensor from a summary: the largest difference of values relative to their root
/// mean square, and of sums relative to the tensor's length.
pub fn apart_from_summary(name: &str, found: &Tensor, expected: &Summary) -> f64 {
    let values = doubles(found);
    let count = values.numel();
    let probe = Tensor::from_slice(&formula::uniform(&format!("probe/{name}"), count as i64));
    let at = |index: usize| values.double_value(&[index as i64]);
    let found = [
        values.sum(Kind::Double).double_value(&[]),
        values.square().sum(Kind::Double).double_value(&[]),
        values.dot(&probe).double_value(&[]),
        at(0),
        at(count / 2),
        at(count - 1),
    ];
    let length = expected[1].sqrt();
    let value = length / (count as f64).sqrt();
    let scales = [length, expected[1], length, value, value, value];
    (0..6).map(|at| (found[at] - expected[at]).abs() / scales[at]).fold(0.0, f64::max)
}

/// The largest distance of many tensors from their summaries, which must have the same names.
pub fn furthest<'a, T: Borrow<Tensor>>(
    found: impl IntoIterator<Item = (&'a str, T)>,
    expected: &BTreeMap<String, Summary>,
) -> f64 {
    let mut missing: Vec<&String> = expected.keys().collect();
    let mut furthest = 0.0_f64;
    for (name, tensor) in found {
        let expected = expected.get(name).unwrap_or_else(|| panic!("torchvision has no {name}"));
        missing.retain(|other| *other != name);
        furthest = furthest.max(apart_from_summary(name, tensor.borrow(), expected));
    }
    assert!(missing.is_empty(), "torchvision has {missing:?} too");
    furthest
}
