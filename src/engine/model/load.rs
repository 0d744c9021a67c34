//! From a checkpoint to the weights of a network.

use tch::Tensor;

use super::Weights;
use crate::checkpoint::{FittedTensors, Values};

impl From<FittedTensors> for Weights {
    /// The same values as tensors on the CPU.
    fn from(fitted: FittedTensors) -> Self {
        let FittedTensors { architecture, parameters, buffers } = fitted;
        let tensor = |(name, Values { shape, values }): (String, Values)| {
            (name, Tensor::from_slice(&values).view(shape.as_slice()))
        };
        let entries = parameters.into_iter().chain(buffers).map(tensor).collect();
        Self::new(architecture, entries).expect("fitted tensors have the architecture's shapes")
    }
}
