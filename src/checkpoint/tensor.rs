//! From a pickle's calls to tensors: what `torch._utils` would build, as layouts in the file.

use super::{
    dtype::Elements,
    error::{Fault, shown},
    known::{Known, known},
    layout::Layout,
    pickle::{Arena, Id, Object, Value},
    storage::{Mention, NoMention, Storages},
    summary::{callable, called},
};

/// Dimensions that a tensor may have, PyTorch's own bound.
const MOST_DIMENSIONS: usize = 64;
/// Calls that may lie around a tensor, such as a parameter's.
const MOST_WRAPPERS: usize = 8;

/// What a value comes to that was taken for a tensor.
#[derive(Debug)]
pub enum Found {
    /// A tensor.
    Tensor(Layout),
    /// A tensor of a sort that is not read, and what it is.
    NotRead(String),
    /// Something else.
    Other,
}

/// A pickle's values and the storages beside them.
#[derive(Debug)]
pub struct TensorSource<'a> {
    /// The values.
    pub arena: Arena<'a>,
    /// What the pickle is of.
    pub root: Id,
    /// The storages.
    pub storages: Storages,
}

impl TensorSource<'_> {
    /// The tensor that a value builds. Errors call it by `name`.
    ///
    /// # Errors
    /// If it builds one, and depends on something opaque, is broken, or lies outside its storage.
    pub fn tensor(&self, id: Id, name: &str) -> Result<Found, Fault> {
        let mut place = id;
        for depth in 0..MOST_WRAPPERS {
            let Value::Object(object) = self.arena.get(place) else {
                return self.other(place, name, depth);
            };
            let arguments = self.arena.sequence(object.arguments).unwrap_or_default();
            let known = self.arena.known(object.callable);
            match known {
                Some(Known::NotRead(what)) => {
                    return Ok(Found::NotRead(format!("{what}, which is not read")));
                }
                Some(Known::Tensor | Known::TensorOfKind) => {
                    check_untouched(object, name)?;
                    return self.rebuilt(arguments, known == Some(Known::TensorOfKind), name);
                }
                Some(Known::Parameter) => {
                    check_untouched(object, name)?;
                    place = *arguments.first().ok_or_else(|| broken(name, "it has no data"))?;
                }
                Some(Known::FromType) => {
                    check_untouched(object, name)?;
                    let [function, class, arguments, ..] = arguments else {
                        return Err(broken(name, "it has too few arguments"));
                    };
                    if self.arena.known(*class) != Some(Known::TensorClass) {
                        return Err(self.opaque(*class, name));
                    }
                    let of_kind = match self.arena.known(*function) {
                        Some(Known::Tensor) => false,
                        Some(Known::TensorOfKind) => true,
                        Some(Known::NotRead(what)) => {
                            return Ok(Found::NotRead(format!("{what}, which is not read")));
                        }
                        _ => return Err(self.opaque(*function, name)),
                    };
                    let arguments = self.arena.sequence(*arguments).unwrap_or_default();
                    return self.rebuilt(arguments, of_kind, name);
                }
                _ => return self.other(place, name, depth),
            }
        }
        Err(Fault::bound(tensor(name), format!("more than {MOST_WRAPPERS} calls lie around it")))
    }

    /// Something else: an error where a call around it wanted a tensor.
    fn other(&self, id: Id, name: &str, depth: usize) -> Result<Found, Fault> {
        if depth == 0 { Ok(Found::Other) } else { Err(self.opaque(id, name)) }
    }

    /// The error of a value that stands where a part of a tensor should, and is none.
    fn opaque(&self, id: Id, name: &str) -> Fault {
        let global = called(&self.arena, id);
        let callable = callable(&self.arena, id);
        match self.arena.global(callable) {
            Some((module, attribute)) if known(module, attribute).is_none() => {
                Fault::Opaque { name: shown(name), global }
            }
            _ => broken(name, format!("{global} stands where a part of it should")),
        }
    }

    /// Storage, offset, sizes, strides, and then a flag, hooks, the kind where it is the third
    /// version's, and metadata.
    fn rebuilt(&self, arguments: &[Id], of_kind: bool, name: &str) -> Result<Found, Fault> {
        let [storage, offset, sizes, strides, rest @ ..] = arguments else {
            return Err(broken(name, "it has too few arguments"));
        };
        let mention = Mention::read(&self.arena, *storage).map_err(|why| match why {
            NoMention::Other(id) => self.opaque(id, name),
            NoMention::Broken(what) => broken(name, what),
        })?;
        let kind = if of_kind {
            let kind = *rest.get(2).ok_or_else(|| broken(name, "it has too few arguments"))?;
            match self.arena.known(kind) {
                Some(Known::Dtype(Some(dtype))) => Ok(dtype),
                Some(Known::Dtype(None)) => Err(called(&self.arena, kind)),
                _ => return Err(self.opaque(kind, name)),
            }
        } else {
            match mention.elements {
                Elements::Of(dtype) => Ok(dtype),
                Elements::PassedOver { class, .. } => Err(class.to_owned()),
                Elements::Untyped => {
                    return Err(broken(name, "nothing says what its elements are"));
                }
            }
        };
        let dtype = match kind {
            Ok(dtype) => dtype,
            Err(what) => return Ok(Found::NotRead(format!("of {what}, which is not read"))),
        };
        if let Some(metadata) = rest.get(if of_kind { 3 } else { 2 }) {
            let plain = match self.arena.get(*metadata) {
                Value::None => true,
                Value::Dict(items) => items.is_empty(),
                _ => false,
            };
            if !plain {
                let what = "conjugated or negated only once it is used, which is not read";
                return Ok(Found::NotRead(what.to_owned()));
            }
        }
        let shape = self.numbers(*sizes, name)?;
        let strides = self.numbers(*strides, name)?;
        if shape.len() != strides.len() {
            return Err(broken(name, "it has not as many strides as sizes"));
        }
        let offset = self.number(*offset, name)?;
        let place = self.storages.find(&mention)?;
        let bytes = place.len();
        Layout::new(dtype, &shape, &strides, (place, offset), self.storages.big_endian)
            .map(Found::Tensor)
            .map_err(|_| {
                let what = format!(
                    "sizes {shape:?}, strides {strides:?}, offset {offset} reach beyond its storage of \
                     {bytes} bytes"
                );
                broken(name, what)
            })
    }

    fn numbers(&self, id: Id, name: &str) -> Result<Vec<u64>, Fault> {
        let Some(numbers) = self.arena.sizes(id) else { return Err(self.opaque(id, name)) };
        if numbers.len() > MOST_DIMENSIONS {
            let what = format!("it has {} dimensions, more than {MOST_DIMENSIONS}", numbers.len());
            return Err(Fault::bound(tensor(name), what));
        }
        numbers.iter().map(|number| self.number(*number, name)).collect()
    }

    fn number(&self, id: Id, name: &str) -> Result<u64, Fault> {
        match (self.arena.size(id), self.arena.get(id)) {
            (Some(number), _) => Ok(number),
            (None, Value::Int(number)) => {
                Err(broken(name, format!("{number} is no size, stride or offset")))
            }
            _ => Err(self.opaque(id, name)),
        }
    }
}

/// Whatever is done to a tensor after it was built may change its values.
fn check_untouched(object: &Object, name: &str) -> Result<(), Fault> {
    let Object { keywords, states, appended, items, .. } = object;
    if keywords.is_none() && states.is_empty() && appended.is_empty() && items.is_empty() {
        return Ok(());
    }
    Err(Fault::unsupported(tensor(name), "it is changed after it was built"))
}

fn tensor(name: &str) -> String {
    format!("tensor `{}`", shown(name))
}

fn broken(name: &str, what: impl Into<String>) -> Fault {
    Fault::damaged(tensor(name), what)
}
