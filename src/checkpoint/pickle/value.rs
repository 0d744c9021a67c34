//! What a pickle holds, as plain data. Values lie in an arena and name each other by number, so that
//! one that holds itself is no trouble, and dropping one that is nested a million deep is no
//! recursion.

use std::borrow::Cow;

/// The place of a value in its [`Arena`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id(u32);

/// A value. What a name stands for is not looked up, and nothing is called.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    None,
    Bool(bool),
    Int(i128),
    /// An integer of more than 128 bits, whose value nobody here wants.
    Huge,
    Float(f64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Set(Vec<Id>),
    /// A module and a name in it: two texts.
    Global(Id, Id),
    /// What a call would have made.
    Object(Box<Object>),
    /// Something kept outside the pickle, by what it is called there.
    Persistent(Id),
}

/// A call that was not made, and what would have been done to its result.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// What would have been called.
    pub callable: Id,
    /// Its arguments: a tuple, where the pickle is a usual one.
    pub arguments: Id,
    /// Its arguments by name.
    pub keywords: Option<Id>,
    /// States that it would have been given.
    pub states: Vec<Id>,
    /// What would have been appended to it.
    pub appended: Vec<Id>,
    /// Keys and values that would have been set on it.
    pub items: Vec<(Id, Id)>,
}

/// The values of one or several pickles.
#[derive(Debug, Default)]
pub struct Arena<'a> {
    values: Vec<Value<'a>>,
    /// Operations that made them: what the bound is on.
    pub(super) operations: usize,
}

impl<'a> Arena<'a> {
    /// Keeps a value.
    ///
    /// # Panics
    /// If there are more than 2^32; the bound on operations lies far below.
    pub(super) fn push(&mut self, value: Value<'a>) -> Id {
        let id = Id(u32::try_from(self.values.len()).expect("operations are bounded"));
        self.values.push(value);
        id
    }

    /// A value.
    pub fn get(&self, id: Id) -> &Value<'a> {
        &self.values[id.0 as usize]
    }

    pub(super) fn get_mut(&mut self, id: Id) -> &mut Value<'a> {
        &mut self.values[id.0 as usize]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// All of them.
    pub fn ids(&self) -> impl Iterator<Item = Id> + use<> {
        (0..self.values.len() as u32).map(Id)
    }

    /// Text, whoever wrote it.
    pub fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An integer that is not negative and fits.
    pub fn size(&self, id: Id) -> Option<u64> {
        match self.get(id) {
            Value::Int(value) => u64::try_from(*value).ok(),
            _ => None,
        }
    }

    /// A module and a name in it.
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

    /// Everything that a value names, in no order.
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
    /// Its number, counted from 0.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Value<'_> {
    /// What it is, in a word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a bool",
            Self::Int(_) | Self::Huge => "an integer",
            Self::Float(_) => "a number",
            Self::Text(_) => "text",
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
