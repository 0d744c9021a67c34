//! Named tensors that fit an architecture.

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

use crate::checkpoint::WeightsError;
use crate::experiment::{Architecture, TooManyBlocks, Trainable, WeightsPrecision, is_of};

/// Parameters and running statistics by torchvision's names, all of one kind and on one device.
/// `num_batches_tracked` is left out: nothing depends on it while momentum is a fixed number.
///
/// It owns its tensors and shares none with its source, except after [`Weights::branch`]. To give a
/// copy to a thread, use [`Weights::copy_to`]. Kernels are channels last in memory, whatever the
/// layout of their source, and so is everything that a network computes from them. A training step
/// of the thin network then takes two thirds of the time (one core, three blocks).
#[derive(Debug)]
pub struct Weights {
    architecture: Architecture,
    parameters: BTreeMap<String, Tensor>,
    buffers: BTreeMap<String, Tensor>,
}

impl Weights {
    /// Copies named tensors, such as a checkpoint's, if they are those of the architecture.
    ///
    /// # Errors
    /// If a tensor is missing, unknown, of another shape or kind than the others, or not of floats.
    pub fn new(
        architecture: Architecture,
        mut entries: BTreeMap<String, Tensor>,
    ) -> Result<Self, WeightsError> {
        entries.retain(|name, _| !name.ends_with(".num_batches_tracked"));
        let kind = entries.values().next().map(Tensor::kind);
        let mut take = |shapes: Vec<(String, Vec<i64>)>| {
            shapes
                .into_iter()
                .map(|(name, expected)| {
                    let Some(tensor) = entries.remove(&name) else {
                        return Err(WeightsError::Missing { name });
                    };
                    if tensor.size() != expected {
                        return Err(WeightsError::Shape { name, found: tensor.size(), expected });
                    }
                    let found = tensor.kind();
                    if Some(found) != kind || !matches!(found, Kind::Float | Kind::Double) {
                        return Err(WeightsError::Kind { name, found: format!("{found:?}") });
                    }
                    Ok((name, owned(&tensor)))
                })
                .collect::<Result<BTreeMap<_, _>, _>>()
        };
        let parameters = take(architecture.parameter_shapes())?;
        let buffers = take(architecture.buffer_shapes())?;
        match entries.pop_first() {
            Some((name, _)) => Err(WeightsError::Unknown { name }),
            None => Ok(Self { architecture, parameters, buffers }),
        }
    }

    /// The architecture that they fit.
    #[must_use]
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The parameters, which training may change, by name.
    #[must_use]
    pub fn parameters(&self) -> &BTreeMap<String, Tensor> {
        &self.parameters
    }

    /// The running statistics of all batch norms, by name.
    #[must_use]
    pub fn buffers(&self) -> &BTreeMap<String, Tensor> {
        &self.buffers
    }

    /// The device that they are on.
    #[must_use]
    pub fn device(&self) -> Device {
        self.tensor("fc.bias").device()
    }

    /// BLAKE3 of every name, shape and value, in hexadecimal: equal for the same weights on every
    /// device and in every memory layout.
    ///
    /// # Panics
    /// If they are in double precision.
    #[must_use]
    pub fn digest(&self) -> String {
        const SINGLE: usize = size_of::<f32>();
        let tensors = || self.parameters.iter().chain(&self.buffers);
        // One tensor, so that there is one transfer from a GPU.
        let flat: Vec<Tensor> =
            tensors().map(|(_, tensor)| tensor.detach().reshape([-1])).collect();
        let flat = Tensor::cat(&flat, 0).to_device(Device::Cpu);
        assert_eq!(flat.kind(), Kind::Float, "single precision");
        // The bytes in memory, which are little-endian on all supported machines.
        let mut bytes = vec![0; SINGLE * flat.numel()];
        flat.copy_data_u8(&mut bytes, flat.numel());
        let mut hasher = blake3::Hasher::new();
        let mut rest = &bytes[..];
        for (name, tensor) in tensors() {
            let values;
            (values, rest) = rest.split_at(SINGLE * tensor.numel());
            hasher.update(format!("{name} {:?}\n", tensor.size()).as_bytes()).update(values);
        }
        hasher.finalize().to_hex().to_string()
    }

    /// A frozen copy that shares no memory with these weights.
    #[must_use]
    pub fn copy_to(&self, device: Device) -> Self {
        self.mapped(|_, tensor| owned(&tensor.to_device(device)))
    }

    /// A frozen copy, each value rounded to the precision that it is stored in. The kind of the
    /// tensors does not change.
    #[must_use]
    pub fn rounded(&self, precision: WeightsPrecision) -> Self {
        self.mapped(|_, tensor| match precision {
            WeightsPrecision::Single => owned(tensor),
            WeightsPrecision::Half => owned(&tensor.to_kind(Kind::Half).to_kind(tensor.kind())),
        })
    }

    /// Another handle to the same tensors.
    pub(super) fn shared(&self) -> Self {
        self.mapped(|_, tensor| tensor.shallow_clone())
    }

    fn mapped(&self, map: impl Fn(&str, &Tensor) -> Tensor) -> Self {
        let mapped = |tensors: &BTreeMap<String, Tensor>| {
            tensors.iter().map(|(name, tensor)| (name.clone(), map(name, tensor))).collect()
        };
        Self {
            architecture: self.architecture.clone(),
            parameters: mapped(&self.parameters),
            buffers: mapped(&self.buffers),
        }
    }

    /// The weights for a fine-tune of the last `blocks` residual blocks: the trained parts are
    /// copied, and the frozen parts are shared with these weights, with their running statistics.
    ///
    /// # Errors
    /// If the architecture has fewer blocks.
    pub fn branch(&self, blocks: u32) -> Result<Self, TooManyBlocks> {
        let parts = Trainable::Blocks(blocks).parts(&self.architecture)?.unwrap_or_default();
        Ok(self.mapped(
            |name, tensor| if is_of(&parts, name) { owned(tensor) } else { tensor.shallow_clone() },
        ))
    }

    /// The same weights with another head.
    pub(super) fn replace_head(mut self, weight: Tensor, bias: Tensor) -> Self {
        let old = self.tensor("fc.weight");
        let head = [("fc.weight", weight), ("fc.bias", bias)].map(|(name, tensor)| {
            (name.to_owned(), tensor.to_device(old.device()).to_kind(old.kind()))
        });
        self.architecture.classes = head[1].1.size()[0] as u32;
        self.parameters.extend(head);
        self
    }

    /// A parameter or running statistic of the architecture, by name.
    pub(super) fn tensor(&self, name: &str) -> &Tensor {
        self.parameters
            .get(name)
            .or_else(|| self.buffers.get(name))
            .expect("weights have every tensor of their architecture")
    }
}

/// A copy without gradient, kernels channels last.
fn owned(tensor: &Tensor) -> Tensor {
    let copy = tensor.detach().copy();
    match copy.dim() {
        4 => copy.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]),
        _ => copy,
    }
}
