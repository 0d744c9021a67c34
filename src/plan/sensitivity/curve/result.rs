//! The JSON form of a specification curve.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    claim::Unit,
    experiment::{EvidenceKind, Verdict},
    judge::observe::Censored,
    plan::sensitivity::Estimate,
};

/// The specification curve of a claim: the output of `repro sensitivity --curve --format json`.
///
/// Specifications are not independent: all have the same seeds, and each fine-tune is read at two
/// epochs. So the counts describe, and no test is made of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Curve {
    /// Version of this format: 1. Within a version fields are added and none is changed.
    pub format_version: u32,
    /// The claim's id.
    pub claim: String,
    /// The evidence.
    pub evidence: EvidenceKind,
    /// The hypothesis in one sentence.
    pub statement: String,
    /// Unit of means, intervals and margin.
    pub unit: Unit,
    /// The value that contrasts are tested against, in that unit.
    pub margin: f64,
    /// One-sided level of each test.
    pub alpha: f64,
    /// The seeds of the first look, by increasing seed; every specification has these.
    pub seeds: Vec<u64>,
    /// What is varied, each between the paper's value and one other.
    pub factors: Vec<Factor>,
    /// Specifications by verdict.
    pub counts: Counts,
    /// Every specification, by increasing mean; those without a mean come last.
    pub specifications: Vec<Specification>,
}

/// One of the choices that are combined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Factor {
    /// The choice, as for `sensitivity --choice`.
    pub choice: String,
    /// The other value in a few words.
    pub words: String,
    /// The paper's value.
    pub paper: String,
    /// The other value.
    pub other: String,
}

/// The number of specifications by verdict. A share is a number divided by the sum of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Supported.
    pub supported: usize,
    /// Refuted.
    pub refuted: usize,
    /// Inconclusive.
    pub inconclusive: usize,
    /// Incomplete.
    pub incomplete: usize,
}

impl Counts {
    /// Counts verdicts.
    #[must_use]
    pub fn of(verdicts: impl IntoIterator<Item = Verdict>) -> Self {
        let mut counts = Self::default();
        for verdict in verdicts {
            *match verdict {
                Verdict::Supported => &mut counts.supported,
                Verdict::Refuted => &mut counts.refuted,
                Verdict::Inconclusive => &mut counts.inconclusive,
                Verdict::Incomplete => &mut counts.incomplete,
            } += 1;
        }
        counts
    }

    /// Each verdict that occurs with its number and its share in percent.
    #[must_use]
    pub fn in_words(self) -> String {
        let of = [
            (self.supported, Verdict::Supported),
            (self.refuted, Verdict::Refuted),
            (self.inconclusive, Verdict::Inconclusive),
            (self.incomplete, Verdict::Incomplete),
        ];
        let total: usize = of.iter().map(|(count, _)| count).sum();
        let words = |(count, verdict): &(usize, Verdict)| {
            format!("{count} {verdict} ({:.0} %)", 100.0 * *count as f64 / total as f64)
        };
        let found = of.iter().filter(|(count, _)| *count > 0);
        found.map(words).collect::<Vec<_>>().join(", ")
    }
}

/// The claim under one specification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Specification {
    /// The choices that differ from the paper's, in the order of `factors`; empty for the paper's
    /// recipe at the last epoch.
    pub choices: Vec<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// The reason for the verdict.
    pub reason: String,
    /// The mean over units within a seed, then over seeds.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// What the quantifier counts: cells, or averages over cells.
    pub units: Vec<SpecifiedUnit>,
}

impl Specification {
    /// Its name: the choices that differ, or `paper`.
    #[must_use]
    pub fn id(&self) -> String {
        if self.choices.is_empty() { "paper".to_owned() } else { self.choices.join("+") }
    }

    /// Whether it has the other value of a choice.
    #[must_use]
    pub fn has(&self, choice: &str) -> bool {
        self.choices.iter().any(|one| one == choice)
    }
}

/// A cell or average under one specification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SpecifiedUnit {
    /// The unit in a few words; unique together with `contrast`.
    pub name: String,
    /// The contrast in symbols.
    pub contrast: String,
    /// Its own verdict, at level alpha.
    pub verdict: Verdict,
    /// Its contrast, one value for each of the curve's seeds; null for a seed that an arm has no
    /// record of.
    pub values: Vec<Option<Value>>,
}

/// The contrast of one seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Value {
    /// Known.
    Known(f64),
    /// Known within bounds, as where a run failed.
    Within {
        /// Lower bound; null where there is none.
        low: Option<f64>,
        /// Upper bound; null where there is none.
        high: Option<f64>,
        /// Whether every run finished.
        finished: bool,
    },
}

impl From<Censored> for Value {
    fn from(value: Censored) -> Self {
        let Censored { low, high, finished } = value;
        #[expect(clippy::float_cmp, reason = "the bounds of a known value are one number")]
        if finished && low == high && low.is_finite() {
            return Self::Known(low);
        }
        let finite = |bound: f64| Some(bound).filter(|bound| bound.is_finite());
        Self::Within { low: finite(low), high: finite(high), finished }
    }
}

impl From<Value> for Censored {
    fn from(value: Value) -> Self {
        match value {
            Value::Known(value) => Self::exactly(value),
            Value::Within { low, high, finished } => Self {
                low: low.unwrap_or(f64::NEG_INFINITY),
                high: high.unwrap_or(f64::INFINITY),
                finished,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_shares_are_of_all_specifications() {
        use Verdict::{Incomplete, Inconclusive, Refuted, Supported};
        let counts = Counts::of([Refuted, Supported, Refuted, Inconclusive, Refuted, Refuted]);
        let expected = Counts { supported: 1, refuted: 4, inconclusive: 1, incomplete: 0 };
        assert_eq!(counts, expected);
        let words = "1 supported (17 %), 4 refuted (67 %), 1 inconclusive (17 %)";
        assert_eq!(counts.in_words(), words);
        assert_eq!(Counts::of([Incomplete]).in_words(), "1 incomplete (100 %)");
        assert_eq!(Counts::default().in_words(), "");
    }

    #[test]
    fn a_value_with_bounds_survives_json() {
        let failed = Censored { low: -100.0, high: f64::INFINITY, finished: false };
        for value in [failed, Censored::exactly(0.1 + 0.2)] {
            let text = serde_json::to_string(&Value::from(value)).unwrap();
            let read: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(Censored::from(read), value, "{text}");
        }
    }
}
