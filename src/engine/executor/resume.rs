//! The states of fine-tunes that take long, one file for each trial in the ledger. A file names all
//! that decides bits: the trial's record (recipe, seed, weights, images, engine), libtorch and the
//! processor. One of anything else, or a damaged one, is not used.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, HashMap},
    path::Path,
    time::{Duration, Instant},
};

use safetensors::SafeTensors;
use tch::Tensor;

use crate::{
    assets::IdentifiedTrial,
    engine::{
        fine_tune::{Keeper, Saved},
        pretrain::{safetensors_bytes, safetensors_tensors},
    },
    experiment::WeightsPrecision,
    store::Ledger,
    util::files,
};

/// A file larger than this is not read: ResNet-50 with all blocks has 200 MB.
const LARGEST_BYTES: u64 = 2 << 30;
/// States are written at most so often in the time from which fine-tunes are kept at all.
const PARTS: u32 = 20;

/// The states of a family.
pub(super) struct EpochFiles<'a> {
    ledger: &'a Ledger,
    family: &'a [&'a IdentifiedTrial],
    /// Libtorch and the processor.
    machine: String,
    /// Fine-tunes that take longer are kept.
    after: Duration,
    written: Cell<Option<Instant>>,
    /// The seconds of the epochs that were done before.
    pub before: Cell<f64>,
    /// Why states can't be written, the first time.
    pub failed: RefCell<Option<std::io::Error>>,
}

impl<'a> EpochFiles<'a> {
    pub fn new(
        ledger: &'a Ledger,
        family: &'a [&'a IdentifiedTrial],
        machine: String,
        after: Duration,
    ) -> Self {
        let (written, before, failed) = (Cell::new(None), Cell::new(0.0), RefCell::new(None));
        Self { ledger, family, machine, after, written, before, failed }
    }

    fn identity(&self, named: &IdentifiedTrial) -> String {
        format!("{} {}", named.id, self.machine)
    }

    fn read(&self, named: &IdentifiedTrial) -> Option<Saved> {
        let path = self.ledger.epoch_file(&named.id);
        let bytes = files::bytes(&path, LARGEST_BYTES).ok()?;
        parsed(&path, &bytes, &self.identity(named))
    }
}

impl Keeper for EpochFiles<'_> {
    fn load(&self) -> Option<Vec<Saved>> {
        let saved: Vec<Saved> =
            self.family.iter().map(|named| self.read(named)).collect::<Option<_>>()?;
        let first = saved.first()?;
        if saved.iter().any(|other| other.epochs != first.epochs) {
            return None;
        }
        self.before.set(first.seconds);
        Some(saved)
    }

    fn is_due(&self, done: u32, of: u32, seconds: f64) -> bool {
        let total = seconds / f64::from(done.max(1)) * f64::from(of);
        let every = self.after / PARTS;
        done < of
            && total >= self.after.as_secs_f64()
            && self.failed.borrow().is_none()
            && self.written.get().is_none_or(|written| written.elapsed() >= every)
    }

    fn keep(&self, saved: Vec<Saved>) {
        self.written.set(Some(Instant::now()));
        for (named, saved) in self.family.iter().zip(saved) {
            let bytes = to_bytes(&saved, self.identity(named));
            if let Err(error) = files::replace(&self.ledger.epoch_file(&named.id), &bytes) {
                // The fine-tune itself loses nothing.
                self.failed.borrow_mut().get_or_insert(error);
            }
        }
    }
}

fn to_bytes(saved: &Saved, identity: String) -> Vec<u8> {
    let outcome = serde_json::to_string(&saved.outcome).expect("plain data");
    let metadata = HashMap::from([
        ("identity".to_owned(), identity),
        ("epochs".to_owned(), saved.epochs.to_string()),
        ("seconds".to_owned(), saved.seconds.to_string()),
        ("outcome".to_owned(), outcome),
    ]);
    let tensors: BTreeMap<String, &Tensor> =
        saved.tensors.iter().map(|(name, tensor)| (name.clone(), tensor)).collect();
    let contents = safetensors_bytes(&tensors, WeightsPrecision::Single, Some(metadata));
    let mut bytes = blake3::hash(&contents).as_bytes().to_vec();
    bytes.extend(contents);
    bytes
}

/// The state in a file; `None` if it is damaged or of anything else.
fn parsed(path: &Path, bytes: &[u8], identity: &str) -> Option<Saved> {
    let (digest, contents) = bytes.split_at_checked(blake3::OUT_LEN)?;
    if blake3::hash(contents).as_bytes() != digest {
        return None;
    }
    let (_, header) = SafeTensors::read_metadata(contents).ok()?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let field = |name: &str| metadata.get(name);
    if field("identity").map(String::as_str) != Some(identity) {
        return None;
    }
    Some(Saved {
        epochs: field("epochs")?.parse().ok()?,
        seconds: field("seconds")?.parse().ok()?,
        outcome: serde_json::from_str(field("outcome")?).ok()?,
        tensors: safetensors_tensors(path, contents).ok()?,
    })
}
