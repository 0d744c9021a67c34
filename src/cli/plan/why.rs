//! Why a planned fine-tune has to run although a ledger may have one like it.

use std::collections::HashMap;

use crate::{
    assets::Named,
    experiment::{ENGINE_VERSION, Key, Recipe, Seed},
    store::{Ended, Entry},
};

/// Entries of a ledger by their names, and by world, key and seed: why none of them is the one that is
/// planned.
pub(super) struct Why<'a> {
    by_name: HashMap<&'a str, &'a Entry>,
    alike: HashMap<(&'a str, &'a Key, Seed), Vec<&'a Entry>>,
}

impl<'a> Why<'a> {
    pub(super) fn new(entries: &'a [Entry]) -> Self {
        let mut alike: HashMap<_, Vec<&Entry>> = HashMap::new();
        for entry in entries {
            let Recipe { world, key, .. } = &entry.trial.recipe;
            alike.entry((&**world, key, entry.trial.seed)).or_default().push(entry);
        }
        let by_name = entries.iter().map(|entry| (&*entry.id, entry)).collect();
        Self { by_name, alike }
    }

    /// In a few words; of several that are alike, the one that differs least is told of.
    pub(super) fn runs(&self, named: &Named) -> String {
        match self.by_name.get(&*named.id).map(|entry| &entry.outcome) {
            Some(Ended::Failed { .. }) => return "it failed".to_owned(),
            Some(Ended::Finished(_)) => return "it has run in the meantime".to_owned(),
            None => (),
        }
        let Recipe { world, key, .. } = &named.trial.recipe;
        let alike = self.alike.get(&(&**world, key, named.trial.seed)).into_iter().flatten();
        let nearest = alike.map(|entry| differences(named, entry)).min_by_key(Vec::len);
        nearest.map_or_else(
            || "never run".to_owned(),
            |differences| format!("one is there: {}", differences.join(", ")),
        )
    }
}

/// What makes the name of an entry another than that of a trial of the same world, key and seed.
fn differences(named: &Named, entry: &Entry) -> Vec<String> {
    let (there, planned) = (&entry.trial.recipe, &named.trial.recipe);
    let engine = (entry.engine_version != ENGINE_VERSION)
        .then(|| format!("engine {} ran it, this is {ENGINE_VERSION}", entry.engine_version));
    let others = [
        (there.protocol != planned.protocol, "by another protocol"),
        (there.trained != planned.trained, "with another number of blocks trained"),
        (there.influence != planned.influence, "with influence measured otherwise"),
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

    fn named(world: &World) -> Named {
        let recipe = world.recipe(Key::new("kmnist", "natural", 3, 400));
        let trial = Trial { recipe, seed: Seed(1) };
        let (weights, data) = ("w".to_owned(), "d".to_owned());
        Named { id: trial.id(&weights, &data), trial, weights, data }
    }

    /// What is there of a trial: one that failed.
    fn entry(of: &Named) -> Entry {
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
    fn one_that_failed_is_known_by_its_name_whatever_else_is_there() {
        let (smoke, lab) = (named(&World::smoke()), named(&World::lab()));
        let other = Entry { id: "another".to_owned(), data: "e".to_owned(), ..entry(&smoke) };
        for entries in [[entry(&smoke), other.clone()], [other, entry(&smoke)]] {
            assert_eq!(Why::new(&entries).runs(&smoke), "it failed");
            // Of the same key and seed, but of another world.
            assert_eq!(Why::new(&entries).runs(&lab), "never run");
        }
    }

    #[test]
    fn the_nearest_of_several_is_told_of_with_all_that_differs() {
        let planned = named(&World::smoke());
        let there = |change: &dyn Fn(&mut Entry)| {
            let mut entry = Entry { id: "another".to_owned(), ..entry(&planned) };
            change(&mut entry);
            entry
        };
        let trained = there(&|entry| entry.trial.recipe.trained = Some(7));
        let far = there(&|entry| {
            entry.engine_version = 0;
            entry.trial.recipe.protocol.epochs += 1;
            entry.weights = "v".to_owned();
        });
        let said = Why::new(std::slice::from_ref(&far)).runs(&planned);
        assert_eq!(
            said,
            format!(
                "one is there: engine 0 ran it, this is {ENGINE_VERSION}, by another protocol, from other weights"
            )
        );
        assert_eq!(
            Why::new(&[far, trained]).runs(&planned),
            "one is there: with another number of blocks trained"
        );
    }
}
