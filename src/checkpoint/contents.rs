//! A checkpoint's entries sorted out: what is the network's, and what lies beside it.

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

/// Channels of a normaliser, at most.
const MOST_CHANNELS: usize = 16;

/// What safetensors calls its metadata.
const RESERVED: &str = "__metadata__";

/// A checkpoint's entries.
#[derive(Debug)]
pub struct Contents {
    pub wrapping: Wrapping,
    /// The network's tensors by torchvision's names.
    pub tensors: BTreeMap<String, Layout>,
    /// Entries of the network's that are no tensors that are read, and what they are.
    pub left_out: BTreeMap<String, String>,
    pub skipped: Vec<Skipped>,
    pub normaliser: Option<Normaliser>,
}

/// What images are normalised by, channel by channel: (x - mean) / std.
#[derive(Clone, Debug, PartialEq)]
pub struct Normaliser {
    /// Of each channel.
    pub mean: Vec<f32>,
    /// Of each channel.
    pub std: Vec<f32>,
}

impl Contents {
    /// Of tensors alone.
    pub fn of_tensors(
        tensors: Vec<(String, Layout)>,
        skipped: Vec<Skipped>,
        file: &[u8],
    ) -> Result<Self, Fault> {
        let left_out =
            skipped.iter().map(|skipped| (skipped.name.clone(), skipped.what.clone())).collect();
        let scheme = Scheme::of(tensors.iter().map(|(name, _)| name.as_str()));
        let wrapping = scheme.wrapping(false);
        let mut contents =
            Self { wrapping, tensors: BTreeMap::new(), left_out, skipped, normaliser: None };
        let mut beside = Beside::default();
        for (name, layout) in tensors {
            match scheme.place(&name) {
                Place::Network(inner) => drop(contents.tensors.insert(inner.to_owned(), layout)),
                Place::Beside(module) => {
                    beside.of(module).push((name.clone(), None, Some(layout)));
                }
            }
        }
        for (module, entries) in beside.modules {
            let count = match entries.len() {
                1 => "1 tensor".to_owned(),
                count => format!("{count} tensors"),
            };
            contents.skip_module(module, count, &entries, file);
        }
        contents.checked()
    }

    /// Of a pickle.
    pub fn of_pickle(
        source: &TensorSource<'_>,
        skipped: Vec<Skipped>,
        file: &[u8],
    ) -> Result<Self, Fault> {
        let arena = &source.arena;
        let StateDict { nested, entries, others } = StateDict::find(arena, source.root)?;
        let named = entries.iter().filter(|(_, value)| arena.is_tensor(*value));
        let scheme = Scheme::of(named.map(|(name, _)| name.as_str()));
        let wrapping = scheme.wrapping(nested);
        let (tensors, left_out) = (BTreeMap::new(), BTreeMap::new());
        let mut contents = Self { wrapping, tensors, left_out, skipped, normaliser: None };
        let mut survey = Survey::new(arena);
        let mut beside = Beside::default();
        for (name, value) in entries {
            let inner = match scheme.place(&name) {
                Place::Network(inner) => inner,
                Place::Beside(module) => {
                    let layout = match source.tensor(value, &name) {
                        Ok(Found::Tensor(layout)) => Some(layout),
                        // It is not wanted, and what it is will be counted.
                        Ok(_) | Err(_) => None,
                    };
                    beside.of(module).push((name.clone(), Some(value), layout));
                    continue;
                }
            };
            let what = match source.tensor(value, &name)? {
                Found::Tensor(layout) => {
                    contents.tensors.insert(inner.to_owned(), layout);
                    continue;
                }
                Found::NotRead(what) => {
                    survey.count([value]);
                    what
                }
                Found::Other => survey.words(value),
            };
            contents.left_out.insert(inner.to_owned(), what.clone());
            contents.skipped.push(Skipped { name, what });
        }
        for (module, entries) in beside.modules {
            let count = match entries.as_slice() {
                [(name, Some(value), _)] if *name == module => survey.words(*value),
                entries => survey.count(entries.iter().filter_map(|(_, id, _)| *id)).to_string(),
            };
            contents.skip_module(module, count, &entries, file);
        }
        for (name, value) in others {
            let what = survey.words(value);
            contents.skipped.push(Skipped { name, what });
        }
        let left_over = survey.left_over();
        if !left_over.is_empty() {
            let name = "elsewhere in the pickle".to_owned();
            contents.skipped.push(Skipped { name, what: objects(&left_over) });
        }
        contents.checked()
    }

    /// Skips what belongs to a module beside the network, and says what is known about it.
    fn skip_module(&mut self, module: String, count: String, entries: &[Entry], file: &[u8]) {
        let mut what = count;
        let own = entries.iter().filter(|(name, _, layout)| {
            let inner = name.strip_prefix(&format!("{module}.model.")[..]);
            layout.is_some() && inner.and_then(|name| self.tensors.get(name)) == layout.as_ref()
        });
        match own.count() {
            0 => (),
            count => what = format!("{what}; {count} of them the network's own again"),
        }
        if let Some(normaliser) = normaliser(entries, file) {
            what = format!("{what}; mean {:?}, deviation {:?}", normaliser.mean, normaliser.std);
            // The network's own, not the attacker's.
            self.normaliser.get_or_insert(normaliser);
        }
        self.skipped.push(Skipped { name: module, what });
    }

    fn checked(self) -> Result<Self, Fault> {
        if self.tensors.is_empty() {
            let found = match self.skipped.as_slice() {
                [] => "nothing".to_owned(),
                skipped => {
                    let first: Vec<String> =
                        skipped.iter().take(3).map(ToString::to_string).collect();
                    format!("only what is not read ({})", first.join("; "))
                }
            };
            return Err(Fault::NoTensors { found });
        }
        if self.tensors.contains_key(RESERVED) {
            let place = format!("tensor `{RESERVED}`");
            return Err(Fault::unsupported(place, "safetensors keeps that name for itself"));
        }
        Ok(self)
    }
}

/// A name, its value where a pickle has it, and the tensor that it is.
type Entry = (String, Option<Id>, Option<Layout>);

/// Entries beside the network, by their modules, in the file's order.
#[derive(Default)]
struct Beside {
    modules: Vec<(String, Vec<Entry>)>,
    places: BTreeMap<String, usize>,
}

impl Beside {
    fn of(&mut self, module: &str) -> &mut Vec<Entry> {
        let at = *self.places.entry(module.to_owned()).or_insert_with(|| {
            self.modules.push((module.to_owned(), Vec::new()));
            self.modules.len() - 1
        });
        &mut self.modules[at].1
    }
}

/// A normaliser, where entries are just that.
fn normaliser(entries: &[Entry], file: &[u8]) -> Option<Normaliser> {
    let [mean, std] = ["mean", "std"].map(|which| {
        let is_it = |name: &str| {
            let last = name.rsplit('.').next();
            last.is_some_and(|last| last.strip_prefix("new_").unwrap_or(last) == which)
        };
        let (_, _, layout) = entries.iter().find(|(name, ..)| is_it(name))?;
        let layout = layout.as_ref()?;
        if Some(layout.dtype()) != Dtype::named("float32")
            || layout.bytes() > MOST_CHANNELS * layout.dtype().bytes()
        {
            return None;
        }
        let row = layout.in_a_row(file);
        let (values, _) = row.as_chunks();
        Some(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect::<Vec<f32>>())
    });
    match entries.len() {
        2 => Some(Normaliser { mean: mean?, std: std? }),
        _ => None,
    }
}
