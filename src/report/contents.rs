//! The contents of the page, which stay in sight: each claim with the mark of its verdict on each
//! evidence, then the other parts.

use maud::{Markup, html};

use super::Judged;
use crate::{
    experiment::EvidenceKind,
    figure::svg::{Mark, key},
};

/// The list. `kinds` are the kinds of evidence in the order of the marks; `rest` are the other
/// parts, as address and name.
#[must_use]
pub(super) fn contents(
    claims: &[Vec<&Judged<'_>>],
    kinds: &[EvidenceKind],
    rest: &[(&str, &str)],
) -> Markup {
    html! {
        nav.contents tabindex="0" aria-label="Contents" {
            ul {
                @for of in claims {
                    li {
                        a href=(format!("#{}", of[0].claim.id)) {
                            span.marks {
                                @for kind in kinds {
                                    @for one in of.iter().filter(|one| one.evidence.kind == *kind) {
                                        (mark(one))
                                    }
                                }
                            }
                            span { (of[0].claim.title) }
                        }
                    }
                }
                @for (address, name) in rest { li.part { a href=(address) { (name) } } }
            }
        }
    }
}

/// A verdict as its mark, with its words for those who can't see it or don't know it.
fn mark(one: &Judged<'_>) -> Markup {
    let verdict = one.verdict.verdict;
    html! {
        span class=(verdict) title=(format!("{verdict} on {} evidence", one.evidence.kind)) {
            (key(Mark::Verdict(verdict)))
            span.hidden { (verdict) " on " (one.evidence.kind) " evidence, " }
        }
    }
}
