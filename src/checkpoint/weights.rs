//! From a checkpoint to the weights of a network.

use std::collections::BTreeMap;

use tch::{Kind, Tensor};

use super::{Checkpoint, Fault, ReadError};
use crate::model::{Architecture, Weights, WeightsError};

impl Checkpoint {
    /// Its tensors as weights of an architecture, in single precision: half, bfloat16 and double
    /// precision are converted. `num_batches_tracked` is ignored, as [`Weights`] says.
    ///
    /// # Errors
    /// If a tensor of the architecture is missing or of another shape, if there is one that it does
    /// not have, or if one holds no floats, or one that is not finite.
    pub fn weights(&self, architecture: &Architecture) -> Result<Weights, ReadError> {
        let wanted =
            self.tensors().filter(|tensor| !tensor.name().ends_with(".num_batches_tracked"));
        let entries = wanted
            .map(|tensor| {
                let name = tensor.name().to_owned();
                let kind = match tensor.dtype().name() {
                    "float32" => Kind::Float,
                    "float64" => Kind::Double,
                    "float16" => Kind::Half,
                    "bfloat16" => Kind::BFloat16,
                    other => return Err(WeightsError::Kind { name, found: other.to_owned() }),
                };
                let shape: Vec<i64> = tensor.shape().iter().map(|size| *size as i64).collect();
                let values = Tensor::from_data_size(&tensor.bytes(), &shape, kind);
                match bool::try_from(values.isfinite().all()) {
                    Ok(true) => Ok((name, values.to_kind(Kind::Float))),
                    _ => Err(WeightsError::NotFinite { name }),
                }
            })
            .collect::<Result<BTreeMap<String, Tensor>, _>>();
        let weights = entries.and_then(|entries| Weights::new(architecture.clone(), entries));
        weights.map_err(|cause| self.misfit(cause).of(&self.file))
    }

    /// A tensor that is missing may be there as something that is not read.
    fn misfit(&self, cause: WeightsError) -> Fault {
        if let WeightsError::Missing { name } = &cause
            && let Some(why) = self.left_out.get(name)
        {
            return Fault::LeftOut { name: name.clone(), why: why.clone() };
        }
        Fault::Weights { cause }
    }
}
