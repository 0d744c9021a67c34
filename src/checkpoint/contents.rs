//! Sorts a checkpoint's entries into the tensors of the network and everything else, which is
//! skipped.

use std::collections::BTreeMap;

use super::{
    dtype::Dtype,
    error::Fault,
    layout::Layout,
    pickle::Id,
    summary::{Skipped, Survey, objects},
    tensor::{Found, TensorSource},
    unwrap::{Place, Scheme, StateDict, Wrapping},
};

/// Limit on the channels of a normaliser.
const MAX_CHANNELS: usize = 16;

/// The key of safetensors' metadata, which no tensor can have.
const RESERVED: &str = "__metadata__";

/// A checkpoint's entries.
#[derive(Debug)]
pub struct Contents {
    pub wrapping: Wrapping,
    /// The network's tensors, by their names in torchvision.
    pub tensors: BTreeMap<String, Layout>,
    /// Entries of the network that are no supported tensors, and what they are.
    pub unsupported: BTreeMap<String, String>,
    pub skipped: Vec<Skipped>,
    pub normaliser: Option<Normaliser>,
}

/// The normalisation of images in each channel: (x - mean) / std.
#[derive(Clone, Debug, PartialEq)]
pub struct Normaliser {
    /// The mean of each channel.
    pub mean: Vec<f32>,
    /// The standard deviation of each channel.
    pub std: Vec<f32>,
}

impl Contents {
    /// From the tensors of a safetensors file.
    ///
    /// # Errors
    /// If no tensor belongs to a network.
    pub fn from_tensors(
        tensors: Vec<(String, Layout)>,
        skipped: Vec<Skipped>,
        file: &[u8],
    ) -> Result<Self, Fault> {
        let unsupported =
            skipped.iter().map(|skipped| (skipped.name.clone(), skipped.what.clone())).collect();
        let scheme = Scheme::from_names(tensors.iter().map(|(name, _)| name.as_str()));
        let wrapping = scheme.wrapping(false);
        let mut contents =
            Self { wrapping, tensors: BTreeMap::new(), unsupported, skipped, normaliser: None };
        let mut others = OtherModules::default();
        for (name, layout) in tensors {
            match scheme.place(&name) {
                Place::Network(inner) => drop(contents.tensors.insert(inner.to_owned(), layout)),
                Place::Outside(module) => {
                    others.entries_of(module).push((name.clone(), None, Some(layout)));
                }
            }
        }
        for (module, entries) in others.modules {
            let count = match entries.len() {
                1 => "1 tensor".to_owned(),
                count => format!("{count} tensors"),
            };
            contents.skip_module(module, count, &entries, file);
        }
        contents.checked()
    }

    /// From a pickle.
    ///
    /// # Errors
    /// If there is no state dict, or a tensor of the network is damaged or opaque.
    pub fn from_pickle(
        source: &TensorSource<'_>,
        skipped: Vec<Skipped>,
        file: &[u8],
    ) -> Result<Self, Fault> {
        let arena = &source.arena;
        let StateDict { nested, entries, skipped: outside } = StateDict::find(arena, source.root)?;
        let named = entries.iter().filter(|(_, value)| arena.is_tensor(*value));
        let scheme = Scheme::from_names(named.map(|(name, _)| name.as_str()));
        let wrapping = scheme.wrapping(nested);
        let (tensors, unsupported) = (BTreeMap::new(), BTreeMap::new());
        let mut contents = Self { wrapping, tensors, unsupported, skipped, normaliser: None };
        let mut survey = Survey::new(arena);
        let mut others = OtherModules::default();
        for (name, value) in entries {
            let inner = match scheme.place(&name) {
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
        for (module, entries) in others.modules {
            let count = match entries.as_slice() {
                [(name, Some(value), _)] if *name == module => survey.describe(*value),
                entries => survey.count(entries.iter().filter_map(|(_, id, _)| *id)).to_string(),
            };
            contents.skip_module(module, count, &entries, file);
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
        contents.checked()
    }

    /// Skips a module outside the network, and describes it.
    fn skip_module(&mut self, module: String, count: String, entries: &[Entry], file: &[u8]) {
        let mut what = count;
        let copies = entries.iter().filter(|(name, _, layout)| {
            let inner = name.strip_prefix(&format!("{module}.model.")[..]);
            layout.is_some() && inner.and_then(|name| self.tensors.get(name)) == layout.as_ref()
        });
        match copies.count() {
            0 => (),
            count => what = format!("{what}; {count} of them copies of the network's"),
        }
        if let Some(normaliser) = normaliser(entries, file) {
            what = format!(
                "{what}; mean {:?}, standard deviation {:?}",
                normaliser.mean, normaliser.std
            );
            // The first one is the network's, the second one the attacker's.
            self.normaliser.get_or_insert(normaliser);
        }
        self.skipped.push(Skipped { name: module, what });
    }

    /// Fails if there are no tensors, or one has a reserved name.
    fn checked(self) -> Result<Self, Fault> {
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
}

/// The normaliser, if the entries are exactly its mean and its standard deviation.
fn normaliser(entries: &[Entry], file: &[u8]) -> Option<Normaliser> {
    let [mean, std] = ["mean", "std"].map(|which| {
        let matches = |name: &str| {
            let last = name.rsplit('.').next();
            last.is_some_and(|last| last.strip_prefix("new_").unwrap_or(last) == which)
        };
        let (_, _, layout) = entries.iter().find(|(name, ..)| matches(name))?;
        let layout = layout.as_ref()?;
        if Some(layout.dtype()) != Dtype::named("float32")
            || layout.bytes() > MAX_CHANNELS * layout.dtype().bytes()
        {
            return None;
        }
        let bytes = layout.contiguous(file);
        let (values, _) = bytes.as_chunks();
        Some(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect::<Vec<f32>>())
    });
    match entries.len() {
        2 => Some(Normaliser { mean: mean?, std: std? }),
        _ => None,
    }
}
