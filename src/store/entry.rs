//! What one of our own fine-tunes leaves behind on disk: enough to judge it, to find out whether it
//! is the one that is asked for, and to run it again.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    evidence::{Record, Status},
    experiment::Evaluation,
};
use crate::{
    experiment::{Outcome, Trial},
    world::World,
};

/// Version of the form.
pub const FORMAT_VERSION: u32 = 1;

/// A fine-tune and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name: BLAKE3 of the trial, the engine's version, and the digests below.
    pub id: String,
    /// Recipe and seed.
    pub trial: Trial,
    /// Version of the engine that ran it.
    pub engine_version: u32,
    /// BLAKE3 of the source's weights.
    pub weights: String,
    /// Digest of the target's images and labels: BLAKE3 of those that ship, SHA-256 of others.
    pub data: String,
    /// What came of it.
    pub outcome: Ended,
    /// Where and when; nothing that a verdict depends on.
    pub provenance: Provenance,
}

/// How a fine-tune ended. One that diverged has finished: that is its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// It ran to its end.
    Finished(Outcome),
    /// It did not: out of memory, a fault of the machine or of the program.
    Failed {
        /// What was said.
        reason: String,
    },
}

/// Where and when a fine-tune was run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Version of this program.
    pub program: String,
    /// libtorch and its kernels.
    pub engine: String,
    /// The processor's name.
    pub processor: String,
    /// Seconds since 1970 at its beginning.
    pub started: u64,
    /// Wall-clock seconds, of all trials that ran side by side with it.
    pub seconds: f64,
    /// What the target's images are made from, in words, where they are packed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<String>,
}

impl Entry {
    /// The record that the judge of a world's evidence sees.
    #[must_use]
    pub fn record(&self, world: &World) -> Record {
        let Trial { recipe, seed } = &self.trial;
        let record = |status, evaluations| {
            Record::new(recipe.key.clone(), *seed, world.digest(recipe), status, evaluations)
                .expect("a finished fine-tune was evaluated after its last epoch")
        };
        match &self.outcome {
            Ended::Finished(outcome) => record(Status::Finished, outcome.evaluations.clone())
                .with_correct(&outcome.correct)
                .with_influence(&outcome.influence),
            Ended::Failed { .. } => record(Status::Stopped, Vec::new()),
        }
    }

    /// Whether another run of the trial gave the same bits.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        self.id == other.id && self.bits() == other.bits()
    }

    /// What came of it as JSON, without wall-clock times.
    pub(crate) fn bits(&self) -> String {
        serde_json::to_string(&self.outcome.without_times()).expect("plain data")
    }
}

impl Ended {
    /// The same without wall-clock times.
    #[must_use]
    fn without_times(&self) -> Self {
        let mut ended = self.clone();
        if let Self::Finished(outcome) = &mut ended {
            for Evaluation { seconds, .. } in &mut outcome.evaluations {
                *seconds = 0.0;
            }
        }
        ended
    }
}

/// A file of the ledger.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format_version: u32,
    /// BLAKE3 of `entry` as it stands in the file.
    digest: String,
    entry: Box<RawValue>,
}

/// The bytes of an entry's file.
pub(super) fn to_bytes(entry: &Entry) -> Vec<u8> {
    let entry = serde_json::value::to_raw_value(entry).expect("plain data");
    let digest = blake3::hash(entry.get().as_bytes()).to_hex().to_string();
    let file = File { format_version: FORMAT_VERSION, digest, entry };
    let mut bytes = serde_json::to_vec(&file).expect("plain data");
    bytes.push(b'\n');
    bytes
}

/// Why bytes are no entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// They are of this format, which a later version wrote.
    Version(u32),
    /// What is wrong with them.
    Damaged(String),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Version(found) => {
                write!(formatter, "format {found}, and this version reads {FORMAT_VERSION}")
            }
            Self::Damaged(reason) => formatter.write_str(reason),
        }
    }
}

/// The entry in a file's bytes, or what is wrong with them.
pub(super) fn from_bytes(bytes: &[u8]) -> Result<Entry, Fault> {
    #[derive(Deserialize)]
    struct Versioned {
        format_version: u32,
    }
    let damaged = |error: serde_json::Error| Fault::Damaged(error.to_string());
    // The version first: what else a file of another one has is not known here.
    let Versioned { format_version } = serde_json::from_slice(bytes).map_err(damaged)?;
    if format_version > FORMAT_VERSION {
        return Err(Fault::Version(format_version));
    }
    let file: File = serde_json::from_slice(bytes).map_err(damaged)?;
    if file.format_version != FORMAT_VERSION {
        return Err(Fault::Damaged(format!("no version wrote format {format_version}")));
    }
    let found = blake3::hash(file.entry.get().as_bytes()).to_hex().to_string();
    if found != file.digest {
        return Err(Fault::Damaged("its digest is not that of its contents".to_owned()));
    }
    let entry: Entry = serde_json::from_str(file.entry.get()).map_err(damaged)?;
    match &entry.outcome {
        Ended::Finished(outcome) if outcome.evaluations.is_empty() => {
            Err(Fault::Damaged("it finished and was never evaluated".to_owned()))
        }
        _ => Ok(entry),
    }
}
