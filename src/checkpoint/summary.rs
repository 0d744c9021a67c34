//! Descriptions of skipped entries, on one line each.

use std::{collections::BTreeSet, fmt};

use super::{
    error::printable,
    known::known,
    pickle::{Arena, Id, Value},
};

/// Limit on the unknown names in a line.
const MAX_NAMES: usize = 100;

/// An entry of a file that was skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Where it is: a key, the name of a tensor, or the common prefix of several tensors.
    pub name: String,
    /// What it is.
    pub what: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", printable(&self.name), self.what)
    }
}

/// Counts the values of a pickle, each one once, however often it is referred to.
#[derive(Debug)]
pub struct Survey<'s, 'a> {
    arena: &'s Arena<'a>,
    seen: Vec<bool>,
}

/// Numbers of values by kind.
#[derive(Debug, Default)]
pub struct Counts {
    tensors: usize,
    numbers: usize,
    texts: usize,
    foreign: BTreeSet<String>,
}

impl<'s, 'a> Survey<'s, 'a> {
    pub fn new(arena: &'s Arena<'a>) -> Self {
        Self { arena, seen: vec![false; arena.len()] }
    }

    /// Describes a value: the value itself if it is short, else the counts of its parts.
    pub fn describe(&mut self, id: Id) -> String {
        match self.arena.get(id) {
            Value::None => "None".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            // As Python prints it: with an exponent if it is large or small.
            Value::Float(value) => format!("{value:?}"),
            Value::Text(text) => format!("\"{}\"", printable(text)),
            Value::OddText => Value::OddText.kind().to_owned(),
            Value::Object(_) if self.arena.known_call(id).is_none() => {
                let name = called(self.arena, id);
                let mut counts = self.count([id]);
                counts.foreign.remove(&name);
                if counts.is_empty() {
                    format!("an object of {name}")
                } else {
                    format!("an object of {name}, with {counts}")
                }
            }
            _ => self.count([id]).to_string(),
        }
    }

    /// Counts values and all their parts, except those that were counted before.
    pub fn count(&mut self, ids: impl IntoIterator<Item = Id>) -> Counts {
        let mut counts = Counts::default();
        // Each value, and whether it is a part of a tensor, whose numbers are not counted.
        let mut next: Vec<(Id, bool)> = ids.into_iter().map(|id| (id, false)).collect();
        let mut parts = Vec::new();
        while let Some((id, within)) = next.pop() {
            if std::mem::replace(&mut self.seen[id.index()], true) {
                continue;
            }
            let mut within = within;
            match self.arena.get(id) {
                Value::Bool(_) | Value::Int(_) | Value::Huge | Value::Float(_) if !within => {
                    counts.numbers += 1;
                }
                Value::Text(_) | Value::OddText | Value::Bytes(_) if !within => counts.texts += 1,
                Value::Global(..) => {
                    if let Some((module, name)) = self.arena.global(id)
                        && known(module, name).is_none()
                        && counts.foreign.len() <= MAX_NAMES
                    {
                        counts.foreign.insert(format!("{}.{}", printable(module), printable(name)));
                    }
                }
                Value::Object(_) if self.arena.is_tensor(id) => {
                    counts.tensors += usize::from(!within);
                    within = true;
                }
                Value::Persistent(_) => within = true,
                _ => (),
            }
            self.arena.parts(id, &mut parts);
            next.extend(parts.drain(..).map(|part| (part, within)));
        }
        counts
    }

    /// Unknown names that were not counted before.
    pub fn uncounted(&mut self) -> BTreeSet<String> {
        let globals =
            self.arena.ids().filter(|id| matches!(self.arena.get(*id), Value::Global(..)));
        self.count(globals.collect::<Vec<_>>()).foreign
    }
}

impl Counts {
    fn is_empty(&self) -> bool {
        self.tensors + self.numbers + self.texts == 0 && self.foreign.is_empty()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = |count: usize, one: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {one}s")),
        };
        let parts = [
            counted(self.tensors, "tensor"),
            counted(self.numbers, "number"),
            counted(self.texts, "text"),
            (!self.foreign.is_empty()).then(|| objects(&self.foreign)),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        match parts.as_slice() {
            [] => write!(f, "no values"),
            parts => write!(f, "{}", parts.join(", ")),
        }
    }
}

/// Unknown names on a line.
pub fn objects(foreign: &BTreeSet<String>) -> String {
    let names: Vec<&str> = foreign.iter().map(String::as_str).take(MAX_NAMES).collect();
    let more = if foreign.len() > names.len() { " and more" } else { "" };
    format!("objects of {}{more}", names.join(", "))
}

/// The name that a value calls, or else its kind.
pub fn called(arena: &Arena<'_>, id: Id) -> String {
    let place = callable(arena, id);
    match arena.global(place) {
        Some((module, name)) => format!("{}.{}", printable(module), printable(name)),
        None => arena.get(place).kind().to_owned(),
    }
}

/// The innermost name that a value calls; the value itself if it calls none.
pub fn callable(arena: &Arena<'_>, id: Id) -> Id {
    let mut place = id;
    // Follows nested calls to a limited depth.
    for _ in 0..8 {
        place = match arena.get(place) {
            Value::Object(object) => object.callable,
            // A class with its source code, as PyTorch pickles those of models.
            Value::Persistent(named) => match arena.sequence(*named) {
                Some([_, class, ..]) => *class,
                _ => break,
            },
            _ => break,
        };
    }
    place
}
