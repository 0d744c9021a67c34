//! The bundled source models: trained again for a few steps, interrupted and resumed, and compared
//! with their cards.

use std::{
    cell::Cell,
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, atomic::AtomicBool},
};

use repro::{
    assets::bundled,
    engine::{
        OnDevice,
        pretrain::{self, Checkpoint, PretrainError, TrainingEvent, zoo::ZooBuilder},
    },
    experiment::Against,
    experiment::{Card, Threat},
    world::World,
};

/// The relative tolerance of another processor's losses in the first five steps of a pretraining.
/// From the third step on, rounding errors have grown: other kernels (Intel's AVX-512 instead of
/// AMD's, AVX2, neither) differ by 3e-7 in the second step, and by up to 7e-2 in the fifth. The
/// processor that made the cards gives their bits.
const FIRST_LOSSES: [f64; 5] = [1e-5, 1e-4, 0.1, 0.1, 0.1];
/// The same for adversarial training, whose steps are choices that rounding can change (the sign of
/// a gradient, the worse of two images): up to 1.4e-3 in the first step and 1.9e-2 in the second. A
/// radius too large by a tenth differs by at least 1.1e-2 in the first step; one too small by a
/// twentieth may stay undetected (9e-4).
const FIRST_ATTACKED_LOSSES: [f64; 5] = [5e-3, 5e-2, 0.1, 0.1, 0.1];

#[test]
fn source_models_trained_again_for_a_few_steps_have_their_cards_losses() {
    tch::set_num_threads(1);
    let pretraining = World::smoke().pretraining.unwrap();
    let first = bundled::first_of_source().unwrap();
    assert_eq!(first.len(), pretrain::FIRST_IMAGES);
    let first = OnDevice::new(&first, tch::Device::Cpu);
    for model in &pretraining.models {
        let card = bundled::card(&model.role).unwrap();
        let found = pretrain::first_losses(&pretraining, card.threat, &first, &|| false).unwrap();
        assert_eq!((found.len(), card.first_losses.len()), (5, 5));
        let near = match card.threat {
            Threat::Attack { .. } => FIRST_ATTACKED_LOSSES,
            Threat::None | Threat::Noise { .. } => FIRST_LOSSES,
        };
        for (step, (found, recorded)) in found.iter().zip(&card.first_losses).enumerate() {
            let relative = (found - recorded).abs() / recorded;
            assert!(relative < near[step], "{}, step {step}: {found} {recorded}", model.role);
        }
    }
}

#[test]
fn an_interrupted_pretraining_resumes_with_the_same_bits() {
    tch::set_num_threads(1);
    let mut pretraining = World::smoke().pretraining.unwrap();
    pretraining.epochs = 3;
    let first = OnDevice::new(&bundled::first_of_source().unwrap().first(300), tch::Device::Cpu);
    let source = pretrain::SourceImages { train: &first, test: &first };
    let threat = Threat::Attack { constraint: repro::experiment::Constraint::L2, epsilon: 1.0 };
    let go = |checkpoint: Option<&Path>, stop_after: usize| {
        let epochs = Cell::new(0);
        let checkpoint = checkpoint.map(|path| Checkpoint { path, source: "a test's" });
        let stop = || epochs.get() == stop_after;
        let mut progress = |event: TrainingEvent<'_>| {
            epochs.set(epochs.get() + usize::from(matches!(event, TrainingEvent::Epoch(_))));
        };
        let made = pretrain::train(&pretraining, threat, &source, checkpoint, &stop, &mut progress);
        made.map(|(network, curve)| (network.weights().digest(), curve.len(), epochs.get()))
    };
    let undisturbed = go(None, usize::MAX).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = folder.path().join("a.safetensors");
    assert!(go(Some(&checkpoint), 1).is_err());
    // The completed epoch is not repeated.
    let (digest, epochs, _) = undisturbed;
    assert_eq!(go(Some(&checkpoint), usize::MAX).unwrap(), (digest.clone(), epochs, epochs - 1));
    assert_eq!(go(Some(&checkpoint), usize::MAX).unwrap(), (digest, epochs, 0));
    // It is not resumed with another recipe, nor if it is damaged.
    let bytes = std::fs::read(&checkpoint).unwrap();
    std::fs::write(&checkpoint, &bytes[..bytes.len() / 2]).unwrap();
    let error = go(Some(&checkpoint), usize::MAX).unwrap_err().to_string();
    assert!(error.contains("no whole safetensors file"), "{error}");
    std::fs::write(&checkpoint, &bytes).unwrap();
    pretraining.learning_rate = 0.05;
    let checkpoint = Checkpoint { path: &checkpoint, source: "a test's" };
    let other =
        pretrain::train(&pretraining, threat, &source, Some(checkpoint), &|| false, &mut |_| ());
    assert!(other.unwrap_err().to_string().contains("another recipe"));
}

/// Trains the smoke world's first models for a few epochs on a few images, into a folder; returns
/// the result and the number of reported epochs of each model.
fn small_zoo(
    models: usize,
    images: usize,
    out: &Path,
) -> (Result<Vec<Card>, PretrainError>, BTreeMap<String, u32>) {
    tch::set_num_threads(1);
    let mut pretraining = World::smoke().pretraining.unwrap();
    pretraining.models.truncate(models);
    (pretraining.epochs, pretraining.max_accuracy_drop, pretraining.attack_images) = (6, 100.0, 10);
    let images = bundled::first_of_source().unwrap().first(images);
    let reported = Mutex::new(BTreeMap::new());
    let making = ZooBuilder {
        pretraining: &pretraining,
        train: &images,
        test: &images,
        made_from: None,
        device: tch::Device::Cpu,
        out,
        command: "a test",
        stop: &AtomicBool::new(false),
    };
    let made = making.make(&|name, progress| match progress {
        TrainingEvent::Epoch(epoch) => {
            let _ = reported.lock().unwrap().insert(name.to_owned(), epoch.epoch);
        }
        // The test holds the lock, and releases it now.
        TrainingEvent::Waits => drop(std::fs::remove_file(out.join(".lock")).map(|()| {
            reported.lock().unwrap().insert("waits".to_owned(), 0);
        })),
        TrainingEvent::Images { .. } => {}
    });
    (made, reported.into_inner().unwrap())
}

/// A lock belongs to a file description, so that this process can act as another one.
#[test]
fn pretraining_waits_for_another_process_in_the_same_folder() {
    let folder = tempfile::tempdir().unwrap();
    let held = repro::util::files::lock(&folder.path().join(".lock")).unwrap();
    assert!(held.is_some());
    let (made, reported) = small_zoo(1, 130, folder.path());
    assert_eq!(made.unwrap().len(), 1);
    assert_eq!((reported["waits"], reported["natural"]), (0, 6));
}

#[test]
fn a_zoo_is_not_resumed_with_another_source() {
    let folder = tempfile::tempdir().unwrap();
    let (made, reported) = small_zoo(1, 130, folder.path());
    assert_eq!(reported["natural"], 6);
    let cards = made.unwrap();
    let (again, reported) = small_zoo(1, 130, folder.path());
    assert_eq!((again.unwrap(), reported.len()), (cards, 0));
    let (other, reported) = small_zoo(1, 131, folder.path());
    let error = other.unwrap_err().to_string();
    assert!(error.contains("another recipe, seed, source or engine"), "{error}");
    assert!(reported.is_empty(), "{reported:?}");
}

#[test]
fn a_model_that_fails_stops_the_others_and_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let (made, _) = small_zoo(1, 130, folder.path());
    made.unwrap();
    let models = World::smoke().pretraining.unwrap().models;
    // The last model that does not depend on another.
    let (last, epsilon) = models
        .iter()
        .rev()
        .find_map(|model| match &model.against {
            Against::Attack { grid, .. } => Some((&model.role, grid[0])),
            _ => None,
        })
        .unwrap();
    let damaged = folder.path().join(format!("checkpoints/{last}-{epsilon}.safetensors"));
    std::fs::write(&damaged, "no checkpoint").unwrap();
    let (made, reported) = small_zoo(models.len(), 130, folder.path());
    let error = made.unwrap_err().to_string();
    assert!(error.contains("no whole safetensors file"), "{error}");
    assert!(reported.values().all(|epochs| *epochs < 6), "{reported:?}");
}

#[test]
fn a_pretraining_that_diverged_is_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let mut pretraining = World::smoke().pretraining.unwrap();
    (pretraining.epochs, pretraining.learning_rate) = (2, 1e30);
    let first = OnDevice::new(&bundled::first_of_source().unwrap().first(300), tch::Device::Cpu);
    let source = pretrain::SourceImages { train: &first, test: &first };
    let checkpoint = folder.path().join("a.safetensors");
    let checkpoint = Checkpoint { path: &checkpoint, source: "a test's" };
    let go = |stop_after: u32| {
        let epochs = Cell::new(0);
        let (stop, threat) = (|| epochs.get() == stop_after, Threat::None);
        let mut progress = |event: TrainingEvent<'_>| {
            if let TrainingEvent::Epoch(epoch) = event {
                epochs.set(epoch.epoch);
            }
        };
        pretrain::train(&pretraining, threat, &source, Some(checkpoint), &stop, &mut progress)
    };
    let before = go(0).unwrap_err().to_string();
    assert_eq!(
        before,
        "stopped before the first epoch of a model was finished; run the same command again to \
         continue"
    );
    let stopped = go(1).unwrap_err();
    assert!(matches!(stopped, PretrainError::Interrupted { epoch: 1 }), "{stopped}");
    let (_, curve) = go(u32::MAX).unwrap();
    assert_eq!(curve.len(), 2);
    assert!(!curve[0].train_loss.is_finite(), "{curve:?}");
}

#[test]
fn the_bundled_models_match_their_cards() {
    let world = World::smoke();
    for role in world.sources.keys() {
        let (weights, card) = (bundled::weights(role).unwrap(), bundled::card(role).unwrap());
        assert_eq!(&weights.digest(), &card.weights, "{role}");
        assert_eq!(&card.role, role);
        assert!(card.cost <= 3.0 || role == "linf_8", "{role}: {}", card.cost);
    }
    for (name, target) in &world.targets {
        let data = bundled::target(name).unwrap();
        assert_eq!(data.train.len(), target.train as usize);
        assert!(data.train.len() >= 6400 && data.test.len() >= 2000, "{name}");
    }
    let sizes = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/smoke/zoo"))
        .unwrap()
        .map(|file| file.unwrap().metadata().unwrap().len());
    assert!(sizes.sum::<u64>() < 8_000_000);
}
