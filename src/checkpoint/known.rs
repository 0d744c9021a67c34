//! The names that are known: those that build tensors, and the plain classes that come with them.
//! Everything else is an opaque object. None of them is looked up or called; each has a meaning here.

use super::{
    dtype::{Dtype, Elements},
    pickle::{Arena, Id, Value},
};

/// What a known name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// A dict that keeps its order.
    OrderedDict,
    /// A dict that has a function make what is missing. Nothing is looked up in it, so nothing is.
    DefaultDict,
    /// `_rebuild_tensor`, `_rebuild_tensor_v2`: storage, offset, sizes, strides, ...
    Tensor,
    /// `_rebuild_tensor_v3`: the same, and the kind of its elements.
    TensorOfKind,
    /// `_rebuild_parameter`, `_rebuild_parameter_with_state`: a tensor, ...
    Parameter,
    /// `_rebuild_from_type_v2`: another of these, a class, arguments, a state.
    FromType,
    /// A class that [`Known::FromType`] may name.
    TensorClass,
    /// What builds a tensor of a sort that is not read.
    NotRead(&'static str),
    /// A class of storages.
    Storage(Elements),
    /// A kind of elements; `None` where it is not read.
    Dtype(Option<Dtype>),
    /// A tuple by another name.
    Size,
    /// A device: where a tensor was, which says nothing about its values.
    Device,
}

/// Kinds of elements that PyTorch has and that are not read.
const OTHER_KINDS: [&str; 13] = [
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

/// What a name means, if it is known.
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
            "_rebuild_tensor_v3" => Known::TensorOfKind,
            "_rebuild_parameter" | "_rebuild_parameter_with_state" => Known::Parameter,
            "_rebuild_qtensor" => Known::NotRead("a quantised tensor"),
            "_rebuild_sparse_tensor" | "_rebuild_sparse_csr_tensor" => {
                Known::NotRead("a sparse tensor")
            }
            "_rebuild_nested_tensor" => Known::NotRead("a nested tensor"),
            "_rebuild_meta_tensor_no_storage" => Known::NotRead("a tensor without values"),
            "_rebuild_device_tensor_from_numpy" | "_rebuild_device_tensor_from_cpu_tensor" => {
                Known::NotRead("a tensor of a device that is not read")
            }
            "_rebuild_wrapper_subclass" => Known::NotRead("a tensor of a class of its own"),
            _ => return None,
        },
        ("torch", name) if Dtype::named(name).is_some() => Known::Dtype(Dtype::named(name)),
        ("torch", name) if OTHER_KINDS.contains(&name) => Known::Dtype(None),
        (module, name) => Known::Storage(Elements::of_class(module, name)?),
    })
}

impl<'a> Arena<'a> {
    /// What a value means that is a known name.
    pub fn known(&self, id: Id) -> Option<Known> {
        let (module, name) = self.global(id)?;
        known(module, name)
    }

    /// What a call of a known name means.
    pub fn known_call(&self, id: Id) -> Option<Known> {
        match self.get(id) {
            Value::Object(object) => self.known(object.callable),
            _ => None,
        }
    }

    /// Whether a value is what builds a tensor, of whatever sort.
    pub fn is_tensor(&self, id: Id) -> bool {
        matches!(
            self.known_call(id),
            Some(
                Known::Tensor
                    | Known::TensorOfKind
                    | Known::Parameter
                    | Known::FromType
                    | Known::NotRead(_)
            )
        )
    }

    /// Keys and values of a dict, ordered or not; those of [`Known::OrderedDict`] may be its
    /// argument, as Python 2 has it, where that of [`Known::DefaultDict`] is its function.
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
