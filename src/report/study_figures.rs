//! Figures of claims about a study's log, by name, and their files.

use std::path::{Path, PathBuf};

use super::{ReportError, gallery::FigureFormat, make, spreadsheet::csv_text, write_unless_kept};
use crate::{
    claim::{Claim, Plot},
    evidence::Evidence,
    figure::{
        chart,
        curves::{self, Chart, Curve},
        forest, of_study,
        png::png,
        svg::{self, Drawing},
    },
    judge::{ClaimVerdict, judge},
    study::Study,
    util::files::Existing,
};

/// A figure of a claim.
pub(crate) struct StudyFigure<'a> {
    /// Its name, and that of its files: that of the claim, then `forest`, `bars`, `curves` or the id
    /// of a plot.
    pub name: String,
    /// The claim.
    pub claim: &'a Claim,
    /// `None` for the forest plot.
    plot: Option<Plot>,
}

/// Its drawing and its numbers as CSV.
pub(crate) struct Drawn {
    drawing: Drawing,
    table: String,
}

/// Every figure of a claim about a study's log.
pub(crate) fn study_figures<'a>(claim: &'a Claim, study: &Study) -> Vec<StudyFigure<'a>> {
    let named =
        |what: &str, plot| StudyFigure { name: format!("{}-{what}", claim.id), claim, plot };
    let plots = of_study::plots(claim, study).into_iter();
    let plots = plots.map(|plot| named(&plot.id.clone(), Some(plot)));
    std::iter::once(named("forest", None)).chain(plots).collect()
}

impl StudyFigure<'_> {
    /// What it shows, in a few words.
    pub fn what(&self) -> String {
        match &self.plot {
            None => format!("{}: every cell with its interval", self.claim.title),
            Some(plot) => plot.title.clone(),
        }
    }

    /// Draws it; `None` if the evidence has no run of it.
    pub fn draw(&self, evidence: &Evidence) -> Option<Drawn> {
        if let Some(plot) = &self.plot {
            let chart = curves::chart(plot, evidence);
            let drawing = chart::draw(&chart, self.name.clone())?;
            return Some(Drawn { table: points(&chart), drawing });
        }
        let verdict = judge(self.claim, evidence);
        let drawing = forest::draw(self.claim, &verdict, &evidence.world, self.name.clone())?;
        Some(Drawn { table: cells(&verdict), drawing })
    }
}

/// Writes the files of a figure, `CLAIM-WHAT.svg` and so on, into a folder, which is created if it
/// is missing.
///
/// # Errors
/// If the folder can't be created, a file can't be written or has to be kept, or the PNG can't be
/// rendered.
pub(crate) fn write_study_figure(
    folder: &Path,
    of: &StudyFigure<'_>,
    Drawn { drawing, table }: &Drawn,
    formats: &[FigureFormat],
    existing: Existing,
) -> Result<Vec<PathBuf>, ReportError> {
    make(folder)?;
    let text = svg::file(drawing, &of.claim.title);
    let write = |format: &FigureFormat| {
        let bytes = match format {
            FigureFormat::Svg => text.clone().into_bytes(),
            FigureFormat::Png => {
                png(&text).map_err(|cause| ReportError::Pixels { name: of.name.clone(), cause })?
            }
            FigureFormat::Csv => table.clone().into_bytes(),
        };
        let name = format!("{}.{}", of.name, format.extension());
        write_unless_kept(folder, &name, &bytes, existing)
    };
    formats.iter().map(write).collect()
}

fn optional(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// The points of a chart, a line each.
fn points(chart: &Chart) -> String {
    let columns =
        ["panel", "what", "curve", "x", "mean", "low", "high", "replicates", "mixed_evaluations"];
    let mut lines = Vec::new();
    for panel in &chart.panels {
        let mut add = |what: &str, labels: &[String], curves: &[Curve]| {
            for curve in curves {
                lines.extend(curve.points.iter().map(|point| {
                    #[expect(clippy::float_cmp, reason = "points take their values from ticks")]
                    let tick = chart.ticks.iter().find(|tick| tick.at == point.x);
                    vec![
                        panel.title.clone(),
                        what.to_owned(),
                        labels[curve.colour].clone(),
                        tick.map_or_else(|| point.x.to_string(), |tick| tick.label.clone()),
                        point.mean.to_string(),
                        optional(point.low),
                        optional(point.high),
                        point.seeds.to_string(),
                        point.mixed.to_string(),
                    ]
                }));
            }
        };
        add(&chart.wording.scale, &chart.labels, &panel.curves);
        add("difference", &chart.differences, &panel.differences);
    }
    csv_text(&columns, lines.into_iter())
}

/// The averages and cells of a verdict, a line each.
fn cells(verdict: &ClaimVerdict) -> String {
    let columns = ["contrast", "cell", "replicates", "mean", "low", "high", "verdict"];
    let lines = verdict.averages.iter().chain(&verdict.cells).map(|cell| {
        vec![
            cell.contrast.clone(),
            cell.name.clone(),
            cell.seeds.to_string(),
            optional(cell.mean),
            optional(cell.low),
            optional(cell.high),
            cell.verdict.to_string(),
        ]
    });
    csv_text(&columns, lines)
}
