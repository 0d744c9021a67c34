//! The two zoos at the paper's scale, together. There is one checkpoint for each arm and zoo, and
//! the two zoos were trained by different recipes: they are no sample of source models, so nothing
//! is averaged over them and no interval is over them. Each zoo is judged apart, and a claim holds
//! of both or of neither, else it is open. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ClaimVerdict;
use crate::experiment::{EvidenceKind, Verdict};

/// The evidences of the two zoos: the authors' checkpoints, and those of Salman et al. 2020.
const ZOOS: [EvidenceKind; 2] = [EvidenceKind::Paper, EvidenceKind::Salman];

/// The verdicts on one claim from two zoos, and what they say together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TwoZoos {
    /// The claim's id.
    pub claim: String,
    /// The evidence of each zoo, with its own verdict.
    pub apart: Vec<ZooVerdict>,
    /// The verdict on both zoos together.
    pub together: Verdict,
    /// The reason, and that two zoos of different recipes are no sample.
    pub reason: String,
}

/// The verdict from one zoo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ZooVerdict {
    /// The evidence.
    pub evidence: EvidenceKind,
    /// The verdict on the primary hypothesis.
    pub verdict: Verdict,
}

/// The verdict on both zoos: supported where both are, refuted where both are, incomplete where
/// records of one are missing, else inconclusive.
#[must_use]
pub fn together(one: Verdict, other: Verdict) -> Verdict {
    match (one, other) {
        (Verdict::Incomplete, _) | (_, Verdict::Incomplete) => Verdict::Incomplete,
        (one, other) if one == other => one,
        _ => Verdict::Inconclusive,
    }
}

/// The claims that were judged on both zoos, in the order of their first verdicts; empty where only
/// one zoo was asked for.
#[must_use]
pub fn two_zoos<'a>(verdicts: impl Iterator<Item = &'a ClaimVerdict> + Clone) -> Vec<TwoZoos> {
    let of = |kind: EvidenceKind| verdicts.clone().filter(move |one| one.evidence == kind);
    let [first, second] = ZOOS;
    let both = of(first).filter_map(|one| {
        let other = of(second).find(|other| other.claim == one.claim)?;
        let apart = [one, other]
            .map(|one| ZooVerdict { evidence: one.evidence, verdict: one.verdict })
            .to_vec();
        let together = together(one.verdict, other.verdict);
        Some(TwoZoos { claim: one.claim.clone(), reason: reason(&apart), apart, together })
    });
    both.collect()
}

/// The verdicts apart, and what two zoos can't say.
fn reason(apart: &[ZooVerdict]) -> String {
    let [one, other] = [&apart[0], &apart[1]];
    let found = if one.verdict == other.verdict {
        format!("{} on both zoos", one.verdict)
    } else {
        format!(
            "{} on {} evidence, {} on {} evidence",
            one.verdict, one.evidence, other.verdict, other.evidence
        )
    };
    format!(
        "{found}; each is judged apart, since two zoos of different recipes are no sample of \
         source models"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Incomplete, Inconclusive, Refuted, Supported};

    fn verdict(claim: &str, evidence: EvidenceKind, verdict: Verdict) -> ClaimVerdict {
        ClaimVerdict {
            claim: claim.to_owned(),
            evidence,
            verdict,
            ..serde_json::from_value(serde_json::json!({
                "claim": "", "evidence": "paper", "verdict": "supported", "reason": "",
                "title": "", "unit": "points", "margin": 0.0, "alpha": 0.025,
                "conditional_on": [], "cells": [], "averages": [], "readings": [],
            }))
            .unwrap()
        }
    }

    #[test]
    fn two_zoos_agree_or_the_claim_is_open_or_incomplete() {
        for (one, other, both) in [
            (Supported, Supported, Supported),
            (Refuted, Refuted, Refuted),
            (Inconclusive, Inconclusive, Inconclusive),
            (Supported, Refuted, Inconclusive),
            (Supported, Inconclusive, Inconclusive),
            (Refuted, Inconclusive, Inconclusive),
            (Supported, Incomplete, Incomplete),
            (Refuted, Incomplete, Incomplete),
            (Inconclusive, Incomplete, Incomplete),
            (Incomplete, Incomplete, Incomplete),
        ] {
            assert_eq!((together(one, other), together(other, one)), (both, both));
        }
    }

    #[test]
    fn claims_of_both_zoos_come_together_and_say_that_two_are_no_sample() {
        let verdicts = [
            verdict("a", EvidenceKind::Published, Refuted),
            verdict("a", EvidenceKind::Salman, Refuted),
            verdict("a", EvidenceKind::Paper, Supported),
            verdict("b", EvidenceKind::Paper, Supported),
            verdict("b", EvidenceKind::Salman, Supported),
            verdict("c", EvidenceKind::Paper, Supported),
        ];
        let both = two_zoos(verdicts.iter());
        let found: Vec<_> = both.iter().map(|both| (both.claim.as_str(), both.together)).collect();
        assert_eq!(found, [("a", Inconclusive), ("b", Supported)]);
        let reason = "supported on paper evidence, refuted on salman evidence; each is judged \
                      apart, since two zoos of different recipes are no sample of source models";
        assert_eq!(both[0].reason, reason);
        assert!(both[1].reason.starts_with("supported on both zoos; "));
        assert!(two_zoos(verdicts[..2].iter()).is_empty());
    }
}
