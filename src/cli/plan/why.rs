//! Why a planned fine-tune has to run although the ledger may have a similar one.

use std::collections::HashMap;

use crate::{
    assets::IdentifiedTrial,
    experiment::{ENGINE_VERSION, Key, Recipe, Seed},
    store::{Ended, Entry},
};

/// The records of a ledger by name, and by world, key and seed.
pub(super) struct Why<'a> {
    by_name: HashMap<&'a str, &'a Entry>,
    similar: HashMap<(&'a str, &'a Key, Seed), Vec<&'a Entry>>,
}

impl<'a> Why<'a> {
    pub(super) fn new(entries: &'a [Entry]) -> Self {
        let mut similar: HashMap<_, Vec<&Entry>> = HashMap::new();
        for entry in entries {
            let Recipe { world, key, .. } = &entry.trial.recipe;
            similar.entry((&**world, key, entry.trial.seed)).or_default().push(entry);
        }
        let by_name = entries.iter().map(|entry| (&*entry.id, entry)).collect();
        Self { by_name, similar }
    }

    /// The reason in a few words; of several similar records, the nearest one is compared.
    pub(super) fn runs(&self, named: &IdentifiedTrial) -> String {
        match self.by_name.get(&*named.id).map(|entry| &entry.outcome) {
            Some(Ended::Failed { .. }) => return "it failed".to_owned(),
            Some(Ended::Finished(_)) => return "it has finished in the meantime".to_owned(),
            None => (),
        }
        let Recipe { world, key, .. } = &named.trial.recipe;
        let similar = self.similar.get(&(&**world, key, named.trial.seed)).into_iter().flatten();
        let nearest = similar.map(|entry| differences(named, entry)).min_by_key(Vec::len);
        nearest.map_or_else(
            || "never run".to_owned(),
            |differences| format!("a similar one is recorded: {}", differences.join(", ")),
        )
    }
}

/// The differences between a record and a trial of the same world, key and seed that change its
/// name.
fn differences(named: &IdentifiedTrial, entry: &Entry) -> Vec<String> {
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

    #[test]
    fn a_failed_record_is_found_by_its_name_among_others() {
        let (smoke, lab) = (named(&World::smoke()), named(&World::lab()));
        let other = Entry { id: "another".to_owned(), data: "e".to_owned(), ..entry(&smoke) };
        for entries in [[entry(&smoke), other.clone()], [other, entry(&smoke)]] {
            assert_eq!(Why::new(&entries).runs(&smoke), "it failed");
            // Of the same key and seed, but of another world.
            assert_eq!(Why::new(&entries).runs(&lab), "never run");
        }
    }

    #[test]
    fn the_nearest_of_several_records_is_named_with_all_differences() {
        let planned = named(&World::smoke());
        let recorded = |change: &dyn Fn(&mut Entry)| {
            let mut entry = Entry { id: "another".to_owned(), ..entry(&planned) };
            change(&mut entry);
            entry
        };
        let trained = recorded(&|entry| entry.trial.recipe.trained = Some(7));
        let far = recorded(&|entry| {
            entry.engine_version = 0;
            entry.trial.recipe.protocol.epochs += 1;
            entry.weights = "v".to_owned();
        });
        let reason = Why::new(std::slice::from_ref(&far)).runs(&planned);
        assert_eq!(
            reason,
            format!(
                "a similar one is recorded: by engine 0, this is {ENGINE_VERSION}, by another \
                 protocol, from other weights"
            )
        );
        assert_eq!(
            Why::new(&[far, trained]).runs(&planned),
            "a similar one is recorded: with another number of blocks trained"
        );
    }
}
