//! What a checkpoint's names are wrapped in: a dict around the state dict, and prefixes that the
//! modules around a network leave in its tensors' names.

use serde::Serialize;

use super::{
    error::{Fault, shown},
    pickle::{Arena, Id, Value},
    summary::called,
};

/// What was taken off to get to torchvision's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wrapping {
    /// Nothing: a state dict.
    Plain,
    /// A dict that has the state dict under `state_dict` or `model`.
    Nested,
    /// `module.` before the network's names, alone or in a dict as well.
    DataParallel,
    /// The `robustness` library's: the network under `model.`, beside an attacker and a normaliser.
    Robustness,
}

/// Keys that a state dict lies under. The `robustness` library looks for `model` first.
const UNDER: [&str; 2] = ["model", "state_dict"];
const PARALLEL: &str = "module.";
const MODEL: &str = "model.";
const BESIDE: [&str; 2] = ["attacker.", "normalizer."];

/// A state dict as a pickle has it, and what lies around it.
#[derive(Debug)]
pub struct StateDict {
    /// Whether it lay in another dict.
    pub nested: bool,
    /// Its entries whose keys are text, in their order.
    pub entries: Vec<(String, Id)>,
    /// What lies around it or has another key, with a name for it.
    pub others: Vec<(String, Id)>,
}

impl Wrapping {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Nested => "nested",
            Self::DataParallel => "data_parallel",
            Self::Robustness => "robustness",
        }
    }
}

impl StateDict {
    /// Finds it in what a pickle holds.
    ///
    /// # Errors
    /// If there is none, saying what there is, or if a key is there twice.
    pub fn find(arena: &Arena<'_>, root: Id) -> Result<Self, Fault> {
        let Some(items) = arena.dictionary(root) else {
            return Err(Fault::NoTensors { found: whole(arena, root) });
        };
        let (root_entries, mut others) = keyed(arena, items)?;
        let has_tensors =
            |entries: &[(String, Id)]| entries.iter().any(|(_, value)| arena.is_tensor(*value));
        for key in UNDER {
            let Some(at) = root_entries.iter().position(|(name, _)| name == key) else { continue };
            let Some(items) = arena.dictionary(root_entries[at].1) else { continue };
            let (entries, odd) = keyed(arena, items)?;
            if has_tensors(&entries) {
                let around = root_entries.into_iter().filter(|(name, _)| name != key);
                others.extend(around);
                others.extend(odd);
                return Ok(Self { nested: true, entries, others });
            }
        }
        if has_tensors(&root_entries) {
            return Ok(Self { nested: false, entries: root_entries, others });
        }
        let under = root_entries.iter().find(|(name, _)| UNDER.contains(&name.as_str()));
        let found = match under {
            Some((key, value)) => format!("{} under `{key}`", whole(arena, *value)),
            None => {
                let keys: Vec<String> = root_entries
                    .iter()
                    .take(8)
                    .map(|(name, _)| format!("`{}`", shown(name)))
                    .collect();
                let more = if root_entries.len() > 8 { ", ..." } else { "" };
                match keys.as_slice() {
                    [] => "an empty dict".to_owned(),
                    keys => format!("a dict of {}{more}", keys.join(", ")),
                }
            }
        };
        Err(Fault::NoTensors { found })
    }
}

/// What a value is that should have been a state dict.
fn whole(arena: &Arena<'_>, id: Id) -> String {
    let Value::Object(object) = arena.get(id) else {
        return arena.get(id).kind().to_owned();
    };
    if arena.is_tensor(id) {
        return "a tensor alone".to_owned();
    }
    let is_model = object.states.iter().take(1).any(|state| {
        arena.dictionary(*state).is_some_and(|items| {
            items.iter().any(|(key, _)| arena.text(*key) == Some("_parameters"))
        })
    });
    let what = if is_model { "a whole model, an object of" } else { "an object of" };
    format!("{what} {}", called(arena, id))
}

/// Values by their keys.
type Keyed = Vec<(String, Id)>;

/// Entries by their keys, and those whose keys are no text.
fn keyed(arena: &Arena<'_>, items: Vec<(Id, Id)>) -> Result<(Keyed, Keyed), Fault> {
    let mut seen = std::collections::HashSet::new();
    let (mut entries, mut odd) = (Vec::new(), Vec::new());
    for (key, value) in items {
        match arena.text(key) {
            Some(name) => {
                if !seen.insert(name) {
                    let place = format!("key `{}`", shown(name));
                    return Err(Fault::damaged(place, "it is there twice"));
                }
                entries.push((name.to_owned(), value));
            }
            None => odd.push((format!("(a key that is {})", arena.get(key).kind()), value)),
        }
    }
    Ok((entries, odd))
}

/// What tensors' names are wrapped in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Nothing.
    Bare,
    /// `module.` before those of the network.
    Parallel,
    /// `model.` before those of the network, and before that `module.`, or nothing.
    Robustness {
        /// What is before it.
        prefix: &'static str,
    },
}

/// Where a name belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place<'n> {
    /// To the network, by this name.
    Network(&'n str),
    /// To something beside it, of this name.
    Beside(&'n str),
}

impl Scheme {
    /// Tells it from the names of all tensors.
    pub fn of<'n>(names: impl Iterator<Item = &'n str> + Clone) -> Self {
        let any = |prefix: &str, inner: &str| {
            let is_it = |name: &str| name.strip_prefix(prefix)?.strip_prefix(inner).map(|_| ());
            names.clone().any(|name| is_it(name).is_some())
        };
        for prefix in [PARALLEL, ""] {
            if any(prefix, MODEL) && BESIDE.iter().any(|beside| any(prefix, beside)) {
                return Self::Robustness { prefix };
            }
        }
        // What a wrapper has of its own, such as a count of steps, is in no module of its.
        let wrapped = |name: &str| name.starts_with(PARALLEL) || !name.contains('.');
        if any(PARALLEL, "") && names.clone().all(wrapped) { Self::Parallel } else { Self::Bare }
    }

    /// Where a name belongs.
    pub fn place(self, name: &str) -> Place<'_> {
        let (prefix, model) = match self {
            Self::Bare => ("", ""),
            Self::Parallel => (PARALLEL, ""),
            Self::Robustness { prefix } => (prefix, MODEL),
        };
        let Some(inner) = name.strip_prefix(prefix) else { return Place::Beside(name) };
        if let Some(name) = inner.strip_prefix(model) {
            return Place::Network(name);
        }
        // Those of one module together, by the module's name.
        match BESIDE.iter().find(|beside| inner.starts_with(*beside)) {
            Some(beside) => Place::Beside(&name[..prefix.len() + beside.len() - 1]),
            None => Place::Beside(name),
        }
    }

    /// What it is called, given whether a dict lay around the state dict.
    pub fn wrapping(self, nested: bool) -> Wrapping {
        match self {
            Self::Bare if nested => Wrapping::Nested,
            Self::Bare => Wrapping::Plain,
            Self::Parallel => Wrapping::DataParallel,
            Self::Robustness { .. } => Wrapping::Robustness,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme(names: &[&str]) -> Scheme {
        Scheme::of(names.iter().copied())
    }

    #[test]
    fn a_scheme_is_told_from_all_names() {
        assert_eq!(scheme(&["conv1.weight", "fc.bias"]), Scheme::Bare);
        assert_eq!(scheme(&["module.conv1.weight", "module.fc.bias"]), Scheme::Parallel);
        assert_eq!(scheme(&["module.conv1.weight", "fc.bias"]), Scheme::Bare);
        // A network that calls a part of its own `model` has nothing beside it.
        assert_eq!(scheme(&["model.conv1.weight", "model.fc.bias"]), Scheme::Bare);
        let robust = ["module.model.fc.bias", "module.attacker.model.fc.bias"];
        assert_eq!(scheme(&robust), Scheme::Robustness { prefix: "module." });
        let bare = ["model.fc.bias", "normalizer.new_mean"];
        assert_eq!(scheme(&bare), Scheme::Robustness { prefix: "" });
    }

    #[test]
    fn a_wrapper_s_own_tensor_hides_no_scheme() {
        assert_eq!(scheme(&["n_averaged", "module.conv1.weight"]), Scheme::Parallel);
        assert_eq!(scheme(&["n_averaged"]), Scheme::Bare);
        for stray in ["steps", "module.steps", "ema.fc.bias"] {
            let robust = ["module.model.fc.bias", "module.normalizer.new_mean", stray];
            assert_eq!(scheme(&robust), Scheme::Robustness { prefix: "module." });
        }
    }

    #[test]
    fn a_name_has_its_place() {
        let robust = Scheme::Robustness { prefix: "module." };
        assert_eq!(robust.place("module.model.fc.bias"), Place::Network("fc.bias"));
        let attacker = "module.attacker.model.fc.bias";
        assert_eq!(robust.place(attacker), Place::Beside("module.attacker"));
        assert_eq!(robust.place("module.other.x"), Place::Beside("module.other.x"));
        assert_eq!(robust.place("other"), Place::Beside("other"));
        assert_eq!(Scheme::Parallel.place("module.fc.bias"), Place::Network("fc.bias"));
        assert_eq!(Scheme::Bare.place("module.fc.bias"), Place::Network("module.fc.bias"));
    }
}
