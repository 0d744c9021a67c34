//! Drawings: SVG panels with a legend and notes. On a page each panel is its own SVG element, so
//! that three columns can become one on narrow screens; a file contains all panels and is
//! self-contained.

use maud::{Markup, PreEscaped, html};

use super::{
    numbers::place,
    palette::{CURVES, DIFFERENCES, FIGURE_STYLE, concrete},
};
use crate::experiment::Verdict;

/// Width of a panel in unscaled pixels: three fit on a wide screen, one on a phone.
pub const PANEL_WIDTH: f64 = 360.0;
const GAP: f64 = 24.0;
const COLUMNS: usize = 3;
/// The width of a character of notes, in pixels: of prose in Helvetica, half of the size.
const CHARACTER: f64 = 5.0;

/// A drawn figure.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// Name of its file, without extension.
    pub name: String,
    /// Title.
    pub title: String,
    /// The contrasts or the common coordinates; may be empty.
    pub subtitle: String,
    /// Marks and their meaning.
    pub legend: Vec<(Mark, String)>,
    /// Its panels; never empty.
    pub panels: Vec<PanelDrawing>,
    /// Notes below the panels, as sentences.
    pub notes: Vec<String>,
}

/// One panel, [`PANEL_WIDTH`] wide.
#[derive(Clone, Debug)]
pub struct PanelDrawing {
    /// Title, for screen readers.
    pub title: String,
    /// Its main numbers in words, for screen readers.
    pub description: String,
    /// Height in pixels.
    pub height: f64,
    /// The SVG elements.
    pub body: Markup,
}

/// A mark: colour and shape together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The point of a curve, by its index.
    Curve(usize),
    /// The point of a curve that mixes recipes.
    Open(usize),
    /// The point of a difference, by its index.
    Difference(usize),
    /// A published curve.
    Published,
    /// A cell's verdict.
    Verdict(Verdict),
    /// A cell that can't be judged.
    Unjudged,
}

impl Mark {
    /// The CSS class with its colour.
    #[must_use]
    pub fn class(self) -> String {
        match self {
            Self::Curve(index) | Self::Open(index) => format!("c{}", index % CURVES),
            Self::Difference(index) => format!("d{}", index % DIFFERENCES),
            Self::Published => "published".to_owned(),
            Self::Verdict(verdict) => verdict.name().to_owned(),
            Self::Unjudged => "incomplete".to_owned(),
        }
    }

    /// Draws the mark centred at a point, in the colour of the enclosing group.
    #[must_use]
    pub fn draw(self, x: f64, y: f64) -> Markup {
        let around = |shape: &str| format!("M{} {}{shape}", place(x), place(y));
        let path = |class: &str, shape: &str| html! { path class=(class) d=(around(shape)) {} };
        let circle = |class: &str, r: &str| {
            html! { circle class=(class) cx=(place(x)) cy=(place(y)) r=(r) {} }
        };
        match self {
            Self::Curve(index) => shape("dot", index, x, y),
            Self::Open(index) => shape("open", index, x, y),
            Self::Difference(index) if index % DIFFERENCES == 0 => circle("dot", "2.4"),
            Self::Difference(index) => shape("dot", index, x, y),
            Self::Published => path("curve", "m-7 0h14"),
            Self::Verdict(Verdict::Supported) => path("dot", "m-3.4-3.4h6.8v6.8h-6.8z"),
            Self::Verdict(Verdict::Refuted) => path("stroke", "m-3.8-3.8l7.6 7.6m0-7.6l-7.6 7.6"),
            Self::Verdict(Verdict::Inconclusive) => circle("open", "3.6"),
            Self::Verdict(Verdict::Incomplete) | Self::Unjudged => path("stroke", "m-4 0h8"),
        }
    }
}

fn shape(class: &str, index: usize, x: f64, y: f64) -> Markup {
    let around = match index % CURVES {
        0 => return html! { circle class=(class) cx=(place(x)) cy=(place(y)) r="2.7" {} },
        1 => "m-2.5-2.5h5v5h-5z",
        2 => "m0-3.4l3.2 5.8h-6.4z",
        3 => "m0-3.6l3.6 3.6l-3.6 3.6l-3.6-3.6z",
        4 => "m0 3.4l3.2-5.8h-6.4z",
        _ => "m-3.2-1h6.4v2h-6.4z",
    };
    html! { path class=(class) d=(format!("M{} {}{around}", place(x), place(y))) {} }
}

/// Text with control characters, which XML forbids, replaced.
fn legible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A drawing as an element of a page, whose style has the colours.
#[must_use]
pub fn figure(drawing: &Drawing) -> Markup {
    figure_with(drawing, &html! {})
}

/// The same with more below it, such as links to its files.
#[must_use]
pub fn figure_with(drawing: &Drawing, below: &Markup) -> Markup {
    html! {
        figure id=(drawing.name) data-panels=(drawing.panels.len()) {
            figcaption {
                (drawing.title)
                @if !drawing.subtitle.is_empty() { code { (drawing.subtitle) } }
            }
            div.legend {
                @for (mark, label) in &drawing.legend { span.entry { (key(*mark)) (label) } }
            }
            div.panels {
                @for panel in &drawing.panels {
                    @let (width, height) = (place(PANEL_WIDTH), place(panel.height));
                    svg.fig role="img" viewBox=(format!("0 0 {width} {height}")) {
                        title { (legible(&panel.title)) }
                        desc { (legible(&panel.description)) }
                        (panel.body)
                    }
                }
            }
            @for note in &drawing.notes { p.note { (note) } }
            (below)
        }
    }
}

/// A mark in running text, next to a word with the same meaning.
#[must_use]
pub fn key(mark: Mark) -> Markup {
    html! {
        svg.fig.key aria-hidden="true" viewBox="0 0 14 14" width="14" height="14" {
            title { "mark" }
            g class=(mark.class()) { (mark.draw(7.0, 7.0)) }
        }
    }
}

/// A drawing as a self-contained SVG file: white background, own colours, panels in up to three
/// columns. `claim` is the title of the claim or the origin of the figure.
#[must_use]
pub fn file(drawing: &Drawing, claim: &str) -> String {
    const TITLE_LINE: f64 = 20.0;
    const LINE: f64 = 15.0;
    let columns = drawing.panels.len().clamp(1, COLUMNS);
    #[expect(clippy::cast_precision_loss, reason = "a handful of columns, rows and lines")]
    let times = |count: usize, size: f64| count as f64 * size;
    let width = times(columns, PANEL_WIDTH + GAP) + GAP;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some hundreds")]
    let characters = ((width - 2.0 * GAP) / CHARACTER) as usize;
    let (legend, legend_height) = legend(drawing, width);
    let title = wrapped(&legible(&drawing.title), characters * 5 / 8);
    let below_title = [claim, &drawing.subtitle].map(|text| wrapped(&legible(text), characters));
    let subtitle = below_title.concat();
    let head = 16.0 + times(title.len(), TITLE_LINE) + times(subtitle.len(), LINE);
    let mut top = head + legend_height + 8.0;
    let mut rows = Vec::new();
    for row in drawing.panels.chunks(columns) {
        rows.push((top, row));
        top += row.iter().map(|panel| panel.height).fold(0.0, f64::max) + GAP;
    }
    let notes: Vec<String> =
        drawing.notes.iter().flat_map(|note| wrapped(&legible(note), characters)).collect();
    let height = top + times(notes.len(), LINE) + GAP / 2.0;
    let (wide, high) = (place(width), place(height));
    let description: Vec<String> = drawing
        .panels
        .iter()
        .map(|panel| format!("{}: {}", panel.title, panel.description))
        .collect();
    let markup = html! {
        svg.fig xmlns="http://www.w3.org/2000/svg" role="img"
            viewBox=(format!("0 0 {wide} {high}")) width=(wide) height=(high)
        {
            title { (legible(&drawing.title)) }
            desc { (legible(&description.join(" "))) }
            style { (PreEscaped(concrete(FIGURE_STYLE))) }
            rect width=(wide) height=(high) fill="#ffffff" {}
            @for (index, line) in title.iter().enumerate() {
                text.b x=(place(GAP)) y=(place(28.0 + times(index, TITLE_LINE))) font-size="15" {
                    (line)
                }
            }
            @for (index, line) in subtitle.iter().enumerate() {
                @let y = 28.0 + times(title.len(), TITLE_LINE) + times(index, LINE);
                text.s x=(place(GAP)) y=(place(y)) {
                    (line)
                }
            }
            g transform=(format!("translate(0 {})", place(head))) { (legend) }
            @for (top, row) in &rows {
                @for (column, panel) in row.iter().enumerate() {
                    @let left = GAP + times(column, PANEL_WIDTH + GAP);
                    g transform=(format!("translate({} {})", place(left), place(*top))) {
                        (panel.body)
                    }
                }
            }
            @for (index, note) in notes.iter().enumerate() {
                text.s x=(place(GAP)) y=(place(top + times(index, LINE))) { (note) }
            }
        }
    };
    markup.into_string() + "\n"
}

/// The legend of a file, with its height in pixels.
fn legend(drawing: &Drawing, width: f64) -> (Markup, f64) {
    const ROW: f64 = 20.0;
    let (mut x, mut y) = (GAP, 14.0);
    let mut entries = Vec::new();
    for (mark, label) in &drawing.legend {
        let wide = 34.0 + text_width(label, 11.0);
        if x > GAP && x + wide > width - GAP {
            (x, y) = (GAP, y + ROW);
        }
        entries.push((*mark, label, x, y));
        x += wide;
    }
    let height = if drawing.legend.is_empty() { 0.0 } else { y - 14.0 + ROW };
    let markup = html! {
        @for (mark, label, x, y) in entries {
            g class=(mark.class()) { (mark.draw(x + 7.0, y - 4.0)) }
            text x=(place(x + 18.0)) y=(place(y)) { (legible(label)) }
        }
    };
    (markup, height)
}

/// The approximate width of a text in pixels, from its number of characters.
#[must_use]
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a label's length")]
    let characters = text.chars().count() as f64;
    characters * size * 0.56
}

/// Wraps text at spaces to lines of at most `characters` characters.
fn wrapped(text: &str, characters: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= characters => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_notes_are_wrapped_at_spaces() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("", 7), Vec::<String>::new());
    }

    #[test]
    fn characters_that_xml_forbids_are_replaced() {
        assert_eq!(legible("a\u{0}b"), "a\u{fffd}b");
    }
}
