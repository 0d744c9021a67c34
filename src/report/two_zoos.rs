//! The verdicts of two zoos together, as text and on the page.

use std::fmt::Write;

use maud::{Markup, html};

use super::{Judged, terminal::wrapped};
use crate::judge::two_zoos::{TwoZoos, two_zoos};

/// A paragraph for each claim that was judged on both zoos at the paper's scale; empty if none was.
/// `width` is the width of the text, in columns.
#[must_use]
pub(super) fn text(judged: &[Judged<'_>], width: usize) -> String {
    let mut text = String::new();
    for TwoZoos { claim, together, reason, .. } in of(judged) {
        for part in wrapped(&format!("both zoos, {claim}: {together}: {reason}"), width) {
            // Writing to a String can't fail.
            let _ = writeln!(text, "{part}");
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// The same as a list; nothing if no claim was judged on both zoos.
pub(super) fn on_page(judged: &[Judged<'_>]) -> Markup {
    let both = of(judged);
    html! {
        @if !both.is_empty() {
            h2 { "Both zoos at the paper's scale" }
            ul {
                @for TwoZoos { claim, together, reason, .. } in &both {
                    li { code { (claim) } ": " strong { (together) } ": " (reason) "." }
                }
            }
        }
    }
}

/// The claims that were judged on both zoos.
pub(super) fn of(judged: &[Judged<'_>]) -> Vec<TwoZoos> {
    two_zoos(judged.iter().map(|one| &one.verdict))
}
