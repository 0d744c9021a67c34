//! Initial weights, drawn from the caller's generator.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal, StandardUniform};
use tch::Tensor;

use super::Weights;
use crate::experiment::{Architecture, Head};

impl Weights {
    /// Weights to train from scratch, distributed as in torchvision: kernels are normal with
    /// variance 2 / (output channels x kernel area) (He et al. 2015, fan out), batch norms are the
    /// identity, and the head is PyTorch's default. Single precision, on the CPU.
    #[must_use]
    pub fn initialise(architecture: Architecture, generator: &mut ChaCha8Rng) -> Self {
        let bound = linear_bound(&architecture);
        let parameters = architecture.parameter_shapes().into_iter().map(|(name, shape)| {
            let tensor = match (shape.as_slice(), name.as_str()) {
                ([output, _, height, width], _) => {
                    let std = (2.0 / (output * height * width) as f64).sqrt();
                    normal(&shape, std, generator)
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
        Self::new(architecture, entries).expect("the tensors have the architecture's shapes")
    }

    /// The same weights with a new head for another task, on the same device.
    #[must_use]
    pub fn with_head(self, classes: u32, head: Head, generator: &mut ChaCha8Rng) -> Self {
        let bound = linear_bound(self.architecture());
        let (bias, weight) =
            (vec![classes.into()], vec![classes.into(), self.architecture().features().into()]);
        let (weight, bias) = match head {
            Head::StandardNormal => (normal(&weight, 1.0, generator), constant(&bias, 0.0)),
            Head::Linear => (uniform(&weight, bound, generator), uniform(&bias, bound, generator)),
        };
        self.replace_head(weight, bias)
    }
}

/// The bound of the uniform distribution that PyTorch draws a linear layer from.
fn linear_bound(architecture: &Architecture) -> f64 {
    1.0 / f64::from(architecture.features()).sqrt()
}

fn normal(shape: &[i64], std: f64, generator: &mut ChaCha8Rng) -> Tensor {
    filled(shape, || {
        let drawn: f64 = StandardNormal.sample(generator);
        std * drawn
    })
}

fn uniform(shape: &[i64], bound: f64, generator: &mut ChaCha8Rng) -> Tensor {
    filled(shape, || {
        let drawn: f64 = StandardUniform.sample(generator);
        bound * (2.0 * drawn - 1.0)
    })
}

fn filled(shape: &[i64], mut value: impl FnMut() -> f64) -> Tensor {
    let values: Vec<f32> = (0..shape.iter().product()).map(|_: i64| value() as f32).collect();
    Tensor::from_slice(&values).view(shape)
}

fn constant(shape: &[i64], value: f32) -> Tensor {
    filled(shape, || value.into())
}
