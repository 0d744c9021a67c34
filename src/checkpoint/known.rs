//! The known names in pickles: functions that build tensors, and plain classes that tensors need.
//! Everything else is an opaque object. No name is ever looked up or called.

use super::{
    dtype::{Dtype, Elements},
    pickle::{Arena, Id, Value},
};

/// The meaning of a known name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// `collections.OrderedDict`.
    OrderedDict,
    /// `collections.defaultdict`, whose function is never called.
    DefaultDict,
    /// `_rebuild_tensor`, `_rebuild_tensor_v2`: storage, offset, sizes, strides, ...
    Tensor,
    /// `_rebuild_tensor_v3`: the same, with the element type.
    TensorWithDtype,
    /// `_rebuild_parameter`, `_rebuild_parameter_with_state`: a tensor, ...
    Parameter,
    /// `_rebuild_from_type_v2`: another of these, a class, arguments, a state.
    FromType,
    /// A class that [`Known::FromType`] may name.
    TensorClass,
    /// A function that builds an unsupported tensor.
    Unsupported(&'static str),
    /// A storage class.
    Storage(Elements),
    /// An element type; `None` if it is not supported.
    Dtype(Option<Dtype>),
    /// `torch.Size`, a tuple.
    Size,
    /// `torch.device`, which does not matter for values.
    Device,
}

/// Element types of PyTorch that are not supported.
const UNSUPPORTED_DTYPES: [&str; 13] = [
    "complex128",
    "complex32",
    "qint8",
    "quint8",
    "qint32",
    "quint4x2",
    "quint2x4",
    "bits8",
    "bits16",
    "bits1x8",
    "bits2x4",
    "bits4x2",
    "float4_e2m1fn_x2",
];

/// The meaning of a name; `None` if it is unknown.
pub fn known(module: &str, name: &str) -> Option<Known> {
    Some(match (module, name) {
        ("collections", "OrderedDict") => Known::OrderedDict,
        ("collections", "defaultdict") => Known::DefaultDict,
        ("torch", "Size") => Known::Size,
        ("torch", "device") => Known::Device,
        ("torch", "Tensor") | ("torch.nn.parameter", "Parameter" | "Buffer") => Known::TensorClass,
        ("torch._tensor", "_rebuild_from_type_v2") => Known::FromType,
        ("torch._utils", name) => match name {
            "_rebuild_tensor" | "_rebuild_tensor_v2" => Known::Tensor,
            "_rebuild_tensor_v3" => Known::TensorWithDtype,
            "_rebuild_parameter" | "_rebuild_parameter_with_state" => Known::Parameter,
            "_rebuild_qtensor" => Known::Unsupported("a quantised tensor"),
            "_rebuild_sparse_tensor" | "_rebuild_sparse_csr_tensor" => {
                Known::Unsupported("a sparse tensor")
            }
            "_rebuild_nested_tensor" => Known::Unsupported("a nested tensor"),
            "_rebuild_meta_tensor_no_storage" => Known::Unsupported("a tensor without values"),
            "_rebuild_device_tensor_from_numpy" | "_rebuild_device_tensor_from_cpu_tensor" => {
                Known::Unsupported("a tensor of an unsupported device")
            }
            "_rebuild_wrapper_subclass" => Known::Unsupported("a tensor of a user-defined class"),
            _ => return None,
        },
        ("torch", name) if Dtype::named(name).is_some() => Known::Dtype(Dtype::named(name)),
        ("torch", name) if UNSUPPORTED_DTYPES.contains(&name) => Known::Dtype(None),
        (module, name) => Known::Storage(Elements::from_class(module, name)?),
    })
}

impl<'a> Arena<'a> {
    /// The meaning of a value that is a name.
    pub fn known(&self, id: Id) -> Option<Known> {
        let (module, name) = self.global(id)?;
        known(module, name)
    }

    /// The meaning of the name that a value calls.
    pub fn known_call(&self, id: Id) -> Option<Known> {
        match self.get(id) {
            Value::Object(object) => self.known(object.callable),
            _ => None,
        }
    }

    /// Whether a value builds a tensor, supported or not.
    pub fn is_tensor(&self, id: Id) -> bool {
        matches!(
            self.known_call(id),
            Some(
                Known::Tensor
                    | Known::TensorWithDtype
                    | Known::Parameter
                    | Known::FromType
                    | Known::Unsupported(_)
            )
        )
    }

    /// The keys and values of a dict, ordered or not. Python 2 passes those of an `OrderedDict` as
    /// its argument; the argument of a `defaultdict` is a function.
    pub fn dictionary(&self, id: Id) -> Option<Vec<(Id, Id)>> {
        let object = match self.get(id) {
            Value::Dict(items) => return Some(items.clone()),
            Value::Object(object) => object,
            _ => return None,
        };
        let mut items = Vec::new();
        match (self.known(object.callable)?, self.sequence(object.arguments)?) {
            (Known::OrderedDict | Known::DefaultDict, []) | (Known::DefaultDict, [_]) => (),
            (Known::OrderedDict, [pairs]) => {
                for pair in self.sequence(*pairs)? {
                    let [key, value] = self.sequence(*pair)? else { return None };
                    items.push((*key, *value));
                }
            }
            _ => return None,
        }
        items.extend(&object.items);
        Some(items)
    }

    /// The elements of a tuple, a list or a `torch.Size`.
    pub fn sizes(&self, id: Id) -> Option<&[Id]> {
        match (self.get(id), self.known_call(id)) {
            (Value::Object(object), Some(Known::Size)) => match self.sequence(object.arguments)? {
                [sizes] => self.sequence(*sizes),
                _ => None,
            },
            _ => self.sequence(id),
        }
    }
}
