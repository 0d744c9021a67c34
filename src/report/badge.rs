//! Verdicts as a badge, in the form that shields.io reads from an address (its endpoint schema,
//! version 1).

use serde::Serialize;

use super::Judged;
use crate::{experiment::Verdict, figure::groups::distinct};

/// A badge of shields.io.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Badge {
    schema_version: u32,
    label: String,
    message: String,
    color: &'static str,
}

/// The badge, as JSON: `claims: 9 of 14 supported`, with the kind of evidence where there are
/// several; with `expected`, how many verdicts are as expected.
///
/// Red where a claim is refuted, yellow where one is open, grey where one is incomplete and none
/// is open; with `expected`, green or red.
///
/// # Panics
/// Never: a number and texts can be serialised.
#[must_use]
pub fn badge(judged: &[Judged<'_>], expected: bool) -> String {
    let badge = if expected { as_expected(judged) } else { of_verdicts(judged) };
    serde_json::to_string(&badge).expect("a number and texts") + "\n"
}

fn as_expected(judged: &[Judged<'_>]) -> Badge {
    let (count, all) = super::counted_as_expected(judged);
    Badge {
        schema_version: 1,
        label: "verdicts".to_owned(),
        message: format!("{count} of {all} as expected"),
        color: if count == all { "brightgreen" } else { "red" },
    }
}

fn of_verdicts(judged: &[Judged<'_>]) -> Badge {
    let kinds = distinct(judged.iter().map(|one| one.evidence.kind));
    let each = kinds.iter().map(|kind| {
        let of = || judged.iter().filter(|one| one.evidence.kind == *kind);
        let supported = of().filter(|one| one.verdict.verdict == Verdict::Supported).count();
        match kinds.as_slice() {
            [_] => format!("{supported} of {} supported", of().count()),
            _ => format!("{supported} of {} on {kind}", of().count()),
        }
    });
    let message = each.collect::<Vec<String>>().join(", ");
    let has = |verdict: Verdict| judged.iter().any(|one| one.verdict.verdict == verdict);
    let color = if has(Verdict::Refuted) {
        "red"
    } else if has(Verdict::Inconclusive) {
        "yellow"
    } else if has(Verdict::Incomplete) {
        "lightgrey"
    } else {
        "brightgreen"
    };
    let label = if kinds.len() > 1 { "supported claims" } else { "claims" };
    Badge { schema_version: 1, label: label.to_owned(), message, color }
}
