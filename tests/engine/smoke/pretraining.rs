//! The bundled source models: trained again for a few steps, interrupted and resumed, and compared
//! with their cards.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Mutex, atomic::AtomicBool},
};

use repro::{
    assets::{bundled, card::read_card, further_zoos},
    checkpoint,
    engine::{
        OnDevice,
        fine_tune::evaluate,
        model::{Implementation, Network, Weights},
        pretrain::{self, Checkpoint, PretrainError, TrainingEvent, zoo::ZooBuilder},
    },
    experiment::{Against, Card, Constraint, Pretraining, Seed, Threat, WeightsPrecision},
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
    let threat = Threat::Attack { constraint: Constraint::L2, epsilon: 1.0 };
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

/// Makes a zoo on so many images, which are also those that it is tested on; and returns how many
/// epochs were reported of each training.
fn make(
    pretraining: &Pretraining,
    images: usize,
    out: &Path,
    precision: WeightsPrecision,
) -> (Result<Vec<Card>, PretrainError>, BTreeMap<String, u32>) {
    tch::set_num_threads(1);
    let images = bundled::first_of_source().unwrap().first(images);
    let reported = Mutex::new(BTreeMap::new());
    let making = ZooBuilder {
        pretraining,
        train: &images,
        test: &images,
        made_from: None,
        device: tch::Device::Cpu,
        out,
        command: "a test",
        precision,
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

/// Trains the smoke world's first models for a few epochs on a few images, into a folder; returns
/// the result and the number of reported epochs of each model.
fn small_zoo(
    models: usize,
    images: usize,
    out: &Path,
) -> (Result<Vec<Card>, PretrainError>, BTreeMap<String, u32>) {
    let mut pretraining = World::smoke().pretraining.unwrap();
    pretraining.models.truncate(models);
    (pretraining.epochs, pretraining.max_accuracy_drop, pretraining.attack_images) = (6, 100.0, 10);
    make(&pretraining, images, out, WeightsPrecision::Single)
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

/// Two zoos of the command's `--seeds`, with few images: cards name seed, eps and precision and
/// measure what the files hold, and nothing is trained twice.
#[test]
fn further_zoos_are_stored_in_half_precision_and_measured_as_they_are_stored() {
    let folder = tempfile::tempdir().unwrap();
    let (epochs, batch, attack_images, test_steps) = (1, 32, 32, 2);
    let bundled = World::smoke().pretraining.unwrap();
    let bundled = Pretraining { epochs, batch, attack_images, test_steps, ..bundled };
    let images = OnDevice::new(&bundled::first_of_source().unwrap().first(64), tch::Device::Cpu);
    let mut digests = Vec::new();
    for seed in [6, 7] {
        let recipe = further_zoos::recipe(&bundled, Seed(seed));
        let out = folder.path().join(seed.to_string());
        let (made, reported) = make(&recipe, 64, &out, WeightsPrecision::Half);
        let cards = made.unwrap();
        // One training for each model: no eps is searched.
        assert_eq!((cards.len(), reported.len()), (recipe.models.len(), recipe.models.len()));
        for card in &cards {
            let role = &card.role;
            assert_eq!(
                (card.seed, card.weights_precision),
                (seed, WeightsPrecision::Half),
                "{role}"
            );
            assert_eq!(card.threat, bundled::card(role).unwrap().threat, "{role}");
            assert!(card.tried.is_empty(), "{role}");
            assert_eq!(&read_card(&out.join(format!("{role}.json"))).unwrap(), card);
            let bytes = std::fs::read(out.join(format!("{role}.safetensors"))).unwrap();
            // 51 of these are less than 36 MB.
            assert!(bytes.len() < 700_000, "{role}: {} bytes", bytes.len());
            let stored = checkpoint::Checkpoint::read(role, bytes).unwrap();
            assert!(stored.tensors().all(|tensor| tensor.dtype().name() == "float16"), "{role}");
            let fitted = stored.fitted(&card.architecture).unwrap();
            assert_eq!(fitted.digest(), card.weights, "{role}");
            let network =
                Network::new(fitted.into(), card.normalisation, Implementation::Reference);
            let clean = evaluate(&network, &images).accuracy();
            assert_eq!((clean, cards[0].clean_accuracy - clean), (card.clean_accuracy, card.cost));
            let attacks = [(Constraint::L2, 1.5), (Constraint::Linf, 0.15)];
            for (robust, (constraint, epsilon)) in card.robust_accuracy.iter().zip(attacks) {
                let found =
                    pretrain::robust_accuracy(&network, &recipe, &images, constraint, epsilon);
                assert_eq!(found, (robust.accuracy, robust.images), "{role}: {}", robust.attack);
            }
            assert_eq!(card.robust_accuracy.len(), attacks.len());
            digests.push(card.weights.clone());
        }
        let (again, reported) = make(&recipe, 64, &out, WeightsPrecision::Half);
        assert_eq!((again.unwrap(), reported.len()), (cards, 0));
    }
    // Five models of seed 6, and four of seed 7 without the Gaussian one.
    assert_eq!((digests.len(), BTreeSet::from_iter(digests).len()), (9, 9));
}

/// A radius of nothing leaves the images as they are, so that what remains is the seed's.
#[test]
fn models_of_one_zoo_begin_alike_and_see_images_in_the_same_order() {
    tch::set_num_threads(1);
    let bundled = World::smoke().pretraining.unwrap();
    let images = OnDevice::new(&bundled::first_of_source().unwrap().first(300), tch::Device::Cpu);
    let source = pretrain::SourceImages { train: &images, test: &images };
    let digest = |seed: u64, epochs: u32, threat: Threat| {
        let recipe = Pretraining { epochs, ..further_zoos::recipe(&bundled, Seed(seed)) };
        let trained = pretrain::train(&recipe, threat, &source, None, &|| false, &mut |_| ());
        trained.unwrap().0.weights().digest()
    };
    let attack = |epsilon| Threat::Attack { constraint: Constraint::Linf, epsilon };
    let begun = digest(2, 0, Threat::None);
    assert_eq!(digest(2, 0, attack(0.3)), begun);
    assert_eq!(digest(2, 0, Threat::Noise { epsilon: 1.5 }), begun);
    assert_ne!(digest(3, 0, Threat::None), begun);
    let trained = digest(2, 1, Threat::None);
    assert_eq!(digest(2, 1, Threat::Noise { epsilon: 0.0 }), trained);
    assert_eq!(digest(2, 1, attack(0.0)), trained);
    assert_ne!(digest(2, 1, attack(0.3)), trained);
}

#[test]
fn a_share_of_the_steps_begins_like_all_of_them_which_are_an_ordinary_training() {
    tch::set_num_threads(1);
    let bundled = World::smoke().pretraining.unwrap();
    let images = OnDevice::new(&bundled::first_of_source().unwrap().first(300), tch::Device::Cpu);
    let source = pretrain::SourceImages { train: &images, test: &images };
    let recipe = Pretraining { epochs: 2, batch: 32, ..further_zoos::recipe(&bundled, Seed(2)) };
    let attack = Threat::Attack { constraint: Constraint::L2, epsilon: 1.5 };
    let go = |steps_share: Option<f64>| {
        let recipe = Pretraining { steps_share, ..recipe.clone() };
        let mut steps = Vec::new();
        let mut progress = |event: TrainingEvent<'_>| {
            if let TrainingEvent::Images { epoch, done, in_all } = event {
                steps.push((epoch, done, in_all));
            }
        };
        let made = pretrain::train(&recipe, attack, &source, None, &|| false, &mut progress);
        let (network, curve) = made.unwrap();
        let losses: Vec<Vec<f64>> = curve.into_iter().map(|epoch| epoch.first_losses).collect();
        let first = pretrain::first_losses(&recipe, attack, &images, &|| false).unwrap();
        (network.weights().digest(), losses, steps, first)
    };
    let whole = go(None);
    assert_eq!(whole.2.len(), 20);
    assert_eq!(go(Some(1.0)), whole);
    // Three of ten steps an epoch, of the same images and from the same random starts.
    let (digest, losses, steps, first) = go(Some(0.25));
    let of = |epoch| [32, 64, 96].map(|done| (epoch, done, 96));
    assert_eq!(steps, [of(1), of(2)].concat());
    assert_eq!(losses[0], whole.1[0][..3]);
    assert_ne!(losses[1], whole.1[1][..3], "another first epoch is behind it");
    assert_ne!(digest, whole.0);
    assert_eq!(first, whole.3, "a card's first losses are of steps that anyone can repeat");
}

#[test]
fn weights_in_half_precision_are_read_back_as_they_were_rounded() {
    let card = bundled::card("natural").unwrap();
    let single = Weights::from(bundled::weights("natural").unwrap());
    let rounded = single.rounded(WeightsPrecision::Half);
    assert_ne!(rounded.digest(), single.digest());
    assert_eq!(rounded.rounded(WeightsPrecision::Half).digest(), rounded.digest());
    assert_eq!(single.rounded(WeightsPrecision::Single).digest(), single.digest());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("natural.safetensors");
    pretrain::write_weights(&path, &single, WeightsPrecision::Half).unwrap();
    let stored = checkpoint::Checkpoint::open(&path).unwrap();
    let fitted = stored.fitted(&card.architecture).unwrap();
    assert_eq!(fitted.digest(), rounded.digest());
    // In single precision they have the bytes of the file that ships.
    let shipped =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/smoke/zoo/natural.safetensors");
    pretrain::write_weights(&path, &single, WeightsPrecision::Single).unwrap();
    assert!(std::fs::read(&path).unwrap() == std::fs::read(shipped).unwrap());
    // At most half a unit in the last of 11 places away; below the smallest normal number, 2^-25.
    let values = |tensor: &tch::Tensor| Vec::<f32>::try_from(tensor.reshape([-1])).unwrap();
    for (name, tensor) in single.parameters().iter().chain(single.buffers()) {
        let stored = fitted.parameters.get(name).or_else(|| fitted.buffers.get(name)).unwrap();
        for (value, stored) in values(tensor).into_iter().zip(&stored.values) {
            let off = (value - stored).abs();
            assert!(
                off <= (value.abs() / 2048.0).max(2.0_f32.powi(-25)),
                "{name}: {value} {stored}"
            );
        }
    }
}

/// The same command with other options for its seeds.
#[test]
fn roles_and_shares_that_no_zoo_can_have_are_rejected() {
    let seeds = &["--seeds", "2"][..];
    for (words, said) in [
        ([seeds, &["--roles", "l2_3"]].concat(), "can't be trained without `natural`"),
        ([seeds, &["--roles", "natural,l2_4"]].concat(), "no model `l2_4`"),
        ([seeds, &["--steps-share", "0"]].concat(), "no number above 0 and at most 1"),
        (vec!["--steps-share", "0.25"], "--seeds"),
    ] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_repro"));
        let output = command.args(["pretrain", "--world", "smoke", "--from", "."]).args(&words);
        let output = output.output().unwrap();
        let error = crate::common::stderr::stderr_text(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{words:?}: {error}");
        assert!(error.contains(said), "{words:?}: {error}");
    }
}

#[test]
fn seeds_that_no_further_zoo_can_have_are_rejected() {
    for (words, said) in [
        (["--world", "smoke", "--seeds", "1..3"], "seed 1 is that of the bundled zoo"),
        (["--world", "lab", "--seeds", "2..3"], "the smoke world only"),
        (["--world", "smoke", "--seeds", "3..2"], "the range 3..2 is empty"),
    ] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_repro"));
        let output = command.arg("pretrain").args(words).output().unwrap();
        let error = crate::common::stderr::stderr_text(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{words:?}: {error}");
        assert!(error.contains(said), "{words:?}: {error}");
    }
}
