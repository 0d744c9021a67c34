//! The gallery: figures of the catalogue rendered from evidence, with captions, files of each, and
//! the page `gallery.html`.

mod page;

use std::path::{Path, PathBuf};

pub use page::page;

use super::{ReportError, make, write, write_unless_kept};
use crate::figure::{
    chart,
    curves::{Chart, Curve, chart_over},
    influential::{self, Influential},
    numbers::{self, grouped},
    png::png,
    published::PublishedFigure,
    svg::{self, Drawing},
};
use crate::{
    claim::{Cell, Metric, Plot, PlotAxis},
    evidence::{Evidence, means::Points},
    experiment::{Moment, Resolution},
    figure::catalogue::{Content, Curves, Figure, FigureCatalogue, MissingRecords, missing},
    util::{Command, Folders, files::Existing},
};

/// Writes a command as a command line; `cli` provides it.
pub(crate) type Spell = fn(&Command) -> String;

/// A figure on one evidence: its drawing and its missing records.
#[derive(Debug)]
pub struct RenderedFigure<'a> {
    /// The figure, as the evidence's world has it.
    pub figure: Figure,
    /// The evidence.
    pub evidence: &'a Evidence,
    /// The content and its drawing; `None` if the evidence has no record for it.
    pub drawn: Option<(RenderedContent, Drawing)>,
    /// The missing records, if any.
    pub missing: Option<MissingRecords>,
}

/// What a figure shows.
#[derive(Debug)]
pub enum RenderedContent {
    /// Curves.
    Chart(Box<Chart>),
    /// Images.
    Pictures(Influential),
}

impl RenderedFigure<'_> {
    /// The chart, if it is drawn and is a chart.
    #[must_use]
    pub fn chart(&self) -> Option<&Chart> {
        match &self.drawn {
            Some((RenderedContent::Chart(chart), _)) => Some(&**chart),
            _ => None,
        }
    }
}

/// A file format of figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FigureFormat {
    /// The drawing.
    Svg,
    /// The drawing, rendered to pixels.
    Png,
    /// The drawn values, as a table.
    Csv,
}

impl FigureFormat {
    /// The file extension.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
            Self::Csv => "csv",
        }
    }
}

/// Renders the named figures on each evidence, in the order of the catalogue. Commands for missing
/// records name `folders`.
#[must_use]
pub fn render_figures<'a>(
    names: &[String],
    evidence: &[&'a Evidence],
    published: &Points,
    folders: &Folders,
) -> Vec<RenderedFigure<'a>> {
    let galleries: Vec<FigureCatalogue> =
        evidence.iter().map(|of| FigureCatalogue::new(&of.world)).collect();
    let mut figures = Vec::new();
    let Some(first) = galleries.first() else { return figures };
    for (index, figure) in first.figures.iter().enumerate() {
        if !names.contains(&figure.name) {
            continue;
        }
        // The catalogue has the same figures in the same order in every world.
        for (gallery, evidence) in galleries.iter().zip(evidence) {
            figures.push(render_figure(
                gallery.figures[index].clone(),
                evidence,
                published,
                folders,
            ));
        }
    }
    figures
}

fn render_figure<'a>(
    figure: Figure,
    evidence: &'a Evidence,
    published: &Points,
    folders: &Folders,
) -> RenderedFigure<'a> {
    let name = figure.file(evidence.kind);
    let drawn = match &figure.content {
        Content::Curves(_) => chart_of(&figure, evidence, published).and_then(|chart| {
            let drawing = chart::draw(&chart, name)?;
            Some((RenderedContent::Chart(Box::new(chart)), drawing))
        }),
        Content::Pictures(curves) => pictures_of(curves, evidence).map(|pictures| {
            let mut drawing = influential::draw(&pictures, name);
            drawing.subtitle = in_common(curves);
            drawing.notes.splice(0..0, curves.stand_ins.clone());
            drawing.notes.push(format!("Evidence ({}): {}.", evidence.kind, evidence.title));
            (RenderedContent::Pictures(pictures), drawing)
        }),
    };
    let missing = missing(&figure, evidence, folders);
    RenderedFigure { figure, evidence, drawn, missing }
}

/// The chart of a figure from evidence, with the published curves and a caption that names the
/// sources; `None` if the evidence has no record for it.
#[must_use]
pub fn chart_of(figure: &Figure, evidence: &Evidence, published: &Points) -> Option<Chart> {
    let Content::Curves(curves) = &figure.content else { return None };
    let published_figure = curves.published_figure.as_deref();
    let published_figure = published_figure.map(|figure| PublishedFigure { figure, published });
    let mut chart = chart_over(&curves.plot, evidence, published_figure);
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
    influential::influential(&curves.plot.lines.iter().collect::<Vec<_>>(), &cells, evidence)
}

/// What all curves have in common.
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
        parts.push(format!("downscaled to {pixels} pixels"));
    }
    if !matches!(x, PlotAxis::Epoch | PlotAxis::Rank) {
        let best = lines.iter().any(|line| line.at == Some(Moment::Best));
        parts.push(if best { "best logged epoch" } else { "last epoch" }.to_owned());
    }
    parts.join(", ")
}

/// The evidence of a chart and its number of seeds.
fn provenance(chart: &Chart, evidence: &Evidence) -> String {
    let seeds = chart.panels.iter().filter_map(|panel| panel.seeds());
    let seeds = seeds.reduce(|(low, high), (least, most)| (low.min(least), high.max(most)));
    let seeds = match seeds {
        None => "published means, number of seeds unknown".to_owned(),
        Some((1, 1)) => "one seed per point".to_owned(),
        Some((low, high)) if low == high => format!("{low} seeds per point"),
        Some((low, high)) => format!("{low} to {high} seeds per point"),
    };
    format!("Evidence ({}): {}; {seeds}.", evidence.kind, evidence.title)
}

/// Writes a figure's files, `figure-NAME-EVIDENCE.svg` and so on, into a folder, which is created
/// if it is missing. Writes nothing if nothing is drawn.
///
/// # Errors
/// If the folder can't be created, a file can't be written or has to be kept, or the PNG can't be
/// rendered.
pub(crate) fn write_figure(
    folder: &Path,
    rendered: &RenderedFigure<'_>,
    formats: &[FigureFormat],
    existing: Existing,
) -> Result<Vec<PathBuf>, ReportError> {
    let Some((content, drawing)) = &rendered.drawn else { return Ok(Vec::new()) };
    make(folder)?;
    let text = svg::file(drawing, &rendered.figure.origin());
    let mut files = Vec::new();
    for format in formats {
        let bytes = match format {
            FigureFormat::Svg => text.clone().into_bytes(),
            FigureFormat::Png => png(&text)
                .map_err(|cause| ReportError::Pixels { name: drawing.name.clone(), cause })?,
            FigureFormat::Csv => match content {
                RenderedContent::Chart(chart) => table(chart),
                RenderedContent::Pictures(pictures) => influential::table(pictures),
            }
            .into_bytes(),
        };
        let name = format!("{}.{}", drawing.name, format.extension());
        files.push(write_unless_kept(folder, &name, &bytes, existing)?);
    }
    Ok(files)
}

/// The columns of [`table`]. Accuracies are in percent, differences in points.
pub const COLUMNS: [&str; 9] =
    ["target", "what", "curve", "x", "mean", "low", "high", "seeds", "mixed_recipes"];

/// The points of a chart as CSV, one line each, including the published ones (without seeds).
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

/// The page, in the folder of the report.
pub(super) const PAGE: &str = "gallery.html";
/// The folder of its files, in the same.
pub(super) const FILES: &str = "figures";

/// Writes the gallery: `gallery.html`, and each drawn figure in every format into `figures/`.
///
/// # Errors
/// If a folder can't be created, a file can't be written, or a PNG can't be rendered.
pub fn write_gallery(
    folder: &Path,
    figures: &[RenderedFigure<'_>],
    command: &str,
    spell: Spell,
) -> Result<PathBuf, ReportError> {
    for rendered in figures {
        let formats = [FigureFormat::Svg, FigureFormat::Png, FigureFormat::Csv];
        write_figure(&folder.join(FILES), rendered, &formats, Existing::Replace)?;
    }
    make(folder)?;
    write(folder, PAGE, page(figures, FILES, command, spell).as_bytes())
}
