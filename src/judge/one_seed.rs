//! Whether a verdict hinges on one seed: whether leaving out any one seed, in all cells of the
//! hypothesis at once, changes it. The rest is judged with the critical t of all seeds, so that
//! only the values can change the verdict, and not the smaller number of seeds.

use std::collections::BTreeSet;

use super::{
    cell::{Analysis, Paired},
    decide::decide_with,
    interim::{Interim, Stopping, stop},
    observe::Censored,
};
use crate::experiment::{Seed, Verdict};

/// `None` for an incomplete hypothesis.
pub(super) fn hinges_on_one_seed(
    analysis: &Analysis<'_>,
    units: &[Paired<'_>],
    interims: &[Interim],
    stopping: &Stopping,
) -> Option<bool> {
    if stopping.verdict == Verdict::Incomplete {
        return None;
    }
    let used: Vec<Used<'_>> = units
        .iter()
        .zip(interims)
        .zip(&stopping.looks_used)
        .map(|((unit, interim), looks)| Used::new(analysis, unit, interim, *looks))
        .collect();
    let seeds: BTreeSet<Seed> = used.iter().flat_map(Used::seeds).collect();
    let changes = |seed: Seed| {
        let without: Vec<Interim> = used.iter().map(|used| used.without(analysis, seed)).collect();
        stop(analysis.hypothesis.holds, analysis.design, &without).verdict != stopping.verdict
    };
    Some(seeds.into_iter().any(changes))
}

/// The looks that gave a unit its answer: from the one that decided it to the last one used.
struct Used<'a> {
    unit: &'a Paired<'a>,
    interim: &'a Interim,
    /// The number of seeds of each look.
    looks: Vec<usize>,
}

impl<'a> Used<'a> {
    fn new(
        analysis: &Analysis<'_>,
        unit: &'a Paired<'_>,
        interim: &'a Interim,
        looks_used: usize,
    ) -> Self {
        let first = interim.decisive(looks_used).map_or(0, |(index, _)| index);
        let all = analysis.looks(unit.joined.rows.len());
        let looks = all.into_iter().take(looks_used).skip(first).collect();
        Self { unit, interim, looks }
    }

    fn seeds(&self) -> impl Iterator<Item = Seed> {
        let rows = self.looks.last().map_or(&[][..], |seeds| &self.unit.joined.rows[..*seeds]);
        rows.iter().map(|row| row.seed)
    }

    fn without(&self, analysis: &Analysis<'_>, seed: Seed) -> Interim {
        let answer = |seeds: &usize| {
            let rows = self.unit.joined.rows[..*seeds].iter().filter(|row| row.seed != seed);
            let values: Vec<Censored> = rows.map(|row| row.contrast).collect();
            let (relation, level) = (analysis.hypothesis.relation, analysis.level());
            let left_out = seeds - values.len();
            let added = analysis.added(self.unit, *seeds);
            decide_with(&values, left_out, relation, level, self.unit.resolution, added)
        };
        Interim { answers: self.looks.iter().map(answer).collect(), ..self.interim.clone() }
    }
}
