//! The bottom line of a report: for each kind of evidence how many claims have which verdict, in a
//! sentence and as chips that add up, then the claims that are not supported, and what weakens the
//! others.

use maud::{Markup, html};

use super::{Judged, html::badge, summary::bottom_line};
use crate::{
    evidence::Evidence, experiment::Verdict, figure::numbers::grouped, judge::ClaimVerdict,
};

/// Every verdict, in the order of display.
const VERDICTS: [Verdict; 4] =
    [Verdict::Supported, Verdict::Refuted, Verdict::Inconclusive, Verdict::Incomplete];

/// The verdicts on one evidence. `address` is the anchor of a verdict.
#[must_use]
pub(super) fn section(judged: &[&Judged<'_>], address: impl Fn(&Judged<'_>) -> String) -> Markup {
    let Some(first) = judged.first() else { return html! {} };
    let kind = first.evidence.kind;
    let verdicts: Vec<&ClaimVerdict> = judged.iter().map(|one| &one.verdict).collect();
    let of = |verdict: Verdict| with(judged, |one| one.verdict.verdict == verdict);
    let links = |what: &str, of: &[&Judged<'_>]| {
        html! {
            @if !of.is_empty() {
                " " (what) " "
                @for (index, one) in of.iter().enumerate() {
                    @if index > 0 { "; " }
                    a href=(address(one)) { (one.claim.title) }
                }
                "."
            }
        }
    };
    let weak = with(judged, |one| one.verdict.verdict == Verdict::Supported && refuted(one));
    html! {
        section.bottom aria-label=(format!("The bottom line on {kind} evidence")) {
            h3 { "On " (kind) " evidence" }
            ul.tally {
                li.all { span.figure { (judged.len()) } (noun(judged.len())) }
                @for verdict in VERDICTS.into_iter().filter(|verdict| !of(*verdict).is_empty()) {
                    li class=(verdict) {
                        span.figure { (of(verdict).len()) } (badge(verdict))
                    }
                }
            }
            p {
                (bottom_line(&verdicts)) " "
                (links("Refuted:", &of(Verdict::Refuted)))
                (links("Inconclusive:", &of(Verdict::Inconclusive)))
                (links("Incomplete:", &of(Verdict::Incomplete)))
                (links("Supported, with a refuted reading:", &weak))
                (links("Borderline:", &with(judged, |one| one.verdict.borderline)))
            }
            p.aside { (describe(first.evidence)) }
        }
    }
}

fn noun(count: usize) -> &'static str {
    if count == 1 { "claim" } else { "claims" }
}

fn with<'a, 'b>(
    judged: &[&'b Judged<'a>],
    of: impl Fn(&Judged<'_>) -> bool,
) -> Vec<&'b Judged<'a>> {
    judged.iter().copied().filter(|one| of(one)).collect()
}

/// Whether a secondary hypothesis that is judged is refuted.
fn refuted(one: &Judged<'_>) -> bool {
    let mut readings = one.verdict.readings.iter();
    readings.any(|reading| reading.judged && reading.verdict == Verdict::Refuted)
}

fn describe(evidence: &Evidence) -> String {
    let title = &evidence.title;
    let (first, rest) = title.split_at(title.chars().next().map_or(0, char::len_utf8));
    let records = grouped(u32::try_from(evidence.records.len()).unwrap_or(u32::MAX));
    let spared = evidence
        .spared
        .map_or_else(String::new, |spared| format!("; early stopping saved {spared} fine-tunes"));
    format!("{}{rest}: {records} records{spared}.", first.to_uppercase())
}
