//! The page: one file that needs no other, a summary of claims by evidence and a section a claim.
//! No clock and no path but those that the user gave: the same input gives the same bytes.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::{Judged, citation::FILE, replication, section::section, seeds};
use crate::figure::groups::{distinct, together};
use crate::figure::{
    numbers::grouped,
    palette::{FIGURE_STYLE, variables},
    svg::{Mark, key},
};
use crate::{
    evidence::Evidence,
    experiment::{EvidenceKind, Verdict},
    replication::Comparison,
};

const STYLE: &str = include_str!("style.css");
/// Sorts tables; the page is whole without it.
const SCRIPT: &str = include_str!("script.js");
const PAPER: &str = "Adversarially-Trained Deep Nets Transfer Better";

/// The whole page. `comparisons` are evidences beside the published numbers; `command` is what made the page,
/// for its foot.
#[must_use]
pub fn html(judged: &[Judged<'_>], comparisons: &[Comparison], command: &str) -> String {
    let style = [&variables(), STYLE, FIGURE_STYLE].concat();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            // The page needs nothing that is not in it, and browsers are told so.
            (page_head(&format!("Verdicts on {PAPER}"), Some(&policy(&style)), &style))
            body {
                a.skip href="#claims" { "Skip to the claims" }
                main {
                    (head(judged))
                    (contents(!comparisons.is_empty()))
                    h2.hidden { "Index of claims" }
                    (summary(judged))
                    (sources(judged))
                    div id="claims" {
                        @for of_claim in by_claim(judged) { (section(&of_claim, judged)) }
                    }
                    (replication::section(comparisons))
                    (seeds::section(judged))
                    (cite())
                }
                footer {
                    p { a href="gallery.html" { "Every figure of the paper and of its reproduction, by name" } }
                    p { "Made by repro " (env!("CARGO_PKG_VERSION")) " with" }
                    pre { code { (command) } }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string() + "\n"
}

/// The head of a page, with a policy for browsers where it has one.
pub(super) fn page_head(title: &str, policy: Option<&str>, style: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            @if let Some(policy) = policy { meta http-equiv="Content-Security-Policy" content=(policy); }
            // Without an icon of its own a page makes browsers ask the server for one.
            link rel="icon" href="data:,";
            title { (title) }
            style { (PreEscaped(style)) }
        }
    }
}

/// Nothing from elsewhere: this style, this script, and the empty icon.
fn policy(style: &str) -> String {
    let digest = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'",
        digest(style),
        digest(SCRIPT)
    )
}

/// The page's parts.
fn contents(compared: bool) -> Markup {
    html! {
        nav.contents aria-label="Parts of this page" {
            ul {
                li { a href="#summary" { "Index of claims" } }
                li { a href="#claims" { "Claim by claim" } }
                @if compared { li { a href="#replication" { "Beside the published numbers" } } }
                li { a href="#power" { "What the seeds can see" } }
                li { a href="#cite" { "Cite a verdict" } }
            }
        }
    }
}

/// Where verdicts are for programs, and how a part of this page is linked to.
fn cite() -> Markup {
    html! {
        section.page id="cite" aria-labelledby="cite-title" {
            h2 id="cite-title" { a href="#cite" { "Cite a verdict" } }
            p.lead {
                "Beside this page lies " a href=(FILE) { code { (FILE) } } ": every verdict with its numbers, what it is conditional on, the digest of its evidence and the command that makes it again."
            }
            p.aside {
                "Its form has a JSON Schema, which the program prints (" code { "schema citation" } "). Every claim, evidence, reading and figure on this page has an address of its own, which does not change: the claim's id, such as "
                code { "#robust_beats_natural" } ", with the evidence or the reading behind a hyphen."
            }
        }
    }
}

/// Verdicts in the order in which claims first appear, those on one claim together.
fn by_claim<'a, 'b>(judged: &'b [Judged<'a>]) -> Vec<Vec<&'b Judged<'a>>> {
    let of = together(judged.iter().map(|one| (&*one.claim.id, one)));
    of.into_iter().map(|(_, of)| of).collect()
}

fn head(judged: &[Judged<'_>]) -> Markup {
    let count =
        |verdict: Verdict| judged.iter().filter(|one| one.verdict.verdict == verdict).count();
    let all = [Verdict::Supported, Verdict::Refuted, Verdict::Inconclusive, Verdict::Incomplete];
    let claims = by_claim(judged).len();
    html! {
        header.top {
            p.kicker { "An executable paper \u{00b7} arXiv 2007.05869" }
            h1 { (PAPER) }
            p.lead {
                (claims) @if claims == 1 { " claim, " } @else { " claims, " }
                "each with a hypothesis fixed before looking, judged with confidence intervals over seeds."
            }
            ul.tally {
                @for verdict in all.into_iter().filter(|verdict| count(*verdict) > 0) {
                    li class=(verdict) { span.figure { (count(verdict)) } (verdict) }
                }
            }
        }
    }
}

/// Claims by evidence.
fn summary(judged: &[Judged<'_>]) -> Markup {
    let kinds = kinds(judged);
    html! {
        table.sortable.summary.one[kinds.len() == 1] id="summary" {
            caption.hidden { "Index of claims, with the verdict on each evidence" }
            thead { tr {
                th scope="col" { "Claim" }
                @for kind in &kinds { th scope="col" { (kind) " evidence" } }
            } }
            tbody {
                @for of in by_claim(judged) {
                    tr {
                        th scope="row" {
                            a href=(format!("#{}", of[0].claim.id)) { (of[0].claim.title) }
                        }
                        @for kind in &kinds {
                            td data-evidence=(format!("{kind} evidence")) data-sort=(rank(&of, *kind)) {
                                @for one in of.iter().filter(|one| one.evidence.kind == *kind) {
                                    div.verdict {
                                        a.to href=(address(one, kinds.len() > 1)) { (badge(one.verdict.verdict)) }
                                        div.why { (one.verdict.reason) (readings(one)) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Where a claim's verdict on one evidence stands.
fn address(one: &Judged<'_>, several: bool) -> String {
    if several {
        format!("#{}-{}", one.claim.id, one.evidence.kind)
    } else {
        format!("#{}", one.claim.id)
    }
}

/// The order of verdicts in a table that is sorted: the surest first.
fn rank(of: &[&Judged<'_>], kind: EvidenceKind) -> u32 {
    let verdict = of.iter().find(|one| one.evidence.kind == kind).map(|one| one.verdict.verdict);
    match verdict {
        Some(Verdict::Supported) => 1,
        Some(Verdict::Refuted) => 2,
        Some(Verdict::Inconclusive) => 3,
        Some(Verdict::Incomplete) => 4,
        None => 5,
    }
}

/// How a claim's further readings came out, so that no headline hides them.
fn readings(one: &Judged<'_>) -> Markup {
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    for reading in one.verdict.readings.iter().filter(|reading| reading.judged) {
        *counts.entry(reading.verdict).or_default() += 1;
    }
    let counts: Vec<String> =
        counts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
    html! {
        @if !counts.is_empty() { div.others { "Other readings: " (counts.join(", ")) } }
    }
}

/// Each evidence: what it is, how much of it there is, and the source models that its claims name.
fn sources(judged: &[Judged<'_>]) -> Markup {
    let kinds = kinds(judged);
    html! {
        @for kind in &kinds {
            @let of: Vec<&Judged<'_>> =
                judged.iter().filter(|one| one.evidence.kind == *kind).collect();
            section.sources aria-label=(format!("{kind} evidence")) {
                @if kinds.len() > 1 { h3 { "The " (kind) " evidence" } }
                p { (what_it_is(of[0].evidence)) }
                dl.sources {
                    @for (name, words) in named_sources(&of) {
                        div { dt { code { (name) } } dd { (words) } }
                    }
                }
            }
        }
    }
}

/// The kinds of evidence in the order in which they first appear.
fn kinds(judged: &[Judged<'_>]) -> Vec<EvidenceKind> {
    distinct(judged.iter().map(|one| one.evidence.kind))
}

fn what_it_is(evidence: &Evidence) -> String {
    let title = &evidence.title;
    let (first, rest) = title.split_at(title.chars().next().map_or(0, char::len_utf8));
    let records = grouped(u32::try_from(evidence.records.len()).unwrap_or(u32::MAX));
    let spared = evidence
        .spared
        .map_or_else(String::new, |spared| format!("; looking early spared {spared}"));
    format!("{}{rest}: {records} records{spared}.", first.to_uppercase())
}

fn named_sources<'a>(judged: &[&Judged<'a>]) -> BTreeMap<&'a str, &'a str> {
    let mut named = BTreeMap::new();
    for one in judged {
        let readings = one.claim.readings.iter().map(|reading| &reading.hypothesis);
        for hypothesis in readings.chain([&one.claim.hypothesis]) {
            for key in hypothesis.keys() {
                let known = one.evidence.world.sources.get_key_value(&*key.source);
                named.extend(known.map(|(name, words)| (name.as_str(), words.as_str())));
            }
        }
    }
    named
}

/// A verdict as a word with its mark; colour says nothing that they don't.
#[must_use]
pub fn badge(verdict: Verdict) -> Markup {
    html! { span class=(format!("badge {verdict}")) { (key(Mark::Verdict(verdict))) (verdict) } }
}

/// A table under its caption, in a part of the page that scrolls by itself where it is too wide, which
/// the keyboard reaches. `class` goes with the table's own.
pub(super) fn wide(caption: &str, class: &str, table: &Markup) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(caption) {
            table class=(format!("cells sortable {class}").trim_end()) {
                caption { (caption) }
                (table)
            }
        }
    }
}
