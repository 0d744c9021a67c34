//! What `repro sensitivity` printed of some claims, run once and shipped with the program
//! (`goldens/smoke/sensitivity`), on smoke evidence.

use crate::{claim::Claim, evidence::Evidence, experiment::EvidenceKind};

/// The claim and the text of each `goldens/smoke/sensitivity/CLAIM.txt`.
const TEXTS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/sensitivities.rs"));

/// A kept sensitivity analysis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSensitivity {
    /// The text.
    pub text: &'static str,
    /// Its choices; the paper's recipe is the first.
    pub choices: Vec<KeptChoice>,
}

/// A claim under one choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptChoice {
    /// The choice in a few words.
    pub words: &'static str,
    /// The verdict, as printed.
    pub verdict: &'static str,
}

/// The analysis of a claim on an evidence; `None` if it was not run, or of another statement.
#[must_use]
pub fn kept(claim: &Claim, evidence: &Evidence) -> Option<KeptSensitivity> {
    let (_, text) = TEXTS.iter().find(|(id, _)| *id == claim.id)?;
    let statement = format!("{}: {}", claim.id, claim.hypothesis.statement);
    let asked = text.lines().take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    let same = evidence.kind == EvidenceKind::Smoke && asked == statement;
    let choices = choices(text);
    (same && !choices.is_empty()).then_some(KeptSensitivity { text, choices })
}

/// The rows of the first table, whose columns stand where its header has them.
fn choices(text: &'static str) -> Vec<KeptChoice> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("choice "));
    let Some(at) = lines.next().and_then(|header| header.find("verdict")) else {
        return Vec::new();
    };
    let row = |line: &'static str| {
        let (words, rest) = (line.get(..at)?, line.get(at..)?);
        Some(KeptChoice { words: words.trim_end(), verdict: rest.split_whitespace().next()? })
    };
    lines.map_while(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_for_smoke_evidence_and_the_statement_that_it_was_run_for() {
        let suite = crate::claim::suite::Suite::embedded(&crate::world::World::smoke()).unwrap();
        let mut claim = suite.get("l2_best").unwrap().clone();
        let published = Evidence::published().unwrap();
        assert_eq!(kept(&claim, &published), None);
        let smoke = Evidence { kind: EvidenceKind::Smoke, ..published };
        assert!(kept(&claim, &smoke).unwrap().choices.len() > 5);
        claim.hypothesis.statement.push('!');
        assert_eq!(kept(&claim, &smoke), None);
    }

    #[test]
    fn every_kept_text_has_choices_and_the_paper_s_is_the_first() {
        assert!(TEXTS.len() > 4, "{}", TEXTS.len());
        for (id, text) in TEXTS {
            let choices = choices(text);
            assert!(choices.len() > 1, "{id}");
            assert_eq!(choices[0].words, "the paper's recipe", "{id}");
            let known = ["supported", "refuted", "inconclusive", "incomplete"];
            for KeptChoice { words, verdict } in choices {
                assert!(known.contains(&verdict) && !words.is_empty(), "{id}: {words} {verdict}");
            }
        }
    }
}
