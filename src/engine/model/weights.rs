//! Named tensors that fit an architecture.

use crate::checkpoint::WeightsError;
use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

use crate::experiment::{Architecture, TooManyBlocks, Trainable, is_of};

/// Parameters and running statistics by torchvision's names, all of one kind and on one device.
/// `num_batches_tracked` is left out: nothing depends on it while momentum is a fixed number.
///
/// Owns its tensors: none is shared with those it was made from, but by [`Weights::branch`]. To hand a
/// copy to a thread, make one with [`Weights::copy_to`]. Kernels lie channels last in memory, whatever
/// those they were made from do: all that a network computes then does, and a training step of the thin
/// network takes two thirds of the time (one core, three blocks).
#[derive(Debug)]
pub struct Weights {
    architecture: Architecture,
    parameters: BTreeMap<String, Tensor>,
    buffers: BTreeMap<String, Tensor>,
}

impl Weights {
    /// Copies named tensors, as a checkpoint has them, if they are those of the architecture.
    ///
    /// # Errors
    /// If one is missing, unknown, of another shape, or not a float.
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

    /// The architecture they fit.
    #[must_use]
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// What training may change, by name.
    #[must_use]
    pub fn parameters(&self) -> &BTreeMap<String, Tensor> {
        &self.parameters
    }

    /// The running statistics of all batch norms, by name.
    #[must_use]
    pub fn buffers(&self) -> &BTreeMap<String, Tensor> {
        &self.buffers
    }

    /// Where they lie.
    #[must_use]
    pub fn device(&self) -> Device {
        self.tensor("fc.bias").device()
    }

    /// BLAKE3 of every name, shape and value, in hexadecimal: equal for the same weights wherever they
    /// lie, however they are laid out in memory.
    ///
    /// # Panics
    /// If they are in double precision.
    #[must_use]
    pub fn digest(&self) -> String {
        const SINGLE: usize = size_of::<f32>();
        let tensors = || self.parameters.iter().chain(&self.buffers);
        // All in one piece, so that a device sends them once.
        let flat: Vec<Tensor> =
            tensors().map(|(_, tensor)| tensor.detach().reshape([-1])).collect();
        let flat = Tensor::cat(&flat, 0).to_device(Device::Cpu);
        assert_eq!(flat.kind(), Kind::Float, "single precision");
        // As they lie in memory, which on the machines that this runs on is little-endian.
        let mut bytes = vec![0; SINGLE * flat.numel()];
        flat.copy_data_u8(&mut bytes, flat.numel());
        let mut hasher = blake3::Hasher::new();
        let mut rest = &bytes[..];
        for (name, tensor) in tensors() {
            let own;
            (own, rest) = rest.split_at(SINGLE * tensor.numel());
            hasher.update(format!("{name} {:?}\n", tensor.size()).as_bytes()).update(own);
        }
        hasher.finalize().to_hex().to_string()
    }

    /// A copy that shares nothing with these, frozen.
    #[must_use]
    pub fn copy_to(&self, device: Device) -> Self {
        self.mapped(|_, tensor| owned(&tensor.to_device(device)))
    }

    /// The same tensors once more.
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

    /// These, to fine-tune the last `blocks` residual blocks of: what that changes is copied, and what
    /// it leaves frozen is shared with these, running statistics too.
    ///
    /// # Errors
    /// If there are not as many blocks.
    pub fn branch(&self, blocks: u32) -> Result<Self, TooManyBlocks> {
        let parts = Trainable::Blocks(blocks).parts(&self.architecture)?.unwrap_or_default();
        Ok(self.mapped(
            |name, tensor| if is_of(&parts, name) { owned(tensor) } else { tensor.shallow_clone() },
        ))
    }

    /// These with another head.
    pub(super) fn with_head_of(mut self, weight: Tensor, bias: Tensor) -> Self {
        let old = self.tensor("fc.weight");
        let placed = [("fc.weight", weight), ("fc.bias", bias)].map(|(name, tensor)| {
            (name.to_owned(), tensor.to_device(old.device()).to_kind(old.kind()))
        });
        self.architecture.classes = placed[1].1.size()[0] as u32;
        self.parameters.extend(placed);
        self
    }

    /// A tensor that the architecture has.
    pub(super) fn tensor(&self, name: &str) -> &Tensor {
        self.parameters
            .get(name)
            .or_else(|| self.buffers.get(name))
            .expect("weights have every tensor of their architecture")
    }
}

/// A copy, outside any gradient, kernels channels last.
fn owned(tensor: &Tensor) -> Tensor {
    let copy = tensor.detach().copy();
    match copy.dim() {
        4 => copy.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]),
        _ => copy,
    }
}
