//! A record is checked at every door: a thousand generated records are read back unchanged from the
//! ledger and from a bundle, and each of them with one thing that does not fit is refused by both,
//! with the same reason, although its digest fits. One bad file hides no others, a command that
//! reads moves nothing, and what killed processes leave is removed.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};

use proptest::{prelude::*, sample::select, strategy::ValueTree as _, test_runner::TestRunner};
use repro::{
    experiment::{
        AdversarialTest, Chance, Constraint, Counts, ENGINE_VERSION, Evaluation, Found, Inverse,
        Key, MeasuredAdversarial, MeasuredInfluence, Outcome, RankedCounts, Recipe, Resolution,
        Seed, Trial,
    },
    report::write_table,
    store::{Damaged, Ended, Entry, Lease, Ledger, LedgerError, Provenance, Worker, bundle},
    world::World,
};
use serde_json::Value;

use super::{
    checkpoint::memory::peak,
    ledger::{entry, entry_of, finished, get},
};

/// Generated records.
const CASES: u32 = 1000;

fn share(bits: &[bool]) -> f64 {
    100.0 * bits.iter().filter(|bit| **bit).count() as f64 / bits.len() as f64
}

/// Recipes of every world, with changes that a user or `sensitivity` makes.
fn recipe() -> impl Strategy<Value = Recipe> {
    let sizes = (0_u32..4, select(vec![100_u32, 400]), 0_u32..3, any::<bool>(), any::<bool>());
    let schedule = prop::collection::btree_set(1_u32..60, 1..6);
    let fields = (0.0_f64..1.0, 0.0_f64..=1.0, 1_u32..300, prop::array::uniform3(0.01_f32..2.0));
    (select(World::all().to_vec()), sizes, schedule, fields).prop_map(
        |(world, sizes, schedule, fields)| {
            let (blocks, images, seed_stream, influence, attacked) = sizes;
            let (rate, momentum, batch, std) = fields;
            let target = world.targets.keys().next().unwrap();
            let source = world.sources.keys().next().unwrap();
            let mut recipe = world.recipe(Key {
                resolution: if blocks == 2 { Resolution::Pixels(7) } else { Resolution::Native },
                seed_stream,
                ..Key::new(target, source, blocks, images)
            });
            recipe.protocol.evaluate = schedule.into_iter().collect();
            recipe.protocol.epochs = *recipe.protocol.evaluate.last().unwrap();
            (recipe.protocol.learning_rate, recipe.protocol.momentum) = (rate, momentum);
            (recipe.protocol.batch, recipe.protocol.normalisation.std) = (batch, std);
            if influence {
                recipe.key.influence = true;
                let fine = Inverse { truncation: 0.01, damping: 0.5 };
                recipe.influence = vec![Inverse::AUTHORS, fine];
            }
            recipe.adversarial = attacked.then_some(AdversarialTest {
                constraint: Constraint::L2,
                epsilon: 0.75,
                step: 0.1,
                steps: 20,
                images: 30,
            });
            recipe
        },
    )
}

fn counts(first: Vec<bool>, rest: &[u32]) -> Counts {
    let matching = first.iter().filter(|bit| **bit).count() as u32;
    let most = first.len() as u32;
    let matches: Vec<u32> =
        [matching].into_iter().chain(rest.iter().map(|count| count % (most + 1))).collect();
    let chance = Some(Chance { mean: 10.0, standard_deviation: 1.0 });
    let of = RankedCounts { matches: matches.clone(), three_of_five: 0, first, chance };
    let other_rankings = repro::experiment::OtherRankings {
        influence_on_predicted: of.clone(),
        features: of.clone(),
    };
    Counts {
        kept: 9,
        largest: 1e3,
        matches,
        three_of_five: most,
        first: of.first,
        chance,
        other_rankings: Some(Box::new(other_rankings)),
        gallery: Vec::new(),
    }
}

/// Outcomes that a recipe can have, or a failure.
fn record() -> impl Strategy<Value = Entry> {
    let numbers = prop::collection::vec((0.0_f64..=100.0, 0.0_f64..50.0), 6);
    let bits = prop::collection::vec(any::<bool>(), 1..80);
    let ranks = prop::collection::vec(any::<u32>(), 0..99);
    let strategy = (recipe(), 0_u64..1_000_000, numbers, bits, ranks, 0_u32..10, 0_u32..10);
    strategy.prop_map(|(recipe, seed, numbers, bits, ranks, failed, diverged)| {
        let evaluations: Vec<Evaluation> = recipe
            .protocol
            .evaluate
            .iter()
            .zip(&numbers)
            .map(|(epoch, (accuracy, loss))| Evaluation {
                epoch: *epoch,
                test_accuracy: *accuracy,
                test_loss: if diverged == 0 { f64::INFINITY } else { *loss },
                train_accuracy: *accuracy,
                train_loss: *loss,
                seconds: *loss,
            })
            .collect();
        let measured = |inverse: &Inverse| MeasuredInfluence {
            inverse: *inverse,
            found: Found::Counts(counts(bits.clone(), &ranks)),
        };
        let mut outcome = Outcome {
            first_losses: evaluations.iter().map(|one| one.train_loss).collect(),
            test_loss_after_first_step: evaluations[0].test_loss,
            evaluations,
            correct: bits.clone(),
            weights: "0".repeat(64),
            influence: recipe.influence.iter().map(measured).collect(),
            adversarial: recipe.adversarial.map(|test| MeasuredAdversarial {
                test,
                correct: vec![true; test.images as usize],
            }),
        };
        outcome.evaluations.last_mut().unwrap().test_accuracy = share(&bits);
        let outcome = match failed {
            0 => Ended::Failed { reason: "a test".to_owned() },
            _ => Ended::Finished(outcome),
        };
        let (weights, data) = ("1".repeat(64), "2".repeat(64));
        let trial = Trial { recipe, seed: Seed(seed) };
        Entry {
            id: trial.id(&weights, &data),
            trial,
            engine_version: ENGINE_VERSION,
            weights,
            data,
            outcome,
            provenance: Provenance {
                program: "0.0.0".to_owned(),
                engine: "none".to_owned(),
                processor: "none".to_owned(),
                started: 1_600_000_000,
                seconds: numbers[0].1,
                images: None,
            },
        }
    })
}

/// A file or a line of a bundle with a digest that fits, whatever is in it.
fn forged(entry: &Value) -> String {
    let entry = serde_json::to_string(entry).unwrap();
    let digest = blake3::hash(entry.as_bytes()).to_hex();
    format!("{{\"format_version\":1,\"digest\":\"{digest}\",\"entry\":{entry}}}\n")
}

/// What does not fit, and a part of the reason that is given.
struct Falsehood {
    what: &'static str,
    /// Changes a record; `false` if this one has nothing to change.
    change: fn(&mut Entry) -> bool,
    reason: &'static str,
}

fn outcome(entry: &mut Entry) -> Option<&mut Outcome> {
    match &mut entry.outcome {
        Ended::Finished(outcome) => Some(outcome),
        Ended::Failed { .. } => None,
    }
}

/// Changes the outcome of a finished record.
macro_rules! of_outcome {
    (|$outcome:ident| $change:expr) => {
        |entry| {
            let Some($outcome) = outcome(entry) else { return false };
            $change;
            true
        }
    };
}

/// Changes the recipe, and gives the record the name that it then has.
macro_rules! of_recipe {
    (|$recipe:ident| $change:expr) => {
        |entry| {
            let $recipe = &mut entry.trial.recipe;
            $change;
            entry.id = entry.trial.id(&entry.weights, &entry.data);
            true
        }
    };
}

fn first_counts(outcome: &mut Outcome) -> Option<&mut Counts> {
    match outcome.influence.first_mut().map(|measured| &mut measured.found) {
        Some(Found::Counts(counts)) => Some(counts),
        _ => None,
    }
}

/// Changes the counts of influence of a finished record that has some.
macro_rules! of_counts {
    (|$counts:ident| $change:expr) => {
        |entry| {
            let Some($counts) = outcome(entry).and_then(first_counts) else { return false };
            $change;
            true
        }
    };
}

const NAME: &str = "its name does not match its contents";

fn falsehoods() -> Vec<Falsehood> {
    let falsehood = |what, reason, change| Falsehood { what, change, reason };
    vec![
        // Name against trial.
        falsehood("another seed", NAME, |entry| {
            entry.trial.seed.0 += 1;
            true
        }),
        falsehood("another world", NAME, |entry| {
            entry.trial.recipe.world = "elsewhere".into();
            true
        }),
        falsehood("another protocol", NAME, |entry| {
            entry.trial.recipe.protocol.weight_decay = 0.25;
            true
        }),
        falsehood("other weights", NAME, |entry| {
            entry.weights = "9".repeat(64);
            true
        }),
        falsehood("other images", NAME, |entry| {
            entry.data = "9".repeat(64);
            true
        }),
        falsehood("another engine", NAME, |entry| {
            entry.engine_version = 1;
            true
        }),
        // Recipes that can't be run.
        falsehood("side", "side is 4294967295", of_recipe!(|of| of.protocol.side = u32::MAX)),
        falsehood("batch", "batch is 0", of_recipe!(|of| of.protocol.batch = 0)),
        falsehood(
            "epochs",
            "epochs is 0",
            of_recipe!(|of| (of.protocol.epochs, of.protocol.evaluate) = (0, vec![])),
        ),
        falsehood(
            "evaluate",
            "evaluate is [2, 1]",
            of_recipe!(|of| of.protocol.evaluate = vec![2, 1]),
        ),
        falsehood(
            "rate",
            "learning_rate is -1.0",
            of_recipe!(|of| of.protocol.learning_rate = -1.0),
        ),
        falsehood(
            "resolution",
            "resolution is 4294967295",
            of_recipe!(|of| of.key.resolution = Resolution::Pixels(u32::MAX)),
        ),
        falsehood("images", "images is 0", of_recipe!(|of| of.key.images = 0)),
        falsehood("stream", "seed_stream is", of_recipe!(|of| of.key.seed_stream = u32::MAX)),
        falsehood("target", "target is \"\"", of_recipe!(|of| of.key.target = "".into())),
        falsehood(
            "source",
            "source is \"a\\u{1b}b\"",
            of_recipe!(|of| of.key.source = "a\u{1b}b".into()),
        ),
        falsehood(
            "std",
            "normalisation.std",
            of_recipe!(|of| of.protocol.normalisation.std[1] = 0.0),
        ),
        falsehood(
            "influence",
            "need each other",
            of_recipe!(|of| of.key.influence = !of.key.influence),
        ),
        falsehood("seed", "seed is", |entry| {
            entry.trial.seed = Seed(u64::MAX);
            entry.id = entry.trial.id(&entry.weights, &entry.data);
            true
        }),
        // Outcome against recipe, and ranges.
        falsehood("no evaluation", "no evaluation", of_outcome!(|of| of.evaluations.clear())),
        falsehood(
            "one more evaluation",
            "it has evaluations after",
            of_outcome!(|of| {
                let again = of.evaluations[0].clone();
                of.evaluations.push(again);
            }),
        ),
        falsehood(
            "another epoch",
            "it has evaluations after",
            of_outcome!(|of| {
                of.evaluations[0].epoch += 60;
            }),
        ),
        falsehood("the first evaluation only", "it has evaluations after", |entry| {
            let Some(outcome) = outcome(entry) else { return false };
            let count = outcome.evaluations.len();
            outcome.evaluations.truncate(1);
            count > 1
        }),
        falsehood(
            "accuracy",
            "test_accuracy is 5000",
            of_outcome!(|of| {
                of.evaluations.last_mut().unwrap().test_accuracy = 5000.0;
            }),
        ),
        falsehood(
            "accuracy below 0",
            "train_accuracy is -1",
            of_outcome!(|of| {
                of.evaluations[0].train_accuracy = -1.0;
            }),
        ),
        falsehood("bits", "its bits give", of_outcome!(|of| of.correct[0] = !of.correct[0])),
        falsehood("loss", "test_loss is -1", of_outcome!(|of| of.evaluations[0].test_loss = -1.0)),
        falsehood(
            "first losses",
            "first_losses is -1",
            of_outcome!(|of| of.first_losses[0] = -1.0),
        ),
        falsehood("time", "seconds is -1", of_outcome!(|of| of.evaluations[0].seconds = -1.0)),
        falsehood("duration", "seconds is -2", |entry| {
            entry.provenance.seconds = -2.0;
            true
        }),
        falsehood(
            "influence that was not asked for",
            "its influence is not",
            of_outcome!(|of| {
                let found = Found::Nothing { reason: "a test".to_owned() };
                of.influence.push(MeasuredInfluence { inverse: Inverse::AUTHORS, found });
            }),
        ),
        falsehood("no influence", "its influence is not", |entry| {
            let Some(outcome) = outcome(entry) else { return false };
            outcome.influence.pop().is_some()
        }),
        falsehood("matches", "more than its", of_counts!(|of| of.matches[0] = 1000)),
        falsehood("three of five", "more than its", of_counts!(|of| of.three_of_five = 1000)),
        falsehood("first rank", "the first rank", of_counts!(|of| of.first[0] = !of.first[0])),
        falsehood(
            "chance",
            "chance is 101",
            of_counts!(|of| {
                of.chance = Some(Chance { mean: 101.0, standard_deviation: 1.0 });
            }),
        ),
        falsehood("no attack", "its adversarial accuracy is not", |entry| {
            let Some(outcome) = outcome(entry) else { return false };
            outcome.adversarial.take().is_some()
        }),
        falsehood("fewer attacked", "bits for 30 attacked images", |entry| {
            let measured = outcome(entry).and_then(|outcome| outcome.adversarial.as_mut());
            measured.is_some_and(|measured| measured.correct.pop().is_some())
        }),
    ]
}

/// Puts a file where the ledger looks for the entry of this name.
fn place(folder: &Path, id: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join("entries").join(&id[..2]).join(format!("{id}.json"));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    new_file(&path, bytes);
    path
}

/// Writes a new file. Some file systems flush one that replaces another to disk, which is slower.
fn new_file(path: &Path, bytes: impl AsRef<[u8]>) {
    let _ = fs::remove_file(path);
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_thousand_records_are_read_back_and_none_with_a_falsehood_is() {
    let falsehoods = falsehoods();
    let mut met = vec![0; falsehoods.len()];
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let file = folder.path().join("bundle");
    let mut runner = TestRunner::deterministic();
    let records = record();
    for case in 0..CASES {
        let sound = records.new_tree(&mut runner).unwrap().current();
        let text = forged(&serde_json::to_value(&sound).unwrap());
        if case % 20 == 0 {
            ledger.put(&sound).unwrap();
        } else {
            // Without waiting for the disk.
            place(folder.path(), &sound.id, &text);
        }
        let (found, damaged) = get(&ledger, &sound.id);
        assert_eq!((found.as_ref(), damaged.len()), (Some(&sound), 0), "case {case}");
        new_file(&file, text);
        assert_eq!(bundle::read(&file).unwrap(), std::slice::from_ref(&sound), "case {case}");
        // Some of the falsehoods for each record.
        for step in 0..6 {
            let at = (case as usize * 6 + step) % falsehoods.len();
            let Falsehood { what, change, reason } = &falsehoods[at];
            let mut false_one = sound.clone();
            if !change(&mut false_one) {
                continue;
            }
            met[at] += 1;
            let text = forged(&serde_json::to_value(&false_one).unwrap());
            let path = place(folder.path(), &false_one.id, &text);
            let (found, damaged) = get(&ledger, &false_one.id);
            assert_eq!((found, damaged.len()), (None, 1), "{what}");
            assert!(damaged[0].reason.contains(reason), "{what}: {}", damaged[0].reason);
            assert_eq!(fs::read_to_string(&path).unwrap(), text, "{what}: it stays");
            new_file(&file, text);
            let refused = bundle::read(&file).unwrap_err().to_string();
            assert!(refused.contains(&damaged[0].reason), "{what}: {refused}");
            let error = ledger.put(&false_one).unwrap_err();
            assert!(matches!(error, LedgerError::Invalid { .. }), "{what}: {error}");
            fs::remove_file(path).unwrap();
        }
    }
    for (falsehood, met) in falsehoods.iter().zip(met) {
        assert!(met >= 20, "{} was met {met} times", falsehood.what);
    }
}

/// A file under the name of another trial's entry, with an `id` that agrees.
#[test]
fn two_files_of_one_trial_are_one_record_and_one_damaged_file() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let [one, other] = [1, 2].map(|seed| entry(seed, finished(&[1.0], 50.0, vec![])));
    ledger.put(&one).unwrap();
    let second = Entry { id: other.id.clone(), ..one.clone() };
    place(folder.path(), &other.id, forged(&serde_json::to_value(&second).unwrap()));
    let mut damaged = Vec::new();
    assert_eq!(ledger.all(&mut |file| damaged.push(file)).unwrap(), [one]);
    let [Damaged { reason, .. }] = &*damaged else { panic!("{damaged:?}") };
    assert_eq!(reason, NAME);
}

/// As many files as there are kinds of bad ones, and every sound record is listed.
#[test]
fn one_bad_file_hides_no_others_and_reading_moves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let mut sound: Vec<Entry> =
        (1..=3).map(|seed| entry(seed, finished(&[1.0], 50.0, vec![]))).collect();
    sound.iter().for_each(|entry| drop(ledger.put(entry).unwrap()));
    let id = |seed| entry(seed, finished(&[1.0], 50.0, vec![])).id;
    let whole = fs::read(place(folder.path(), &id(9), "")).unwrap();
    assert!(whole.is_empty());
    place(folder.path(), &id(10), "not JSON");
    place(folder.path(), &id(11), r#"{"format_version":7,"contents":"of a later version"}"#);
    let pipe = place(folder.path(), &id(12), "");
    fs::remove_file(&pipe).unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let directory = place(folder.path(), &id(13), "");
    fs::remove_file(&directory).unwrap();
    fs::create_dir(&directory).unwrap();
    let endless = place(folder.path(), &id(14), "");
    File::options().write(true).open(&endless).unwrap().set_len(1 << 40).unwrap();
    let mut reported = Vec::new();
    sound.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(ledger.all(&mut |file| reported.push(file)).unwrap(), sound);
    assert_eq!(reported.len(), 6, "{reported:?}");
    for Damaged { path, aside, .. } in &reported {
        assert!(path.symlink_metadata().is_ok() && aside.is_none(), "{path:?}");
    }
    let reason = |of: &Path| &reported.iter().find(|file| file.path == of).unwrap().reason;
    assert_eq!(reason(&pipe), "it can't be read: it is not a regular file");
    assert_eq!(reason(&directory), "it can't be read: it is not a regular file");
    assert!(reason(&endless).contains("larger than the limit"), "{}", reason(&endless));
    assert!(!folder.path().join("damaged").exists());
    // A writer moves what is damaged, and refuses to replace what it can't read.
    for seed in 9..=14 {
        let put = ledger.put(&entry(seed, finished(&[1.0], 50.0, vec![])));
        assert_eq!(put.is_ok(), seed <= 10, "{seed}: {put:?}");
    }
    assert_eq!(fs::read_dir(folder.path().join("damaged")).unwrap().count(), 2);
}

/// What is asked for is one record: no other folder, and no other file of its folder, is read.
#[test]
fn a_record_is_found_by_its_first_digits_without_reading_others() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let wanted = entry(1, finished(&[1.0], 50.0, vec![]));
    ledger.put(&wanted).unwrap();
    let mut other = wanted.id.clone();
    other.replace_range(2.., &"e".repeat(62));
    place(folder.path(), &other, "damaged");
    let first = if wanted.id.starts_with('0') { "1" } else { "0" };
    place(folder.path(), &first.repeat(64), "damaged");
    for length in [3, 8, 64] {
        let mut reported = Vec::new();
        let found = ledger.with_prefix(&wanted.id[..length], &mut |file| reported.push(file));
        assert_eq!((found.unwrap(), reported), (vec![wanted.clone()], vec![]), "{length} digits");
    }
    let silent = |prefix: &str| ledger.with_prefix(prefix, &mut |_| ()).unwrap();
    for prefix in ["", &wanted.id[..1], &wanted.id[..2]] {
        assert_eq!(silent(prefix), std::slice::from_ref(&wanted), "{prefix}");
    }
    for prefix in ["..", "/", "zz", "\u{e9}\u{e9}", &"0".repeat(65), &format!("{}0", wanted.id)] {
        assert_eq!(silent(prefix), [], "{prefix}");
    }
    let names = ledger.names().unwrap();
    assert_eq!(names.len(), 3);
    assert!(names.is_sorted() && names.contains(&wanted.id) && names.contains(&other));
}

/// Enough for several threads, in the order of their names.
#[test]
fn many_entries_are_read_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let mut names = Vec::new();
    for seed in 0..600 {
        let entry = entry(seed, Ended::Failed { reason: "a test".to_owned() });
        let text = forged(&serde_json::to_value(&entry).unwrap());
        place(folder.path(), &entry.id, text);
        names.push(entry.id);
    }
    names.sort_unstable();
    let bad = place(folder.path(), &"7".repeat(64), "");
    let mut reported = Vec::new();
    let take = |entry: Entry| Some(entry.id);
    assert_eq!(ledger.map(&mut |file| reported.push(file.path), &take).unwrap(), names);
    assert_eq!(reported, [bad]);
    assert_eq!(ledger.map(&mut |_| (), &|_| None::<()>).unwrap(), []);
}

fn aged(path: &Path, hours: u64) {
    let at = SystemTime::now() - Duration::from_secs(hours * 3600);
    File::open(path).unwrap().set_modified(at).unwrap();
}

#[test]
fn what_killed_processes_leave_is_removed_by_the_next_writer() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let kept = entry(1, finished(&[1.0], 50.0, vec![]));
    ledger.put(&kept).unwrap();
    let file = |name: &str, hours| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "").unwrap();
        aged(&path, hours);
        path
    };
    let record = format!("entries/{}", &kept.id[..2]);
    let (left, held) = ("a".repeat(64), "b".repeat(64));
    let gone = [
        file(&format!("running/{left}"), 0),
        file(&format!("running/{}", kept.id), 0),
        file("running/.writable.abcdef", 25),
        file("entries/.writable.abcdef", 25),
        file(&format!("{record}/.{}.json.abcdef", kept.id), 25),
        file("rerun/.tmpabcdef/entries/aa/a", 25),
    ];
    let stays = [
        file("running/notes.txt", 25),
        file(&format!("{record}/.{}.json.fedcba", kept.id), 1),
        file("entries/.writable.fedcba", 1),
        file("rerun/.tmpfedcba/entries/aa/a", 25),
        file(&format!("rerun/.tmpheld/running/{held}"), 25),
        file("rerun/mine/entries/aa/a", 25),
        file("entries/notes.txt", 25),
        file("damaged/a.json", 1000),
    ];
    aged(&folder.path().join("rerun/.tmpabcdef"), 25);
    aged(&folder.path().join("rerun/.tmpheld"), 25);
    aged(&folder.path().join("rerun/mine"), 25);
    let lease = Lease::take(&ledger, Worker::of_process(), &held).unwrap().unwrap();
    let rerun = Ledger::new(folder.path().join("rerun/.tmpheld"));
    let other = Lease::take(&rerun, Worker::of_process(), &held).unwrap().unwrap();
    ledger.check_writable().unwrap();
    for path in &gone {
        assert!(!path.exists(), "{path:?}");
    }
    for path in stays.iter().chain([&folder.path().join("running").join(&held)]) {
        assert!(path.exists(), "{path:?}");
    }
    assert!(
        Lease::take(&ledger, Worker::of_process(), &held).unwrap().is_none(),
        "it is still held"
    );
    assert_eq!(get(&ledger, &kept.id), (Some(kept), vec![]));
    drop((lease, other));
    // Also by one that has nothing to run, if there is a lock.
    fs::remove_file(folder.path().join("running/notes.txt")).unwrap();
    let old = file("entries/.writable.abcdef", 25);
    ledger.tidy();
    assert!(old.exists(), "nothing was listed");
    let lock = file(&format!("running/{left}"), 0);
    ledger.tidy();
    assert!(!old.exists() && !lock.exists());
}

/// Version 0.1.0 counted influence without what chance gives and without other rankings.
#[test]
fn a_record_agrees_with_a_newer_one_in_all_that_it_has() {
    let bits = vec![true, false];
    let with = |found| {
        let mut entry = entry(1, finished(&[1.0], 50.0, bits.clone()));
        let Ended::Finished(outcome) = &mut entry.outcome else { panic!("it finished") };
        let inverse = Inverse::AUTHORS;
        outcome.influence = vec![MeasuredInfluence { inverse, found: Found::Counts(found) }];
        entry
    };
    let newer = with(counts(bits.clone(), &[1]));
    let without = |counts| Counts { chance: None, other_rankings: None, ..counts };
    let older = with(without(counts(bits.clone(), &[1])));
    assert!(older.agrees_with_newer(&newer) && older.agrees_with_newer(&older));
    assert!(!newer.agrees_with_newer(&older) && !older.agrees_with(&newer));
    let other = with(without(counts(bits.clone(), &[2])));
    assert!(!other.agrees_with_newer(&newer));
}

/// A record of another world, of another protocol or with another number of trained blocks is a
/// record, with a name of its own; so is one of an older engine.
#[test]
fn records_of_other_worlds_and_engines_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let base = entry(1, finished(&[1.0], 50.0, vec![]));
    let changed = |change: &dyn Fn(&mut Entry)| {
        let mut entry = base.clone();
        change(&mut entry);
        let Entry { trial, engine_version, weights, data, .. } = &entry;
        Entry { id: trial.id_by(*engine_version, weights, data), ..entry }
    };
    for entry in [
        changed(&|entry| entry.trial.recipe.world = "moon".into()),
        changed(&|entry| entry.trial.recipe.trained = Some(2)),
        changed(&|entry| entry.engine_version = 1),
        entry_of(base.trial.clone(), Ended::Failed { reason: "a test".to_owned() }),
    ] {
        ledger.put(&entry).unwrap();
        assert_eq!(get(&ledger, &entry.id), (Some(entry), vec![]));
    }
}

#[test]
fn the_memory_of_a_long_table_does_not_grow_with_its_rows() {
    let header = ["record", "fine-tune", "seed", "accuracy %", "s"];
    let row = |number: &u32| {
        let accuracy = if number % 100 == 7 { "failed" } else { "55.40" };
        let words = "kmnist from l2_3, 400 images, 3 blocks";
        let name = format!("{number:016x}");
        [&*name, words, &number.to_string(), accuracy, "4.7"].map(str::to_owned).to_vec()
    };
    let of = |count: u32| {
        let items: Vec<u32> = (0..count).collect();
        let mut text = Vec::with_capacity(100 * (count as usize + 1));
        let (done, memory) = peak(|| write_table(&mut text, &header, &items, &row));
        done.unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text.lines().count(), count as usize + 1);
        assert_eq!(text.matches("accuracy %").count(), 1);
        memory
    };
    let (few, many) = (of(5_000), of(40_000));
    assert!(many < few + few / 2, "{few} and {many} bytes");
}
