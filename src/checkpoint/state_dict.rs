//! Finds the state dict in a pickle: the pickled object itself, or a dict somewhere in it.

use std::collections::{HashMap, HashSet};

use super::{
    error::{Fault, printable},
    pickle::{Arena, Id, Value},
    prefix::has_network,
    summary::called,
};

/// Keys under which a state dict is taken without being asked for, whatever else there is. The
/// `robustness` library looks for `model` first.
const KEYS: [&str; 2] = ["model", "state_dict"];
/// How deep dicts are looked at. Each is looked at once, so that the work is bounded by the file.
const MAX_DEPTH: usize = 4;

/// The state dict of a pickle, and what is around it.
#[derive(Debug)]
pub struct StateDict {
    /// The keys that lead to it from the pickled object, joined by dots; `None` for that object.
    pub key: Option<String>,
    /// The keys of other dicts of tensors, which could be chosen instead.
    pub other_keys: Vec<String>,
    /// Its entries with text keys, in the file's order.
    pub entries: Keyed,
    /// Entries around it or with other keys, each with a name.
    pub skipped: Keyed,
}

/// Values with their keys.
pub type Keyed = Vec<(String, Id)>;

/// A dict that has tensors under text keys.
struct Candidate {
    /// The keys that lead to it from the pickled object, ...
    path: Vec<String>,
    /// ... and others that lead to the same dict.
    aliases: Vec<Vec<String>>,
    entries: Keyed,
    other: Keyed,
    /// Whether its names are those of a network, perhaps with a prefix.
    is_network: bool,
}

impl StateDict {
    /// Finds the state dict in a pickle: the one under `key`; else that under `model` or
    /// `state_dict`; else the pickled object, if it has a network's names; else the only dict that
    /// has; else the same for dicts of any tensors.
    ///
    /// # Errors
    /// If there is none (the error states what there is), if there are several to choose from, or
    /// if a key is duplicate.
    pub fn find(arena: &Arena<'_>, root: Id, key: Option<&str>) -> Result<Self, Fault> {
        if arena.dictionary(root).is_none() {
            return Err(described(arena, root, ""));
        }
        let mut candidates = candidates(arena, root)?;
        let keys = || candidates.iter().filter_map(Candidate::key).collect::<Vec<_>>();
        let at = match key {
            Some(asked) => {
                let paths = |one: &Candidate| [&[one.path.clone()][..], &one.aliases].concat();
                let found = candidates.iter().enumerate().find_map(|(at, one)| {
                    let path = paths(one).into_iter().find(|path| path.join(".") == asked)?;
                    Some((at, path))
                });
                let (at, path) = found.ok_or_else(|| {
                    let what = format!("it has no dict of tensors under `{}`", printable(asked));
                    match keys() {
                        keys if keys.is_empty() => Fault::NoKey { what },
                        keys => Fault::Key { what: format!("{what}, but under "), keys },
                    }
                })?;
                candidates[at].path = path;
                at
            }
            None => match by_itself(&candidates) {
                Choice::One(at) => at,
                Choice::None => return Err(found(arena, root)),
                Choice::Several => {
                    let what = "it has several dicts of tensors, under ".to_owned();
                    return Err(Fault::Key { what, keys: keys() });
                }
            },
        };
        let taken = candidates.remove(at);
        let other_keys = candidates.iter().filter_map(Candidate::key).collect();
        let mut skipped = around(arena, root, &taken.path)?;
        let key = taken.key();
        skipped.extend(taken.other);
        Ok(Self { key, other_keys, entries: taken.entries, skipped })
    }
}

impl Candidate {
    /// Its keys, joined by dots; `None` for the pickled object.
    fn key(&self) -> Option<String> {
        Some(self.path.join(".")).filter(|_| !self.path.is_empty())
    }
}

/// Which candidate is taken without being asked for.
enum Choice {
    One(usize),
    None,
    Several,
}

fn by_itself(candidates: &[Candidate]) -> Choice {
    let under = |path: &[&str]| candidates.iter().position(|one| one.path == path);
    if let Some(at) = KEYS.iter().find_map(|key| under(&[key])) {
        return Choice::One(at);
    }
    for is_network in [true, false] {
        let fits = |one: &&Candidate| one.is_network || !is_network;
        if let Some(at) = under(&[]).filter(|at| fits(&&candidates[*at])) {
            return Choice::One(at);
        }
        match candidates.iter().filter(fits).count() {
            0 => (),
            1 => return Choice::One(candidates.iter().position(|one| fits(&one)).unwrap_or(0)),
            _ => return Choice::Several,
        }
    }
    Choice::None
}

/// The dicts that have tensors under text keys, the pickled object first, outer ones before inner
/// ones.
fn candidates(arena: &Arena<'_>, root: Id) -> Result<Vec<Candidate>, Fault> {
    let mut found = Vec::new();
    // Dicts that were looked at, and which candidate they are.
    let mut seen = HashMap::new();
    let mut level: Vec<(Vec<String>, Id)> = vec![(Vec::new(), root)];
    for _ in 0..MAX_DEPTH {
        let mut next = Vec::new();
        for (path, id) in level {
            if let Some(before) = seen.get(&id) {
                if let Some(at) = *before {
                    let same: &mut Candidate = &mut found[at];
                    same.aliases.push(path);
                }
                continue;
            }
            seen.insert(id, None);
            let Some(items) = arena.dictionary(id) else { continue };
            let is_needed = path.is_empty() || KEYS.iter().any(|key| path == [*key]);
            let (entries, other) = match keyed(arena, items) {
                // What is not needed may be odd.
                Err(_) if !is_needed => continue,
                keyed => keyed?,
            };
            let may_be_dict = |id: Id| {
                matches!(arena.get(id), Value::Dict(_) | Value::Object(_)) && !arena.is_tensor(id)
            };
            let inner = entries.iter().filter(|(_, value)| may_be_dict(*value));
            next.extend(inner.map(|(name, value)| {
                let path = path.iter().chain([name]).cloned().collect();
                (path, *value)
            }));
            let tensors = entries.iter().filter(|(_, value)| arena.is_tensor(*value));
            let names = tensors.map(|(name, _)| name.as_str());
            if names.clone().next().is_some() {
                let is_network = has_network(names);
                let aliases = Vec::new();
                seen.insert(id, Some(found.len()));
                found.push(Candidate { path, aliases, entries, other, is_network });
            }
        }
        level = next;
    }
    Ok(found)
}

/// The entries around the dict at the end of a path, each named by the keys that lead to it.
fn around(arena: &Arena<'_>, root: Id, path: &[String]) -> Result<Keyed, Fault> {
    let (mut skipped, mut dict, mut above) = (Vec::new(), root, String::new());
    for key in path {
        let (entries, other) = keyed(arena, arena.dictionary(dict).unwrap_or_default())?;
        for (name, value) in entries.into_iter().chain(other) {
            if name == *key {
                dict = value;
            } else {
                skipped.push((format!("{above}{name}"), value));
            }
        }
        above.push_str(key);
        above.push('.');
    }
    Ok(skipped)
}

/// Entries with text keys, and entries with other keys.
///
/// # Errors
/// If a key is duplicate.
fn keyed(arena: &Arena<'_>, items: Vec<(Id, Id)>) -> Result<(Keyed, Keyed), Fault> {
    let mut seen = HashSet::new();
    let (mut entries, mut other) = (Vec::new(), Vec::new());
    for (key, value) in items {
        match arena.text(key) {
            Some(name) => {
                if !seen.insert(name) {
                    let place = format!("key `{}`", printable(name));
                    return Err(Fault::damaged(place, "it is duplicate"));
                }
                entries.push((name.to_owned(), value));
            }
            None => other.push((format!("(a key that is {})", arena.get(key).kind()), value)),
        }
    }
    Ok((entries, other))
}

/// The fault of a pickled dict without named tensors: what it has instead.
fn found(arena: &Arena<'_>, root: Id) -> Fault {
    let items = arena.dictionary(root).unwrap_or_default();
    let under = items.iter().find_map(|(key, value)| {
        let name = arena.text(*key).filter(|name| KEYS.contains(name))?;
        Some((name, *value))
    });
    if let Some((key, value)) = under {
        return described(arena, value, &format!(" under `{key}`"));
    }
    let names: Vec<&str> = items.iter().filter_map(|(key, _)| arena.text(*key)).collect();
    if names.is_empty() {
        return Fault::NoTensors { found: dict(arena, &items) };
    }
    let keys: Vec<String> =
        names.iter().take(8).map(|name| format!("`{}`", printable(name))).collect();
    let more = if names.len() > keys.len() { ", ..." } else { "" };
    Fault::NoTensors { found: format!("a dict of {}{more}", keys.join(", ")) }
}

/// Describes a dict without text keys.
fn dict(arena: &Arena<'_>, items: &[(Id, Id)]) -> String {
    let tensors = items.iter().filter(|(_, value)| arena.is_tensor(*value)).count();
    match (items.first(), tensors) {
        (None, _) => "an empty dict".to_owned(),
        (Some((key, _)), 0) => format!("a dict whose keys are {}s", plain(arena.get(*key))),
        (Some((key, _)), 1) => {
            format!("a dict of 1 tensor, whose key is {}", arena.get(*key).kind())
        }
        (Some((key, _)), tensors) => {
            format!("a dict of {tensors} tensors, whose keys are {}s", plain(arena.get(*key)))
        }
    }
}

/// The kind of a value without its article.
fn plain(value: &Value<'_>) -> &'static str {
    let kind = value.kind();
    kind.split_once(' ')
        .filter(|(article, _)| ["a", "an"].contains(article))
        .map_or(kind, |of| of.1)
}

/// The fault of a value that is no state dict.
fn described(arena: &Arena<'_>, id: Id, place: &str) -> Fault {
    let none = |found: String| Fault::NoTensors { found: found + place };
    let object = match arena.get(id) {
        Value::Object(object) => object,
        Value::Dict(items) => return none(dict(arena, items)),
        value => return none(value.kind().to_owned()),
    };
    if arena.is_tensor(id) {
        return none("a single tensor".to_owned());
    }
    let class = called(arena, id);
    let is_model = object.states.iter().take(1).any(|state| {
        arena.dictionary(*state).is_some_and(|items| {
            items.iter().any(|(key, _)| arena.text(*key) == Some("_parameters"))
        })
    });
    if is_model {
        return none(format!("a whole model, an object of {class}"));
    }
    let named = |(key, value): &&(Id, Id)| arena.text(*key).is_some() && arena.is_tensor(*value);
    match object.items.iter().filter(named).count() {
        0 => none(format!("an object of {class}")),
        count => Fault::Foreign {
            what: format!(
                "a dict of the unknown class {class}, with {count} tensor{}{place}",
                if count == 1 { "" } else { "s" }
            ),
            help: "save it as a plain dict: torch.save(dict(state), \"weights.pt\")",
        },
    }
}
