//! Verdicts in the form that others can cite, `repro-verdicts.json`: with the program, the paper, the digest
//! of the evidence and the command that makes each again. `verify --format json` prints the same form,
//! which is [`Verdicts`](crate::judge::Verdicts) with more beside it. No clock: the same input gives the same
//! bytes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Judged;
use crate::{
    claim::words,
    evidence::Evidence,
    experiment::{ENGINE_VERSION, EvidenceKind, Verdict},
    judge::{ClaimVerdict, result::FORMAT_VERSION},
};

/// The file's name beside `index.html`.
pub const FILE: &str = "repro-verdicts.json";

/// Verdicts with all that a citation needs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Citation {
    /// Version of this form: 1. Within a version fields are added and none is changed.
    pub format_version: u32,
    /// What judged.
    pub program: Program,
    /// What was judged.
    pub paper: Paper,
    /// The command that made this.
    pub command: String,
    /// What it was judged on.
    pub evidence: Vec<CitedEvidence>,
    /// One entry a claim and evidence.
    pub claims: Vec<CitedVerdict>,
}

/// A version of this program.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The version of the engine that fine-tunes: results may change when it does.
    pub engine: u32,
}

/// The paper that the claims are of.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Paper {
    /// Title.
    pub title: String,
    /// Authors.
    pub authors: Vec<String>,
    /// Its number at arXiv.
    pub arxiv: String,
}

/// One evidence.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CitedEvidence {
    /// Kind.
    pub kind: EvidenceKind,
    /// What it is.
    pub title: String,
    /// SHA-256: of the log's bytes, or, of our own fine-tunes, of their records: of each its name, which is
    /// a digest of all that decided it, and what came of it, without wall-clock times.
    pub sha256: String,
    /// Fine-tunes.
    pub records: usize,
    /// The checkpoints and images that its verdicts are conditional on.
    pub checkpoints: String,
}

/// One verdict.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CitedVerdict {
    /// The verdict with its numbers.
    #[serde(flatten)]
    pub verdict: ClaimVerdict,
    /// What the claim says.
    pub sentence: String,
    /// The primary hypothesis, fixed before looking.
    pub hypothesis: String,
    /// Where it stands in the paper.
    pub stands: String,
    /// The digest of the evidence that it was judged on.
    pub evidence_sha256: String,
    /// The verdict that the spec expects; null where it expects none.
    pub expected: Option<Verdict>,
    /// The command that judges this claim on this evidence again.
    pub again: String,
}

/// The verdicts to be cited. `command` is what made them.
#[must_use]
pub fn citation(judged: &[Judged<'_>], command: &str) -> Citation {
    let mut evidence: Vec<CitedEvidence> = Vec::new();
    for one in judged {
        if evidence.iter().all(|known| known.kind != one.evidence.kind) {
            evidence.push(cited(one.evidence));
        }
    }
    Citation {
        format_version: FORMAT_VERSION,
        program: Program {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            engine: ENGINE_VERSION,
        },
        paper: Paper {
            title: "Adversarially-Trained Deep Nets Transfer Better".to_owned(),
            authors: [
                "Francisco Utrera",
                "Evan Kravitz",
                "N. Benjamin Erichson",
                "Rajiv Khanna",
                "Michael W. Mahoney",
            ]
            .map(str::to_owned)
            .to_vec(),
            arxiv: "2007.05869".to_owned(),
        },
        command: command.to_owned(),
        evidence,
        claims: judged.iter().map(cited_verdict).collect(),
    }
}

fn cited(evidence: &Evidence) -> CitedEvidence {
    CitedEvidence {
        kind: evidence.kind,
        title: evidence.title.clone(),
        sha256: evidence.sha256.clone(),
        records: evidence.records.len(),
        checkpoints: evidence.world.checkpoints.clone(),
    }
}

fn cited_verdict(one: &Judged<'_>) -> CitedVerdict {
    let Judged { claim, evidence, verdict, .. } = one;
    CitedVerdict {
        verdict: verdict.clone(),
        sentence: claim.sentence.clone(),
        hypothesis: claim.hypothesis.sentence.clone(),
        stands: words::stands(&claim.stands),
        evidence_sha256: evidence.sha256.clone(),
        expected: claim.expected.get(&evidence.kind).map(|expected| expected.verdict),
        again: one.again.clone(),
    }
}

impl Citation {
    /// The file's text.
    ///
    /// # Panics
    /// Never: every field can be written.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("numbers, names and lists") + "\n"
    }
}
