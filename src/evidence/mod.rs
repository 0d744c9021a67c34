//! Evidence: records with where they come from. One claim, one judge, any evidence; only what is
//! gathered here differs.

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
    world::World,
};
use means::{Mean, Points};
use published::LogError;

/// The authors' consolidated log of April 2020 as it ships; `goldens/published/README.md` tells
/// where it is from.
const PUBLISHED_RUNS: &[u8] = include_bytes!("../../goldens/published/runs.csv.gz");
/// Points of the paper's figures.
const PUBLISHED_FIGURES: &[u8] = include_bytes!("../../goldens/published/figures.csv.gz");
/// The authors' table of means at the last epoch.
const PUBLISHED_TABLE: &[u8] = include_bytes!("../../goldens/published/summary.csv");

/// When a judge may look at seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looking {
    /// Once, at whatever seeds there are: the runs were not ours to stop.
    Fixed,
    /// At the looks of the claim's design, in the seeds' fixed order.
    Sequential,
}

/// Records with where they come from.
#[derive(Debug)]
pub struct Evidence {
    /// Kind.
    pub kind: EvidenceKind,
    /// What it is, in one sentence.
    pub title: String,
    /// The file it was read from, as the user named it; none for what is embedded.
    pub file: Option<String>,
    /// SHA-256 of that file's bytes, in hexadecimal; for records of our own, of the name and the outcome
    /// of each, without wall-clock times.
    pub sha256: String,
    /// Fine-tunes that looking early spared, of those that the claims it was gathered for could have
    /// asked for; none where nobody looks early.
    pub spared: Option<usize>,
    /// The world that its cells and arms belong to.
    pub world: World,
    /// Fixed or sequential.
    pub looking: Looking,
    /// The records.
    pub records: Records,
    /// Published means without seeds, which are shown and never judged.
    pub means: Vec<Mean>,
}

impl Evidence {
    /// The authors' logs.
    ///
    /// # Errors
    /// Where the embedded log can't be read, which a test rules out.
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
            looking: Looking::Fixed,
            records: published::read("runs.csv.gz", &runs)?,
            means,
        })
    }

    /// What was published without seeds: the figures' points and the authors' table.
    ///
    /// # Errors
    /// Where the embedded files can't be read, which a test rules out.
    pub fn published_points() -> Result<Points, LogError> {
        let figures = published::unpack("figures.csv.gz", PUBLISHED_FIGURES)?;
        means::read(&figures, PUBLISHED_TABLE).map_err(|what| LogError::Row {
            file: "figures.csv.gz and summary.csv".to_owned(),
            line: 1,
            what,
        })
    }

    /// A log that a user brings.
    ///
    /// # Errors
    /// As [`published::read_file`].
    pub fn log(path: &Path) -> Result<Self, LogError> {
        let (records, bytes) = published::read_file(path)?;
        Ok(Self::of_log(path.display().to_string(), records, &bytes))
    }

    /// A log that is in memory, as CSV with the published log's columns
    /// ([`COLUMNS`](published::COLUMNS)); errors call it by `name`.
    ///
    /// # Errors
    /// As [`published::read`].
    pub fn from_csv(name: &str, csv: &[u8]) -> Result<Self, LogError> {
        Ok(Self::of_log(name.to_owned(), published::read(name, csv)?, csv))
    }

    fn of_log(file: String, records: Records, bytes: &[u8]) -> Self {
        Self {
            kind: EvidenceKind::Log,
            title: format!("fine-tunes logged in {file}"),
            file: Some(file),
            sha256: sha256(bytes),
            spared: None,
            world: EvidenceKind::Log.world(),
            looking: Looking::Fixed,
            records,
            means: Vec::new(),
        }
    }

    /// Names of targets and sources in the records that the world does not know, each with the
    /// nearest one that it does: no claim can ask for these records unless a user names them.
    #[must_use]
    pub(crate) fn unknown_names(&self) -> Vec<String> {
        let unknown = |what: &str, names: BTreeSet<&str>, known: Vec<&str>| -> Vec<String> {
            let hint = |name| did_you_mean(name, known.iter().copied());
            let unknown = names.into_iter().filter(|name| !known.contains(name));
            unknown.map(|name| format!("unknown {what} `{name}`{}", hint(name))).collect()
        };
        let keys = || self.records.iter().map(|record| &record.key);
        let targets = keys().map(|key| &*key.target).collect();
        let sources = keys().map(|key| &*key.source).collect();
        let mut names =
            unknown("target", targets, self.world.targets.keys().map(String::as_str).collect());
        names.extend(unknown(
            "source",
            sources,
            self.world.sources.keys().map(String::as_str).collect(),
        ));
        names
    }

    /// Targets and sizes where most runs are taken to have stopped early, since what they logged is the
    /// beginning of what another logged: a single run that went on makes them look so.
    #[must_use]
    pub(crate) fn cut_short(&self) -> Vec<String> {
        let mut cells: BTreeMap<(&str, u32), (usize, usize, u32)> = BTreeMap::new();
        for record in self.records.iter() {
            let Key { target, images, .. } = &record.key;
            let (all, stopped, longest) = cells.entry((target, *images)).or_default();
            *all += 1;
            *stopped += usize::from(record.status == Status::Stopped);
            *longest = (*longest).max(record.recipe.epochs);
        }
        let most = cells.into_iter().filter(|(_, (all, stopped, _))| 2 * stopped > *all);
        most.map(|((target, images), (all, stopped, longest))| {
            format!(
                "{stopped} of {all} runs on {target}, {images} images, end where others go on to epoch \
                 {longest}, and are taken to have stopped there"
            )
        })
        .collect()
    }

    /// How many of the fine-tunes that a claim's primary hypothesis compares have a record here,
    /// of how many; seeds are not counted.
    #[must_use]
    pub fn coverage(&self, claim: &Claim) -> (usize, usize) {
        let keys = claim.hypothesis.keys();
        let there = |key: &&Key| self.records.seeds(key).is_some();
        (keys.iter().filter(there).count(), keys.len())
    }
}

fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}
