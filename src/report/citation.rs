//! Verdicts for citation, `repro-verdicts.json`: with program, paper, the digest of the evidence
//! and the command that reproduces each. `verify --format json` prints the same format, which
//! extends [`Verdicts`](crate::judge::Verdicts). No clock: the same input gives the same bytes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Judged, subject::Subject};
use crate::{
    claim::words,
    evidence::Evidence,
    experiment::{ENGINE_VERSION, EvidenceKind, Verdict},
    judge::{
        ClaimVerdict, FalseSupports, expected_false_supports, result::FORMAT_VERSION,
        two_zoos::TwoZoos,
    },
};

/// The name of the file, in the folder of `index.html`.
pub const FILE: &str = "repro-verdicts.json";

/// Verdicts with everything that a citation needs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Citation {
    /// Version of this format: 1. Within a version fields are added and none is changed.
    pub format_version: u32,
    /// The program that judged.
    pub program: Program,
    /// The paper that was judged.
    pub paper: Paper,
    /// The command that wrote this.
    pub command: String,
    /// The evidence that claims were judged on.
    pub evidence: Vec<CitedEvidence>,
    /// One entry per claim and evidence.
    pub claims: Vec<CitedVerdict>,
    /// The false supports to expect if nothing were true, for each kind of evidence; empty for
    /// fewer than two claims.
    #[serde(default)]
    pub false_supports: Vec<FalseSupports>,
    /// Claims that were judged on both zoos at the paper's scale, `paper` and `salman`.
    #[serde(default)]
    pub two_zoos: Vec<TwoZoos>,
}

/// A version of this program.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The version of the engine: results may change with it.
    pub engine: u32,
}

/// The paper whose claims are judged.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Paper {
    /// Title; empty for claims about a log that has none.
    pub title: String,
    /// Authors.
    pub authors: Vec<String>,
    /// arXiv identifier; empty where it has none.
    pub arxiv: String,
    /// Where it is published, of a study with a log of its own; null if it states none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// One evidence.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CitedEvidence {
    /// Kind.
    pub kind: EvidenceKind,
    /// Description.
    pub title: String,
    /// SHA-256 of the log's bytes; for local runs, of the name of each record (a digest of
    /// everything that decides it) and of its outcome without wall-clock times.
    pub sha256: String,
    /// Number of records.
    pub records: usize,
    /// The checkpoints that its verdicts are conditional on.
    pub checkpoints: String,
}

/// One verdict.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CitedVerdict {
    /// The verdict with its numbers.
    #[serde(flatten)]
    pub verdict: ClaimVerdict,
    /// The statement of the claim.
    pub sentence: String,
    /// The primary hypothesis, fixed in advance.
    pub hypothesis: String,
    /// Its place in the paper.
    pub stands: String,
    /// The digest of the evidence that it was judged on.
    pub evidence_sha256: String,
    /// The verdict that the spec expects; null where it expects none.
    pub expected: Option<Verdict>,
    /// The command that reproduces this verdict.
    pub again: String,
}

/// The verdicts for citation; `command` is the command that made them.
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
        paper: paper(judged),
        command: command.to_owned(),
        evidence,
        claims: judged.iter().map(cited_verdict).collect(),
        false_supports: expected_false_supports(judged.iter().map(|one| &one.verdict)),
        two_zoos: super::two_zoos::of(judged),
    }
}

/// What the claims are about; empty of a log that says nothing of it.
fn paper(judged: &[Judged<'_>]) -> Paper {
    let subject = Subject::of(judged);
    let title = match subject {
        Subject::SomeLog(None) => String::new(),
        _ => subject.title().to_owned(),
    };
    Paper {
        title,
        authors: subject.authors(),
        arxiv: if subject.is_this_paper() { "2007.05869".to_owned() } else { String::new() },
        link: match subject {
            Subject::Study(study) => study.link.clone(),
            Subject::ThisPaper | Subject::SomeLog(_) => None,
        },
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
        sentence: claim.statement.clone(),
        hypothesis: claim.hypothesis.statement.clone(),
        stands: words::place(&claim.paper),
        evidence_sha256: evidence.sha256.clone(),
        expected: claim.expected.get(&evidence.kind).map(|expected| expected.verdict),
        again: one.again.clone(),
    }
}

impl Citation {
    /// The content of the file.
    ///
    /// # Panics
    /// Never: every field can be serialised.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("numbers, names and lists") + "\n"
    }
}
