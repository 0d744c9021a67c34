//! Groups the rows of a log into runs, and infers what the log does not state: the schedule of each
//! run, and so whether it reached its end.

use std::collections::HashMap;

use crate::{
    evidence::{Record, Records, Status},
    experiment::{Evaluation, Key, RecipeDigest, Seed},
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
    index: HashMap<Run, usize>,
}

impl Runs {
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn push(&mut self, run: Run, evaluation: Evaluation) -> Result<(), String> {
        let place = match self.rows.last() {
            Some((last, _)) if *last == run => self.rows.len() - 1,
            _ => *self.index.entry(run.clone()).or_insert_with(|| {
                self.rows.push((run, Vec::with_capacity(8)));
                self.rows.len() - 1
            }),
        };
        let (run, evaluations) = &mut self.rows[place];
        if evaluations.iter().any(|earlier| earlier.epoch == evaluation.epoch) {
            return Err(format!("{}, seed {}", run.key, run.seed.0));
        }
        evaluations.push(evaluation);
        Ok(())
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

fn same(epochs: &[u32], evaluations: &[Evaluation]) -> bool {
    epochs.len() == evaluations.len()
        && epochs.iter().zip(evaluations).all(|(epoch, evaluation)| *epoch == evaluation.epoch)
}
