//! Hypotheses on published means: reported and not judged, since published means have no spread
//! over seeds.

use super::{flag::Flag, result::CellVerdict};
use crate::{
    claim::{Cell, Hypothesis, Term},
    evidence::Evidence,
    experiment::Key,
};

/// The contrast of each cell from the published means of a figure, without interval or verdict.
pub(super) fn of_means(
    hypothesis: &Hypothesis,
    figure: &str,
    evidence: &Evidence,
) -> Vec<CellVerdict> {
    let mean = |key: &Key| {
        evidence
            .means
            .iter()
            .find(|mean| mean.figure == figure && mean.key == *key)
            .map(|mean| mean.mean)
    };
    let arm = |term: &Term, cell: &Cell| {
        let values = term
            .arm
            .keys(cell, &hypothesis.metric)
            .iter()
            .map(mean)
            .collect::<Option<Vec<f64>>>()?;
        #[expect(clippy::cast_precision_loss, reason = "a handful of means")]
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let mut cells = Vec::new();
    for contrast in &hypothesis.contrasts {
        for cell in &contrast.cells {
            let terms = contrast.terms.iter();
            let value = terms.map(|term| Some(term.weight * arm(term, cell)?)).sum::<Option<f64>>();
            let reason = match value {
                Some(_) => format!("published means of figure {figure}, without seeds"),
                None => format!("figure {figure} has no mean for at least one arm"),
            };
            let flags = if value.is_some() { vec![Flag::MeansOnly] } else { vec![Flag::NoRecords] };
            cells.push(CellVerdict::descriptive(contrast, cell, hypothesis, value, reason, flags));
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{claim::suite::Suite, world::World};

    /// By hand from the points of the authors' figures (`goldens/published/figures.csv.gz`).
    #[test]
    fn a_contrast_of_published_means_is_that_of_the_figure_it_names() {
        let suite = Suite::embedded(&World::paper()).unwrap();
        let evidence = Evidence::published().unwrap();
        let few =
            [37.900 - 23.503, 50.885 - 29.366, 61.967 - 37.297, 71.192 - 49.168, 77.838 - 62.139];
        for (claim, reading, figure, name, expected) in [
            (
                "few_blocks_best",
                "nine_blocks_of_figure_4",
                "4",
                "svhn 100 images",
                (33.818 + 35.851) / 2.0 - 18.026,
            ),
            (
                "gap_shrinks_with_images",
                "of_figure_2",
                "2",
                "svhn",
                few.iter().sum::<f64>() / 5.0 - (90.459 - 82.632),
            ),
        ] {
            let readings = &suite.get(claim).unwrap().readings;
            let reading = readings.iter().find(|of| of.id == reading).unwrap();
            let cells = of_means(&reading.hypothesis, figure, &evidence);
            let cell = cells.iter().find(|cell| cell.name == name).unwrap();
            assert!((cell.mean.unwrap() - expected).abs() < 1e-9, "{cell:?}");
            let says = format!("published means of figure {figure}, without seeds");
            assert_eq!(cell.reason, says);
        }
    }
}
