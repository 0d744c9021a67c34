//! Influence at the end of fine-tunes of the smoke world, as in records.

use std::sync::atomic::AtomicBool;

use repro::{
    assets::{Assets as _, Bundled, bundled},
    claim::{InfluenceMatch, Metric, Share},
    engine::executor::{Local, Workers},
    experiment::{Counts, Found, Inverse, Key, Outcome, Protocol, Recipe, Seed, Trial},
    judge::observe::observe,
    store::{Ended, Entry, Ledger},
    world::World,
};
use tch::Device;

/// Two short epochs, on 100 images.
fn recipe(influence: bool) -> Recipe {
    let key = Key { influence, ..Key::new("kmnist", "l2_3", 0, 100) };
    let mut recipe = World::smoke().recipe(key);
    recipe.protocol = Protocol { epochs: 2, evaluate: vec![2], ..recipe.protocol };
    recipe
}

fn ran(recipe: Recipe) -> Entry {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let named = Bundled.identify(Trial { recipe, seed: Seed(7) }, 1).unwrap();
    let local = Local {
        ledger: &ledger,
        assets: &Bundled,
        workers: Workers::new(Device::Cpu, 28, Some(1)),
        stop: &AtomicBool::new(false),
    };
    local.run(std::slice::from_ref(&named), &|_| ()).unwrap();
    ledger.get(&named.id, &mut |file| panic!("{file:?}")).unwrap().unwrap()
}

fn outcome(entry: &Entry) -> &Outcome {
    match &entry.outcome {
        Ended::Finished(outcome) => outcome,
        Ended::Failed { reason } => panic!("{reason}"),
    }
}

fn counts(outcome: &Outcome) -> Vec<&Counts> {
    let found = outcome.influence.iter().map(|measured| match &measured.found {
        Found::Counts(counts) => counts,
        Found::Nothing { reason } => panic!("{reason}"),
    });
    found.collect()
}

#[test]
fn a_record_has_counts_and_some_images() {
    let entry = ran(recipe(true));
    let measured = &outcome(&entry).influence;
    let inverses: Vec<Inverse> = measured.iter().map(|measured| measured.inverse).collect();
    assert_eq!(inverses, World::smoke().influence);
    assert_eq!(inverses[0], Inverse::AUTHORS);
    let counts = counts(outcome(&entry));
    assert!(0 < counts[0].kept && counts[0].kept < counts[1].kept, "a finer cut keeps more");
    assert_eq!(counts[0].largest, counts[1].largest);
    for of in &counts {
        assert_eq!((of.matches.len(), of.first.len()), (100, 2000));
        let first = of.first.iter().filter(|same| **same).count();
        assert_eq!(of.matches[0] as usize, first);
        // Far from chance, which is a tenth, and from all images.
        assert!((300..1900).contains(&first), "{first}");
        assert!((300..1900).contains(&of.three_of_five), "{}", of.three_of_five);
    }
    let target = bundled::target("kmnist").unwrap();
    let gallery = &counts[0].gallery;
    assert!(counts[1].gallery.is_empty());
    let shown: Vec<u32> = gallery.iter().map(|exhibit| exhibit.test.label).collect();
    assert_eq!(shown, [0, 1, 2, 3, 4, 5]);
    for exhibit in gallery {
        let first = target.test.labels().iter().position(|label| *label == exhibit.test.label);
        assert_eq!(first, Some(exhibit.test.image as usize));
        let trained = target.train.labels()[exhibit.train.image as usize];
        assert_eq!(exhibit.train.label, trained);
        let same = counts[0].first[exhibit.test.image as usize];
        assert_eq!(same, exhibit.train.label == exhibit.test.label);
        assert!(exhibit.influence > 0.0);
        // A PNG of 28 by 28 pixels, by its first bytes in base64.
        assert!(exhibit.test.png.starts_with("iVBORw0KGgoAAAANSUhEUgAAABwAAAAc"));
    }
}

#[test]
fn influence_does_not_change_the_fine_tune_and_is_reproducible() {
    let (plain, with, again) = (ran(recipe(false)), ran(recipe(true)), ran(recipe(true)));
    assert!(with.agrees_with(&again));
    assert_ne!(plain.id, with.id);
    assert!(outcome(&plain).influence.is_empty());
    assert_eq!(outcome(&plain).weights, outcome(&with).weights);
    assert_eq!(outcome(&plain).correct, outcome(&with).correct);
}

#[test]
fn a_fine_tune_that_diverged_has_no_influence_and_may_have_any_share() {
    let mut diverging = recipe(true);
    diverging.protocol.learning_rate = 1e30;
    let entry = ran(diverging);
    for measured in &outcome(&entry).influence {
        assert!(
            matches!(&measured.found, Found::Nothing { reason } if reason.contains("diverged"))
        );
    }
    let metric =
        |share| Metric::InfluenceMatch(InfluenceMatch { share, inverse: Inverse::AUTHORS });
    let seen =
        observe(&metric(Share::Rank(1)), None, &entry.record(&World::smoke()), None, None).unwrap();
    assert_eq!((seen.low, seen.high, seen.finished), (0.0, 100.0, false));
}

#[test]
fn each_share_is_read_from_its_count() {
    let entry = ran(recipe(true));
    let record = entry.record(&World::smoke());
    let counts = counts(outcome(&entry));
    let read = |share, truncation| {
        let inverse = Inverse { truncation, damping: 0.0 };
        let metric = Metric::InfluenceMatch(InfluenceMatch { share, inverse });
        observe(&metric, None, &record, None, None).map(|seen| (seen.low, seen.high))
    };
    let exactly = |count: u32| Ok((f64::from(count) / 20.0, f64::from(count) / 20.0));
    assert_eq!(read(Share::Rank(1), 0.05), exactly(counts[0].matches[0]));
    assert_eq!(read(Share::Rank(100), 0.05), exactly(counts[0].matches[99]));
    assert_eq!(read(Share::Rank(1), 0.01), exactly(counts[1].matches[0]));
    assert_eq!(read(Share::ThreeOfFive, 0.05), exactly(counts[0].three_of_five));
    assert!(read(Share::Rank(1), 0.02).is_err(), "this inverse was not measured");
}
