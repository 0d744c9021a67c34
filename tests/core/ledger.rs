//! The ledger: entries are read back unchanged, damaged files are passed over and reported, many
//! writers do not conflict, and no entry is ever partly on disk.

use std::path::Path;

use proptest::prelude::*;
use repro::{
    assets::{Assets as _, Bundled, IdentifiedTrial},
    claim::suite::Suite,
    evidence::Status,
    experiment::{
        ENGINE_VERSION, Evaluation, EvidenceKind, Inverse, Key, MeasuredAdversarial, Outcome,
        Precision, Resolution, Seed, Trial,
    },
    plan::campaign::Campaign,
    store::{Damaged, Ended, Entry, Ledger, LedgerError, Provenance, Put},
    world::World,
};

fn key() -> Key {
    Key {
        target: "kmnist".into(),
        source: "l2_3".into(),
        blocks: 3,
        images: 100,
        resolution: Resolution::Pixels(7),
        seed_stream: 0,
        influence: false,
        zoo: None,
        factors: std::sync::Arc::default(),
    }
}

/// The entry of a trial that is evaluated after each of its epochs; one that failed has one.
pub(crate) fn entry(seed: u64, outcome: Ended) -> Entry {
    let mut recipe = World::smoke().recipe(key());
    let epochs = match &outcome {
        Ended::Finished(outcome) => outcome.evaluations.len() as u32,
        Ended::Failed { .. } => 1,
    };
    (recipe.protocol.epochs, recipe.protocol.evaluate) = (epochs, (1..=epochs).collect());
    entry_of(Trial { recipe, seed: Seed(seed) }, outcome)
}

pub(crate) fn entry_of(trial: Trial, outcome: Ended) -> Entry {
    let IdentifiedTrial { trial, weights, data, id } = {
        let zoo = World::smoke().zoo_of(&trial.recipe.key, trial.seed);
        Bundled.identify(trial, zoo).unwrap()
    };
    let provenance = Provenance {
        images: None,
        program: "0.0.0".to_owned(),
        engine: "none".to_owned(),
        processor: "none".to_owned(),
        started: 1_600_000_000,
        seconds: 1.5,
    };
    Entry { id, trial, engine_version: ENGINE_VERSION, weights, data, outcome, provenance }
}

/// The outcome with these losses, one for each epoch. Bits, if there are any, give the accuracy.
pub(crate) fn finished(losses: &[f64], accuracy: f64, correct: Vec<bool>) -> Ended {
    let share = correct.iter().filter(|bit| **bit).count() as f64 / correct.len() as f64;
    let accuracy = if correct.is_empty() { accuracy } else { 100.0 * share };
    let evaluations = losses.iter().enumerate().map(|(at, loss)| Evaluation {
        epoch: at as u32 + 1,
        test_accuracy: accuracy,
        test_loss: *loss,
        train_accuracy: accuracy,
        train_loss: *loss,
        seconds: 0.25,
    });
    Ended::Finished(Outcome {
        evaluations: evaluations.collect(),
        first_losses: losses.to_vec(),
        test_loss_after_first_step: losses[0],
        correct,
        weights: "0123".to_owned(),
        influence: Vec::new(),
        adversarial: None,
    })
}

pub(crate) fn get(ledger: &Ledger, id: &str) -> (Option<Entry>, Vec<Damaged>) {
    let mut damaged = Vec::new();
    let entry = ledger.get(id, &mut |file| damaged.push(file)).unwrap();
    (entry, damaged)
}

/// The file of the one entry in a ledger.
fn only_file(folder: &Path) -> std::path::PathBuf {
    let list = |folder: &Path| -> Vec<_> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let files: Vec<_> =
        list(&folder.join("entries")).iter().flat_map(|folder| list(folder)).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

/// Losses as they happen, those that blew up among them.
fn loss() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => 0.0_f64..1e9,
        1 => any::<f64>().prop_map(f64::abs),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NAN),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_stored_entry_is_read_back_unchanged(
        losses in prop::collection::vec(loss(), 1..8),
        accuracy in 0.0_f64..=100.0,
        correct in prop::collection::vec(any::<bool>(), 0..40),
        seed in any::<u32>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::new(folder.path().to_owned());
        let kept = entry(seed.into(), finished(&losses, accuracy, correct));
        ledger.put(&kept).unwrap();
        let (found, damaged) = get(&ledger, &kept.id);
        prop_assert!(damaged.is_empty());
        // By its text, in which a NaN is equal to itself.
        prop_assert_eq!(format!("{:?}", found.unwrap()), format!("{kept:?}"));
    }
}

#[test]
fn the_digest_of_evidence_depends_on_outcomes_and_not_on_times() {
    let (world, assets) = (World::smoke(), Bundled);
    let suite = Suite::embedded(&world).unwrap_or_else(|error| panic!("{error}"));
    let claims = [suite.get("shape_bias").unwrap()];
    // Of the first fine-tune that the claim asks for.
    let called = |accuracy: Option<f64>, seconds: f64| {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::new(folder.path().to_owned());
        let campaign =
            Campaign { kind: EvidenceKind::Smoke, world: &world, assets: &assets, ledger: &ledger };
        let nothing = campaign.gather(&claims).unwrap();
        let trial = campaign.outstanding(&claims, &nothing).planned[0].named.trial.clone();
        if let Some(accuracy) = accuracy {
            let epochs = &trial.recipe.protocol.evaluate;
            let mut outcome = finished(&vec![1.0; epochs.len()], accuracy, vec![]);
            let Ended::Finished(of) = &mut outcome else { unreachable!("it finished") };
            for (one, epoch) in of.evaluations.iter_mut().zip(epochs) {
                (one.epoch, one.seconds) = (*epoch, seconds);
            }
            of.adversarial = trial.recipe.adversarial.map(|test| MeasuredAdversarial {
                test,
                correct: vec![true; test.images as usize],
            });
            ledger.put(&entry_of(trial, outcome)).unwrap();
        }
        let evidence = campaign.gather(&claims).unwrap().evidence;
        assert_eq!(evidence.records.len(), usize::from(accuracy.is_some()));
        evidence.sha256
    };
    let one = called(Some(50.0), 1.0);
    assert_eq!(called(Some(50.0), 2.0), one);
    assert_ne!(called(Some(50.5), 1.0), one);
    assert_ne!(called(None, 1.0), one);
}

#[test]
fn an_empty_ledger_is_not_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().join("not there yet"));
    assert_eq!(get(&ledger, &"0".repeat(64)), (None, vec![]));
    assert_eq!(ledger.all(&mut |_| ()).unwrap(), []);
}

#[test]
fn a_ledger_that_cannot_be_written_is_found_before_trials_run() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().join("ledger"));
    ledger.check_writable().unwrap();
    let (all, file) = (ledger.all(&mut |_| ()).unwrap(), folder.path().join("file"));
    assert!(all.is_empty());
    std::fs::write(&file, "").unwrap();
    let error = Ledger::new(file.join("ledger")).check_writable().unwrap_err();
    assert!(error.is_about_writing(), "{error}");
    // A folder of entries that another user owns is found too; here a file has its name.
    std::fs::write(ledger.folder().join("entries/ab"), "").unwrap();
    let error = ledger.check_writable().unwrap_err();
    assert!(error.is_about_writing() && error.to_string().contains("entries/ab"), "{error}");
    // So is one of leases.
    std::fs::remove_file(ledger.folder().join("entries/ab")).unwrap();
    ledger.check_writable().unwrap();
    std::fs::create_dir_all(ledger.folder().join("leases")).unwrap();
    std::fs::write(ledger.folder().join("leases/cd"), "").unwrap();
    let error = ledger.check_writable().unwrap_err();
    assert!(error.is_about_writing() && error.to_string().contains("leases/cd"), "{error}");
    // So are folders that are written to only where something fails.
    std::fs::remove_file(ledger.folder().join("leases/cd")).unwrap();
    for name in ["damaged", "logs"] {
        let path = ledger.folder().join(name);
        std::fs::write(&path, "").unwrap();
        let error = ledger.check_writable().unwrap_err();
        assert!(error.is_about_writing() && error.to_string().contains(name), "{error}");
        std::fs::remove_file(path).unwrap();
    }
    ledger.check_writable().unwrap();
}

#[test]
fn a_truncated_or_changed_file_is_reported_and_moved_by_the_next_writer() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let kept = entry(1, finished(&[2.0, 1.0], 50.0, vec![true, false, true]));
    ledger.put(&kept).unwrap();
    let path = only_file(folder.path());
    let whole = std::fs::read(&path).unwrap();
    let cut = (0..whole.len() - 1).map(|length| whole[..length].to_vec());
    let changed = (0..whole.len() - 1).step_by(3).map(|at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    });
    for (case, bytes) in cut.chain(changed).enumerate() {
        std::fs::write(&path, &bytes).unwrap();
        let (found, damaged) = get(&ledger, &kept.id);
        assert_eq!(found, None, "case {case}");
        assert_eq!(damaged.len(), 1, "case {case}");
        assert_eq!((&damaged[0].path, &damaged[0].aside), (&path, &None));
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "case {case}: reading moves nothing");
        // The trial can run again, and its record gets the same file.
        if case % 2 == 0 {
            ledger.put(&kept).unwrap();
        } else {
            let mut moved = Vec::new();
            assert_eq!(ledger.get_or_clear(&kept.id, &mut |file| moved.push(file)).unwrap(), None);
            let aside = moved[0].aside.as_ref().unwrap();
            assert!(!path.exists() && std::fs::read(aside).unwrap() == bytes, "case {case}");
            ledger.put(&kept).unwrap();
        }
        let names = std::fs::read_dir(folder.path().join("damaged")).unwrap();
        assert_eq!(names.count(), case + 1, "case {case}: it is kept");
        assert_eq!(get(&ledger, &kept.id), (Some(kept.clone()), vec![]), "case {case}");
    }
}

#[test]
fn an_entry_with_the_name_of_another_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let kept = entry(1, finished(&[1.0], 50.0, vec![]));
    ledger.put(&kept).unwrap();
    let path = only_file(folder.path());
    let other = entry(2, finished(&[1.0], 50.0, vec![]));
    let name = folder.path().join("entries").join(&other.id[..2]);
    std::fs::create_dir_all(&name).unwrap();
    std::fs::copy(path, name.join(format!("{}.json", other.id))).unwrap();
    let (found, damaged) = get(&ledger, &other.id);
    assert_eq!(found, None);
    assert!(damaged[0].reason.contains(&kept.id), "{damaged:?}");
}

/// Two processes ran the same trial: equal bits are one record, and of others the first stays.
#[test]
fn of_two_finished_entries_the_first_stays() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let first = entry(1, finished(&[1.0], 50.0, vec![]));
    assert_eq!(ledger.put(&first).unwrap(), Put::Stored);
    let mut slower = first.clone();
    slower.provenance.seconds = 9.0;
    assert_eq!(ledger.put(&slower).unwrap(), Put::There);
    let other = entry(1, finished(&[1.0], 51.0, vec![]));
    assert_eq!(other.id, first.id);
    assert_eq!(ledger.put(&other).unwrap(), Put::Differs(Box::new(first.clone())));
    let failed = entry(1, Ended::Failed { reason: "out of memory".to_owned() });
    assert_eq!(ledger.put(&failed).unwrap(), Put::There);
    assert_eq!(get(&ledger, &first.id), (Some(first), vec![]));
}

/// Another process may have run the same trial with more memory, before or after.
#[test]
fn a_failed_entry_never_replaces_a_finished_one() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let failed = entry(1, Ended::Failed { reason: "out of memory".to_owned() });
    let kept = entry(1, finished(&[1.0], 50.0, vec![]));
    for (put, there) in [(&failed, &failed), (&kept, &kept), (&failed, &kept)] {
        ledger.put(put).unwrap();
        assert_eq!(get(&ledger, &kept.id), (Some(there.clone()), vec![]));
    }
}

#[test]
fn an_entry_of_a_later_version_is_reported_and_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let kept = entry(1, finished(&[1.0], 50.0, vec![]));
    ledger.put(&kept).unwrap();
    let path = only_file(folder.path());
    let newer = r#"{"format_version":2,"contents":"of a later day"}"#;
    std::fs::write(&path, newer).unwrap();
    let refused = |error: LedgerError| {
        assert!(!error.is_about_writing());
        assert!(
            error.to_string().contains("it has format 2, and this version reads up to format 1"),
            "{error}"
        );
    };
    let (found, reported) = get(&ledger, &kept.id);
    assert_eq!((found, reported.len()), (None, 1));
    refused(ledger.get_or_clear(&kept.id, &mut |file| panic!("{file:?}")).unwrap_err());
    refused(ledger.put(&kept).unwrap_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), newer);
}

#[test]
fn a_file_with_another_name_is_reported_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let kept = entry(1, finished(&[1.0], 50.0, vec![]));
    ledger.put(&kept).unwrap();
    let path = only_file(folder.path());
    let folder_of_entry = path.parent().unwrap();
    let elsewhere = folder.path().join("entries/zz");
    std::fs::create_dir(&elsewhere).unwrap();
    let strays = [
        folder_of_entry.join("a.json"),
        folder_of_entry.join("\u{e9}.json"),
        folder_of_entry.join("notes.txt"),
        elsewhere.join(path.file_name().unwrap()),
    ];
    for stray in &strays {
        std::fs::copy(&path, stray).unwrap();
    }
    let mut reported = Vec::new();
    assert_eq!(ledger.all(&mut |file| reported.push(file)).unwrap(), [kept]);
    let reported: std::collections::BTreeSet<_> =
        reported.into_iter().map(|file| file.path).collect();
    assert_eq!(reported, strays.iter().cloned().collect());
    assert!(strays.iter().all(|stray| stray.exists()));
}

#[test]
fn a_finished_entry_without_evaluations_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let mut kept = entry(1, finished(&[1.0], 50.0, vec![]));
    if let Ended::Finished(outcome) = &mut kept.outcome {
        outcome.evaluations.clear();
    }
    let error = ledger.put(&kept).unwrap_err().to_string();
    assert!(error.contains("has no evaluation"), "{error}");
    assert_eq!(get(&ledger, &kept.id), (None, vec![]), "what can't be read back is not written");
}

/// The system says of both that something exists: a record, and a link in a folder's place.
#[test]
fn a_link_that_leads_nowhere_in_place_of_a_folder_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    std::os::unix::fs::symlink("nowhere", folder.path().join("entries")).unwrap();
    let error = ledger.put(&entry(1, finished(&[1.0], 50.0, vec![]))).unwrap_err();
    assert!(error.is_about_writing() && error.to_string().contains("entries/"), "{error}");
}

#[test]
fn the_state_of_a_fine_tune_goes_when_it_has_a_record() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let entry = entry(1, finished(&[1.0], 50.0, vec![]));
    let state = ledger.epoch_file(&entry.id);
    let name = format!("epochs/{}/{}.safetensors", &entry.id[..2], entry.id);
    assert_eq!(state, folder.path().join(name));
    std::fs::create_dir_all(state.parent().unwrap()).unwrap();
    std::fs::write(&state, "").unwrap();
    ledger.put(&entry).unwrap();
    assert!(!state.exists());
}

#[test]
fn many_writers_leave_complete_entries_and_no_temporary_files() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for seed in 0..25 {
                    ledger.put(&entry(seed, finished(&[1.0], 50.0, vec![true]))).unwrap();
                    let (found, damaged) =
                        get(&ledger, &entry(seed, finished(&[1.0], 50.0, vec![])).id);
                    assert!(found.is_some() && damaged.is_empty());
                }
            });
        }
    });
    assert_eq!(ledger.all(&mut |file| panic!("{file:?}")).unwrap().len(), 25);
    let litter = std::fs::read_dir(folder.path().join("entries"))
        .unwrap()
        .flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap())
        .filter(|file| file.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'))
        .count();
    assert_eq!(litter, 0);
}

#[test]
fn names_of_records_depend_on_everything_that_decides_a_fine_tune() {
    let recipe = World::smoke().recipe(key());
    let base = Trial { recipe: recipe.clone(), seed: Seed(1) };
    let changed = |change: &dyn Fn(&mut Trial)| {
        let mut trial = base.clone();
        change(&mut trial);
        trial.id("weights", "data")
    };
    let names = [
        base.id("weights", "data"),
        base.id("other weights", "data"),
        base.id("weights", "other data"),
        changed(&|trial| trial.seed = Seed(2)),
        changed(&|trial| trial.recipe.key.seed_stream = 1),
        changed(&|trial| trial.recipe.key.blocks = 1),
        changed(&|trial| trial.recipe.key.images = 101),
        changed(&|trial| trial.recipe.key.resolution = Resolution::Native),
        changed(&|trial| trial.recipe.key.source = "natural".into()),
        changed(&|trial| trial.recipe.key.target = "mnist".into()),
        changed(&|trial| trial.recipe.protocol.learning_rate = 0.01),
        changed(&|trial| trial.recipe.protocol.augmentation.padding = 0),
        changed(&|trial| trial.recipe.protocol.evaluate = vec![30]),
        changed(&|trial| trial.recipe.protocol.precision = Precision::Bf16),
        changed(&|trial| trial.recipe.key.influence = true),
        changed(&|trial| trial.recipe.influence = vec![Inverse { truncation: 0.05, damping: 0.0 }]),
        changed(&|trial| trial.recipe.influence = vec![Inverse { truncation: 0.06, damping: 0.0 }]),
        changed(&|trial| trial.recipe.influence = vec![Inverse { truncation: 0.05, damping: 0.1 }]),
    ];
    let distinct: std::collections::BTreeSet<&String> = names.iter().collect();
    assert_eq!(distinct.len(), names.len());
    // A name may change only with the engine's version.
    assert_eq!(base.id("weights", "data"), PINNED);
}

#[test]
fn a_record_without_influence_has_no_field_for_it() {
    let entry = entry(1, finished(&[1.0], 50.0, vec![true]));
    assert!(!serde_json::to_string(&entry).unwrap().contains("influence"));
}

const PINNED: &str = "f0f938e8b7150d3e8ce976d1c4eedf72726daac5ff19ed280af1b8ab12701a04";

#[test]
fn a_failed_run_is_a_stopped_record_and_seed_streams_share_no_seed() {
    let failed = entry(1, Ended::Failed { reason: "out of memory".to_owned() });
    let record = failed.record(&World::smoke());
    assert_eq!(record.status, Status::Stopped);
    assert!(record.evaluations().is_empty() && record.last().is_none());
    let mut seeds = std::collections::BTreeSet::new();
    for seed_stream in 0..81 {
        for place in 0..10 {
            let mut trial = failed.trial.clone();
            trial.recipe.key.seed_stream = seed_stream;
            trial.seed = World::seed(place);
            assert!(seeds.insert(trial.engine_seed()));
        }
    }
}
