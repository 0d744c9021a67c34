//! What changed since earlier verdicts, as `verify --format json` printed them or a report has
//! them. That file may be anybody's: nothing but names and verdicts is read.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Judged;
use crate::{
    experiment::{EvidenceKind, Verdict},
    judge::{ClaimVerdict, result::FORMAT_VERSION},
    util::shown::{shown, visible},
};

/// Earlier verdicts, by claim and evidence.
#[derive(Debug)]
pub struct EarlierVerdicts(BTreeMap<(String, EvidenceKind), Earlier>);

#[derive(Debug, Deserialize)]
struct Form {
    format_version: u32,
    claims: Vec<Earlier>,
}

#[derive(Debug, Deserialize)]
struct Earlier {
    claim: String,
    evidence: EvidenceKind,
    verdict: Verdict,
    #[serde(default)]
    digest: Option<String>,
    #[serde(default)]
    evidence_sha256: Option<String>,
    #[serde(default)]
    readings: Vec<EarlierReading>,
}

#[derive(Debug, Deserialize)]
struct EarlierReading {
    id: String,
    verdict: Verdict,
}

/// What changed.
#[derive(Debug, PartialEq, Eq)]
pub struct Changes {
    /// A sentence for each verdict that changed, appeared or vanished, without a full stop.
    pub sentences: Vec<String>,
    /// Claims whose verdicts, readings included, are as they were.
    pub unchanged: usize,
    /// Earlier verdicts on claims or kinds of evidence that were not asked for now.
    pub not_asked: usize,
}

impl EarlierVerdicts {
    /// Reads them.
    ///
    /// # Errors
    /// With what is wrong, if the text is no such form, or has a verdict twice.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        let Form { format_version, claims } =
            serde_json::from_slice(text).map_err(|error| shown_error(&error))?;
        if format_version != FORMAT_VERSION {
            return Err(format!(
                "its format is version {format_version}, and this program reads {FORMAT_VERSION}"
            ));
        }
        let mut verdicts = BTreeMap::new();
        for earlier in claims {
            let key = (earlier.claim.clone(), earlier.evidence);
            if verdicts.insert(key.clone(), earlier).is_some() {
                let (claim, evidence) = key;
                return Err(format!(
                    "it has two verdicts on {} evidence of `{}`",
                    evidence,
                    shown(&claim)
                ));
            }
        }
        Ok(Self(verdicts))
    }

    /// What changed since, among the claims that were asked for by id (all if none was) on the
    /// kinds of evidence that are judged now.
    #[must_use]
    pub fn changes(&self, judged: &[Judged<'_>], asked: &[String]) -> Changes {
        let mut changes = Changes { sentences: Vec::new(), unchanged: 0, not_asked: 0 };
        for one in judged {
            let of_claim = self.since(&one.verdict, &one.evidence.sha256);
            changes.unchanged += usize::from(of_claim.is_empty());
            changes.sentences.extend(of_claim);
        }
        let has = |claim: &str, kind: EvidenceKind| {
            judged.iter().any(|one| one.verdict.claim == claim && one.evidence.kind == kind)
        };
        for ((claim, kind), earlier) in self.0.iter().filter(|((id, kind), _)| !has(id, *kind)) {
            let is_asked = judged.iter().any(|one| one.evidence.kind == *kind)
                && (asked.is_empty() || asked.contains(claim));
            if is_asked {
                let (claim, was) = (shown(claim), earlier.verdict);
                changes.sentences.push(format!("vanished: {claim} on {kind} evidence, was {was}"));
            } else {
                changes.not_asked += 1;
            }
        }
        changes
    }

    /// What changed since in the verdicts on one claim.
    fn since(&self, now: &ClaimVerdict, sha256: &str) -> Vec<String> {
        let (claim, kind, verdict) = (shown(&now.claim), now.evidence, now.verdict);
        let Some(earlier) = self.0.get(&(now.claim.clone(), kind)) else {
            return vec![format!("appeared: {claim} on {kind} evidence is {verdict}")];
        };
        let differ = |now: Option<&str>, then: &Option<String>| {
            now.zip(then.as_deref()).map(|(now, then)| now != then)
        };
        let hypothesis = differ(now.digest.as_deref(), &earlier.digest);
        let evidence = differ(Some(sha256), &earlier.evidence_sha256);
        let why = match (hypothesis, evidence) {
            (Some(true), Some(true)) => "; hypothesis and evidence changed",
            (Some(true), _) => "; the hypothesis changed",
            (_, Some(true)) => "; the evidence changed",
            (Some(false), Some(false)) => "; on the same hypothesis and evidence",
            _ => "",
        };
        let mut sentences = Vec::new();
        if earlier.verdict != verdict {
            let was = earlier.verdict;
            sentences
                .push(format!("changed: {claim} on {kind} evidence is {verdict}, was {was}{why}"));
        }
        let of = |id: &str| format!("reading {} of {claim} on {kind} evidence", shown(id));
        for reading in &now.readings {
            let was = earlier.readings.iter().find(|earlier| earlier.id == reading.id);
            match was.map(|was| was.verdict) {
                None => {
                    sentences.push(format!("appeared: {} is {}", of(&reading.id), reading.verdict))
                }
                Some(was) if was != reading.verdict => sentences.push(format!(
                    "changed: {} is {}, was {was}",
                    of(&reading.id),
                    reading.verdict
                )),
                Some(_) => {}
            }
        }
        for was in &earlier.readings {
            if now.readings.iter().all(|reading| reading.id != was.id) {
                sentences.push(format!("vanished: {}, was {}", of(&was.id), was.verdict));
            }
        }
        sentences
    }
}

/// An error of the reader of JSON, which may quote the file.
fn shown_error(error: &serde_json::Error) -> String {
    const LONGEST: usize = 200;
    let start: String = error.to_string().chars().take(LONGEST).collect();
    format!("it is no JSON of verdicts: {}", visible(&start))
}
