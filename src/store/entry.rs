//! An entry: the record of one local fine-tune on disk, with all that is needed to judge it, to
//! check that it is the trial that is meant, and to run it again.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::check;
use crate::{
    evidence::{Record, Status},
    experiment::{Evaluation, Found},
};
use crate::{
    experiment::{Outcome, Trial},
    world::World,
};

/// Size limit of an entry's file; one without pictures has about four thousand bytes.
pub(super) const LARGEST_BYTES: u64 = 64 << 20;

/// Version of the format.
pub const FORMAT_VERSION: u32 = 1;

/// A fine-tune and its outcome.
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
    /// Digest of the target's images and labels: BLAKE3 of shipped ones, SHA-256 of others.
    pub data: String,
    /// How it ended.
    pub outcome: Ended,
    /// Where and when it ran; no verdict depends on this.
    pub provenance: Provenance,
}

/// How a fine-tune ended. A fine-tune that diverged is finished: that is its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// It reached its end.
    Finished(Outcome),
    /// It failed: out of memory, or an error of the machine or of the program.
    Failed {
        /// The error.
        reason: String,
    },
}

/// Where and when a fine-tune ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Version of this program.
    pub program: String,
    /// libtorch's version and kernels.
    pub engine: String,
    /// The processor's name.
    pub processor: String,
    /// Start time, in seconds since 1970.
    pub started: u64,
    /// Wall-clock seconds, shared by all trials that ran side by side with it.
    pub seconds: f64,
    /// What packed target images were made from, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<String>,
}

impl Entry {
    /// The record of this entry for the judge, in a world.
    #[must_use]
    pub fn record(&self, world: &World) -> Record {
        let Trial { recipe, seed } = &self.trial;
        let record = |status, evaluations| {
            Record::new(recipe.key.clone(), *seed, world.digest(recipe), status, evaluations)
                .expect("a finished fine-tune has evaluations")
        };
        match &self.outcome {
            Ended::Finished(outcome) => record(Status::Finished, outcome.evaluations.clone())
                .with_correct(&outcome.correct)
                .with_influence(&outcome.influence)
                .with_adversarial(outcome.adversarial.as_ref()),
            Ended::Failed { .. } => record(Status::Stopped, Vec::new()),
        }
    }

    /// Whether another run of the same trial gave the same bits.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        self.id == other.id && self.bits() == other.bits()
    }

    /// Whether a newer run of the same trial gave the same bits in all that this record has, where
    /// it is older than what chance gives and other rankings in counts of influence.
    #[must_use]
    pub fn agrees_with_newer(&self, newer: &Self) -> bool {
        let as_old =
            |entry: &Self| Self { outcome: entry.outcome.without_newer_counts(), ..entry.clone() };
        self.bits() == as_old(self).bits() && self.agrees_with(&as_old(newer))
    }

    /// The outcome as JSON, without wall-clock times.
    pub(crate) fn bits(&self) -> String {
        serde_json::to_string(&self.outcome.without_times()).expect("plain data")
    }
}

impl Ended {
    /// The same outcome without what counts of influence did not have in version 0.1.0.
    fn without_newer_counts(&self) -> Self {
        let mut ended = self.clone();
        if let Self::Finished(outcome) = &mut ended {
            for measured in &mut outcome.influence {
                if let Found::Counts(counts) = &mut measured.found {
                    (counts.chance, counts.other_rankings) = (None, None);
                }
            }
        }
        ended
    }

    /// The same outcome without wall-clock times.
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
struct File<'a> {
    format_version: u32,
    /// BLAKE3 of the bytes of `entry` in the file.
    #[serde(borrow)]
    digest: Cow<'a, str>,
    #[serde(borrow)]
    entry: &'a RawValue,
}

/// The bytes of an entry's file.
pub(super) fn to_bytes(entry: &Entry) -> Vec<u8> {
    let entry = serde_json::value::to_raw_value(entry).expect("plain data");
    let digest = blake3::hash(entry.get().as_bytes()).to_hex().to_string().into();
    let file = File { format_version: FORMAT_VERSION, digest, entry: &entry };
    let mut bytes = serde_json::to_vec(&file).expect("plain data");
    bytes.push(b'\n');
    bytes
}

/// Why a file is not an entry.
#[derive(Debug)]
pub(super) enum Fault {
    /// It has this format, which a later version wrote.
    Version(u32),
    /// It can't be read, for example because it belongs to another user or is a pipe.
    Unreadable(std::io::Error),
    /// What is wrong with its bytes.
    Damaged(String),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Version(found) => {
                write!(
                    formatter,
                    "it has format {found}, and this version reads up to format {FORMAT_VERSION}"
                )
            }
            Self::Unreadable(cause) => write!(formatter, "it can't be read: {cause}"),
            Self::Damaged(reason) => formatter.write_str(reason),
        }
    }
}

/// The entry in the bytes of a file, or why there is none.
pub(super) fn from_bytes(bytes: &[u8]) -> Result<Entry, Fault> {
    #[derive(Deserialize)]
    struct Versioned {
        format_version: u32,
    }
    let damaged = |error: serde_json::Error| Fault::Damaged(error.to_string());
    let file: File<'_> = match serde_json::from_slice(bytes) {
        Ok(file @ File { format_version: FORMAT_VERSION, .. }) => file,
        // This version does not know the other fields of a later format.
        other => {
            let Versioned { format_version } = serde_json::from_slice(bytes).map_err(damaged)?;
            return Err(match other {
                _ if format_version > FORMAT_VERSION => Fault::Version(format_version),
                Ok(_) => Fault::Damaged(format!("there is no format {format_version}")),
                Err(error) => damaged(error),
            });
        }
    };
    let found = blake3::hash(file.entry.get().as_bytes()).to_hex();
    if *found.as_str() != *file.digest {
        return Err(Fault::Damaged("its contents do not match its digest".to_owned()));
    }
    let entry: Entry = serde_json::from_str(file.entry.get()).map_err(damaged)?;
    check::entry(&entry).map_err(Fault::Damaged)?;
    Ok(entry)
}
