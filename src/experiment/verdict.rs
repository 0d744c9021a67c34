//! The four verdicts. The module `judge` decides which of them the evidence supports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the evidence says about a hypothesis.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The interval is on the hypothesis's side of the margin.
    Supported,
    /// The interval is on the other side of the margin.
    Refuted,
    /// The margin is inside the interval, or the cell can't be judged; the reason says which.
    Inconclusive,
    /// A required cell has no record.
    Incomplete,
}

impl Verdict {
    /// The verdict as one word.
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
