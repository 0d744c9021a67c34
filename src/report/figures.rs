//! The figures of a claim on one evidence, each with its values as CSV: forest plot, the claim's
//! own plots, influential images.

use super::{Judged, gallery, spreadsheet::csv_text, titles};
use crate::figure::{chart, curves, forest, influential, svg::Drawing};

/// A figure with its values.
#[derive(Clone, Debug)]
pub(super) struct ClaimFigure {
    /// The drawing.
    pub drawing: Drawing,
    /// What it shows, one line a point.
    pub csv: String,
}

/// The figures that have anything to draw.
#[must_use]
pub(super) fn figures(one: &Judged<'_>, all: &[Judged<'_>]) -> Vec<ClaimFigure> {
    let Judged { claim, evidence, verdict, .. } = one;
    let name = |what: &str| name(one, all, what);
    let forest = forest::draw(claim, verdict, &evidence.world, name("forest"))
        .map(|drawing| ClaimFigure { drawing, csv: of_forest(one) });
    let charts = claim.plots.iter().filter_map(|plot| {
        let chart = curves::chart(plot, evidence);
        let drawing = chart::draw(&chart, name(&plot.id))?;
        Some(ClaimFigure { drawing, csv: gallery::table(&chart) })
    });
    let pictures = influential::gallery(claim, evidence).map(|pictures| ClaimFigure {
        drawing: influential::draw(&pictures, name("gallery")),
        csv: influential::table(&pictures),
    });
    let figures = forest.into_iter().chain(charts).chain(pictures);
    figures.map(|figure| in_titles(figure, one)).collect()
}

/// A figure whose notes have titles in place of ids.
fn in_titles(mut figure: ClaimFigure, one: &Judged<'_>) -> ClaimFigure {
    for note in &mut figure.drawing.notes {
        *note = titles::in_titles(note, [], &one.evidence.world);
    }
    figure
}

/// `<claim>-<what>`, ending in the evidence where a claim is judged on several.
#[must_use]
pub(super) fn name(one: &Judged<'_>, all: &[Judged<'_>], what: &str) -> String {
    let several = all.iter().filter(|other| other.claim.id == one.claim.id).count() > 1;
    if several {
        format!("{}-{what}-{}", one.claim.id, one.evidence.kind)
    } else {
        format!("{}-{what}", one.claim.id)
    }
}

fn of_forest(one: &Judged<'_>) -> String {
    let or_empty = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let groups = forest::groups(&one.verdict, &one.evidence.world);
    let lines = groups.iter().flat_map(|group| {
        group.rows.iter().map(move |row| {
            let label = match group.counted {
                "" => row.label.clone(),
                counted => format!("{} {counted}", row.label),
            };
            let [mean, low, high] = [row.mean, row.low, row.high].map(or_empty);
            vec![group.heading.clone(), label, mean, low, high, row.verdict.to_string()]
        })
    });
    csv_text(&["group", "cell", "mean", "low", "high", "verdict"], lines)
}
