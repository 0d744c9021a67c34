//! Kinds of evidence: where records come from.

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
    pub(crate) const fn is_own(self) -> bool {
        matches!(self, Self::Smoke | Self::Lab | Self::Paper | Self::Sister)
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
