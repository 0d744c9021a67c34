//! Evidence: records with their origin. The same claims and the same judge serve every kind of
//! evidence; only how its records are read differs. [`published`] reads logs, [`means`] reads
//! published means; the ledger's records come from `store`.

pub mod means;
pub mod published;
mod record;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use sha2::{Digest, Sha256};

pub use record::{DuplicateRecord, NotMeasured, Record, Records, Status};

use crate::{
    claim::Claim,
    experiment::{EvidenceKind, Key},
    util::{hexadecimal, suggest::did_you_mean},
    world::{UserNames, World},
};
use means::{Mean, Points};
use published::{LogError, Percent};

/// The authors' consolidated log of April 2020; `goldens/published/README.md` states its origin.
const PUBLISHED_RUNS: &[u8] = include_bytes!("../../goldens/published/runs.csv.gz");
/// Points of the paper's figures.
const PUBLISHED_FIGURES: &[u8] = include_bytes!("../../goldens/published/figures.csv.gz");
/// The authors' table of means at the last epoch.
const PUBLISHED_TABLE: &[u8] = include_bytes!("../../goldens/published/summary.csv");

/// Fine-tunes of the authors that stopped before the end of their schedule: target, images, blocks,
/// source models, and planned epochs. The log has one seed of each, so it can't show it; every other
/// fine-tune on these images has 30 epochs.
const PUBLISHED_STOPS: (&str, u32, u32, [&str; 3], u32) =
    ("svhn", 73_257, 3, ["natural", "l2_3", "linf_4"], 30);

/// When the judge may look at the seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SamplingDesign {
    /// Once, at all seeds of the evidence, because it was collected without looking at results.
    FixedSample,
    /// At the looks of the claim's design, in the fixed order of seeds; collection stops at the
    /// look that decides.
    GroupSequential,
}

/// Records with their origin.
#[derive(Debug)]
pub struct Evidence {
    /// The kind of evidence.
    pub kind: EvidenceKind,
    /// What it is, in one sentence.
    pub title: String,
    /// The file that it was read from, as the user named it; `None` for embedded evidence.
    pub file: Option<String>,
    /// SHA-256 in hexadecimal: of the file's bytes, or for local runs of the name and the outcome
    /// of each record, without wall-clock times.
    pub sha256: String,
    /// How many fine-tunes the interim looks saved, of those that the claims could need; `None` if
    /// there are no interim looks.
    pub spared: Option<usize>,
    /// The world of its cells and arms.
    pub world: World,
    /// When the judge may look at its seeds.
    pub design: SamplingDesign,
    /// The records.
    pub records: Records,
    /// Published means without seeds, which are reported and never judged.
    pub means: Vec<Mean>,
}

impl Evidence {
    /// The authors' logs.
    ///
    /// # Errors
    /// If the embedded log can't be read, which a test rules out.
    pub fn published() -> Result<Self, LogError> {
        let runs = published::unpack("runs.csv.gz", PUBLISHED_RUNS)?;
        let means = Self::published_points()?.means;
        Ok(Self {
            kind: EvidenceKind::Published,
            title: "the authors' own fine-tunes (their log of April 2020)".to_owned(),
            file: None,
            sha256: sha256(PUBLISHED_RUNS),
            spared: None,
            world: World::paper(),
            design: SamplingDesign::FixedSample,
            records: published::read("runs.csv.gz", &runs)?.stopping(|key| {
                let (target, images, blocks, sources, epochs) = PUBLISHED_STOPS;
                let stops = &*key.target == target
                    && (key.images, key.blocks) == (images, blocks)
                    && sources.contains(&&*key.source);
                stops.then_some(epochs)
            }),
            means,
        })
    }

    /// What was published without seeds: the points of figures and the authors' table.
    ///
    /// # Errors
    /// If the embedded files can't be read, which a test rules out.
    pub fn published_points() -> Result<Points, LogError> {
        let figures = published::unpack("figures.csv.gz", PUBLISHED_FIGURES)?;
        means::read(&figures, PUBLISHED_TABLE).map_err(|what| LogError::Row {
            file: "figures.csv.gz and summary.csv".to_owned(),
            line: 1,
            what,
        })
    }

    /// A user's log; the file of the user's names may state that its accuracies are percent.
    ///
    /// # Errors
    /// As [`published::read_file`].
    pub fn log(path: &Path, names: &UserNames) -> Result<Self, LogError> {
        let percent = if names.percent() { Percent::Stated } else { Percent::ByName };
        let (records, bytes) = published::read_file_as(path, percent)?;
        Ok(Self::from_records(path.display().to_string(), records, &bytes))
    }

    /// A log in memory, as CSV with the columns of the published log
    /// ([`COLUMNS`](published::COLUMNS)); errors name it `name`.
    ///
    /// # Errors
    /// As [`published::read`].
    pub fn from_csv(name: &str, csv: &[u8]) -> Result<Self, LogError> {
        Ok(Self::from_records(name.to_owned(), published::read(name, csv)?, csv))
    }

    fn from_records(file: String, records: Records, bytes: &[u8]) -> Self {
        Self {
            kind: EvidenceKind::Log,
            title: format!("fine-tunes logged in {file}"),
            file: Some(file),
            sha256: sha256(bytes),
            spared: None,
            world: EvidenceKind::Log.world(),
            design: SamplingDesign::FixedSample,
            records,
            means: Vec::new(),
        }
    }

    /// Targets and source models of the records that the world does not know, each with the nearest
    /// known name. No claim can use their records unless the user adds the names to the world.
    #[must_use]
    pub(crate) fn unknown_names(&self) -> Vec<String> {
        let find = |what: &str, names: BTreeSet<&str>, known: Vec<&str>| -> Vec<String> {
            let hint = |name| did_you_mean(name, known.iter().copied());
            let unknown = names.into_iter().filter(|name| !known.contains(name));
            unknown.map(|name| format!("unknown {what} `{name}`{}", hint(name))).collect()
        };
        let keys = || self.records.iter().map(|record| &record.key);
        let targets = keys().map(|key| &*key.target).collect();
        let sources = keys().map(|key| &*key.source).collect();
        let mut names =
            find("target", targets, self.world.targets.keys().map(String::as_str).collect());
        names.extend(find(
            "source",
            sources,
            self.world.sources.keys().map(String::as_str).collect(),
        ));
        names
    }

    /// Keys of which more than half of the runs are assumed to have stopped early, because their
    /// epochs are a prefix of those of a longer run of the key. A single longer run is enough for
    /// this, so the assumption may be wrong.
    #[must_use]
    pub(crate) fn stopped_early(&self) -> Vec<String> {
        let mut runs: BTreeMap<&Key, (usize, usize, u32)> = BTreeMap::new();
        for record in self.records.iter() {
            let (all, stopped, longest) = runs.entry(&record.key).or_default();
            *all += 1;
            *stopped += usize::from(record.status == Status::Stopped);
            *longest = (*longest).max(record.recipe.epochs);
        }
        let mostly = runs.into_iter().filter(|(_, (all, stopped, _))| 2 * stopped > *all);
        mostly
            .map(|(key, (all, stopped, longest))| {
                format!(
                    "{stopped} of {all} runs of {key} end before epoch {longest}, the end of other \
                     runs, and are assumed to have stopped early"
                )
            })
            .collect()
    }

    /// How many of the keys that a claim's primary hypothesis compares have a record, and the
    /// number of keys; seeds are not counted.
    #[must_use]
    pub fn coverage(&self, claim: &Claim) -> (usize, usize) {
        let keys = claim.hypothesis.keys();
        let has_record = |key: &&Key| self.records.seeds(key).is_some();
        (keys.iter().filter(has_record).count(), keys.len())
    }
}

fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}
