//! What a checkpoint's names are wrapped in: dicts around the state dict, and prefixes of modules
//! around the network.

use serde::Serialize;

use super::prefix::Prefix;

/// The kind of wrapping that was removed to get the names of torchvision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wrapping {
    /// Nothing: a state dict.
    Plain,
    /// A dict with the state dict under a key.
    Nested,
    /// The prefix `module.` of PyTorch's `DataParallel`, perhaps in a dict.
    DataParallel,
    /// The format of the `robustness` library: the network under `model.`, with an attacker and a
    /// normaliser.
    Robustness,
    /// Another prefix, perhaps in a dict.
    Prefixed,
}

/// What to take of a checkpoint that has several networks. What is `None` is found by the names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// The keys that lead to the state dict, joined by dots.
    pub key: Option<String>,
    /// The prefix of the network's names; a dot at its end is optional.
    pub prefix: Option<String>,
}

/// What was taken off, and what could be chosen instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwrapped {
    /// Its kind.
    pub wrapping: Wrapping,
    /// The keys that lead to the state dict, joined by dots; `None` if it is in no dict.
    pub key: Option<String>,
    /// The prefix of the network's names; empty if there is none.
    pub prefix: String,
    /// The keys of other dicts of tensors.
    pub other_keys: Vec<String>,
    /// The prefixes of other networks.
    pub other_prefixes: Vec<String>,
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
            Self::Prefixed => "prefixed",
        }
    }
}

impl Unwrapped {
    pub(super) fn new(key: Option<String>, other_keys: Vec<String>, prefix: Prefix) -> Self {
        let wrapping = match prefix.taken.as_str() {
            _ if prefix.is_robustness => Wrapping::Robustness,
            "" if key.is_some() => Wrapping::Nested,
            "" => Wrapping::Plain,
            "module." => Wrapping::DataParallel,
            _ => Wrapping::Prefixed,
        };
        Self { wrapping, key, prefix: prefix.taken, other_keys, other_prefixes: prefix.others }
    }
}
