//! Interprets the calls of `torch._utils` in a pickle as tensors: layouts of the file's bytes.

use super::{
    dtype::Elements,
    error::{Fault, printable},
    known::{Known, known},
    layout::Layout,
    pickle::{Arena, Id, Object, Value},
    storage::{StorageRef, StorageRefError, Storages},
    summary::{callable, called},
};

/// Limit on the dimensions of a tensor, which PyTorch has too.
const MAX_DIMENSIONS: usize = 64;
/// Limit on nested calls around a tensor, such as that of a parameter.
const MAX_WRAPPERS: usize = 8;

/// The meaning of a value that may be a tensor.
#[derive(Debug)]
pub enum Found {
    /// A tensor.
    Tensor(Layout),
    /// An unsupported tensor, and what it is.
    Unsupported(String),
    /// Something else.
    Other,
}

/// The values of a pickle and the storages of its file.
#[derive(Debug)]
pub struct TensorSource<'a> {
    /// The values.
    pub arena: Arena<'a>,
    /// The pickled object.
    pub root: Id,
    /// The storages.
    pub storages: Storages,
}

impl TensorSource<'_> {
    /// The tensor that a value builds, which errors call `name`.
    ///
    /// # Errors
    /// If it is a tensor that depends on an unknown object, is damaged, or is outside its storage.
    pub fn tensor(&self, id: Id, name: &str) -> Result<Found, Fault> {
        let mut place = id;
        for depth in 0..MAX_WRAPPERS {
            let Value::Object(object) = self.arena.get(place) else {
                return self.other(place, name, depth);
            };
            let arguments = self.arena.sequence(object.arguments).unwrap_or_default();
            let known = self.arena.known(object.callable);
            match known {
                Some(Known::Unsupported(what)) => {
                    return Ok(Found::Unsupported(format!("{what}, which is not supported")));
                }
                Some(Known::Tensor | Known::TensorWithDtype) => {
                    check_unchanged(object, name)?;
                    return self.build(arguments, known == Some(Known::TensorWithDtype), name);
                }
                Some(Known::Parameter) => {
                    check_unchanged(object, name)?;
                    place = *arguments.first().ok_or_else(|| damaged(name, "it has no data"))?;
                }
                Some(Known::FromType) => {
                    check_unchanged(object, name)?;
                    let [function, class, arguments, ..] = arguments else {
                        return Err(damaged(name, "it has too few arguments"));
                    };
                    if self.arena.known(*class) != Some(Known::TensorClass) {
                        return Err(self.opaque(*class, name));
                    }
                    let with_dtype = match self.arena.known(*function) {
                        Some(Known::Tensor) => false,
                        Some(Known::TensorWithDtype) => true,
                        Some(Known::Unsupported(what)) => {
                            return Ok(Found::Unsupported(format!(
                                "{what}, which is not supported"
                            )));
                        }
                        _ => return Err(self.opaque(*function, name)),
                    };
                    let arguments = self.arena.sequence(*arguments).unwrap_or_default();
                    return self.build(arguments, with_dtype, name);
                }
                _ => return self.other(place, name, depth),
            }
        }
        Err(Fault::bound(tensor(name), format!("it has more than {MAX_WRAPPERS} nested calls")))
    }

    /// Another value: an error inside a call that expects a tensor.
    fn other(&self, id: Id, name: &str, depth: usize) -> Result<Found, Fault> {
        if depth == 0 { Ok(Found::Other) } else { Err(self.opaque(id, name)) }
    }

    /// The error for a value that is no valid part of a tensor.
    fn opaque(&self, id: Id, name: &str) -> Fault {
        let global = called(&self.arena, id);
        let callable = callable(&self.arena, id);
        match self.arena.global(callable) {
            Some((module, attribute)) if known(module, attribute).is_none() => {
                Fault::Opaque { name: printable(name), global }
            }
            _ => damaged(name, format!("unexpected {global} as a part of it")),
        }
    }

    /// Builds a tensor from the arguments of `_rebuild_tensor`: storage, offset, sizes, strides,
    /// `requires_grad`, hooks, the element type (version 3 only), and metadata.
    fn build(&self, arguments: &[Id], with_dtype: bool, name: &str) -> Result<Found, Fault> {
        let [storage, offset, sizes, strides, rest @ ..] = arguments else {
            return Err(damaged(name, "it has too few arguments"));
        };
        let storage = StorageRef::read(&self.arena, *storage).map_err(|error| match error {
            StorageRefError::Other(id) => self.opaque(id, name),
            StorageRefError::Invalid(reason) => damaged(name, reason),
        })?;
        let kind = if with_dtype {
            let kind = *rest.get(2).ok_or_else(|| damaged(name, "it has too few arguments"))?;
            match self.arena.known(kind) {
                Some(Known::Dtype(Some(dtype))) => Ok(dtype),
                Some(Known::Dtype(None)) => Err(called(&self.arena, kind)),
                _ => return Err(self.opaque(kind, name)),
            }
        } else {
            match storage.elements {
                Elements::Of(dtype) => Ok(dtype),
                Elements::Skipped { class, .. } => Err(class.to_owned()),
                Elements::Untyped => {
                    return Err(damaged(name, "its element type is unknown"));
                }
            }
        };
        let dtype = match kind {
            Ok(dtype) => dtype,
            Err(what) => {
                return Ok(Found::Unsupported(format!("of {what}, which is not supported")));
            }
        };
        if let Some(metadata) = rest.get(if with_dtype { 3 } else { 2 }) {
            let plain = match self.arena.get(*metadata) {
                Value::None => true,
                Value::Dict(items) => items.is_empty(),
                _ => false,
            };
            if !plain {
                let what = "a lazily conjugated or negated tensor, which is not supported";
                return Ok(Found::Unsupported(what.to_owned()));
            }
        }
        let shape = self.numbers(*sizes, name)?;
        let strides = self.numbers(*strides, name)?;
        if shape.len() != strides.len() {
            return Err(damaged(name, "the numbers of its strides and sizes differ"));
        }
        let offset = self.number(*offset, name)?;
        let place = self.storages.find(&storage)?;
        let bytes = place.len();
        Layout::new(dtype, &shape, &strides, (place, offset), self.storages.big_endian)
            .map(Found::Tensor)
            .map_err(|_| {
                let what = format!(
                    "sizes {shape:?}, strides {strides:?} and offset {offset} exceed its storage \
                     of {bytes} bytes"
                );
                damaged(name, what)
            })
    }

    fn numbers(&self, id: Id, name: &str) -> Result<Vec<u64>, Fault> {
        let Some(numbers) = self.arena.sizes(id) else { return Err(self.opaque(id, name)) };
        if numbers.len() > MAX_DIMENSIONS {
            let what = format!("it has {} dimensions, more than {MAX_DIMENSIONS}", numbers.len());
            return Err(Fault::bound(tensor(name), what));
        }
        numbers.iter().map(|number| self.number(*number, name)).collect()
    }

    fn number(&self, id: Id, name: &str) -> Result<u64, Fault> {
        match (self.arena.size(id), self.arena.get(id)) {
            (Some(number), _) => Ok(number),
            (None, Value::Int(number)) => {
                Err(damaged(name, format!("{number} is no valid size, stride or offset")))
            }
            _ => Err(self.opaque(id, name)),
        }
    }
}

/// Rejects a tensor that is changed after it is built, since its values may be others then.
fn check_unchanged(object: &Object, name: &str) -> Result<(), Fault> {
    let Object { keywords, states, appended, items, .. } = object;
    if keywords.is_none() && states.is_empty() && appended.is_empty() && items.is_empty() {
        return Ok(());
    }
    Err(Fault::unsupported(tensor(name), "it is changed after it is built"))
}

fn tensor(name: &str) -> String {
    format!("tensor `{}`", printable(name))
}

fn damaged(name: &str, what: impl Into<String>) -> Fault {
    Fault::damaged(tensor(name), what)
}
