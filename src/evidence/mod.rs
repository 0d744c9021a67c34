//! Evidence: records with their origin. The same claims and the same judge serve every kind of
//! evidence; only how its records are read differs. [`published`] reads logs, [`means`] reads
//! published means, [`Replicates`] says how runs repeat; the ledger's records come from `store`.

mod copies;
pub mod means;
mod of_study;
pub mod published;
mod record;
mod replicates;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use sha2::{Digest, Sha256};

pub use record::{DuplicateRecord, Logged, NotMeasured, Record, Records, Status};
pub use replicates::{Planned, Replicates, Structure};

use crate::{
    claim::Claim,
    experiment::{EvidenceKind, Key},
    study::Study,
    util::{
        hexadecimal,
        shown::{few, shown},
        suggest::suggest,
    },
    world::{UserNames, World},
};
use means::{Mean, Points};
use published::{Log, LogError, Percent};

/// The authors' consolidated log of April 2020; `goldens/published/README.md` states its origin.
const PUBLISHED_RUNS: &[u8] = include_bytes!("../../goldens/published/runs.csv.gz");
/// Points of the paper's figures.
const PUBLISHED_FIGURES: &[u8] = include_bytes!("../../goldens/published/figures.csv.gz");
/// The authors' table of means at the last epoch.
const PUBLISHED_TABLE: &[u8] = include_bytes!("../../goldens/published/summary.csv");

/// What that log means, as a study states it.
const PUBLISHED_STUDY: &str = include_str!("../../goldens/published/log.toml");

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
    /// How its replicates are judged.
    pub replicates: Replicates,
    /// Published means without seeds, which are reported and never judged.
    pub means: Vec<Mean>,
    /// What of a log was read in another way than it stands there, a sentence each.
    pub notes: Vec<String>,
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
            records: published::read("runs.csv.gz", &runs)?
                .stopping(&published_study().planned_ends()),
            replicates: Replicates::default(),
            means,
            notes: Vec::new(),
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
        Ok(Self::from_log(path.display().to_string(), published::read_file_as(path, percent)?))
    }

    /// A log in memory, as CSV with the columns of the published log
    /// ([`COLUMNS`](published::COLUMNS)); errors name it `name`.
    ///
    /// # Errors
    /// As [`published::read`].
    pub fn from_csv(name: &str, csv: &[u8]) -> Result<Self, LogError> {
        let (records, notes) = published::read_with_notes(name, csv)?;
        Ok(Self::from_log(name.to_owned(), Log { records, notes, sha256: sha256(csv) }))
    }

    fn from_log(file: String, Log { records, notes, sha256 }: Log) -> Self {
        Self {
            kind: EvidenceKind::Log,
            title: format!("fine-tunes logged in {file}"),
            file: Some(file),
            sha256,
            spared: None,
            world: EvidenceKind::Log.world(),
            design: SamplingDesign::FixedSample,
            records,
            replicates: Replicates::default(),
            means: Vec::new(),
            notes,
        }
    }

    /// Whether it is a log of the user's: of a study, or in the columns of the published log. The
    /// log that a study declares is one whatever it was asked for as.
    #[must_use]
    pub(crate) fn is_a_log(&self) -> bool {
        self.kind == EvidenceKind::Log || self.world.study.is_some()
    }

    /// Its kind, which of a study's log is that of a log.
    #[must_use]
    pub(crate) fn of_log(&self) -> EvidenceKind {
        if self.is_a_log() { EvidenceKind::Log } else { self.kind }
    }

    /// Targets and source models of the records that the world does not know: a line for targets
    /// and one for sources, with the nearest known name of the first few. No claim can use their
    /// records unless the user adds the names to the world.
    #[must_use]
    pub(crate) fn unknown_names(&self) -> Vec<String> {
        fn listed<T>(
            what: &str,
            names: BTreeSet<&str>,
            known: &BTreeMap<String, T>,
        ) -> Option<String> {
            let unknown: Vec<&str> =
                names.into_iter().filter(|name| !known.contains_key(*name)).collect();
            let near = |name: &str| suggest(name, known.keys().map(String::as_str));
            match unknown.as_slice() {
                [] => None,
                [name] => {
                    let hint = near(name).map(|near| format!(", did you mean `{near}`?"));
                    Some(format!("unknown {what} `{}`{}", shown(name), hint.unwrap_or_default()))
                }
                several => {
                    let hint = |name: &str| {
                        near(name).map_or_else(String::new, |near| format!(" (or `{near}`?)"))
                    };
                    let names = few(several.iter().copied(), hint);
                    Some(format!("{} unknown {what}s: {names}", several.len()))
                }
            }
        }
        let keys = || self.records.iter().map(|record| &record.key);
        let targets = keys().map(|key| &*key.target).collect();
        let sources = keys().map(|key| &*key.source).collect();
        let targets = listed("target", targets, &self.world.targets);
        targets.into_iter().chain(listed("source", sources, &self.world.sources)).collect()
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

/// The embedded study of the authors' log, which a test reads.
fn published_study() -> Study {
    Study::parse(Path::new("goldens/published/log.toml"), PUBLISHED_STUDY)
        .unwrap_or_else(|error| panic!("{error}"))
}

fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}
