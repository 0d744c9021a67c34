//! The contrast values that a hypothesis is judged on, one a seed, for anyone who compares two of
//! them.

use super::{join::join, observe::Censored};
use crate::{claim::Hypothesis, evidence::Evidence, experiment::Seed};

/// The values of one unit: a cell, or an average over cells.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitValues {
    /// The unit in a few words; unique together with `contrast`.
    pub name: String,
    /// The contrast in symbols.
    pub contrast: String,
    /// One value a seed in common to all arms, by increasing seed, in the metric's unit. Empty
    /// where the unit can't be judged.
    pub values: Vec<(Seed, Censored)>,
}

/// The values of each unit, in the order in which the judge reports units.
#[must_use]
pub fn unit_values(hypothesis: &Hypothesis, evidence: &Evidence) -> Vec<UnitValues> {
    let mut units = Vec::new();
    for contrast in &hypothesis.contrasts {
        for (named, cells) in contrast.units(&hypothesis.average_over) {
            let joined = join(&contrast.terms, &cells, &hypothesis.metric, evidence);
            let judgeable = joined.mixed_recipes.is_none();
            let rows = joined.rows.iter().filter(|_| judgeable);
            units.push(UnitValues {
                name: hypothesis.cell_name(&named),
                contrast: contrast.label.clone(),
                values: rows.map(|row| (row.seed, row.contrast)).collect(),
            });
        }
    }
    units
}
