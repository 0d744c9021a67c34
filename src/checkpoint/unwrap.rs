//! Removes what a checkpoint's names are wrapped in: a dict around the state dict, and prefixes of
//! modules around the network.

use serde::Serialize;

use super::{
    error::{Fault, printable},
    pickle::{Arena, Id, Value},
    summary::called,
};

/// What was removed to get the names of torchvision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wrapping {
    /// Nothing: a state dict.
    Plain,
    /// A dict with the state dict under `state_dict` or `model`.
    Nested,
    /// The prefix `module.` of PyTorch's `DataParallel`, perhaps in a dict.
    DataParallel,
    /// The format of the `robustness` library: the network under `model.`, with an attacker and a
    /// normaliser.
    Robustness,
}

/// Keys of a state dict in a dict. The `robustness` library looks for `model` first.
const KEYS: [&str; 2] = ["model", "state_dict"];
const PARALLEL: &str = "module.";
const MODEL: &str = "model.";
const OTHER_MODULES: [&str; 2] = ["attacker.", "normalizer."];

/// The state dict of a pickle, and what is around it.
#[derive(Debug)]
pub struct StateDict {
    /// Whether it is in another dict.
    pub nested: bool,
    /// Its entries with text keys, in the file's order.
    pub entries: Vec<(String, Id)>,
    /// Entries around it or with other keys, each with a name.
    pub skipped: Vec<(String, Id)>,
}

impl Wrapping {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Nested => "nested",
            Self::DataParallel => "data_parallel",
            Self::Robustness => "robustness",
        }
    }
}

impl StateDict {
    /// Finds the state dict in a pickle.
    ///
    /// # Errors
    /// If there is none (the error states what there is), or a key is duplicate.
    pub fn find(arena: &Arena<'_>, root: Id) -> Result<Self, Fault> {
        let Some(items) = arena.dictionary(root) else {
            return Err(Fault::NoTensors { found: describe(arena, root) });
        };
        let (root_entries, mut skipped) = keyed(arena, items)?;
        let has_tensors =
            |entries: &[(String, Id)]| entries.iter().any(|(_, value)| arena.is_tensor(*value));
        for key in KEYS {
            let Some(at) = root_entries.iter().position(|(name, _)| name == key) else { continue };
            let Some(items) = arena.dictionary(root_entries[at].1) else { continue };
            let (entries, other) = keyed(arena, items)?;
            if has_tensors(&entries) {
                let around = root_entries.into_iter().filter(|(name, _)| name != key);
                skipped.extend(around);
                skipped.extend(other);
                return Ok(Self { nested: true, entries, skipped });
            }
        }
        if has_tensors(&root_entries) {
            return Ok(Self { nested: false, entries: root_entries, skipped });
        }
        let under = root_entries.iter().find(|(name, _)| KEYS.contains(&name.as_str()));
        let found = match under {
            Some((key, value)) => format!("{} under `{key}`", describe(arena, *value)),
            None => {
                let keys: Vec<String> = root_entries
                    .iter()
                    .take(8)
                    .map(|(name, _)| format!("`{}`", printable(name)))
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

/// Describes a value that is no state dict.
fn describe(arena: &Arena<'_>, id: Id) -> String {
    let Value::Object(object) = arena.get(id) else {
        return arena.get(id).kind().to_owned();
    };
    if arena.is_tensor(id) {
        return "a single tensor".to_owned();
    }
    let is_model = object.states.iter().take(1).any(|state| {
        arena.dictionary(*state).is_some_and(|items| {
            items.iter().any(|(key, _)| arena.text(*key) == Some("_parameters"))
        })
    });
    let what = if is_model { "a whole model, an object of" } else { "an object of" };
    format!("{what} {}", called(arena, id))
}

/// Values with their keys.
type Keyed = Vec<(String, Id)>;

/// Entries with text keys, and entries with other keys.
///
/// # Errors
/// If a key is duplicate.
fn keyed(arena: &Arena<'_>, items: Vec<(Id, Id)>) -> Result<(Keyed, Keyed), Fault> {
    let mut seen = std::collections::HashSet::new();
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

/// What the names of the tensors are wrapped in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Nothing.
    Bare,
    /// The prefix `module.`.
    Parallel,
    /// The prefix `model.`, perhaps after `module.`.
    Robustness {
        /// `module.` or nothing.
        prefix: &'static str,
    },
}

/// Where a tensor belongs, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place<'n> {
    /// To the network, with this name there.
    Network(&'n str),
    /// To this module outside the network.
    Outside(&'n str),
}

impl Scheme {
    /// Detects the scheme from the names of all tensors.
    pub fn from_names<'n>(names: impl Iterator<Item = &'n str> + Clone) -> Self {
        let any = |prefix: &str, inner: &str| {
            let matches = |name: &str| name.strip_prefix(prefix)?.strip_prefix(inner).map(|_| ());
            names.clone().any(|name| matches(name).is_some())
        };
        for prefix in [PARALLEL, ""] {
            if any(prefix, MODEL) && OTHER_MODULES.iter().any(|module| any(prefix, module)) {
                return Self::Robustness { prefix };
            }
        }
        // A wrapper's own tensor, such as a step count, belongs to no module.
        let wrapped = |name: &str| name.starts_with(PARALLEL) || !name.contains('.');
        if any(PARALLEL, "") && names.clone().all(wrapped) { Self::Parallel } else { Self::Bare }
    }

    /// Where a tensor with this name belongs.
    pub fn place(self, name: &str) -> Place<'_> {
        let (prefix, model) = match self {
            Self::Bare => ("", ""),
            Self::Parallel => (PARALLEL, ""),
            Self::Robustness { prefix } => (prefix, MODEL),
        };
        let Some(inner) = name.strip_prefix(prefix) else { return Place::Outside(name) };
        if let Some(name) = inner.strip_prefix(model) {
            return Place::Network(name);
        }
        // The tensors of one module are grouped under the name of the module.
        match OTHER_MODULES.iter().find(|module| inner.starts_with(*module)) {
            Some(module) => Place::Outside(&name[..prefix.len() + module.len() - 1]),
            None => Place::Outside(name),
        }
    }

    /// The wrapping, given whether the state dict is in another dict.
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
        Scheme::from_names(names.iter().copied())
    }

    #[test]
    fn a_scheme_is_detected_from_all_names() {
        assert_eq!(scheme(&["conv1.weight", "fc.bias"]), Scheme::Bare);
        assert_eq!(scheme(&["module.conv1.weight", "module.fc.bias"]), Scheme::Parallel);
        assert_eq!(scheme(&["module.conv1.weight", "fc.bias"]), Scheme::Bare);
        // A network with a part named `model` has no attacker and no normaliser.
        assert_eq!(scheme(&["model.conv1.weight", "model.fc.bias"]), Scheme::Bare);
        let robust = ["module.model.fc.bias", "module.attacker.model.fc.bias"];
        assert_eq!(scheme(&robust), Scheme::Robustness { prefix: "module." });
        let bare = ["model.fc.bias", "normalizer.new_mean"];
        assert_eq!(scheme(&bare), Scheme::Robustness { prefix: "" });
    }

    #[test]
    fn a_wrapper_s_own_tensor_does_not_change_the_scheme() {
        assert_eq!(scheme(&["n_averaged", "module.conv1.weight"]), Scheme::Parallel);
        assert_eq!(scheme(&["n_averaged"]), Scheme::Bare);
        for stray in ["steps", "module.steps", "ema.fc.bias"] {
            let robust = ["module.model.fc.bias", "module.normalizer.new_mean", stray];
            assert_eq!(scheme(&robust), Scheme::Robustness { prefix: "module." });
        }
    }

    #[test]
    fn a_name_decides_where_its_tensor_belongs() {
        let robust = Scheme::Robustness { prefix: "module." };
        assert_eq!(robust.place("module.model.fc.bias"), Place::Network("fc.bias"));
        let attacker = "module.attacker.model.fc.bias";
        assert_eq!(robust.place(attacker), Place::Outside("module.attacker"));
        assert_eq!(robust.place("module.other.x"), Place::Outside("module.other.x"));
        assert_eq!(robust.place("other"), Place::Outside("other"));
        assert_eq!(Scheme::Parallel.place("module.fc.bias"), Place::Network("fc.bias"));
        assert_eq!(Scheme::Bare.place("module.fc.bias"), Place::Network("module.fc.bias"));
    }
}
