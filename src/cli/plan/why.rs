//! Why a planned fine-tune has to run although the ledger may have a similar one.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{
    assets::IdentifiedTrial,
    experiment::{ENGINE_VERSION, Key, Recipe, Seed, Trial},
    store::{Damaged, Ended, Entry, Ledger, LedgerError},
};

/// World, key and seed of a trial.
type Point = (Arc<str>, Key, Seed);

/// The records of a ledger that are of planned fine-tunes, or similar to one: by name, and by
/// world, key and seed.
#[derive(Default)]
pub(super) struct Why {
    /// Whether the record of this name finished.
    finished: HashMap<String, bool>,
    similar: HashMap<Point, Vec<Similar>>,
}

/// What decides the name of a record.
struct Similar {
    trial: Trial,
    engine_version: u32,
    weights: String,
    data: String,
}

impl Why {
    /// Reads the ledger.
    pub(super) fn read<'a>(
        planned: impl IntoIterator<Item = &'a IdentifiedTrial>,
        ledger: &Ledger,
        damaged: &mut dyn FnMut(Damaged),
    ) -> Result<Self, LedgerError> {
        let points: HashSet<Point> = planned.into_iter().map(|named| point(&named.trial)).collect();
        let take = |entry: Entry| {
            let Entry { id, trial, engine_version, weights, data, outcome, .. } = entry;
            let finished = matches!(outcome, Ended::Finished(_));
            let similar = Similar { trial, engine_version, weights, data };
            points.contains(&point(&similar.trial)).then_some((id, finished, similar))
        };
        // Where nothing runs, no record has to say why.
        let found = if points.is_empty() { Vec::new() } else { ledger.map(damaged, &take)? };
        let mut why = Self::default();
        for (id, finished, similar) in found {
            why.finished.insert(id, finished);
            why.similar.entry(point(&similar.trial)).or_default().push(similar);
        }
        Ok(why)
    }

    /// The reason in a few words; of several similar records, the nearest one is compared.
    pub(super) fn runs(&self, named: &IdentifiedTrial) -> String {
        match self.finished.get(&named.id) {
            Some(false) => return "it failed".to_owned(),
            Some(true) => return "it has finished in the meantime".to_owned(),
            None => (),
        }
        let similar = self.similar.get(&point(&named.trial)).into_iter().flatten();
        let nearest = similar.map(|entry| differences(named, entry)).min_by_key(Vec::len);
        nearest.map_or_else(
            || "never run".to_owned(),
            |differences| format!("a similar one is recorded: {}", differences.join(", ")),
        )
    }
}

fn point(trial: &Trial) -> Point {
    let Recipe { world, key, .. } = &trial.recipe;
    (world.clone(), key.clone(), trial.seed)
}

/// The differences between a record and a trial of the same world, key and seed that change its
/// name.
fn differences(named: &IdentifiedTrial, entry: &Similar) -> Vec<String> {
    let (recorded, planned) = (&entry.trial.recipe, &named.trial.recipe);
    let engine = (entry.engine_version != ENGINE_VERSION)
        .then(|| format!("by engine {}, this is {ENGINE_VERSION}", entry.engine_version));
    let others = [
        (recorded.protocol != planned.protocol, "by another protocol"),
        (recorded.trained != planned.trained, "with another number of blocks trained"),
        (recorded.influence != planned.influence, "with another measurement of influence"),
        (entry.weights != named.weights, "from other weights"),
        (entry.data != named.data, "on other images"),
    ];
    let others = others.into_iter().filter(|(differs, _)| *differs);
    engine.into_iter().chain(others.map(|(_, words)| words.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{experiment::Trial, store::Provenance, world::World};

    fn named(world: &World) -> IdentifiedTrial {
        let recipe = world.recipe(Key::new("kmnist", "natural", 3, 400));
        let trial = Trial { recipe, seed: Seed(1) };
        let (weights, data) = ("w".to_owned(), "d".to_owned());
        IdentifiedTrial { id: trial.id(&weights, &data), trial, weights, data }
    }

    /// A record of a trial that failed.
    fn entry(of: &IdentifiedTrial) -> Entry {
        Entry {
            id: of.id.clone(),
            trial: of.trial.clone(),
            engine_version: ENGINE_VERSION,
            weights: of.weights.clone(),
            data: of.data.clone(),
            outcome: Ended::Failed { reason: "a test".to_owned() },
            provenance: Provenance {
                program: String::new(),
                engine: String::new(),
                processor: String::new(),
                started: 0,
                seconds: 1.0,
                images: None,
            },
        }
    }

    /// The same with a change, under the name that it then has.
    fn changed(of: &IdentifiedTrial, change: &dyn Fn(&mut Entry)) -> Entry {
        let mut entry = entry(of);
        change(&mut entry);
        let Entry { trial, engine_version, weights, data, .. } = &entry;
        Entry { id: trial.id_by(*engine_version, weights, data), ..entry }
    }

    fn why(planned: &[&IdentifiedTrial], entries: &[Entry]) -> Why {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::new(folder.path().to_owned());
        entries.iter().for_each(|entry| drop(ledger.put(entry).unwrap()));
        Why::read(planned.iter().copied(), &ledger, &mut |file| panic!("{file:?}")).unwrap()
    }

    #[test]
    fn a_failed_record_is_found_by_its_name_among_others() {
        let (smoke, lab) = (named(&World::smoke()), named(&World::lab()));
        let other = changed(&smoke, &|entry| entry.data = "e".to_owned());
        let why = why(&[&smoke, &lab], &[entry(&smoke), other]);
        assert_eq!(why.runs(&smoke), "it failed");
        // Of the same key and seed, but of another world.
        assert_eq!(why.runs(&lab), "never run");
    }

    #[test]
    fn the_nearest_of_several_records_is_named_with_all_differences() {
        let planned = named(&World::smoke());
        let recorded = |change: &dyn Fn(&mut Entry)| changed(&planned, change);
        let trained = recorded(&|entry| entry.trial.recipe.trained = Some(7));
        let far = recorded(&|entry| {
            entry.engine_version = 0;
            entry.trial.recipe.protocol.learning_rate = 0.5;
            entry.weights = "v".to_owned();
        });
        let reason = why(&[&planned], std::slice::from_ref(&far)).runs(&planned);
        assert_eq!(
            reason,
            format!(
                "a similar one is recorded: by engine 0, this is {ENGINE_VERSION}, by another \
                 protocol, from other weights"
            )
        );
        assert_eq!(
            why(&[&planned], &[far, trained]).runs(&planned),
            "a similar one is recorded: with another number of blocks trained"
        );
    }
}
