//! Sorts a checkpoint's entries into the tensors of the network and everything else, which is
//! skipped.

use std::collections::BTreeMap;

use super::{
    bytes::Bytes,
    error::{Fault, printable},
    layout::Layout,
    normaliser::{Normaliser, normaliser},
    pickle::Id,
    prefix::{Place, Prefix, is_in_network, normaliser_of},
    state_dict::StateDict,
    summary::{Skipped, Survey, objects},
    tensor::{Found, TensorSource},
    unwrap::{Choice, Unwrapped},
};

/// The key of safetensors' metadata, which no tensor can have.
const RESERVED: &str = "__metadata__";

/// A checkpoint's entries.
#[derive(Debug)]
pub struct Contents {
    pub unwrapped: Unwrapped,
    /// The network's tensors, by their names in torchvision.
    pub tensors: BTreeMap<String, Layout>,
    /// Entries of the network that are no supported tensors, and what they are.
    pub unsupported: BTreeMap<String, String>,
    pub skipped: Vec<Skipped>,
    pub normaliser: Option<Normaliser>,
}

impl Contents {
    /// From the tensors of a safetensors file.
    ///
    /// # Errors
    /// If no tensor belongs to a network, or the choice is not there.
    pub fn from_tensors(
        tensors: Vec<(String, Layout)>,
        skipped: Vec<Skipped>,
        choice: &Choice,
        file: &Bytes,
    ) -> Result<Self, Fault> {
        if let Some(key) = &choice.key {
            let what = format!("safetensors have no dicts, and no key `{}`", printable(key));
            return Err(Fault::NoKey { what });
        }
        let unsupported =
            skipped.iter().map(|skipped| (skipped.name.clone(), skipped.what.clone())).collect();
        let names = tensors.iter().map(|(name, _)| name.as_str());
        let prefix = found_prefix(Prefix::find(names, choice.prefix.as_deref()), choice)?;
        let unwrapped = Unwrapped::new(None, Vec::new(), prefix.clone());
        let mut contents =
            Self { unwrapped, tensors: BTreeMap::new(), unsupported, skipped, normaliser: None };
        let mut others = OtherModules::default();
        for (name, layout) in tensors {
            match prefix.place(&name) {
                Place::Network(inner) => drop(contents.tensors.insert(inner.to_owned(), layout)),
                Place::Outside(module) => {
                    others.entries_of(module).push((name.clone(), None, Some(layout)));
                }
            }
        }
        contents.normaliser = others.normaliser_without_module(file)?;
        for (module, entries) in others.modules {
            let count = match entries.len() {
                1 => "1 tensor".to_owned(),
                count => format!("{count} tensors"),
            };
            contents.skip_module(module, count, &entries, file)?;
        }
        contents.checked(file)
    }

    /// From a pickle.
    ///
    /// # Errors
    /// If there is no state dict, a tensor of the network is damaged or opaque, or the choice is not
    /// there.
    pub fn from_pickle(
        source: &TensorSource<'_>,
        skipped: Vec<Skipped>,
        choice: &Choice,
        file: &Bytes,
    ) -> Result<Self, Fault> {
        let arena = &source.arena;
        let StateDict { key, other_keys, entries, skipped: outside } =
            StateDict::find(arena, source.root, choice.key.as_deref())?;
        let named = entries.iter().filter(|(_, value)| arena.is_tensor(*value));
        let names = named.map(|(name, _)| name.as_str());
        let prefix = found_prefix(Prefix::find(names, choice.prefix.as_deref()), choice)?;
        let unwrapped = Unwrapped::new(key, other_keys, prefix.clone());
        let (tensors, unsupported) = (BTreeMap::new(), BTreeMap::new());
        let mut contents = Self { unwrapped, tensors, unsupported, skipped, normaliser: None };
        let mut survey = Survey::new(arena);
        let mut others = OtherModules::default();
        for (name, value) in entries {
            let inner = match prefix.place(&name) {
                Place::Network(inner) => inner,
                Place::Outside(module) => {
                    let layout = match source.tensor(value, &name) {
                        Ok(Found::Tensor(layout)) => Some(layout),
                        // It does not belong to the network; only its kind is counted.
                        Ok(_) | Err(_) => None,
                    };
                    others.entries_of(module).push((name.clone(), Some(value), layout));
                    continue;
                }
            };
            let what = match source.tensor(value, &name)? {
                Found::Tensor(layout) => {
                    contents.tensors.insert(inner.to_owned(), layout);
                    continue;
                }
                Found::Unsupported(what) => {
                    survey.count([value]);
                    what
                }
                Found::Other => survey.describe(value),
            };
            contents.unsupported.insert(inner.to_owned(), what.clone());
            contents.skipped.push(Skipped { name, what });
        }
        contents.normaliser = others.normaliser_without_module(file)?;
        for (module, entries) in others.modules {
            let count = match entries.as_slice() {
                [(name, Some(value), _)] if *name == module => survey.describe(*value),
                entries => survey.count(entries.iter().filter_map(|(_, id, _)| *id)).to_string(),
            };
            contents.skip_module(module, count, &entries, file)?;
        }
        for (name, value) in outside {
            let what = survey.describe(value);
            contents.skipped.push(Skipped { name, what });
        }
        let uncounted = survey.uncounted();
        if !uncounted.is_empty() {
            let name = "elsewhere in the pickle".to_owned();
            contents.skipped.push(Skipped { name, what: objects(&uncounted) });
        }
        contents.checked(file)
    }

    /// Skips a module outside the network, and describes it.
    fn skip_module(
        &mut self,
        module: String,
        count: String,
        entries: &[Entry],
        file: &Bytes,
    ) -> Result<(), Fault> {
        let mut what = count;
        let copies = entries.iter().filter(|(name, _, layout)| {
            let inner = name.strip_prefix(&format!("{module}.model.")[..]);
            layout.is_some() && inner.and_then(|name| self.tensors.get(name)) == layout.as_ref()
        });
        match copies.count() {
            0 => (),
            count => what = format!("{what}; {count} of them copies of the network's"),
        }
        let tensors: Vec<(&str, Option<&Layout>)> =
            entries.iter().map(|(name, _, layout)| (name.as_str(), layout.as_ref())).collect();
        if let Some(normaliser) = normaliser(&tensors, file)? {
            what = format!(
                "{what}; mean {:?}, standard deviation {:?}",
                normaliser.mean, normaliser.std
            );
            // The first one is the network's, the second one the attacker's.
            self.normaliser.get_or_insert(normaliser);
        }
        self.skipped.push(Skipped { name: module, what });
        Ok(())
    }

    /// Finds a normaliser among the network's tensors. Fails if there are no tensors, or one has a
    /// reserved name.
    fn checked(mut self, file: &Bytes) -> Result<Self, Fault> {
        if self.normaliser.is_none() {
            let mut modules: BTreeMap<&str, Vec<(&str, Option<&Layout>)>> = BTreeMap::new();
            for (name, layout) in self.tensors.iter().filter(|(name, _)| !is_in_network(name)) {
                if let Some((module, _)) = normaliser_of(name) {
                    modules.entry(module).or_default().push((name, Some(layout)));
                }
            }
            let found = modules.values().map(|tensors| normaliser(tensors, file));
            let found = found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().next();
            self.normaliser = found;
        }
        if self.tensors.is_empty() {
            let found = match self.skipped.as_slice() {
                [] => "nothing".to_owned(),
                skipped => {
                    let first: Vec<String> =
                        skipped.iter().take(3).map(ToString::to_string).collect();
                    format!("only unsupported entries ({})", first.join("; "))
                }
            };
            return Err(Fault::NoTensors { found });
        }
        if self.tensors.contains_key(RESERVED) {
            let place = format!("tensor `{RESERVED}`");
            return Err(Fault::unsupported(place, "safetensors reserves that name"));
        }
        Ok(self)
    }
}

/// A name, its value in a pickle, and its tensor if it is one.
type Entry = (String, Option<Id>, Option<Layout>);

/// Entries outside the network by module, in the file's order.
#[derive(Default)]
struct OtherModules {
    modules: Vec<(String, Vec<Entry>)>,
    places: BTreeMap<String, usize>,
}

impl OtherModules {
    fn entries_of(&mut self, module: &str) -> &mut Vec<Entry> {
        let at = *self.places.entry(module.to_owned()).or_insert_with(|| {
            self.modules.push((module.to_owned(), Vec::new()));
            self.modules.len() - 1
        });
        &mut self.modules[at].1
    }

    /// A normaliser whose two tensors are in no module (`mu` and `sigma` beside `model.`).
    fn normaliser_without_module(&self, file: &Bytes) -> Result<Option<Normaliser>, Fault> {
        let alone = self.modules.iter().flat_map(|(_, entries)| entries);
        let alone: Vec<(&str, Option<&Layout>)> = alone
            .map(|(name, _, layout)| (name.as_str(), layout.as_ref()))
            .filter(|(name, _)| normaliser_of(name).is_some_and(|(module, _)| module.is_empty()))
            .collect();
        normaliser(&alone, file)
    }
}

/// The prefix that was found.
///
/// # Errors
/// If the one that was asked for is not there.
fn found_prefix(found: Result<Prefix, Vec<String>>, choice: &Choice) -> Result<Prefix, Fault> {
    found.map_err(|prefixes| {
        let asked = Prefix::asked(choice.prefix.as_deref().unwrap_or_default());
        let what = format!("no tensor's name begins with `{}`", printable(&asked));
        Fault::Prefix { what, prefixes }
    })
}
