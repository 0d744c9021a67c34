//! First weights, drawn from a generator of the caller's.

use crate::experiment::Head;
use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal, StandardUniform};
use tch::Tensor;

use super::Weights;
use crate::experiment::Architecture;

impl Weights {
    /// Weights to train from scratch, as torchvision draws them: kernels from a normal distribution
    /// of variance 2 / (channels out x kernel area) (He et al. 2015, by outputs), batch norms that
    /// change nothing, and PyTorch's own head. Single precision, on the CPU.
    #[must_use]
    pub fn initialise(architecture: Architecture, generator: &mut ChaCha8Rng) -> Self {
        let bound = bound(&architecture);
        let parameters = architecture.parameter_shapes().into_iter().map(|(name, shape)| {
            let tensor = match (shape.as_slice(), name.as_str()) {
                ([output, _, height, width], _) => {
                    let deviation = (2.0 / (output * height * width) as f64).sqrt();
                    normal(&shape, deviation, generator)
                }
                (_, "fc.weight" | "fc.bias") => uniform(&shape, bound, generator),
                _ => constant(&shape, f32::from(name.ends_with(".weight"))),
            };
            (name, tensor)
        });
        let mut entries: BTreeMap<String, Tensor> = parameters.collect();
        entries.extend(architecture.buffer_shapes().into_iter().map(|(name, shape)| {
            let value = f32::from(name.ends_with("var"));
            (name, constant(&shape, value))
        }));
        Self::new(architecture, entries).expect("made for the architecture")
    }

    /// These with a new head for another task, on the device that they are on.
    #[must_use]
    pub fn with_head(self, classes: u32, head: Head, generator: &mut ChaCha8Rng) -> Self {
        let bound = bound(self.architecture());
        let (bias, weight) =
            (vec![classes.into()], vec![classes.into(), self.architecture().features().into()]);
        let (weight, bias) = match head {
            Head::StandardNormal => (normal(&weight, 1.0, generator), constant(&bias, 0.0)),
            Head::Linear => (uniform(&weight, bound, generator), uniform(&bias, bound, generator)),
        };
        self.with_head_of(weight, bias)
    }
}

/// The bound of PyTorch's uniform head.
fn bound(architecture: &Architecture) -> f64 {
    1.0 / f64::from(architecture.features()).sqrt()
}

fn normal(shape: &[i64], deviation: f64, generator: &mut ChaCha8Rng) -> Tensor {
    drawn(shape, || {
        let drawn: f64 = StandardNormal.sample(generator);
        deviation * drawn
    })
}

fn uniform(shape: &[i64], bound: f64, generator: &mut ChaCha8Rng) -> Tensor {
    drawn(shape, || {
        let drawn: f64 = StandardUniform.sample(generator);
        bound * (2.0 * drawn - 1.0)
    })
}

fn drawn(shape: &[i64], mut draw: impl FnMut() -> f64) -> Tensor {
    let values: Vec<f32> = (0..shape.iter().product()).map(|_: i64| draw() as f32).collect();
    Tensor::from_slice(&values).view(shape)
}

fn constant(shape: &[i64], value: f32) -> Tensor {
    drawn(shape, || value.into())
}
