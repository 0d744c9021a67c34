//! Removes the prefixes of modules around the network, so that torchvision's names remain.

use std::collections::BTreeSet;

/// The modules of torchvision's residual networks (`torchvision.models.resnet.ResNet`), which
/// [`Architecture`](crate::experiment::Architecture) names too.
const MODULES: [&str; 7] = ["conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "fc"];
/// The tensor that a network has whatever its depth, and whether its head was kept or not.
const STEM: &str = "conv1.weight";
/// Prefixes that PyTorch adds to every tensor of any network: `DataParallel` and `torch.compile`.
const WRAPPERS: [&str; 2] = ["module.", "_orig_mod."];
const MODEL: &str = "model.";
/// Modules of the `robustness` library beside the network under `model.`.
const OTHER_MODULES: [&str; 2] = ["attacker.", "normalizer."];
/// Names of the two tensors of a normaliser: the `robustness` library's, and those of others.
const NORMALISERS: [[&str; 2]; 3] = [["new_mean", "new_std"], ["mean", "std"], ["mu", "sigma"]];
/// Limit on the tensors that a network may have beside it: counts of steps, decays, a normaliser.
/// With more of them something else than a wrapper is around it.
pub const MAX_STRAYS: usize = 4;

/// What the names of a network's tensors begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// What is taken off every name; empty for nothing.
    pub taken: String,
    /// Prefixes below which there is a network too, or in place of none.
    pub others: Vec<String>,
    /// Whether the `robustness` library's modules are beside the network.
    pub is_robustness: bool,
}

/// Where a tensor belongs, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place<'n> {
    /// To the network, with this name there.
    Network(&'n str),
    /// To this module outside the network.
    Outside(&'n str),
}

/// The text before the first of torchvision's modules in a name; `None` if it has none.
fn before_module(name: &str) -> Option<&str> {
    let mut at = 0;
    for part in name.split('.') {
        let is_last = at + part.len() == name.len();
        if MODULES.contains(&part) && !is_last {
            return Some(&name[..at]);
        }
        at += part.len() + 1;
    }
    None
}

/// Whether a name without prefix is in one of the network's modules.
pub fn is_in_network(name: &str) -> bool {
    before_module(name) == Some("")
}

/// Whether names are those of a residual network, perhaps with a prefix.
pub fn has_network<'n>(names: impl Iterator<Item = &'n str>) -> bool {
    names.into_iter().any(|name| is_stem(name).is_some())
}

/// The prefix of a stem's name.
fn is_stem(name: &str) -> Option<&str> {
    before_module(name).filter(|prefix| &name[prefix.len()..] == STEM)
}

/// The module of a name that is one of the `robustness` library's beside the network.
fn other_module(name: &str) -> Option<&str> {
    OTHER_MODULES.iter().find_map(|module| {
        let at = name.find(module).filter(|at| *at == 0 || name[..*at].ends_with('.'))?;
        Some(&name[..at + module.len() - 1])
    })
}

impl Prefix {
    /// The prefix that was asked for, with a dot at its end.
    pub fn asked(prefix: &str) -> String {
        let dot = if prefix.is_empty() || prefix.ends_with('.') { "" } else { "." };
        format!("{prefix}{dot}")
    }

    /// Finds the prefix in the names of all tensors: the one that `asked` names; else the only one
    /// below which there is a residual network with at most [`MAX_STRAYS`] tensors beside it; else
    /// those that PyTorch and the `robustness` library add to any network.
    ///
    /// # Errors
    /// If no name begins with the prefix that was asked for: the prefixes of networks.
    pub fn find<'n>(
        names: impl Iterator<Item = &'n str> + Clone,
        asked: Option<&str>,
    ) -> Result<Self, Vec<String>> {
        let networks: BTreeSet<&str> = names
            .clone()
            .filter(|name| other_module(name).is_none_or(|module| !module.ends_with("attacker")))
            .filter_map(is_stem)
            .collect();
        let all = || networks.iter().map(|prefix| (*prefix).to_owned()).collect::<Vec<_>>();
        let with = |taken: String, others: Vec<String>| {
            let mut beside = names.clone().filter(|name| !name.starts_with(&taken));
            let is_robustness =
                taken.ends_with(MODEL) && beside.any(|name| other_module(name).is_some());
            Self { taken, others, is_robustness }
        };
        if let Some(asked) = asked {
            let taken = Self::asked(asked);
            if !names.clone().any(|name| name.starts_with(&taken)) {
                return Err(all());
            }
            let others = all().into_iter().filter(|other| *other != taken).collect();
            return Ok(with(taken, others));
        }
        match networks.iter().copied().collect::<Vec<_>>().as_slice() {
            [] => Ok(with(Self::of_any_network(names.clone()), Vec::new())),
            [one] => {
                let strays = names
                    .clone()
                    .filter(|name| !name.starts_with(one) && other_module(name).is_none());
                if strays.count() <= MAX_STRAYS {
                    Ok(with((*one).to_owned(), Vec::new()))
                } else {
                    Ok(with(String::new(), all()))
                }
            }
            _ => Ok(with(String::new(), all())),
        }
    }

    /// The prefixes that PyTorch and the `robustness` library add, in any order.
    fn of_any_network<'n>(names: impl Iterator<Item = &'n str> + Clone) -> String {
        let mut prefix = String::new();
        // A wrapper's own tensor, such as a step count, belongs to no module.
        let shared = |prefix: &str| {
            let mut wrapped = names.clone().filter(|name| name.contains('.'));
            names.clone().any(|name| name.starts_with(prefix))
                && wrapped.all(|name| name.starts_with(prefix))
        };
        while let Some(longer) = WRAPPERS
            .iter()
            .map(|wrapper| format!("{prefix}{wrapper}"))
            .find(|longer| shared(longer))
        {
            prefix = longer;
        }
        // Strays of the robustness library's wrapper may be anywhere.
        for wrapper in [prefix.clone(), WRAPPERS[0].to_owned()] {
            let any = |inner: &str| {
                let whole = format!("{wrapper}{inner}");
                names.clone().any(|name| name.starts_with(&whole))
            };
            if any(MODEL) && OTHER_MODULES.iter().any(|module| any(module)) {
                return format!("{wrapper}{MODEL}");
            }
        }
        prefix
    }

    /// Where a tensor with this name belongs.
    pub fn place<'n>(&self, name: &'n str) -> Place<'n> {
        if let Some(inner) = name.strip_prefix(&self.taken) {
            return Place::Network(inner);
        }
        // The tensors of one module are grouped under the name of the module.
        let module = other_module(name).or_else(|| normaliser_of(name).map(|(module, _)| module));
        Place::Outside(module.filter(|module| !module.is_empty()).unwrap_or(name))
    }
}

/// The module of a normaliser's tensor, and whether it is the standard deviation.
pub fn normaliser_of(name: &str) -> Option<(&str, bool)> {
    let (module, last) = name.rsplit_once('.').unwrap_or(("", name));
    let which = NORMALISERS.iter().flatten().position(|known| *known == last)?;
    Some((module, which % 2 == 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(names: &[&str]) -> Prefix {
        Prefix::find(names.iter().copied(), None).unwrap()
    }

    fn taken(names: &[&str]) -> String {
        found(names).taken
    }

    #[test]
    fn prefixes_of_any_network_are_found_in_all_names() {
        assert_eq!(taken(&["a.weight", "b.bias"]), "");
        assert_eq!(taken(&["module.a.weight", "module.b.bias"]), "module.");
        assert_eq!(taken(&["module.a.weight", "b.bias"]), "");
        assert_eq!(taken(&["_orig_mod.module.a", "_orig_mod.module.b"]), "_orig_mod.module.");
        assert_eq!(taken(&["module.module.a", "n_averaged"]), "module.module.");
        assert_eq!(taken(&["n_averaged"]), "");
        // A network with a part named `model` has no attacker and no normaliser.
        assert_eq!(taken(&["model.a.weight", "model.b.bias"]), "");
        for stray in ["steps", "module.steps", "ema.b.bias"] {
            let robust = ["module.model.b.bias", "module.normalizer.new_mean", stray];
            let found = found(&robust);
            assert_eq!((found.taken.as_str(), found.is_robustness), ("module.model.", true));
        }
        assert_eq!(taken(&["model.b.bias", "normalizer.new_mean"]), "model.");
    }

    #[test]
    fn a_residual_network_is_found_below_any_prefix() {
        let network = ["conv1.weight", "layer1.0.conv1.weight", "fc.bias"];
        for prefix in ["", "model.", "module.", "net.0.", "module._orig_mod.backbone.", "conv0."] {
            let mut names = network.map(|name| format!("{prefix}{name}")).to_vec();
            let all =
                |names: &[String]| Prefix::find(names.iter().map(String::as_str), None).unwrap();
            assert_eq!((all(&names).taken.as_str(), all(&names).others.len()), (prefix, 0));
            names.extend(["steps", "normalize.mean", "normalize.std", "decay"].map(str::to_owned));
            assert_eq!(all(&names).taken, prefix);
            if !prefix.is_empty() {
                // More than strays are beside it: the user decides.
                names.push("projector.0.weight".to_owned());
                assert_eq!((all(&names).taken.as_str(), all(&names).others.len()), ("", 1));
            }
            names.push("ema.conv1.weight".to_owned());
            assert_eq!((all(&names).taken.as_str(), all(&names).others.len()), ("", 2));
            let asked = Prefix::find(names.iter().map(String::as_str), Some("ema")).unwrap();
            assert_eq!((asked.taken.as_str(), asked.others.len()), ("ema.", 1));
            let none = Prefix::find(names.iter().map(String::as_str), Some("x")).unwrap_err();
            assert_eq!(
                none,
                [prefix, "ema."]
                    .map(str::to_owned)
                    .into_iter()
                    .collect::<BTreeSet<_>>()
                    .into_iter()
                    .collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn a_name_decides_where_its_tensor_belongs() {
        let robust = found(&["module.model.conv1.weight", "module.attacker.model.conv1.weight"]);
        assert!(robust.is_robustness);
        assert_eq!(robust.place("module.model.fc.bias"), Place::Network("fc.bias"));
        let attacker = "module.attacker.model.fc.bias";
        assert_eq!(robust.place(attacker), Place::Outside("module.attacker"));
        assert_eq!(robust.place("normalize.mean"), Place::Outside("normalize"));
        assert_eq!(robust.place("mu"), Place::Outside("mu"));
        assert_eq!(robust.place("module.other.x"), Place::Outside("module.other.x"));
        assert_eq!(robust.place("other"), Place::Outside("other"));
    }
}
