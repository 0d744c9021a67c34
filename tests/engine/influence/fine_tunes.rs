//! Influence at the end of fine-tunes of the smoke world, as in records.

use std::sync::atomic::AtomicBool;

use repro::{
    assets::{Assets as _, Bundled, bundled},
    claim::{InfluenceMatch, Metric, Share},
    engine::executor::{Local, Workers},
    experiment::{Counts, Found, Inverse, Key, Outcome, Protocol, Ranking, Recipe, Seed, Trial},
    judge::observe::{Unobservable, observe},
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

fn of(share: Share, inverse: Inverse) -> InfluenceMatch {
    InfluenceMatch { share, inverse, by: Ranking::Influence }
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

/// What chance gives is near one in ten classes, and no ranking is at it.
#[test]
fn a_record_has_other_rankings_and_what_chance_gives() {
    let entry = ran(recipe(true));
    let counts = counts(outcome(&entry));
    assert!(counts[1].other_rankings.is_none() && counts[1].chance.is_some());
    let other = counts[0].other_rankings.as_ref().unwrap();
    let features = &other.features;
    for (first, chance) in [
        (&counts[0].first, counts[0].chance.unwrap()),
        (&other.influence_on_predicted.first, other.influence_on_predicted.chance.unwrap()),
        (&features.first, features.chance.unwrap()),
    ] {
        let share = first.iter().filter(|same| **same).count() as f64 / 20.0;
        assert!((8.0..12.0).contains(&chance.mean), "{chance:?}");
        assert!((0.3..8.0).contains(&chance.standard_deviation), "{chance:?}");
        assert!(share > chance.mean + 2.0 * chance.standard_deviation, "{share} {chance:?}");
    }
    assert_ne!(other.influence_on_predicted.first, counts[0].first);
    assert_ne!(features.first, counts[0].first);
}

/// A record of 0.1.0 is the same JSON without the new keys: it is read without them, and
/// agrees with a rerun in all that it has.
#[test]
fn an_older_record_has_no_other_rankings_and_agrees_with_a_rerun() {
    let entry = ran(recipe(true));
    let mut json = serde_json::to_value(&entry).unwrap();
    let measured = json.pointer_mut("/outcome/finished/influence").unwrap();
    for measured in measured.as_array_mut().unwrap() {
        let counts = measured.pointer_mut("/found/counts").unwrap().as_object_mut().unwrap();
        assert!(counts.remove("chance").is_some());
        counts.remove("other_rankings");
    }
    let older: Entry = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&older).unwrap(), json);
    assert_eq!(older.id, entry.id);
    assert!(!older.agrees_with(&entry) && older.agrees_with_newer(&entry));
    assert!(!entry.agrees_with_newer(&older), "the newer one has more");
    let record = older.record(&World::smoke());
    for by in [Ranking::InfluenceOnPredicted, Ranking::Features] {
        let of = InfluenceMatch { share: Share::Rank(1), inverse: Inverse::AUTHORS, by };
        let seen = observe(&Metric::InfluenceMatch(of), None, &record, None, None);
        assert_eq!(seen, Err(Unobservable::NotRecorded));
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
    let metric = |share| Metric::InfluenceMatch(of(share, Inverse::AUTHORS));
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
        let metric = Metric::InfluenceMatch(of(share, inverse));
        observe(&metric, None, &record, None, None).map(|seen| (seen.low, seen.high))
    };
    let exactly = |count: u32| Ok((f64::from(count) / 20.0, f64::from(count) / 20.0));
    assert_eq!(read(Share::Rank(1), 0.05), exactly(counts[0].matches[0]));
    assert_eq!(read(Share::Rank(100), 0.05), exactly(counts[0].matches[99]));
    assert_eq!(read(Share::Rank(1), 0.01), exactly(counts[1].matches[0]));
    assert_eq!(read(Share::ThreeOfFive, 0.05), exactly(counts[0].three_of_five));
    let other = counts[0].other_rankings.as_ref().unwrap();
    let by = |share, by, truncation| {
        let inverse = Inverse { truncation, damping: 0.0 };
        let metric = Metric::InfluenceMatch(InfluenceMatch { share, inverse, by });
        observe(&metric, None, &record, None, None).map(|seen| (seen.low, seen.high))
    };
    let predicted = &other.influence_on_predicted;
    let ranking = Ranking::InfluenceOnPredicted;
    assert_eq!(by(Share::Rank(1), ranking, 0.05), exactly(predicted.matches[0]));
    assert_eq!(by(Share::ThreeOfFive, ranking, 0.05), exactly(predicted.three_of_five));
    assert!(by(Share::Rank(1), ranking, 0.01).is_err(), "by the first inverse alone");
    let features = &other.features;
    assert_eq!(by(Share::Rank(2), Ranking::Features, 0.05), exactly(features.matches[1]));
    assert!(read(Share::Rank(1), 0.02).is_err(), "this inverse was not measured");
}
