//! Reports of verdicts: HTML, figure files, text, CSV, JUnit, GitHub annotations, JSON.
//!
//! Everything is a pure function of claims, evidence and verdicts: the same input gives the same
//! bytes. Only the functions `write_...` touch the disk.

mod annotations;
mod associations;
mod badge;
mod beside;
mod bibtex;
mod bottom_line;
mod cells;
mod changes;
pub mod citation;
pub mod comparison;
mod comparison_cells;
mod contents;
mod downloads;
pub(crate) mod estimand;
mod figures;
pub mod gallery;
mod grid;
mod how_far;
mod html;
mod junit;
mod legend;
mod power;
mod readings;
mod replication;
mod section;
mod sensitivity;
mod specification_curve;
mod spreadsheet;
mod study_comparison;
mod study_figures;
mod subject;
pub mod summary;
pub mod tables;
pub(crate) mod terminal;
mod titles;
mod two_zoos;
mod verdict_table;

use std::path::{Path, PathBuf};

pub use annotations::annotations;
pub use badge::badge;
pub use bibtex::bibtex;
pub use changes::{Changes, EarlierVerdicts};
pub use comparison_cells::comparison_cells;
pub use html::html;
pub use junit::junit;
pub use specification_curve::spreadsheet_of_curve;
pub(crate) use specification_curve::write_specification_curve;
pub(crate) use spreadsheet::spreadsheet_of_choices;
pub use spreadsheet::{COLUMNS, spreadsheet};
pub(crate) use study_comparison::{study_comparison, study_comparison_cells};
pub(crate) use study_figures::{StudyFigure, study_figures, write_study_figure};
pub use terminal::write_table;
pub use verdict_table::{latex, markdown};

use crate::figure::{forest, png, scatter, svg, svg::Drawing};
use crate::{
    claim::Claim,
    evidence::Evidence,
    judge::{ClaimVerdict, expected_false_supports, false_supports_in_words},
    replication::Comparison,
    util::files::{self, Existing},
    world::World,
};

/// A claim with the verdict on it and the evidence that the verdict is from.
#[derive(Debug)]
pub struct Judged<'a> {
    /// The claim.
    pub claim: &'a Claim,
    /// The evidence.
    pub evidence: &'a Evidence,
    /// The verdict.
    pub verdict: ClaimVerdict,
    /// The command that reproduces the verdict.
    pub again: String,
    /// The command that judges the claim on a log, `FILE`.
    pub on_a_log: String,
    /// The command that computes the claim's specification curve.
    pub as_curve: String,
    /// The command that judges the claim under the choices that a critic would question.
    pub under_choices: String,
}

impl Judged<'_> {
    /// The verdict that the claim's spec expects on this evidence, in words.
    fn expectation(&self) -> String {
        match self.claim.expected.get(&self.evidence.kind) {
            Some(expected) => format!("its spec expects {}", expected.verdict),
            None => "its spec expects no verdict on this evidence".to_owned(),
        }
    }
}

/// How many verdicts are the ones that their claims expect, of those that expect one.
#[must_use]
pub fn counted_as_expected(judged: &[Judged<'_>]) -> (usize, usize) {
    let expecting = judged.iter().filter_map(|one| {
        let expected = one.claim.expected.get(&one.evidence.kind)?;
        Some(one.verdict.is(expected))
    });
    expecting.fold((0, 0), |(count, all), is| (count + usize::from(is), all + 1))
}

/// The note on a verdict that rounding on another processor may change.
const BORDERLINE: &str = "borderline: a shift of one point in every cell would change this \
                          verdict, and rounding on another processor may shift some cells";

/// The note on a verdict that one seed decides.
const HINGES: &str = "hinges on one seed: leaving out one seed in every cell changes this verdict, \
                      judged with the critical t of all seeds";

/// The false supports to expect if nothing were true; `None` for fewer than two verdicts.
fn false_supports(judged: &[Judged<'_>]) -> Option<String> {
    let expected = expected_false_supports(judged.iter().map(|one| &one.verdict));
    false_supports_in_words(&expected)
}

/// The page of verdicts, in the folder of the report.
const PAGE: &str = "index.html";

/// Why a report can't be written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ReportError {
    /// The folder can't be made.
    #[error("failed to make the folder {path}: {cause}")]
    #[diagnostic(help("give a folder that you may write to, or create it first"))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The error of the system.
        cause: std::io::Error,
    },
    /// A file in it can't be written.
    #[error("failed to write {path}: {cause}")]
    #[diagnostic(help("give a folder that you may write to, on a disk with free space"))]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        cause: std::io::Error,
    },
    /// A figure can't be rendered as PNG.
    #[error("failed to render {name} as PNG: {cause}")]
    #[diagnostic(code(report::pixels))]
    Pixels {
        /// The figure's name.
        name: String,
        /// The cause.
        cause: png::PngError,
    },
}

/// Writes the HTML report to `index.html` in a folder, which is created if it is missing, the
/// verdicts for citation to [`citation::FILE`], and the files of every figure into `figures/`.
///
/// # Errors
/// If the folder can't be created, a file can't be written, or a PNG can't be rendered.
pub fn write_html(
    folder: &Path,
    judged: &[Judged<'_>],
    comparisons: &[Comparison],
    command: &str,
) -> Result<PathBuf, ReportError> {
    make(folder)?;
    let page = write(folder, PAGE, html(judged, comparisons, command).as_bytes())?;
    downloads::write_files(folder, judged, comparisons)?;
    write(folder, citation::FILE, citation::citation(judged, command).text().as_bytes())?;
    Ok(page)
}

/// Writes each figure to an SVG file, `<claim>-<plot>.svg` or `<claim>-forest.svg` (ending in
/// `-<evidence>.svg` where claims are judged on several kinds of evidence).
///
/// # Errors
/// If the folder can't be created or a file can't be written.
pub fn write_figures(folder: &Path, judged: &[Judged<'_>]) -> Result<Vec<PathBuf>, ReportError> {
    make(folder)?;
    let mut files = Vec::new();
    for one in judged {
        for drawing in drawings(one, judged) {
            let text = svg::file(&drawing, &one.claim.title);
            files.push(write(folder, &format!("{}.svg", drawing.name), text.as_bytes())?);
        }
    }
    Ok(files)
}

/// Writes the forest plot of a verdict to `<name>.svg`; `None` if there is nothing to draw.
///
/// # Errors
/// If the folder can't be created or the file can't be written.
pub(crate) fn write_forest(
    folder: &Path,
    claim: &Claim,
    verdict: &ClaimVerdict,
    world: &World,
    name: &str,
) -> Result<Option<PathBuf>, ReportError> {
    make(folder)?;
    let Some(drawing) = forest::draw(claim, verdict, world, name.to_owned()) else {
        return Ok(None);
    };
    let text = svg::file(&drawing, &claim.title);
    write(folder, &format!("{name}.svg"), text.as_bytes()).map(Some)
}

/// Writes the scatter plots of a comparison as SVG: the first to `file`, the second to
/// `<file>-differences.svg`. Empty if there is nothing to draw.
///
/// # Errors
/// If the folder can't be created or a file can't be written.
pub(crate) fn write_scatter(
    file: &Path,
    comparison: &Comparison,
) -> Result<Vec<PathBuf>, ReportError> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let drawings = scatter::draw(comparison);
    if !drawings.is_empty() {
        make(folder)?;
    }
    let mut files = Vec::new();
    for drawing in &drawings {
        let name = if files.is_empty() {
            file.file_name().unwrap_or_default().to_string_lossy().into_owned()
        } else {
            format!("{stem}-differences.svg")
        };
        files.push(write(folder, &name, svg::file(drawing, &comparison.title).as_bytes())?);
    }
    Ok(files)
}

/// The figures of a claim that have anything to draw: forest plot, its own plots, influential
/// images.
#[must_use]
pub fn drawings(one: &Judged<'_>, all: &[Judged<'_>]) -> Vec<Drawing> {
    figures::figures(one, all).into_iter().map(|figure| figure.drawing).collect()
}

/// Checks that figures can be written into a folder, which is created if it is missing, before the
/// work that they show.
///
/// # Errors
/// If they can't.
pub fn check_figures(folder: &Path) -> Result<(), ReportError> {
    files::check_writable(folder)
        .map_err(|cause| ReportError::Folder { path: folder.to_owned(), cause })
}

/// The same for a report.
///
/// # Errors
/// If the folder is not writable, or a folder is in the place of one of its files.
pub fn check_report(folder: &Path) -> Result<(), ReportError> {
    check_figures(folder)?;
    check_figures(&folder.join(gallery::FILES))?;
    for name in [PAGE, citation::FILE, gallery::PAGE] {
        let path = folder.join(name);
        if let Err(cause) = files::check_replaceable(&path) {
            return Err(ReportError::File { path, cause });
        }
    }
    Ok(())
}

fn make(folder: &Path) -> Result<(), ReportError> {
    std::fs::create_dir_all(folder)
        .map_err(|cause| ReportError::Folder { path: folder.to_owned(), cause })
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, ReportError> {
    write_unless_kept(folder, name, bytes, Existing::Replace)
}

fn write_unless_kept(
    folder: &Path,
    name: &str,
    bytes: &[u8],
    existing: Existing,
) -> Result<PathBuf, ReportError> {
    let path = folder.join(name);
    match files::write(&path, existing, bytes) {
        Ok(()) => Ok(path),
        Err(cause) => Err(ReportError::File { path, cause }),
    }
}
