//! The figures of a report with the files of each: the drawing as SVG and PNG, and its values as
//! CSV, in the folder of the gallery's files.

use std::path::Path;

use maud::{Markup, html};

use super::{
    Judged, ReportError,
    comparison_cells::comparison_cells,
    figures::{ClaimFigure, figures},
    gallery::{FILES, FigureFormat},
    make,
    specification_curve::kept_figure,
    write,
};
use crate::{
    figure::{png::png, scatter, svg},
    replication::Comparison,
};

/// The formats of every figure, in the order of the links.
const FORMATS: [FigureFormat; 3] = [FigureFormat::Csv, FigureFormat::Svg, FigureFormat::Png];

/// A figure on the page with links to its files.
#[must_use]
pub(super) fn figure(figure: &ClaimFigure) -> Markup {
    let name = &figure.drawing.name;
    let links = html! {
        p.note.files {
            @for format in FORMATS {
                @let extension = format.extension();
                a href=(format!("{FILES}/{name}.{extension}"))
                    aria-label=(format!("{} of {name}", extension.to_uppercase()))
                {
                    (extension.to_uppercase())
                }
                " "
            }
        }
    };
    svg::figure_with(&figure.drawing, &links)
}

/// The figures of a comparison: means, then differences. Both have its table.
#[must_use]
pub(super) fn of_comparison(comparison: &Comparison) -> Vec<ClaimFigure> {
    let drawings = scatter::draw(comparison);
    let csv = if drawings.is_empty() { String::new() } else { comparison_cells(comparison) };
    drawings.into_iter().map(|drawing| ClaimFigure { drawing, csv: csv.clone() }).collect()
}

/// Writes the files of every figure on the page.
pub(super) fn write_files(
    folder: &Path,
    judged: &[Judged<'_>],
    comparisons: &[Comparison],
) -> Result<(), ReportError> {
    let folder = folder.join(FILES);
    make(&folder)?;
    for one in judged {
        for figure in figures(one, judged).iter().chain(&kept_figure(one, judged)) {
            write_figure(&folder, figure, &one.claim.title)?;
        }
    }
    for comparison in comparisons {
        for figure in of_comparison(comparison) {
            write_figure(&folder, &figure, &comparison.title)?;
        }
    }
    Ok(())
}

fn write_figure(folder: &Path, figure: &ClaimFigure, of: &str) -> Result<(), ReportError> {
    let ClaimFigure { drawing, csv } = figure;
    let text = svg::file(drawing, of);
    for format in FORMATS {
        let bytes = match format {
            FigureFormat::Svg => text.clone().into_bytes(),
            FigureFormat::Csv => csv.clone().into_bytes(),
            FigureFormat::Png => png(&text)
                .map_err(|cause| ReportError::Pixels { name: drawing.name.clone(), cause })?,
        };
        write(folder, &format!("{}.{}", drawing.name, format.extension()), &bytes)?;
    }
    Ok(())
}
