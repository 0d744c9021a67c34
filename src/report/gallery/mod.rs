//! Figures by name from evidence: charts with their captions, drawings, files of each, and the page.

mod page;

use std::path::{Path, PathBuf};

pub use page::page;

use super::{ReportError, make, write};
use crate::figure::{
    chart,
    curves::{Chart, Curve, chart_over},
    influential::{self, Influential},
    numbers::{self, grouped},
    png::png,
    published::Behind,
    svg::{self, Drawing},
};
use crate::{
    claim::{Cell, Metric, Plot, PlotAxis},
    evidence::{Evidence, means::Points},
    experiment::{Moment, Resolution},
    figure::catalogue::{Content, Curves, Figure, Gallery, Missing, missing},
    util::{Command, Folders},
};

/// How a command is spelled.
pub(crate) type Spell = fn(&Command) -> String;

/// A figure on one evidence: what there is of it, and what is missing.
#[derive(Debug)]
pub struct Exhibit<'a> {
    /// The figure, as the evidence's world has it.
    pub figure: Figure,
    /// The evidence.
    pub evidence: &'a Evidence,
    /// What it shows and the drawing of it; none where the evidence has nothing of it.
    pub drawn: Option<(Shown, Drawing)>,
    /// What keeps it from being whole.
    pub missing: Option<Missing>,
}

/// What a figure shows.
#[derive(Debug)]
pub enum Shown {
    /// Curves.
    Chart(Chart),
    /// Images.
    Pictures(Influential),
}

impl Exhibit<'_> {
    /// Its chart, where it is one and drawn.
    #[must_use]
    pub fn chart(&self) -> Option<&Chart> {
        match &self.drawn {
            Some((Shown::Chart(chart), _)) => Some(chart),
            _ => None,
        }
    }
}

/// A form of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// The drawing.
    Svg,
    /// The same in pixels.
    Png,
    /// What is drawn, as a table.
    Csv,
}

impl Form {
    /// Its files' ending.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
            Self::Csv => "csv",
        }
    }
}

/// Figures on each evidence, in the gallery's order. Commands that bring what one lacks find these folders
/// again.
#[must_use]
pub fn exhibits<'a>(
    names: &[String],
    evidence: &[&'a Evidence],
    published: &Points,
    folders: &Folders,
) -> Vec<Exhibit<'a>> {
    let galleries: Vec<Gallery> = evidence.iter().map(|of| Gallery::of(&of.world)).collect();
    let mut exhibits = Vec::new();
    let Some(first) = galleries.first() else { return exhibits };
    for (index, figure) in first.figures.iter().enumerate() {
        if !names.contains(&figure.name) {
            continue;
        }
        // One list for every world: the same place is the same figure.
        for (gallery, evidence) in galleries.iter().zip(evidence) {
            exhibits.push(exhibit(gallery.figures[index].clone(), evidence, published, folders));
        }
    }
    exhibits
}

fn exhibit<'a>(
    figure: Figure,
    evidence: &'a Evidence,
    published: &Points,
    folders: &Folders,
) -> Exhibit<'a> {
    let name = figure.file(evidence.kind);
    let drawn = match &figure.content {
        Content::Curves(_) => chart_of(&figure, evidence, published).and_then(|chart| {
            let drawing = chart::draw(&chart, name)?;
            Some((Shown::Chart(chart), drawing))
        }),
        Content::Pictures(curves) => pictures_of(curves, evidence).map(|pictures| {
            let mut drawing = influential::draw(&pictures, name);
            drawing.subtitle = in_common(curves);
            drawing.notes.splice(0..0, curves.stand_ins.clone());
            drawing.notes.push(format!("Evidence ({}): {}.", evidence.kind, evidence.title));
            (Shown::Pictures(pictures), drawing)
        }),
    };
    let missing = missing(&figure, evidence, folders);
    Exhibit { figure, evidence, drawn, missing }
}

/// A figure's curves from evidence over the published ones, with a caption that says what they are from;
/// `None` where the evidence has nothing of it.
#[must_use]
pub fn chart_of(figure: &Figure, evidence: &Evidence, published: &Points) -> Option<Chart> {
    let Content::Curves(curves) = &figure.content else { return None };
    let behind = curves.behind.as_deref().map(|figure| Behind { figure, published });
    let mut chart = chart_over(&curves.plot, evidence, behind);
    if chart.panels.is_empty() {
        return None;
    }
    chart.subtitle = in_common(curves);
    let mut notes = curves.stand_ins.clone();
    notes.push(provenance(&chart, evidence));
    notes.append(&mut chart.notes);
    chart.notes = notes;
    Some(chart)
}

fn pictures_of(curves: &Curves, evidence: &Evidence) -> Option<Influential> {
    let metric = curves.metric();
    let cells: Vec<(&Cell, &Metric)> = curves.plot.cells.iter().map(|of| (of, &metric)).collect();
    influential::of(&curves.plot.lines.iter().collect::<Vec<_>>(), &cells, evidence)
}

/// What all curves have in common, in words.
fn in_common(curves: &Curves) -> String {
    let Plot { x, lines, cells, .. } = &curves.plot;
    let (Some(line), Some(cell)) = (lines.first(), cells.first()) else { return String::new() };
    let mut parts = Vec::new();
    if lines.iter().all(|other| other.source == line.source) {
        parts.push(line.source.join("|"));
    }
    let blocks = line.blocks.first().filter(|_| lines.iter().all(|of| of.blocks == line.blocks));
    let blocks = cell.blocks.or(blocks.copied()).filter(|_| *x != PlotAxis::Blocks);
    parts.extend(blocks.map(numbers::blocks));
    let images = cell.images.filter(|_| *x != PlotAxis::Images);
    parts.extend(images.map(|images| format!("{} images", grouped(images))));
    if let (Some(Resolution::Pixels(pixels)), true) = (cell.resolution, *x != PlotAxis::Resolution)
    {
        parts.push(format!("brought down to {pixels} pixels"));
    }
    if !matches!(x, PlotAxis::Epoch | PlotAxis::Rank) {
        let best = lines.iter().any(|line| line.at == Some(Moment::Best));
        parts.push(if best { "best logged epoch" } else { "last epoch" }.to_owned());
    }
    parts.join(", ")
}

/// What a chart is from, and over how many seeds.
fn provenance(chart: &Chart, evidence: &Evidence) -> String {
    let seeds = chart.panels.iter().filter_map(|panel| panel.seeds());
    let seeds = seeds.reduce(|(low, high), (least, most)| (low.min(least), high.max(most)));
    let seeds = match seeds {
        None => "published means, which say nothing of seeds".to_owned(),
        Some((1, 1)) => "one seed a point".to_owned(),
        Some((low, high)) if low == high => format!("{low} seeds a point"),
        Some((low, high)) => format!("{low} to {high} seeds a point"),
    };
    format!("Evidence ({}): {}; {seeds}.", evidence.kind, evidence.title)
}

/// Writes a figure's files, `figure-NAME-EVIDENCE.svg` and so on, into a folder, which is made where it is
/// not there yet; nothing where nothing is drawn.
///
/// # Errors
/// Where the folder can't be made, a file can't be written, or pixels can't be had.
pub(crate) fn write_exhibit(
    folder: &Path,
    exhibit: &Exhibit<'_>,
    forms: &[Form],
) -> Result<Vec<PathBuf>, ReportError> {
    let Some((shown, drawing)) = &exhibit.drawn else { return Ok(Vec::new()) };
    make(folder)?;
    let text = svg::file(drawing, &exhibit.figure.origin());
    let mut files = Vec::new();
    for form in forms {
        let bytes = match form {
            Form::Svg => text.clone().into_bytes(),
            Form::Png => png(&text)
                .map_err(|cause| ReportError::Pixels { name: drawing.name.clone(), cause })?,
            Form::Csv => match shown {
                Shown::Chart(chart) => table(chart),
                Shown::Pictures(pictures) => influential::table(pictures),
            }
            .into_bytes(),
        };
        files.push(write(folder, &format!("{}.{}", drawing.name, form.ending()), &bytes)?);
    }
    Ok(files)
}

/// The columns of a figure's table.
pub const COLUMNS: [&str; 9] =
    ["target", "what", "curve", "x", "mean", "low", "high", "seeds", "mixed_recipes"];

/// What is drawn, as CSV: a line for each point, the published ones among them (which name no seeds).
///
/// # Panics
/// Never: writing to memory can't fail.
#[must_use]
pub fn table(chart: &Chart) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |fields: [String; 9]| writer.write_record(fields).expect("memory");
    write(COLUMNS.map(str::to_owned));
    let mut rows = |target: &str, what: &str, labels: &[String], curves: &[Curve]| {
        let optional = |value: Option<f64>| value.map_or_else(String::new, |end| end.to_string());
        for curve in curves {
            for point in &curve.points {
                let seeds = Some(point.seeds).filter(|seeds| *seeds > 0);
                write([
                    target.to_owned(),
                    what.to_owned(),
                    labels[curve.colour].clone(),
                    point.x.to_string(),
                    point.mean.to_string(),
                    optional(point.low),
                    optional(point.high),
                    seeds.map_or_else(String::new, |seeds| seeds.to_string()),
                    point.mixed.to_string(),
                ]);
            }
        }
    };
    for panel in &chart.panels {
        rows(&panel.title, "accuracy", &chart.labels, &panel.curves);
        rows(&panel.title, "difference", &chart.differences, &panel.differences);
        rows(&panel.title, "published accuracy", &chart.labels, &panel.published);
        rows(
            &panel.title,
            "published difference",
            &chart.differences,
            &panel.published_differences,
        );
    }
    let bytes = writer.into_inner().expect("memory");
    String::from_utf8(bytes).expect("made of text")
}

/// Writes the gallery: `gallery.html`, and every figure that is drawn in each form into `figures`.
///
/// # Errors
/// As `write_exhibit`.
pub fn write_gallery(
    folder: &Path,
    exhibits: &[Exhibit<'_>],
    command: &str,
    spell: Spell,
) -> Result<PathBuf, ReportError> {
    const FILES: &str = "figures";
    for exhibit in exhibits {
        write_exhibit(&folder.join(FILES), exhibit, &[Form::Svg, Form::Png, Form::Csv])?;
    }
    make(folder)?;
    write(folder, "gallery.html", page(exhibits, FILES, command, spell).as_bytes())
}
