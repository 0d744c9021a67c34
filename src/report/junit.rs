//! Verdicts as JUnit XML, which most CI systems display: one suite per evidence, one case per
//! claim.

use std::collections::BTreeSet;

use maud::{PreEscaped, html};

use super::Judged;
use crate::experiment::{EvidenceKind, Verdict};

/// The XML file.
///
/// A refuted claim fails; an inconclusive or incomplete one is skipped, with the reason. With
/// `expected`, a claim fails if its verdict is not the one that its spec expects, and otherwise
/// passes.
#[must_use]
pub fn junit(judged: &[Judged<'_>], expected: bool) -> String {
    let kinds: BTreeSet<EvidenceKind> = judged.iter().map(|one| one.evidence.kind).collect();
    let of = |kind: EvidenceKind| judged.iter().filter(move |one| one.evidence.kind == kind);
    let counted = |kind: EvidenceKind, outcome: Outcome| {
        of(kind).filter(|one| Outcome::from_judged(one, expected) == outcome).count()
    };
    let text = html! {
        testsuites name="repro" {
            @for kind in kinds {
                testsuite name=(kind) tests=(of(kind).count())
                    failures=(counted(kind, Outcome::Fails))
                    skipped=(counted(kind, Outcome::Skipped))
                {
                    @for one in of(kind) {
                        testcase name=(one.claim.id) classname=(format!("claims.{kind}")) {
                            @match Outcome::from_judged(one, expected) {
                                Outcome::Passes => {}
                                Outcome::Fails => {
                                    failure type=(one.verdict.verdict)
                                        message=(failure(one, expected)) {}
                                }
                                Outcome::Skipped => skipped message=(words(one)) {}
                            }
                            system-out { (words(one)) }
                        }
                    }
                }
            }
        }
    };
    let PreEscaped(text) = text;
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{text}\n")
}

/// The outcome of a test case.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passes,
    Fails,
    Skipped,
}

impl Outcome {
    fn from_judged(one: &Judged<'_>, expected: bool) -> Self {
        if expected {
            let spec = one.claim.expected.get(&one.evidence.kind);
            let is = spec.is_some_and(|expected| one.verdict.is(expected));
            return if is { Self::Passes } else { Self::Fails };
        }
        match one.verdict.verdict {
            Verdict::Supported => Self::Passes,
            Verdict::Refuted => Self::Fails,
            Verdict::Inconclusive | Verdict::Incomplete => Self::Skipped,
        }
    }
}

/// Why a case fails: the verdict's reason, or the verdict that its spec expects instead.
fn failure(one: &Judged<'_>, expected: bool) -> String {
    if expected {
        format!("{}; {}", words(one), one.expectation())
    } else {
        one.verdict.reason.clone()
    }
}

fn words(one: &Judged<'_>) -> String {
    format!("{}: {}", one.verdict.verdict, one.verdict.reason)
}
