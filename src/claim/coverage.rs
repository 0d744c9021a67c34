//! Coverage: what the paper and its reproduction say, sentence by sentence, with what answers each
//! (`claims/coverage.toml`). It is data about the project's claims; whether the claims, figures and
//! commands that it names exist is held by a test, and printing it is left to `cli`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const EMBEDDED: &str = include_str!("../../claims/coverage.toml");

/// Every sentence.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// Version of this format: 1.
    pub format: u32,
    /// The sentences.
    #[serde(rename = "row")]
    pub rows: Vec<Row>,
}

/// A sentence of one of the two documents, or of both.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The sentence, in our words.
    pub sentence: String,
    /// Its figures, tables and sections in the paper.
    #[serde(default)]
    pub paper: Vec<String>,
    /// Its figures in the independent reproduction.
    #[serde(default)]
    pub reproduction: Vec<String>,
    /// What answers it; at least one.
    pub answers: Vec<Answer>,
}

/// What answers a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum Answer {
    /// A secondary hypothesis of a claim.
    Reading {
        /// The claim's id.
        claim: String,
        /// The reading's id within the claim.
        reading: String,
    },
    /// An effect by target, related to a measured similarity.
    Association {
        /// The claim's id.
        claim: String,
        /// The association's id within the claim.
        association: String,
    },
    /// The primary hypothesis of a claim.
    Claim {
        /// The claim's id.
        claim: String,
    },
    /// A figure that `repro figure` draws.
    Figure {
        /// Its name.
        figure: String,
    },
    /// A command.
    Command {
        /// The command as it is typed.
        command: String,
    },
    /// Nothing tests it.
    Untested {
        /// Why.
        untested: String,
    },
}

impl std::fmt::Display for Answer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Reading { claim, reading } => write!(formatter, "reading {reading} of {claim}"),
            Self::Association { claim, association } => {
                write!(formatter, "association {association} of {claim}")
            }
            Self::Claim { claim } => write!(formatter, "claim {claim}"),
            Self::Figure { figure } => write!(formatter, "figure {figure}"),
            Self::Command { command } => write!(formatter, "command {command}"),
            Self::Untested { untested } => write!(formatter, "untested, because {untested}"),
        }
    }
}

impl Row {
    /// Where it stands, such as `paper: figure 2; reproduction: A1, A2`; empty for a sentence
    /// without a number.
    #[must_use]
    pub fn place(&self) -> String {
        let parts = [("paper", &self.paper), ("reproduction", &self.reproduction)];
        let parts = parts.iter().filter(|(_, places)| !places.is_empty());
        let parts: Vec<String> =
            parts.map(|(name, places)| format!("{name}: {}", places.join(", "))).collect();
        parts.join("; ")
    }
}

impl Coverage {
    /// The project's coverage.
    ///
    /// # Panics
    /// If the embedded file is malformed, which a test rules out.
    #[must_use]
    pub fn embedded() -> Self {
        toml::from_str(EMBEDDED).unwrap_or_else(|error| panic!("claims/coverage.toml: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{claim::suite::Suite, world::World};

    #[test]
    fn the_page_has_every_sentence_with_its_answers() {
        let page = include_str!("../../docs/results/coverage.md");
        // Lines are wrapped there, and names are code.
        let flat =
            |text: &str| text.replace('`', "").split_whitespace().collect::<Vec<_>>().join(" ");
        let page = flat(page);
        let mut rest = page.as_str();
        let mut find = |text: &str| {
            let at = rest.find(&flat(text)).unwrap_or_else(|| panic!("not in its place: {text}"));
            rest = &rest[at..];
        };
        for (index, row) in Coverage::embedded().rows.iter().enumerate() {
            find(&format!("{}. {}", index + 1, row.sentence));
            row.answers.iter().for_each(|answer| find(&format!("- {answer}")));
        }
    }

    #[test]
    fn every_sentence_has_an_answer_and_every_claim_and_reading_in_it_exists() {
        let coverage = Coverage::embedded();
        assert_eq!((coverage.format, coverage.rows.len()), (1, 23));
        let suite = Suite::embedded(&World::paper()).unwrap_or_else(|error| panic!("{error}"));
        for row in &coverage.rows {
            assert!(!row.answers.is_empty(), "{}", row.sentence);
            for answer in &row.answers {
                match answer {
                    Answer::Claim { claim } => _ = suite.get(claim).unwrap(),
                    Answer::Reading { claim, reading } => {
                        let claim = suite.get(claim).unwrap();
                        let found = claim.readings.iter().any(|of| of.id == *reading);
                        assert!(found, "{}: no reading {reading}", claim.id);
                    }
                    Answer::Association { claim, association } => {
                        let claim = suite.get(claim).unwrap();
                        let found = claim.associations.iter().any(|of| of.id == *association);
                        assert!(found, "{}: no association {association}", claim.id);
                    }
                    Answer::Figure { .. } | Answer::Command { .. } => {}
                    Answer::Untested { untested } => assert!(!untested.is_empty()),
                }
            }
        }
    }
}
