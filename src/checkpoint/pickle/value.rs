//! The values of a pickle as plain data. They are in an arena and refer to each other by index, so
//! that cycles are possible, and deeply nested values are dropped without recursion.

use std::borrow::Cow;

/// The index of a value in its [`Arena`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id(u32);

/// A value. Names are not looked up, and nothing is called.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    None,
    Bool(bool),
    Int(i128),
    /// An integer of more than 128 bits, whose value is not needed.
    Huge,
    Float(f64),
    Text(Cow<'a, str>),
    /// Text that Python has and Unicode has not: with lone surrogates, which Python gives file
    /// names and arguments whose bytes are no UTF-8. It is needed nowhere.
    OddText,
    Bytes(Cow<'a, [u8]>),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Set(Vec<Id>),
    /// A module and a name in it: two texts.
    Global(Id, Id),
    /// The result of a call that was not made.
    Object(Box<Object>),
    /// An object outside the pickle, by its persistent id.
    Persistent(Id),
}

/// A call that was not made, and the changes to its result that were not made.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// The function or class.
    pub callable: Id,
    /// Its arguments, normally a tuple.
    pub arguments: Id,
    /// Its keyword arguments.
    pub keywords: Option<Id>,
    /// States for `__setstate__`.
    pub states: Vec<Id>,
    /// Elements to append.
    pub appended: Vec<Id>,
    /// Keys and values to set.
    pub items: Vec<(Id, Id)>,
}

/// The values of one or several pickles.
#[derive(Debug, Default)]
pub struct Arena<'a> {
    values: Vec<Value<'a>>,
    /// The number of operations so far, which is limited.
    pub(super) operations: usize,
    /// Whether the latest pickle failed because its bytes ended.
    pub cut: bool,
}

impl<'a> Arena<'a> {
    /// Adds a value.
    ///
    /// # Panics
    /// If there are 2^32 values, which the limit on operations prevents.
    pub(super) fn push(&mut self, value: Value<'a>) -> Id {
        let id = Id(u32::try_from(self.values.len()).expect("the number of operations is limited"));
        self.values.push(value);
        id
    }

    /// The value with an index.
    pub fn get(&self, id: Id) -> &Value<'a> {
        &self.values[id.0 as usize]
    }

    pub(super) fn get_mut(&mut self, id: Id) -> &mut Value<'a> {
        &mut self.values[id.0 as usize]
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// The indices of all values.
    pub fn ids(&self) -> impl Iterator<Item = Id> + use<> {
        (0..self.values.len() as u32).map(Id)
    }

    /// A value that is text.
    pub fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A value that is a non-negative integer of at most 64 bits.
    pub fn size(&self, id: Id) -> Option<u64> {
        match self.get(id) {
            Value::Int(value) => u64::try_from(*value).ok(),
            _ => None,
        }
    }

    /// A value that is a name: the module, and the name in it.
    pub fn global(&self, id: Id) -> Option<(&str, &str)> {
        match self.get(id) {
            Value::Global(module, name) => Some((self.text(*module)?, self.text(*name)?)),
            _ => None,
        }
    }

    /// The elements of a tuple or a list.
    pub fn sequence(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Tuple(elements) | Value::List(elements) => Some(elements),
            _ => None,
        }
    }

    /// Adds the parts of a value to `parts`, in no particular order.
    pub fn parts(&self, id: Id, parts: &mut Vec<Id>) {
        match self.get(id) {
            Value::Tuple(elements) | Value::List(elements) | Value::Set(elements) => {
                parts.extend(elements);
            }
            Value::Dict(items) => parts.extend(items.iter().flat_map(|(key, value)| [key, value])),
            Value::Object(object) => {
                let Object { callable, arguments, keywords, states, appended, items } = &**object;
                parts.extend([callable, arguments]);
                parts.extend(keywords);
                parts.extend(states.iter().chain(appended));
                parts.extend(items.iter().flat_map(|(key, value)| [key, value]));
            }
            Value::Persistent(id) => parts.push(*id),
            _ => (),
        }
    }
}

impl Id {
    /// The index, from 0.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Value<'_> {
    /// Its kind in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a bool",
            Self::Int(_) | Self::Huge => "an integer",
            Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::OddText => "text with lone surrogates",
            Self::Bytes(_) => "bytes",
            Self::Tuple(_) => "a tuple",
            Self::List(_) => "a list",
            Self::Dict(_) => "a dict",
            Self::Set(_) => "a set",
            Self::Global(..) => "a name",
            Self::Object(_) => "an object",
            Self::Persistent(_) => "a persistent id",
        }
    }
}
