//! The four answers. How one is reached is left to [`judge`](crate::judge).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the evidence says of a hypothesis.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The interval lies on the hypothesis's side of the margin.
    Supported,
    /// The interval lies on the other side.
    Refuted,
    /// The interval has the margin inside, or the cell can't be judged; the reason says which.
    Inconclusive,
    /// A required cell has no record: the evidence was never gathered.
    Incomplete,
}

impl Verdict {
    /// The verdict in a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Supported => "supported",
            Self::Refuted => "refuted",
            Self::Inconclusive => "inconclusive",
            Self::Incomplete => "incomplete",
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}
