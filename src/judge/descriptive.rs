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
