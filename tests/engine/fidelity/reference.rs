//! The numbers of goldens/fidelity/reference.json, and the distance of a fine-tune from them.

use std::collections::BTreeMap;

use serde::Deserialize;
use tch::{Kind, Tensor};

use super::material::golden;
use crate::model::formula::uniform;

#[derive(Deserialize)]
pub struct Reference {
    pub blocks: BTreeMap<u32, Case>,
    pub near_misses: BTreeMap<String, NearMiss>,
}

/// The numbers of a protocol with one wrong detail.
#[derive(Deserialize)]
pub struct NearMiss {
    pub blocks: u32,
    #[serde(flatten)]
    pub curve: Curve,
}

#[derive(Deserialize)]
pub struct Case {
    #[serde(flatten)]
    curve: Curve,
    /// Running statistics after the last step.
    statistics: BTreeMap<String, Length>,
    /// The trained parameters after the last step.
    parameters: BTreeMap<String, Length>,
    drift: Distances,
}

/// A tensor's length, and its product with a formula of its name.
type Length = [f64; 2];

/// Losses before each step, and the logits of the test images.
#[derive(Debug, Deserialize)]
pub struct Curve {
    pub losses: Vec<f64>,
    pub test_loss_after_first_step: f64,
    pub test_loss: f64,
    pub logits: Vec<f64>,
}

/// Differences from the reference: of losses relative; of logits the largest, relative to their
/// root mean square; of tensors the largest, relative to a length.
#[derive(Debug, Deserialize)]
pub struct Distances {
    losses: Vec<f64>,
    test_loss_after_first_step: f64,
    test_loss: f64,
    logits: f64,
    /// Lengths and directions of the running statistics of frozen norms.
    frozen_statistics: f64,
    /// Lengths of the running statistics of trained norms.
    trained_statistics: f64,
    /// Lengths of the trained parameters.
    parameters: f64,
}

impl Reference {
    pub fn read() -> Self {
        serde_json::from_str(&std::fs::read_to_string(golden("reference.json")).unwrap()).unwrap()
    }
}

impl Case {
    /// Differences of a curve alone.
    pub fn distances_of_curve(&self, found: &Curve) -> Distances {
        let relative = |found: f64, expected: f64| ((found - expected) / expected).abs();
        let expected = &self.curve;
        assert_eq!(found.losses.len(), expected.losses.len());
        assert_eq!(found.logits.len(), expected.logits.len());
        let losses = found.losses.iter().zip(&expected.losses);
        let square: f64 = expected.logits.iter().map(|logit| logit * logit).sum();
        let scale = (square / expected.logits.len() as f64).sqrt();
        let logits = found.logits.iter().zip(&expected.logits);
        Distances {
            losses: losses.map(|(&found, &expected)| relative(found, expected)).collect(),
            test_loss_after_first_step: relative(
                found.test_loss_after_first_step,
                expected.test_loss_after_first_step,
            ),
            test_loss: relative(found.test_loss, expected.test_loss),
            logits: largest(logits.map(|(found, expected)| (found - expected).abs() / scale)),
            frozen_statistics: 0.0,
            trained_statistics: 0.0,
            parameters: 0.0,
        }
    }

    /// Differences of a curve and of the tensors after it, by name. The trained parameters are
    /// those in the reference.
    pub fn distances(&self, found: &Curve, tensors: &BTreeMap<String, Tensor>) -> Distances {
        let difference =
            |(name, expected): (&String, &Length)| difference(name, &tensors[name], expected);
        let is_trained = |name: &str| {
            let norm = name.rsplit_once('.').expect("a statistic is a norm's").0;
            self.parameters.contains_key(&format!("{norm}.weight"))
        };
        let (trained, frozen): (Vec<_>, Vec<_>) =
            self.statistics.iter().partition(|(name, _)| is_trained(name));
        Distances {
            frozen_statistics: largest(frozen.into_iter().flat_map(difference)),
            trained_statistics: largest(trained.into_iter().map(|each| difference(each)[0])),
            parameters: largest(self.parameters.iter().map(|each| difference(each)[0])),
            ..self.distances_of_curve(found)
        }
    }

    /// The largest distance in multiples of PyTorch's drift: the number's name and the multiple.
    pub fn drifts_away(&self, found: &Distances) -> (String, f64) {
        let drift = &self.drift;
        let steps = found.losses.iter().zip(&drift.losses).enumerate();
        let steps = steps
            .map(|(step, (found, drift))| (format!("loss of step {}", step + 1), found / drift));
        let rest = [
            (
                "test loss after the first step",
                found.test_loss_after_first_step / drift.test_loss_after_first_step,
            ),
            ("test loss", found.test_loss / drift.test_loss),
            ("logits", found.logits / drift.logits),
            ("frozen statistics", found.frozen_statistics / drift.frozen_statistics),
            ("trained statistics", found.trained_statistics / drift.trained_statistics),
            ("parameters", found.parameters / drift.parameters),
        ];
        let all = steps.chain(rest.map(|(name, times)| (name.to_owned(), times)));
        // A NaN counts as the largest.
        all.max_by(|(_, left), (_, right)| left.total_cmp(right)).expect("there are losses")
    }
}

/// Changes of a tensor's length and of its product with its formula, as parts of its length.
fn difference(name: &str, found: &Tensor, [length, product]: &Length) -> Length {
    let values = found.detach().to_device(tch::Device::Cpu).to_kind(Kind::Double);
    let values = values.contiguous().flatten(0, -1);
    let probe = Tensor::from_slice(&uniform(&format!("probe/{name}"), values.numel() as i64));
    let found_length = values.square().sum(Kind::Double).sqrt().double_value(&[]);
    let found_product = values.dot(&probe).double_value(&[]);
    [(found_length - length).abs() / length, (found_product - product).abs() / length]
}

/// The largest value; a NaN counts as the largest.
fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(0.0, |most, value| if value <= most { most } else { value })
}
