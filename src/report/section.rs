//! One claim's part of the page: what it says and asks, and on each evidence its verdict, figures,
//! readings, cells and everything to know before believing.

use maud::{Markup, html};

use super::{BORDERLINE, Judged, cells, drawings, html::badge};
use crate::figure::{axis::plain, numbers::signed, svg};
use crate::{
    claim::{Hypothesis, words},
    evidence::published::RESOLUTION_COLUMN,
    experiment::{Resolution, Verdict},
    judge::ReadingVerdict,
};

/// The section of one claim, judged on one evidence or several.
#[must_use]
pub fn section(judged: &[&Judged<'_>], all: &[Judged<'_>]) -> Markup {
    let Some(claim) = judged.first().map(|first| first.claim) else { return html! {} };
    html! {
        section.claim id=(claim.id) aria-labelledby=(format!("{}-title", claim.id)) {
            header {
                h2 id=(format!("{}-title", claim.id)) {
                    a href=(format!("#{}", claim.id)) { (claim.title) }
                }
                p.stands { code { (claim.id) } " \u{00b7} " (words::stands(&claim.stands)) }
                p.lead { (claim.sentence) }
                @if !claim.stands.note.is_empty() { p.aside { (claim.stands.note) } }
            }
            @if judged.len() > 1 {
                ul.beside aria-label="Verdicts side by side" {
                    @for one in judged {
                        li { a.to href=(format!("#{}-{}", claim.id, one.evidence.kind)) { (one.evidence.kind) " " (badge(one.verdict.verdict)) } }
                    }
                }
            }
            @for one in judged { (on_evidence(one, all, judged.len() > 1)) }
        }
    }
}

fn on_evidence(one: &Judged<'_>, all: &[Judged<'_>], several: bool) -> Markup {
    let Judged { claim, evidence, verdict, .. } = one;
    let figures = drawings(one, all);
    let world = &evidence.world;
    html! {
        div.evidence id=[several.then(|| format!("{}-{}", claim.id, evidence.kind))] {
            @if several {
                h3 { a href=(format!("#{}-{}", claim.id, evidence.kind)) { "On " (evidence.kind) " evidence" } }
            }
            div class=(format!("answer {}", verdict.verdict)) {
                p.verdict { (badge(verdict.verdict)) span.on { "on " (evidence.kind) " evidence" } }
                p.reason { (verdict.reason) "." @if verdict.borderline { " (" (BORDERLINE) ".)" } }
                (expected(one))
            }
            div.two {
                div { h4 { "Hypothesis" } (hypothesis(&claim.hypothesis)) }
                div {
                    @if claim.caveats(evidence.kind).next().is_some() {
                        h4 { "Know before believing" }
                        ul.caveats { @for caveat in claim.caveats(evidence.kind) { li { (caveat) } } }
                    }
                    (cells::flags("Flags of the averages", &verdict.averages, world))
                    (cells::flags(if verdict.averages.is_empty() { "Flags" } else { "Flags of the cells" }, &verdict.cells, world))
                }
            }
            @if figures.is_empty() { (nothing_to_draw(one)) }
            @for drawing in &figures { (svg::figure(drawing)) }
            (readings(one, several))
            @if verdict.verdict != Verdict::Incomplete || verdict.cells.iter().any(|cell| cell.mean.is_some()) {
                details {
                    summary { "Every cell of the hypothesis" span.count { (verdict.cells.len()) } }
                    @if !verdict.averages.is_empty() {
                        (cells::table(&verdict.averages, world, "Averages, which the verdict is from"))
                    }
                    (cells::table(&verdict.cells, world, "Cells, each judged by itself"))
                }
            }
            (provenance(one))
        }
    }
}

fn expected(one: &Judged<'_>) -> Markup {
    let Some(expected) = one.claim.expected.get(&one.evidence.kind) else { return html! {} };
    let met = one.verdict.is(expected);
    html! {
        p.expected {
            @if met { strong { "As expected: " } } @else { strong.unmet { "Expected " (expected.verdict) ": " } }
            (expected.reason)
        }
    }
}

fn hypothesis(hypothesis: &Hypothesis) -> Markup {
    html! {
        p { (hypothesis.sentence) }
        dl.asked {
            @for contrast in &hypothesis.contrasts {
                dt { "contrast" } dd { code { (contrast.label) } }
                dt { "cells" } dd { (words::cells(&contrast.cells)) }
            }
            dt { "measured" } dd { (words::metric(&hypothesis.metric)) }
            dt { "asked" } dd { (words::relation(hypothesis)) }
            dt { "must hold" } dd { (words::holds(hypothesis)) }
        }
    }
}

/// Why a world of our own can never have what the hypothesis compares.
fn lacks(one: &Judged<'_>) -> Option<String> {
    let of_ours = one.evidence.kind.is_own();
    let keys = one.claim.hypothesis.keys();
    keys.iter().filter(|_| of_ours).find_map(|key| one.evidence.world.lacks(key))
}

/// What is missing, and what would bring it.
fn nothing_to_draw(one: &Judged<'_>) -> Markup {
    let (there, asked) = one.evidence.coverage(one.claim);
    let scaled = one.claim.hypothesis.keys().iter().any(|key| key.resolution != Resolution::Native);
    html! {
        div.empty {
            @if one.claim.hypothesis.metric.is_of_influence() && !one.evidence.kind.is_own() {
                p { strong { "No figure." } " The records hold accuracies and losses, not influence, so there is nothing to draw and nothing to judge. A log in the published form has no room for it either." }
            } @else {
                @if there == asked { p { strong { "No figure." } " " (one.verdict.reason) "." } }
                @else if let Some(lacks) = lacks(one) { p { strong { "No figure." } " There can be none: " (lacks) "." } }
                @else {
                p { strong { "No figure." } " " (there) " of the " (asked) " fine-tunes that the hypothesis compares have a record in the " (one.evidence.kind) " evidence: too little to draw or to judge." }
                p {
                    "To bring runs of your own, write them to a log in the published form"
                    @if scaled { ", with a column " code { (RESOLUTION_COLUMN) } " besides," }
                    " and judge that:"
                }
                pre { code { (one.on_a_log) } }
                }
            }
        }
    }
}

fn readings(one: &Judged<'_>, several: bool) -> Markup {
    let verdict = &one.verdict;
    let address = |reading: &ReadingVerdict| {
        if several {
            format!("{}-{}-{}", one.claim.id, reading.id, one.evidence.kind)
        } else {
            format!("{}-{}", one.claim.id, reading.id)
        }
    };
    let unit = |reading: &ReadingVerdict| {
        format!("{}, margin {}", reading.unit.name(), plain(reading.margin))
    };
    html! {
        @if !verdict.readings.is_empty() {
            h4 { "Other readings, beside the hypothesis and never in its place" }
            table.readings.sortable {
                thead { tr { th scope="col" { "reading" } th scope="col" { "verdict" } th scope="col" { "why" } } }
                tbody {
                    @for reading in &verdict.readings {
                        tr id=(address(reading)) {
                            td { (reading.sentence) a.id href=(format!("#{}", address(reading))) { code { (reading.id) } } }
                            td { @if reading.judged { (badge(reading.verdict)) } @else { span.badge.shown { "shown" } } }
                            td {
                                (reading.reason) "."
                                @if let Some(means) = means_in_words(reading) { " " (means) }
                            }
                        }
                    }
                }
            }
            @for reading in verdict.readings.iter().filter(|reading| reading.cells.iter().any(|cell| cell.mean.is_some())) {
                details {
                    summary { "Cells of the reading " code { (reading.id) } span.count { (reading.cells.len()) } }
                    @if !reading.averages.is_empty() {
                        (cells::table(&reading.averages, &one.evidence.world, &format!("Averages ({})", unit(reading))))
                    }
                    (cells::table(&reading.cells, &one.evidence.world, &format!("Cells ({})", unit(reading))))
                }
            }
        }
    }
}

/// A reading that is shown has no verdict; its means say at least where it lies.
fn means_in_words(reading: &ReadingVerdict) -> Option<String> {
    let means: Vec<f64> =
        reading.cells.iter().filter_map(|cell| cell.mean).filter(|mean| mean.is_finite()).collect();
    let (low, high) =
        crate::figure::axis::range(means.iter().copied()).filter(|_| !reading.judged)?;
    let of = format!("{} of {} cells have a mean", means.len(), reading.cells.len());
    Some(format!(
        "{of}, from {} to {} {}.",
        signed(Some(low)),
        signed(Some(high)),
        reading.unit.name()
    ))
}

fn provenance(one: &Judged<'_>) -> Markup {
    let Judged { evidence, verdict, .. } = one;
    html! {
        div.provenance {
            div {
                h4 { "Conditional on" }
                ul { @for condition in &verdict.conditional_on { li { (condition) } } }
            }
            div {
                h4 { "Evidence" }
                p { (evidence.title) }
                p.digest {
                    @if evidence.kind.is_own() { "SHA-256 of its records " }
                    @else { "SHA-256 " }
                    code { (evidence.sha256) }
                }
            }
            div {
                h4 { "Make it again" }
                pre { code { (one.again) } }
            }
        }
    }
}
