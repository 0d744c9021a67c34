//! Matches a checkpoint's tensors with an architecture (missing, unknown and differently shaped
//! tensors are errors), and computes the digest that record names contain. Works without libtorch.

use std::collections::BTreeMap;

use super::{Checkpoint, Dtype, Fault, MAX_STRAYS, NamedTensor, ReadError, prefix::is_in_network};
use crate::experiment::Architecture;

/// Tensors that do not fit an architecture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeightsError {
    /// A tensor is missing.
    #[error(
        "missing tensor `{name}`: the weights are of another architecture, or their names are not \
         torchvision's"
    )]
    Missing {
        /// Its name.
        name: String,
    },
    /// The network does not have this tensor.
    #[error(
        "unknown tensor `{name}`: the weights are of another architecture, or their names have \
         a prefix"
    )]
    Unknown {
        /// Its name.
        name: String,
    },
    /// A tensor has another shape.
    #[error(
        "tensor `{name}` has shape {found:?}, but the network has {expected:?}: the weights are of \
         another width, or of another number of classes"
    )]
    Shape {
        /// Its name.
        name: String,
        /// Its shape.
        found: Vec<i64>,
        /// Its shape in the network.
        expected: Vec<i64>,
    },
    /// A tensor has NaN or infinite values.
    #[error("tensor `{name}` has values that are not finite (NaN or infinite)")]
    NotFinite {
        /// Its name.
        name: String,
    },
    /// A tensor has another element type than the first one, or an unsupported one.
    #[error(
        "tensor `{name}` has type {found}: convert all weights to single or all to double precision"
    )]
    Kind {
        /// Its name.
        name: String,
        /// Its element type.
        found: String,
    },
}

/// A tensor in single precision.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// Its shape.
    pub shape: Vec<i64>,
    /// Its values in row-major order, as many as the shape has.
    pub values: Vec<f32>,
}

/// Every tensor of an architecture in single precision, by its name in torchvision.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedTensors {
    /// The architecture.
    pub architecture: Architecture,
    /// Trainable parameters.
    pub parameters: BTreeMap<String, Values>,
    /// Running statistics of batch norms.
    pub buffers: BTreeMap<String, Values>,
}

impl FittedTensors {
    /// The hexadecimal BLAKE3 digest of all names, shapes and values, by which records and cards
    /// identify these weights.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut bytes = Vec::new();
        for (name, Values { shape, values }) in self.parameters.iter().chain(&self.buffers) {
            bytes.clear();
            bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            hasher.update(format!("{name} {shape:?}\n").as_bytes()).update(&bytes);
        }
        hasher.finalize().to_hex().to_string()
    }
}

impl Checkpoint {
    /// The tensors of an architecture, converted to single precision from half, bfloat16 or double
    /// precision. `num_batches_tracked` is ignored: batch norm uses it only without a fixed
    /// momentum. So are the tensors that [`Checkpoint::strays`] names.
    ///
    /// # Errors
    /// If a tensor of the architecture is missing or has another shape, if the architecture does
    /// not have a tensor, or if a tensor has other types or values that are not finite.
    pub fn fitted(&self, architecture: &Architecture) -> Result<FittedTensors, ReadError> {
        let strays = self.strays();
        let mut tensors: BTreeMap<&str, NamedTensor<'_>> = self
            .tensors()
            .filter(|tensor| is_needed(tensor.name()) && !strays.contains(&tensor.name()))
            .map(|tensor| (tensor.name(), tensor))
            .collect();
        let mut take = |shapes: Vec<(String, Vec<i64>)>| {
            let taken = shapes.into_iter().map(|(name, expected)| match tensors.remove(&*name) {
                None => Err(WeightsError::Missing { name }),
                Some(tensor) if shape(&tensor) != expected => {
                    Err(WeightsError::Shape { name, found: shape(&tensor), expected })
                }
                Some(tensor) => Ok((name, tensor)),
            });
            taken.collect::<Result<Vec<_>, WeightsError>>()
        };
        let taken = take(architecture.parameter_shapes())
            .and_then(|parameters| Ok((parameters, take(architecture.buffer_shapes())?)));
        let (parameters, buffers) = taken.map_err(|cause| self.weights_fault(cause))?;
        if let Some((name, _)) = tensors.pop_first() {
            return Err(self.weights_fault(WeightsError::Unknown { name: name.to_owned() }));
        }
        // Values are read last, one tensor at a time, and none of a network that does not fit.
        let read = |named: Vec<(String, NamedTensor<'_>)>| {
            let values = named.into_iter().map(|(name, tensor)| {
                let values = single(&tensor, &tensor.bytes()?);
                Ok((name, values.map_err(|cause| self.weights_fault(cause))?))
            });
            values.collect::<Result<BTreeMap<_, _>, ReadError>>()
        };
        let (parameters, buffers) = (read(parameters)?, read(buffers)?);
        Ok(FittedTensors { architecture: architecture.clone(), parameters, buffers })
    }

    /// The names of tensors outside all modules of residual networks, which [`Checkpoint::fitted`]
    /// ignores: those of wrappers, such as counts of steps and normalisers. More than
    /// [`MAX_STRAYS`] are another network's, so that none is ignored.
    #[must_use]
    pub fn strays(&self) -> Vec<&str> {
        let names = self.tensors.keys().map(String::as_str);
        let strays: Vec<&str> =
            names.filter(|name| is_needed(name) && !is_in_network(name)).collect();
        if strays.len() > MAX_STRAYS { Vec::new() } else { strays }
    }

    /// The fault of weights that do not fit. A missing tensor may be in the file as an unsupported
    /// one.
    fn weights_fault(&self, cause: WeightsError) -> ReadError {
        let fault = match cause {
            WeightsError::Missing { name } if self.unsupported.contains_key(&name) => {
                Fault::UnsupportedTensor { why: self.unsupported[&name].clone(), name }
            }
            WeightsError::Missing { .. } if !self.unwrapped.other_prefixes.is_empty() => {
                let what = "the names leave open what belongs to the network".to_owned();
                Fault::Prefix { what, prefixes: self.unwrapped.other_prefixes.clone() }
            }
            cause => Fault::Weights { cause },
        };
        fault.in_file(&self.file)
    }
}

/// Whether a tensor is one of those that a fine-tune starts from.
fn is_needed(name: &str) -> bool {
    !name.ends_with(".num_batches_tracked")
}

fn shape(tensor: &NamedTensor<'_>) -> Vec<i64> {
    tensor.shape().iter().map(|size| *size as i64).collect()
}

/// A tensor's values in single precision.
fn single(tensor: &NamedTensor<'_>, bytes: &[u8]) -> Result<Values, WeightsError> {
    let name = || tensor.name().to_owned();
    match single_precision(tensor.dtype(), bytes) {
        None => {
            let found = tensor.dtype().name().to_owned();
            Err(WeightsError::Kind { name: name(), found })
        }
        Some((_, false)) => Err(WeightsError::NotFinite { name: name() }),
        Some((values, true)) => Ok(Values { shape: shape(tensor), values }),
    }
}

/// Values in single precision, rounded to nearest, ties to even, as PyTorch rounds; second, whether
/// all are finite. `None` for a type that has no floats.
pub(super) fn single_precision(dtype: Dtype, bytes: &[u8]) -> Option<(Vec<f32>, bool)> {
    Some(match dtype.name() {
        "float32" => {
            let values: Vec<f32> = parts(bytes).map(f32::from_le_bytes).collect();
            let finite = values.iter().all(|value| value.is_finite());
            (values, finite)
        }
        "float64" => {
            // Checked before rounding, which may overflow to infinity.
            let finite = parts(bytes).map(f64::from_le_bytes).all(f64::is_finite);
            (parts(bytes).map(|part| f64::from_le_bytes(part) as f32).collect(), finite)
        }
        "float16" => widened(bytes, from_half),
        "bfloat16" => widened(bytes, |bits| f32::from_bits(u32::from(bits) << 16)),
        _ => return None,
    })
}

/// Converts 16-bit floats; second, whether all are finite.
fn widened(bytes: &[u8], widen: impl Fn(u16) -> f32) -> (Vec<f32>, bool) {
    let values: Vec<f32> = parts(bytes).map(|part| widen(u16::from_le_bytes(part))).collect();
    let finite = values.iter().all(|value| value.is_finite());
    (values, finite)
}

/// Splits bytes into arrays of N.
fn parts<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    bytes.chunks_exact(N).map(|part| part.try_into().expect("chunks have N bytes"))
}

/// Converts an IEEE 754 half-precision number, exactly.
fn from_half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    match exponent {
        0 => sign * fraction * 2.0_f32.powi(-24),
        0x1f if fraction == 0.0 => sign * f32::INFINITY,
        0x1f => f32::NAN,
        _ => sign * (1.0 + fraction / 1024.0) * 2.0_f32.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_converted_as_ieee_754_defines() {
        for (bits, value) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x7bff, 65504.0),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x7c00, f32::INFINITY),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            assert_eq!(from_half(bits), value, "{bits:#x}");
        }
        assert!(from_half(0x7e00).is_nan());
        assert!(from_half(0x8000).is_sign_negative());
    }
}
