//! The gallery as a page: every figure by name, on each evidence, with its files; and for those that can't
//! be drawn the commands that bring them.

use maud::{DOCTYPE, Markup, html};

use super::{Exhibit, Form, Spell};
use crate::{
    figure::groups::together,
    figure::{
        palette::{FIGURE_STYLE, variables},
        svg,
    },
    report::html::page_head,
};

const STYLE: &str = include_str!("../style.css");
const OWN_STYLE: &str = include_str!("page.css");

/// The page. Files of figures lie in `files` beside it; `command` is what made it, for its foot.
#[must_use]
pub fn page(exhibits: &[Exhibit<'_>], files: &str, command: &str, spell: Spell) -> String {
    let of = |paper: bool| {
        by_figure(exhibits)
            .into_iter()
            .filter(|of| of[0].figure.is_of_the_paper() == paper)
            .collect::<Vec<_>>()
    };
    let style = [&variables(), STYLE, OWN_STYLE, FIGURE_STYLE].concat();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (page_head("Every figure of the paper and of its reproduction", None, &style))
            body.gallery {
                a.skip href="#figures" { "Skip to the figures" }
                main {
                    header.top {
                        p.kicker { a href="index.html" { "Verdicts" } " \u{00b7} arXiv 2007.05869" }
                        h1 { "Every figure, by name" }
                        p.lead { "The figures of the paper and of its independent reproduction, drawn again from the evidence at hand." }
                    }
                    @for (title, paper) in [("The paper", true), ("The reproduction", false)] {
                        nav.contents aria-label=(title) {
                            h3 { (title) }
                            ul { @for of in of(paper) { li { (entry(&of)) } } }
                        }
                    }
                    div id="figures" {
                        @for of in of(true).iter().chain(&of(false)) { (section(of, files, spell)) }
                    }
                }
                footer {
                    p { "Made by repro " (env!("CARGO_PKG_VERSION")) " with" }
                    pre { code { (command) } }
                }
            }
        }
    };
    page.into_string() + "\n"
}

/// Exhibits of one figure together, in their order.
fn by_figure<'a, 'b>(exhibits: &'b [Exhibit<'a>]) -> Vec<Vec<&'b Exhibit<'a>>> {
    let of = together(exhibits.iter().map(|exhibit| (&*exhibit.figure.name, exhibit)));
    of.into_iter().map(|(_, of)| of).collect()
}

fn anchor(exhibit: &Exhibit<'_>) -> String {
    format!("figure-{}", exhibit.figure.name)
}

/// A line of the table of contents.
fn entry(of: &[&Exhibit<'_>]) -> Markup {
    let stands = |exhibit: &Exhibit<'_>| match (&exhibit.drawn, &exhibit.missing) {
        (Some(_), None) => "drawn",
        (Some(_), Some(_)) => "drawn in part",
        (None, _) => "missing",
    };
    html! {
        a href=(format!("#{}", anchor(of[0]))) { b { (of[0].figure.name) } " " (of[0].figure.title) }
        span.count {
            @for (index, exhibit) in of.iter().enumerate() {
                @if index > 0 { ", " } (exhibit.evidence.kind) ": " (stands(exhibit))
            }
        }
    }
}

fn section(of: &[&Exhibit<'_>], files: &str, spell: Spell) -> Markup {
    let figure = &of[0].figure;
    let id = anchor(of[0]);
    html! {
        section.claim id=(id) aria-labelledby=(format!("{id}-title")) {
            header {
                p.kicker { (figure.origin()) }
                h2 id=(format!("{id}-title")) { a href=(format!("#{id}")) { (figure.title) } }
            }
            @for exhibit in of {
                h3.on { "On " (exhibit.evidence.kind) " evidence" }
                @if let Some((_, drawing)) = &exhibit.drawn {
                    (svg::figure(drawing))
                    p.note.files {
                        @for form in [Form::Svg, Form::Png, Form::Csv] {
                            @let file = format!("{}.{}", drawing.name, form.ending());
                            a href=(format!("{files}/{file}")) { (form.ending().to_uppercase()) } " "
                        }
                    }
                }
                @if let Some(missing) = &exhibit.missing {
                    div.empty {
                        p {
                            strong { @if exhibit.drawn.is_some() { "Not whole: " } @else { "No figure: " } }
                            (missing.why) "." @if !missing.commands.is_empty() { " This brings it:" }
                        }
                        @if !missing.commands.is_empty() { pre { code { (missing.commands.iter().map(spell).collect::<Vec<_>>().join("\n")) } } }
                    }
                }
            }
        }
    }
}
