//! The lock of a folder of claims, `lock.toml`: the digest of each hypothesis and the date on which
//! it was fixed. It shows whether a hypothesis changed since then. That it was fixed before its
//! result is shown by the history of the repository alone.

use std::{collections::BTreeMap, fmt::Write};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Claim, Hypothesis};
use crate::experiment::EvidenceKind;

/// The header of the file.
const HEADER: &str = "\
# What each hypothesis was when it was locked: the digest of what is judged, and the date (UTC).
# The command `lock` writes it; commit it before the first result of a hypothesis.
format = 1

[hypotheses]
";

/// When a hypothesis was fixed, by the lock of its folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LockState {
    /// The lock does not have it.
    #[default]
    NotLocked,
    /// It is not what was locked on this date.
    ChangedSince(String),
    /// It is what was locked on this date.
    LockedOn(String),
}

impl LockState {
    /// The state in words.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::NotLocked => "not locked".to_owned(),
            Self::ChangedSince(date) => format!("changed since it was locked on {date}"),
            Self::LockedOn(date) => format!("locked on {date}"),
        }
    }

    /// The date of the lock, if it has the hypothesis.
    #[must_use]
    pub fn date(&self) -> Option<String> {
        match self {
            Self::NotLocked => None,
            Self::ChangedSince(date) | Self::LockedOn(date) => Some(date.clone()),
        }
    }
}

/// Whether the hypothesis is what its lock has. The history of the repository shows whether the lock
/// came before the first result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Locked {
    /// It is what `lock.toml` has.
    Locked,
    /// It was changed since it was locked.
    Changed,
    /// `lock.toml` does not have it.
    NotLocked,
    /// It was written with the log at hand: the published log, of April 2020, is older than every
    /// hypothesis.
    ChosenWithLog,
}

impl Locked {
    /// A sentence without a full stop, with the date of the lock.
    #[must_use]
    pub fn in_words(self, on: Option<&str>) -> String {
        let on = on.map_or_else(String::new, |date| format!(" on {date}"));
        match self {
            Self::Locked => format!("the hypothesis was locked{on}"),
            Self::Changed => format!("the hypothesis was changed since it was locked{on}"),
            Self::NotLocked => "the hypothesis is not locked".to_owned(),
            Self::ChosenWithLog => "the hypothesis was chosen with the log at hand".to_owned(),
        }
    }
}

impl Hypothesis {
    /// Whether it is what its lock has; on the published log no lock can be earlier.
    #[must_use]
    pub fn locked(&self, kind: EvidenceKind) -> Locked {
        match (kind, &self.lock) {
            (EvidenceKind::Published, _) => Locked::ChosenWithLog,
            (_, LockState::LockedOn(_)) => Locked::Locked,
            (_, LockState::ChangedSince(_)) => Locked::Changed,
            (_, LockState::NotLocked) => Locked::NotLocked,
        }
    }
}

/// A locked hypothesis.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    date: String,
    digest: String,
}

/// The locked hypotheses of a folder of claims, by name: `claim`, or `claim.reading`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock(BTreeMap<String, Entry>);

/// How claims differ from their lock: the hypothesis's name, and the date of a lock it had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The lock does not have the hypothesis.
    New(String),
    /// The hypothesis is not what was locked.
    Changed(String, String),
    /// No claim has the hypothesis.
    Removed(String, String),
}

impl Lock {
    /// The lock of a file.
    ///
    /// # Errors
    /// If it is not in the format, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            format: u32,
            hypotheses: BTreeMap<String, Entry>,
        }
        let file: File = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        match file.format {
            1 => Ok(Self(file.hypotheses)),
            other => Err(format!("format is {other}: this version reads format 1")),
        }
    }

    /// The file's text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = HEADER.to_owned();
        for (name, Entry { date, digest }) in &self.0 {
            // Names and digests have letters, digits, `_` and `.`. Writing to a String can't fail.
            let _ = writeln!(text, "\"{name}\" = {{ date = \"{date}\", digest = \"{digest}\" }}");
        }
        text
    }

    /// How many hypotheses it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes into each hypothesis of a claim what the lock says about it.
    pub(super) fn mark(&self, claim: &mut Claim) {
        claim.hypothesis.lock = self.state(&claim.id, &claim.hypothesis);
        for reading in &mut claim.readings {
            let name = name_of_reading(&claim.id, &reading.id);
            reading.hypothesis.lock = self.state(&name, &reading.hypothesis);
        }
    }

    fn state(&self, name: &str, hypothesis: &Hypothesis) -> LockState {
        match self.0.get(name) {
            None => LockState::NotLocked,
            Some(entry) if hypothesis.digest.as_ref() == Some(&entry.digest) => {
                LockState::LockedOn(entry.date.clone())
            }
            Some(entry) => LockState::ChangedSince(entry.date.clone()),
        }
    }

    /// The lock of claims as they are now, and how it differs from this one. A hypothesis that did
    /// not change keeps its date, others get `today`.
    #[must_use]
    pub fn updated(&self, claims: &[Claim], today: &str) -> (Self, Vec<Difference>) {
        let (mut entries, mut differences) = (BTreeMap::new(), Vec::new());
        for (name, digest) in claims.iter().flat_map(digests) {
            let date = match self.0.get(&name) {
                Some(entry) if entry.digest == digest => entry.date.clone(),
                Some(entry) => {
                    differences.push(Difference::Changed(name.clone(), entry.date.clone()));
                    today.to_owned()
                }
                None => {
                    differences.push(Difference::New(name.clone()));
                    today.to_owned()
                }
            };
            entries.insert(name, Entry { date, digest });
        }
        let removed = self.0.iter().filter(|(name, _)| !entries.contains_key(*name));
        differences.extend(
            removed.map(|(name, entry)| Difference::Removed(name.clone(), entry.date.clone())),
        );
        (Self(entries), differences)
    }
}

fn name_of_reading(claim: &str, reading: &str) -> String {
    format!("{claim}.{reading}")
}

/// The digests of a claim's hypotheses by their names in the lock.
fn digests(claim: &Claim) -> Vec<(String, String)> {
    let readings = claim
        .readings
        .iter()
        .map(|reading| (name_of_reading(&claim.id, &reading.id), &reading.hypothesis));
    let all = std::iter::once((claim.id.clone(), &claim.hypothesis)).chain(readings);
    all.filter_map(|(name, hypothesis)| Some((name, hypothesis.digest.clone()?))).collect()
}
