//! Whether a verdict hinges on one seed: whether leaving out any one seed, in all cells of the
//! hypothesis at once, changes it. The rest is judged with the critical t of all seeds, so that
//! only the values can change the verdict, and not the smaller number of seeds.

use std::collections::BTreeMap;

use super::{
    cell::{Analysis, Paired},
    decide::decide_with,
    interim::{Interim, Stopping, stop},
    join::{Independent, Row},
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
    let mut values: BTreeMap<One, Vec<Left>> = BTreeMap::new();
    for (unit, used) in used.iter().enumerate() {
        for (one, position, row) in used.rows(analysis) {
            let of = |look: &&usize| analysis.of_each(**look) > position;
            let looks = used.looks.iter().filter(of).count();
            let Censored { low, high, finished } = row.contrast;
            let left = Left { unit, looks, ends: [low, high].map(f64::to_bits), finished };
            values.entry(one).or_default().push(left);
        }
    }
    // Seeds that leave the same out have one answer, as planned runs that are absent.
    let different: BTreeMap<_, One> =
        values.into_iter().map(|(one, left)| ((one.0.clone(), left), one)).collect();
    let changes = |one: One| {
        let without: Vec<Interim> = used.iter().map(|used| used.without(analysis, &one)).collect();
        stop(analysis.hypothesis.holds, analysis.design, &without).verdict != stopping.verdict
    };
    Some(different.into_values().any(changes))
}

/// What leaving a seed out leaves out of a unit.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Left {
    unit: usize,
    /// Of how many looks it is a part.
    looks: usize,
    /// The bits of the ends of its value.
    ends: [u64; 2],
    finished: bool,
}

/// One seed: of one arm where arms share none, else of all.
type One = (Option<String>, Seed);

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
        let all = analysis.looks(unit.joined.replicates());
        let looks = all.into_iter().take(looks_used).skip(first).collect();
        Self { unit, interim, looks }
    }

    /// The seeds of its last look, with their places and values.
    fn rows(&self, analysis: &Analysis<'_>) -> Vec<(One, usize, &'a Row)> {
        let Some(look) = self.looks.last() else { return Vec::new() };
        let (joined, count) = (&self.unit.joined, analysis.of_each(*look));
        let of = |name: Option<String>, rows: &'a [Row]| {
            let rows = rows.iter().take(count).enumerate();
            rows.map(move |(position, row)| ((name.clone(), row.seed), position, row))
        };
        let arms = joined.independent.iter().flat_map(|arm| of(Some(self.name(arm)), &arm.rows));
        of(None, &joined.rows).chain(arms).collect()
    }

    fn name(&self, arm: &Independent) -> String {
        self.unit.contrast.terms[arm.terms[0]].arm.name.clone()
    }

    fn without(&self, analysis: &Analysis<'_>, (of_arm, seed): &One) -> Interim {
        let answer = |look: &usize| {
            let groups = Analysis::groups(self.unit, analysis.of_each(*look), |arm, row| {
                row.seed == *seed && arm.map(|arm| self.name(arm)) == *of_arm
            });
            decide_with(&groups, analysis.test(self.unit, *look))
        };
        Interim { answers: self.looks.iter().map(answer).collect(), ..self.interim.clone() }
    }
}
