//! Table A2: epochs, seeds and tests by number of images as the two documents have them (the
//! paper's Table 4), beside what the paper's world plans and what the records of its log have.

use std::collections::{BTreeMap, BTreeSet};

use super::Setting;
use crate::{evidence::Evidence, experiment::Key, world::World};

/// Notes below table A2.
pub(super) const NOTES: [&str; 3] = [
    "document: the schedules as printed. code: the paper's set-up (claims/worlds/paper.toml), after \
     the authors' final batch. log: the authors' log of April 2020, the numbers over all of its \
     arms.",
    "Up to 1,600 images, 20 seeds are printed, and the authors' code and log have 10.",
    "The code also tests after the first epoch and after the last one.",
];

/// Numbers of images with one printed schedule.
struct Printed {
    images: &'static str,
    /// `None` for the whole training set.
    sizes: Option<(u32, u32)>,
    epochs: u32,
    seeds: usize,
    every: u32,
}

const PRINTED: [Printed; 4] = [
    Printed { images: "100 to 1,600", sizes: Some((100, 1600)), epochs: 100, seeds: 20, every: 20 },
    Printed {
        images: "3,200 and 6,400",
        sizes: Some((3200, 6400)),
        epochs: 150,
        seeds: 10,
        every: 10,
    },
    Printed {
        images: "12,800 and 25,600",
        sizes: Some((12_800, 25_600)),
        epochs: 150,
        seeds: 5,
        every: 10,
    },
    Printed { images: "all", sizes: None, epochs: 150, seeds: 1, every: 10 },
];

/// The rows of table A2.
#[must_use]
pub(super) fn schedules(evidence: &Evidence) -> Vec<Setting> {
    let world = &evidence.world;
    PRINTED
        .iter()
        .flat_map(|printed| {
            let sizes = sizes(printed, world);
            let logged = Logged::new(&sizes, evidence);
            let planned = sizes.iter().map(|(_, images)| world.protocol(*images));
            let (epochs, every): (BTreeSet<u32>, BTreeSet<u32>) =
                planned.map(|protocol| (protocol.epochs, every(&protocol.evaluate))).unzip();
            let seeds: BTreeSet<usize> =
                sizes.iter().filter_map(|(_, images)| world.planned_seeds(*images)).collect();
            [
                setting(printed, "epochs", printed.epochs, &epochs, &logged.epochs),
                setting(printed, "seeds", printed.seeds, &seeds, &logged.seeds),
                setting(printed, "epochs between tests", printed.every, &every, &logged.every),
            ]
        })
        .collect()
}

fn setting<N: Ord + Copy + ToString>(
    printed: &Printed,
    name: &str,
    says: N,
    code: &BTreeSet<N>,
    log: &BTreeSet<N>,
) -> Setting {
    let same = |found: &BTreeSet<N>| found.iter().all(|one| *one == says);
    Setting {
        images: Some(printed.images.to_owned()),
        setting: name.to_owned(),
        document: Some(says.to_string()),
        code: listed(code),
        log: (!log.is_empty()).then(|| listed(log)),
        differs: Some(!(same(code) && same(log))),
    }
}

fn listed<N: ToString>(values: &BTreeSet<N>) -> String {
    values.iter().map(N::to_string).collect::<Vec<_>>().join(", ")
}

/// The targets of the paper's main figures, each with the sizes of a printed schedule.
fn sizes(printed: &Printed, world: &World) -> Vec<(String, u32)> {
    let groups = ["similar", "dissimilar"].map(|group| world.groups.get(group));
    let targets = groups.into_iter().flatten().flatten();
    let every = world.sizes.get("every_size").cloned().unwrap_or_default();
    targets
        .flat_map(|target| match printed.sizes {
            Some((low, high)) => {
                let within = every.iter().filter(|size| (low..=high).contains(*size));
                within.map(|size| (target.clone(), *size)).collect::<Vec<_>>()
            }
            None => {
                world.targets.get(target).map(|of| (target.clone(), of.train)).into_iter().collect()
            }
        })
        .collect()
}

/// What the records have.
#[derive(Default)]
struct Logged {
    epochs: BTreeSet<u32>,
    seeds: BTreeSet<usize>,
    every: BTreeSet<u32>,
}

impl Logged {
    fn new(sizes: &[(String, u32)], evidence: &Evidence) -> Self {
        let mut logged = Self::default();
        let mut seeds: BTreeMap<&Key, usize> = BTreeMap::new();
        for record in evidence.records.iter() {
            let key = &record.key;
            let asked =
                |(target, images): &(String, u32)| **target == *key.target && *images == key.images;
            if !sizes.iter().any(asked) {
                continue;
            }
            *seeds.entry(key).or_default() += 1;
            logged.epochs.insert(record.recipe.epochs);
            let tested: Vec<u32> = record.evaluations().iter().map(|of| of.epoch).collect();
            if tested.len() > 1 {
                logged.every.insert(every(&tested));
            }
        }
        logged.seeds.extend(seeds.into_values());
        logged
    }
}

/// The epochs between the first two tests.
fn every(tested: &[u32]) -> u32 {
    match tested {
        [first, second, ..] => second - first,
        _ => 0,
    }
}
