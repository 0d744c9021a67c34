//! The kinds of evidence: where records come from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where records come from.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// The authors' own per-seed logs, which ship with the project.
    Published,
    /// Local runs in the smoke world.
    Smoke,
    /// The same where every seed starts from one source model for each arm.
    SmokeOneZoo,
    /// Local runs in the lab world, from source models of `repro pretrain`.
    Lab,
    /// Local runs in the paper's world, from the authors' checkpoints.
    Paper,
    /// The same from the checkpoints of Salman et al. 2020 (arXiv 2007.08489).
    #[serde(alias = "sister")]
    Salman,
    /// A log of the user's.
    Log,
}

impl EvidenceKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Published,
        Self::Smoke,
        Self::SmokeOneZoo,
        Self::Lab,
        Self::Paper,
        Self::Salman,
        Self::Log,
    ];
    /// Every kind's name.
    pub const NAMES: [&'static str; 7] =
        ["published", "smoke", "smoke_one_zoo", "lab", "paper", "salman", "log"];

    /// The kind of this name; the name that an older version used is accepted too.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = if name == "sister" { "salman" } else { name };
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kinds of local runs, which this program computes; each has the name of its world.
    pub const LOCAL: [Self; 5] =
        [Self::Smoke, Self::SmokeOneZoo, Self::Lab, Self::Paper, Self::Salman];

    /// Whether its records are local runs, which this program computes.
    #[must_use]
    pub(crate) const fn is_local(self) -> bool {
        matches!(self, Self::Smoke | Self::SmokeOneZoo | Self::Lab | Self::Paper | Self::Salman)
    }

    /// Whether its fine-tunes are of thin networks on small images, for which a CPU is enough.
    #[must_use]
    pub(crate) const fn is_small(self) -> bool {
        matches!(self, Self::Smoke | Self::SmokeOneZoo)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Smoke => "smoke",
            Self::SmokeOneZoo => "smoke_one_zoo",
            Self::Lab => "lab",
            Self::Paper => "paper",
            Self::Salman => "salman",
            Self::Log => "log",
        }
    }
}

impl std::fmt::Display for EvidenceKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_name_of_an_evidence_is_accepted_and_the_new_one_printed() {
        let json = |text: &str| serde_json::from_str::<EvidenceKind>(text).unwrap();
        for old in [EvidenceKind::named("sister").unwrap(), json("\"sister\""), json("\"salman\"")]
        {
            assert_eq!(old, EvidenceKind::Salman);
            assert_eq!((old.to_string().as_str(), old.name()), ("salman", "salman"));
        }
        for (kind, name) in EvidenceKind::ALL.into_iter().zip(EvidenceKind::NAMES) {
            assert_eq!(serde_json::to_value(kind).unwrap(), name);
            assert_eq!(EvidenceKind::named(name), Some(kind));
        }
    }
}
