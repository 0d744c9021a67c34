//! The section of one claim in the HTML report: statement and hypothesis, then for each evidence
//! verdict, caveats, figures, secondary hypotheses, cells and provenance.

use maud::{Markup, html};

use super::{
    BORDERLINE, HINGES, Judged, cells, downloads, estimand,
    figures::{self, ClaimFigure},
    how_far,
    html::badge,
    power, readings, sensitivity,
    titles::{self, with_code},
};
use crate::{
    claim::{Hypothesis, words},
    evidence::published::RESOLUTION_COLUMN,
    experiment::{Resolution, Verdict},
    judge::{
        CellVerdict,
        scales::{in_words, scale},
    },
    world::World,
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
                @let place = words::place(&claim.paper);
                p.paper-ref {
                    @if !place.is_empty() { (place) " \u{00b7} " }
                    code { (claim.id) }
                }
                p.lead { (with_code(&claim.statement)) }
                @if !claim.paper.note.is_empty() { p.aside { (with_code(&claim.paper.note)) } }
            }
            @for one in judged { (on_evidence(one, all, judged.len() > 1)) }
        }
    }
}

fn on_evidence(one: &Judged<'_>, all: &[Judged<'_>], several: bool) -> Markup {
    let Judged { claim, evidence, verdict, .. } = one;
    html! {
        div.evidence id=[several.then(|| format!("{}-{}", claim.id, evidence.kind))] {
            (answer(one, several))
            (all_figures(one, all))
            div.more {
                (about(one))
                (readings::readings(one, several))
                (cells_of(one))
                (super::specification_curve::section(one, all))
                (sensitivity::table(one))
                (super::associations::table(&verdict.associations))
                (provenance(one))
            }
        }
    }
}

/// The verdict with its reason, and how firm it is.
fn answer(one: &Judged<'_>, several: bool) -> Markup {
    let Judged { claim, evidence, verdict, .. } = one;
    let other_scales = &verdict.other_scales;
    let cells = || verdict.averages.iter().chain(&verdict.cells);
    let in_titles = |text: &str| with_code(&titles::in_titles(text, cells(), &evidence.world));
    html! {
        div class=(format!("answer {}", verdict.verdict)) {
            div.verdict {
                h3 {
                    @if several {
                        a href=(format!("#{}-{}", claim.id, evidence.kind)) {
                            "On " (evidence.kind) " evidence"
                        }
                    } @else { "On " (evidence.kind) " evidence" }
                }
                (badge(verdict.verdict))
                @if let Some(manner) = how_far::manner(&verdict.how_far) { span.on { (manner) } }
                @if let Some(scale) = scale(verdict.verdict, &verdict.unit, other_scales) {
                    span.on { (scale) }
                }
            }
            p.reason {
                (in_titles(&verdict.reason)) "." @if verdict.borderline { " (" (BORDERLINE) ".)" }
                @if let Some(scales) = in_words(verdict.verdict, other_scales) {
                    " " (sentence(&scales))
                }
                @let world = &evidence.world;
                @let how_far = how_far::sentences(&verdict.how_far, &claim.hypothesis);
                @if !how_far.is_empty() { " " (sentence(&world.with_its_replicate(&how_far.join("; ")))) }
                @if verdict.hinges_on_one_seed == Some(true) { " " (sentence(&world.with_its_replicate(HINGES))) }
            }
            (expected(one))
            (power::line(one))
            (sensitivity::line(one))
        }
    }
}

/// The figures: those that a page has room for, then the others folded.
fn all_figures(one: &Judged<'_>, all: &[Judged<'_>]) -> Markup {
    /// Forest plot and first curves.
    const SHOWN: usize = 2;
    /// The height in pixels above which a panel is a table rather than a picture.
    const TALL: f64 = 480.0;
    let tall = |figure: &ClaimFigure| figure.drawing.panels.iter().any(|of| of.height > TALL);
    let (folded, mut shown): (Vec<ClaimFigure>, Vec<ClaimFigure>) =
        figures::figures(one, all).into_iter().partition(tall);
    let rest = shown.split_off(shown.len().min(SHOWN));
    let folded = [rest, folded].concat();
    html! {
        @if shown.is_empty() && folded.is_empty() { (nothing_to_draw(one)) }
        div.figures { @for figure in &shown { (downloads::figure(figure)) } }
        @if !folded.is_empty() {
            details {
                summary { "More figures" span.count { (folded.len()) } }
                div.within { @for figure in &folded { (downloads::figure(figure)) } }
            }
        }
    }
}

/// What is asked, what it is about, and what to know about the answer.
fn about(one: &Judged<'_>) -> Markup {
    let Judged { claim, evidence, verdict, .. } = one;
    let (caveats, world) = (claim.caveats(evidence.kind).count(), &evidence.world);
    let flagged = verdict.averages.iter().chain(&verdict.cells).any(|cell| !cell.flags.is_empty());
    html! {
        details {
            summary {
                "Hypothesis" @if caveats > 0 { ", caveats" span.count { (caveats) } }
                @if flagged { ", flags" }
            }
            div.two {
                div {
                    h4 { "Hypothesis" }
                    (hypothesis(&claim.hypothesis, world))
                    p.aside { (sentence(&estimand::sentence(verdict))) }
                }
                div {
                    @if caveats > 0 {
                        h4 { "Caveats" }
                        ul.caveats {
                            @for caveat in claim.caveats(evidence.kind) {
                                li { (with_code(caveat)) }
                            }
                        }
                    }
                    (cells::flags("Flags of the averages", &verdict.averages, world))
                    @let heading =
                        if verdict.averages.is_empty() { "Flags" } else { "Flags of the cells" };
                    (cells::flags(heading, &verdict.cells, world))
                }
            }
        }
    }
}

fn cells_of(one: &Judged<'_>) -> Markup {
    let (verdict, world) = (&one.verdict, &one.evidence.world);
    html! {
        @if verdict.verdict != Verdict::Incomplete || has_mean(&verdict.cells) {
            details {
                summary { "Every cell" span.count { (verdict.cells.len()) } }
                @if !verdict.averages.is_empty() {
                    (cells::table(&verdict.averages, world, "Averages (decide the verdict)"))
                }
                (cells::table(&verdict.cells, world, "Cells, each judged by itself"))
            }
        }
    }
}

/// Whether any cell could be measured.
pub(super) fn has_mean(cells: &[CellVerdict]) -> bool {
    cells.iter().any(|cell| cell.mean.is_some())
}

fn expected(one: &Judged<'_>) -> Markup {
    let Some(expected) = one.claim.expected.get(&one.evidence.kind) else { return html! {} };
    let met = one.verdict.is(expected);
    html! {
        p.expected {
            @if met { strong { "As expected: " } } @else {
                strong.unmet { "Expected " (expected.verdict) ": " }
            }
            (with_code(&expected.reason))
        }
    }
}

fn hypothesis(hypothesis: &Hypothesis, world: &World) -> Markup {
    html! {
        p { (with_code(&hypothesis.statement)) }
        dl.definitions {
            @for contrast in &hypothesis.contrasts {
                dt { "contrast" } dd { code { (contrast.label) } }
                dt { "cells" } dd { (titles::in_titles(&words::cells(&contrast.cells), [], world)) }
            }
            dt { "measured" } dd { (words::metric(&hypothesis.metric)) }
            dt { "required" } dd { (words::relation(hypothesis)) }
            dt { "must hold" } dd { (words::holds(hypothesis)) }
        }
    }
}

/// Why a local world can't run a fine-tune that the hypothesis compares.
fn unavailable(one: &Judged<'_>) -> Option<String> {
    let local = one.evidence.kind.is_local();
    local.then(|| one.claim.hypothesis.unavailable(&one.evidence.world)).flatten()
}

/// Why there is no figure, and how to provide the missing records.
fn nothing_to_draw(one: &Judged<'_>) -> Markup {
    let (found, needed) = one.evidence.coverage(one.claim);
    let scaled = one.claim.hypothesis.keys().iter().any(|key| key.resolution != Resolution::Native);
    html! {
        div.empty {
            @if one.claim.hypothesis.metric.is_of_influence() && !one.evidence.kind.is_local() {
                p {
                    strong { "No figure." }
                    " The records contain accuracies and losses but no influence, so nothing can \
                     be drawn or judged. A log in the published format can't contain influence \
                     either."
                }
            } @else {
                @if found == needed {
                    p { strong { "No figure." } " The answer above says why." }
                }
                @else if let Some(why) = unavailable(one) {
                    p {
                        strong { "No figure." } " "
                        @let why = titles::in_titles(&why, [], &one.evidence.world);
                        (with_code(&sentence(&why)))
                    }
                }
                @else {
                p {
                    strong { "No figure." }
                    " Missing records: the " (one.evidence.kind) " evidence has " (found) " of the "
                    (needed) " fine-tunes that the hypothesis compares."
                }
                p {
                    "To judge your own runs, write them to a log in the published format"
                    @if scaled { " with a column " code { (RESOLUTION_COLUMN) } }
                    " and run:"
                }
                pre { code { (one.on_a_log) } }
                }
            }
        }
    }
}

/// A clause as a sentence of its own.
pub(super) fn sentence(clause: &str) -> String {
    let mut rest = clause.chars();
    let first = rest.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(rest).chain(['.']).collect()
}

fn provenance(one: &Judged<'_>) -> Markup {
    let Judged { evidence, verdict, .. } = one;
    html! {
        details {
        summary { "Evidence and command" }
        div.provenance {
            div {
                h4 { "Conditional on" }
                ul { @for condition in &verdict.conditional_on { li { (with_code(condition)) } } }
            }
            @if let Some(digest) = &verdict.digest {
                div {
                    h4 { "Hypothesis" }
                    p.digest { "BLAKE3 of what is judged " code { (digest) } }
                }
            }
            div {
                h4 { "Evidence" }
                p { (evidence.title) }
                p.digest {
                    @if evidence.kind.is_local() { "SHA-256 of its records " }
                    @else { "SHA-256 " }
                    code { (evidence.sha256) }
                }
            }
            div {
                h4 { "Reproduce" }
                pre { code { (one.again) } }
            }
        }
        }
    }
}
