//! The specification curve of a claim: its file, its table as CSV, and its place in the report,
//! where a claim without one has the command that computes it, with the price.

use std::path::{Path, PathBuf};

use maud::{Markup, html};

use super::{
    Judged, ReportError, downloads,
    figures::{self, ClaimFigure},
    make,
    spreadsheet::csv_text,
    write,
};
use crate::{
    claim::Claim,
    figure::{numbers::counted, specification_curve::draw, svg},
    plan::{
        cost::Throughput,
        sensitivity::curve::{
            self, Curve,
            kept::{CLAIMS, kept},
        },
    },
    util::duration,
};

/// Writes the figure to `<claim>-curve.svg`; `None` if there is nothing to draw.
///
/// # Errors
/// If the folder can't be created or the file can't be written.
pub(crate) fn write_specification_curve(
    folder: &Path,
    claim: &Claim,
    curve: &Curve,
) -> Result<Option<PathBuf>, ReportError> {
    make(folder)?;
    let Some(drawing) = draw(curve, format!("{}-curve", claim.id)) else { return Ok(None) };
    let text = svg::file(&drawing, &claim.title);
    write(folder, &format!("{}.svg", drawing.name), text.as_bytes()).map(Some)
}

/// A line for each specification: whether each choice differs from the paper's, then the numbers.
#[must_use]
pub fn spreadsheet_of_curve(curve: &Curve) -> String {
    let or_empty = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let choices = || curve.factors.iter().map(|factor| factor.choice.as_str());
    let numbers = ["verdict", "unit", "margin", "seeds", "mean", "low", "high"];
    let header: Vec<&str> = ["claim"].into_iter().chain(choices()).chain(numbers).collect();
    let lines = curve.specifications.iter().map(|one| {
        let of = &one.estimate;
        let mut line = vec![curve.claim.clone()];
        line.extend(choices().map(|choice| one.has(choice).to_string()));
        line.extend([one.verdict.to_string(), curve.unit.name().to_owned()]);
        line.extend([curve.margin.to_string(), of.seeds.to_string()]);
        line.extend([of.mean, of.low, of.high].map(or_empty));
        line
    });
    csv_text(&header, lines)
}

/// The curve of a claim that was run once and kept, with its values.
#[must_use]
pub(super) fn kept_figure(one: &Judged<'_>, all: &[Judged<'_>]) -> Option<ClaimFigure> {
    let curve = kept(one.claim, one.evidence).filter(|_| is_run(one))?;
    let drawing = draw(&curve, figures::name(one, all, "curve"))?;
    Some(ClaimFigure { drawing, csv: spreadsheet_of_curve(&curve) })
}

/// Whether the claim gets a curve, from fine-tunes that can be run.
fn is_run(one: &Judged<'_>) -> bool {
    let Judged { claim, evidence, .. } = one;
    evidence.kind.is_local()
        && CLAIMS.contains(&claim.id.as_str())
        && claim.hypothesis.unavailable(&evidence.world).is_none()
}

/// The curve beside the claim if it was run once and kept; otherwise the command and its price.
/// Empty for a claim that gets no curve, and where fine-tunes can't be run.
pub(super) fn section(one: &Judged<'_>, all: &[Judged<'_>]) -> Markup {
    html! {
        @if is_run(one) {
            details {
                summary { "Specification curve" }
                div.within {
                    @match kept_figure(one, all) {
                        Some(figure) => {
                            (downloads::figure(&figure))
                            p.aside { "Run once and kept with the program. " (price(one)) ":" }
                        }
                        None => p { "Not run. " (price(one)) ":" }
                    }
                    pre { code { (one.as_curve) } }
                }
            }
        }
    }
}

/// What a curve costs if no record exists.
fn price(one: &Judged<'_>) -> String {
    let (count, cost) = curve::price(one.claim, &one.evidence.world);
    let time = duration(Throughput::REFERENCE.seconds(cost));
    format!(
        "The claim under all 16 combinations of learning rate, head, batch norms and augmentation, \
         each read at the last and at the best epoch, takes at most {}, about {time} on one thread \
         of the reference machine",
        counted(count, "fine-tune"),
    )
}
