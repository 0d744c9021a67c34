//! What was skipped, in words that a line holds.

use std::{collections::BTreeSet, fmt};

use super::{
    error::shown,
    known::known,
    pickle::{Arena, Id, Value},
};

/// Foreign names that a line lists.
const MOST_NAMES: usize = 100;

/// Something in a file that was not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Where it is: a key, a tensor's name, or the first part of several tensors' names.
    pub name: String,
    /// What it is.
    pub what: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", shown(&self.name), self.what)
    }
}

/// Goes over values and counts them, each once, however many ways lead to it.
#[derive(Debug)]
pub struct Survey<'s, 'a> {
    arena: &'s Arena<'a>,
    seen: Vec<bool>,
}

/// What values there are.
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

    /// A value in words: itself where it is short, else what it is made of.
    pub fn words(&mut self, id: Id) -> String {
        match self.arena.get(id) {
            Value::None => "None".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            // As Python does: in powers of ten where it is large or small.
            Value::Float(value) => format!("{value:?}"),
            Value::Text(text) => format!("\"{}\"", shown(text)),
            Value::Object(_) if self.arena.known_call(id).is_none() => {
                let name = called(self.arena, id);
                let mut counts = self.count([id]);
                counts.foreign.remove(&name);
                if counts.is_nothing() {
                    format!("an object of {name}")
                } else {
                    format!("an object of {name}, with {counts}")
                }
            }
            _ => self.count([id]).to_string(),
        }
    }

    /// What values and all their parts are, but for those that were counted before.
    pub fn count(&mut self, ids: impl IntoIterator<Item = Id>) -> Counts {
        let mut counts = Counts::default();
        // Beside each value, whether it is a part of a tensor, and its numbers no news.
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
                Value::Text(_) | Value::Bytes(_) if !within => counts.texts += 1,
                Value::Global(..) => {
                    if let Some((module, name)) = self.arena.global(id)
                        && known(module, name).is_none()
                        && counts.foreign.len() <= MOST_NAMES
                    {
                        counts.foreign.insert(format!("{}.{}", shown(module), shown(name)));
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

    /// Names that are known to nobody here and that were not counted yet.
    pub fn left_over(&mut self) -> BTreeSet<String> {
        let globals =
            self.arena.ids().filter(|id| matches!(self.arena.get(*id), Value::Global(..)));
        self.count(globals.collect::<Vec<_>>()).foreign
    }
}

impl Counts {
    fn is_nothing(&self) -> bool {
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
            [] => write!(f, "nothing of its own"),
            parts => write!(f, "{}", parts.join(", ")),
        }
    }
}

/// Foreign names, in a line.
pub fn objects(foreign: &BTreeSet<String>) -> String {
    let names: Vec<&str> = foreign.iter().map(String::as_str).take(MOST_NAMES).collect();
    let more = if foreign.len() > names.len() { " and more" } else { "" };
    format!("objects of {}{more}", names.join(", "))
}

/// What a value would be: the name that would be called to make it, or else its kind.
pub fn called(arena: &Arena<'_>, id: Id) -> String {
    let place = callable(arena, id);
    match arena.global(place) {
        Some((module, name)) => format!("{}.{}", shown(module), shown(name)),
        None => arena.get(place).kind().to_owned(),
    }
}

/// What would be called in the end to make a value; the value itself, where nothing would.
pub fn callable(arena: &Arena<'_>, id: Id) -> Id {
    let mut place = id;
    // A call of what a call returns, and so on; no need to follow far.
    for _ in 0..8 {
        place = match arena.get(place) {
            Value::Object(object) => object.callable,
            // A class with its source, as PyTorch keeps those of models.
            Value::Persistent(named) => match arena.sequence(*named) {
                Some([_, class, ..]) => *class,
                _ => break,
            },
            _ => break,
        };
    }
    place
}
