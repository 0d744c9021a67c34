//! Evidence: records with where they come from. One claim, one judge, any evidence; only what is
//! gathered here differs.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    claim::Claim,
    data::hexadecimal,
    ledger::{
        Key, Records, Status,
        means::{self, Mean, Points},
        published::{self, LogError},
    },
    nearest::did_you_mean,
    world::World,
};

/// The authors' consolidated log of April 2020 as it ships; `goldens/published/README.md` tells
/// where it is from.
const PUBLISHED_RUNS: &[u8] = include_bytes!("../goldens/published/runs.csv.gz");
/// Points of the paper's figures.
const PUBLISHED_FIGURES: &[u8] = include_bytes!("../goldens/published/figures.csv.gz");
/// The authors' table of means at the last epoch.
const PUBLISHED_TABLE: &[u8] = include_bytes!("../goldens/published/summary.csv");

/// Where records come from.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// The authors' own per-seed logs, which ship with the project.
    Published,
    /// Our own fine-tunes in the smoke world.
    Smoke,
    /// Our own fine-tunes in the lab world, from source models of our own.
    Lab,
    /// Our own fine-tunes in the paper's world, from the authors' checkpoints.
    Paper,
    /// The same from the sister paper's checkpoints.
    Sister,
    /// A log that the user brought.
    Log,
}

/// What a log's verdicts are conditional on: it does not say which models its runs started from.
const OF_A_LOG: &str = "one checkpoint an arm: those that the log's fine-tunes started from, taken to be what \
    its names say (the paper's, or a user's own); the log can't say otherwise";

impl EvidenceKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Published, Self::Smoke, Self::Lab, Self::Paper, Self::Sister, Self::Log];
    /// Every kind's name.
    pub const NAMES: [&'static str; 6] = ["published", "smoke", "lab", "paper", "sister", "log"];

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Those whose records are fine-tunes that this program ran; each is named like its world.
    pub const OWN: [Self; 4] = [Self::Smoke, Self::Lab, Self::Paper, Self::Sister];

    /// Whether its records are fine-tunes that this program ran.
    #[must_use]
    pub const fn is_own(self) -> bool {
        matches!(self, Self::Smoke | Self::Lab | Self::Paper | Self::Sister)
    }

    /// The world that its records are of.
    #[must_use]
    pub fn world(self) -> World {
        match self {
            Self::Published | Self::Paper => World::paper(),
            Self::Log => World { checkpoints: OF_A_LOG.to_owned(), ..World::paper() },
            Self::Smoke => World::smoke(),
            Self::Lab => World::lab(),
            Self::Sister => World::sister(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Smoke => "smoke",
            Self::Lab => "lab",
            Self::Paper => "paper",
            Self::Sister => "sister",
            Self::Log => "log",
        }
    }
}

impl std::fmt::Display for EvidenceKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

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
        Ok(Self {
            kind: EvidenceKind::Log,
            title: format!("fine-tunes logged in {}", path.display()),
            file: Some(path.display().to_string()),
            sha256: sha256(&bytes),
            spared: None,
            world: EvidenceKind::Log.world(),
            looking: Looking::Fixed,
            records,
            means: Vec::new(),
        })
    }

    /// Names of targets and sources in the records that the world does not know, each with the
    /// nearest one that it does: no claim can ask for these records unless a user names them.
    #[must_use]
    pub fn unknown_names(&self) -> Vec<String> {
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
    pub fn cut_short(&self) -> Vec<String> {
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
