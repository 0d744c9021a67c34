//! Groups the rows of a log into runs, and infers what the log does not state: the schedule of each
//! run, and so whether it reached its end.

use std::collections::{HashMap, HashSet};

use crate::{
    evidence::{Record, Records, Status},
    experiment::{Evaluation, Key, RecipeDigest, Seed},
    util::shown::shown,
};

/// What identifies a run.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Run {
    pub(super) key: Key,
    pub(super) seed: Seed,
}

/// Rows by run. Most logs have the rows of one run together, so the last run is compared first; the
/// map serves any other order.
#[derive(Default)]
pub(super) struct Runs {
    rows: Vec<(Run, Vec<Evaluation>)>,
    /// The line of the first row of each run.
    lines: Vec<u64>,
    index: HashMap<Run, usize>,
    /// The epochs of runs whose rows are not in their order, by the run's place: each row is then
    /// looked up, since comparing it with every earlier row of a long run takes hours.
    unordered: HashMap<usize, HashSet<u32>>,
}

/// A source model whose accuracies on a target all lie at or below 1.
pub(super) struct Fractions<'a> {
    /// The line of its first row.
    pub(super) line: u64,
    pub(super) source: &'a str,
    pub(super) target: &'a str,
    /// The number of its rows.
    pub(super) rows: usize,
}

impl Runs {
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds the row at `line`.
    pub(super) fn push(
        &mut self,
        run: Run,
        evaluation: Evaluation,
        line: u64,
    ) -> Result<(), String> {
        let place = match self.rows.last() {
            Some((last, _)) if *last == run => self.rows.len() - 1,
            _ => *self.index.entry(run.clone()).or_insert_with(|| {
                self.rows.push((run, Vec::with_capacity(8)));
                self.lines.push(line);
                self.rows.len() - 1
            }),
        };
        let (run, evaluations) = &mut self.rows[place];
        let is_next = evaluations.last().is_none_or(|last| last.epoch < evaluation.epoch);
        if !is_next || self.unordered.contains_key(&place) {
            let epochs = self
                .unordered
                .entry(place)
                .or_insert_with(|| evaluations.iter().map(|earlier| earlier.epoch).collect());
            if !epochs.insert(evaluation.epoch) {
                return Err(named(run));
            }
        }
        evaluations.push(evaluation);
        Ok(())
    }

    /// The first source model in the log whose accuracies on a target all lie at or below 1, and are
    /// not all 0, which is 0 in either unit. Single values at or below 1 are common.
    pub(super) fn fractions(&self) -> Option<Fractions<'_>> {
        let mut arms: HashMap<(&str, &str), (Fractions<'_>, f64)> = HashMap::new();
        for ((run, evaluations), &line) in self.rows.iter().zip(&self.lines) {
            let (source, target) = (&*run.key.source, &*run.key.target);
            let first = || (Fractions { line, source, target, rows: 0 }, 0.0);
            let (arm, highest) = arms.entry((source, target)).or_insert_with(first);
            arm.rows += evaluations.len();
            *highest = evaluations.iter().map(|row| row.test_accuracy).fold(*highest, f64::max);
        }
        let fractions = arms.into_values().filter(|(_, highest)| *highest > 0.0 && *highest <= 1.0);
        fractions.map(|(arm, _)| arm).min_by_key(|arm| arm.line)
    }

    /// A log does not state the planned length of a run. If the logged epochs of a run are a proper
    /// prefix of those of another run of the same key (the same arm in the same cell), the run is
    /// assumed to have had that schedule and to have stopped early. Every other run is assumed to
    /// have ended as planned: runs of other methods say nothing about it.
    pub(super) fn into_records(mut self) -> Records {
        for (_, evaluations) in &mut self.rows {
            evaluations.sort_by_key(|evaluation| evaluation.epoch);
        }
        let mut schedules: HashMap<&Key, Vec<Vec<u32>>> = HashMap::new();
        for (run, evaluations) in &self.rows {
            let known = schedules.entry(&run.key).or_default();
            if !known.iter().any(|epochs| same(epochs, evaluations)) {
                known.push(evaluations.iter().map(|evaluation| evaluation.epoch).collect());
            }
        }
        let planned: Vec<Option<u32>> = self
            .rows
            .iter()
            .map(|(run, evaluations)| {
                let count = evaluations.len();
                schedules[&run.key]
                    .iter()
                    .filter(|other| other.len() > count && same(&other[..count], evaluations))
                    .filter_map(|other| other.last().copied())
                    .max()
            })
            .collect();
        let records = self.rows.into_iter().zip(planned).filter_map(|((run, rows), planned)| {
            let last = rows.last().map_or(0, |evaluation| evaluation.epoch);
            let (epochs, status) = match planned {
                Some(epochs) => (epochs, Status::Stopped),
                None => (last, Status::Finished),
            };
            let recipe = RecipeDigest { epochs, ..RecipeDigest::default() };
            Record::new(run.key, run.seed, recipe, status, rows)
        });
        Records::new(records).expect("the rows of one run are one record")
    }
}

/// A run in words, however long its names are.
fn named(Run { key, seed }: &Run) -> String {
    let [target, source] = [&key.target, &key.source].map(|name| shown(name).into());
    format!("{}, seed {}", Key { target, source, ..key.clone() }, seed.0)
}

fn same(epochs: &[u32], evaluations: &[Evaluation]) -> bool {
    epochs.len() == evaluations.len()
        && epochs.iter().zip(evaluations).all(|(epoch, evaluation)| *epoch == evaluation.epoch)
}
