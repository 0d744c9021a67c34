//! The lab world: packed images against Pillow's bytes, and everything that a GPU does from packed
//! images to a verdict, at a size that takes a CPU seconds.

use crate::common;
#[cfg(unix)]
mod command;
use std::{
    cell::Cell,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use common::{Counted, gap_text, one_look, stand_in};
use proptest::prelude::*;
use repro::{
    assets::card::read_card,
    assets::{for_world, no_progress},
    claim::{Claim, check, suite::Suite},
    cli::hints,
    data::{Dataset, Images, packed},
    engine::{
        OnDevice,
        executor::{Local, Workers},
        pretrain::{self, Checkpoint, TrainingEvent, zoo::ZooBuilder},
    },
    experiment::{
        Card, EvidenceKind, Precision, Pretraining, Seed, Threat, Verdict, WeightsPrecision,
    },
    judge::judge,
    plan::{campaign::Campaign, cost::Cost},
    store::{self, Entry, Ledger},
    util::hexadecimal,
    world::World,
};
use sha2::{Digest, Sha256};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/lab")
}

fn bytes_of(images: &Images) -> &Dataset {
    match images {
        Images::Bytes(dataset) => dataset,
        Images::Files(_) => panic!("packed images are bytes"),
    }
}

#[test]
fn packed_images_have_pillows_bytes_with_labels_and_sources() {
    let reference = std::fs::read_to_string(fixtures().join("reference.json")).unwrap();
    let reference: serde_json::Value = serde_json::from_str(&reference).unwrap();
    // JPEG, lossy WebP, and lossless WebP, from CIFAR-10's official form.
    let files = [("cifar10", 32, 10), ("source", 64, 4), ("official/cifar10", 32, 10)];
    for (name, side, classes) in files {
        let read = packed::read(&fixtures().join(format!("{name}.safetensors"))).unwrap();
        assert_eq!(reference[name]["made_from"], *read.made_from);
        assert_eq!(read.classes.len(), classes);
        for (split, images) in [("train", &read.target.train), ("test", &read.target.test)] {
            let (dataset, expected) = (bytes_of(images), &reference[name][split]);
            assert_eq!(dataset.shape(), (3, side, side));
            assert_eq!(serde_json::json!(dataset.labels()), expected["labels"], "{name} {split}");
            let found = hexadecimal(&Sha256::digest(dataset.pixels()));
            assert_eq!(found, expected["sha256"], "{name} {split}");
        }
    }
}

/// Reads a packed file after a change of its bytes.
fn read_changed(change: impl FnOnce(&mut Vec<u8>)) -> Result<packed::Packed, String> {
    let mut bytes = std::fs::read(fixtures().join("source.safetensors")).unwrap();
    change(&mut bytes);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &bytes).unwrap();
    packed::read(file.path()).map_err(|error| {
        let message = error.to_string();
        assert!(message.contains(&file.path().display().to_string()), "{message}");
        message
    })
}

/// The error after replacing a text in the header by one of the same length.
fn error_after_replacing(from: &str, to: &str) -> String {
    assert_eq!(from.len(), to.len());
    let changed = read_changed(|bytes| {
        let at = bytes.windows(from.len()).position(|window| window == from.as_bytes());
        let at = at.unwrap_or_else(|| panic!("no {from}"));
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    });
    changed.map(|packed| packed.made_from).unwrap_err()
}

#[test]
fn a_packed_file_that_contradicts_itself_is_refused_with_the_reason() {
    for (from, to, words) in [
        ("\"images\": \"1\"", "\"images\": \"2\"", "version 2"),
        ("\"images\"", "\"imagen\"", "`images` is missing"),
        ("\"front\"", "\"frond\"", "front"),
        ("test.ends", "test.endz", "test.ends"),
        ("\"n00000004\\\"]", "\"n00000004\\\" ", "EOF"),
        ("\\\"n00000003\\\", ", "               ", "classes"),
    ] {
        let error = error_after_replacing(from, to);
        assert!(error.contains(words), "{from}: {error}");
    }
    let cut = read_changed(|bytes| bytes.truncate(bytes.len() - 1)).unwrap_err();
    assert!(cut.contains("failed to read the packed images"), "{cut}");
    let missing = packed::read(Path::new("nowhere")).unwrap_err().to_string();
    assert!(missing.contains("failed to read nowhere"), "{missing}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any change gives images or an error that names the file, and no panic.
    #[test]
    fn damaged_packed_files_do_not_panic(at in 0_usize..29_000, value: u8, length in 0_usize..30_000) {
        let _ = read_changed(|bytes| {
            bytes[at] = value;
            bytes.truncate(length.max(at));
        });
        let _ = read_changed(|bytes| bytes[at] ^= value);
    }
}

#[test]
fn every_claim_fits_the_lab_without_kmnist_where_it_is_too_small() {
    let world = World::lab();
    let suite = Suite::embedded(&world).unwrap();
    let claim = suite.get("robust_beats_natural").unwrap();
    let cells = || claim.hypothesis.contrasts.iter().flat_map(|contrast| &contrast.cells);
    let of = |target: &str, images: u32| {
        cells().any(|cell| cell.target.as_deref() == Some(target) && cell.images == Some(images))
    };
    assert!(cells().all(|cell| {
        let (Some(target), Some(images)) = (&cell.target, cell.images) else { return true };
        world.draws(target, images)
    }));
    let sizes = repro::figure::catalogue::FigureCatalogue::new(&world);
    assert!(!sizes.figures.is_empty());
    assert!(of("kmnist", 400) && of("mnist", 400) && of("cifar10", 400));
    assert!(!of("kmnist", 6400));
}

/// The lab world with thin networks and few images; everything else is unchanged.
fn small() -> World {
    let mut world = World::lab();
    let architecture = &mut world.zoo.as_mut().unwrap().architecture;
    architecture.width = 4;
    let pretraining = world.pretraining.as_mut().unwrap();
    pretraining.architecture = architecture.clone();
    pretraining.architecture.classes = 4;
    (pretraining.epochs, pretraining.batch, pretraining.attack_images) = (3, 24, 8);
    (pretraining.attack_steps, pretraining.test_steps) = (1, 2);
    // The fastest precision on a CPU.
    pretraining.precision = Some(Precision::Fp32);
    let protocol = &mut world.protocol;
    (protocol.batch, protocol.epochs, protocol.evaluate) = (16, 2, vec![1, 2]);
    protocol.precision = Precision::Fp32;
    for name in ["cifar10", "kmnist"] {
        let target = world.targets.get_mut(name).unwrap();
        (target.train, target.test) = (120, 60);
    }
    world
}

/// A data folder with the packed images of the fixtures.
fn data() -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    let lab = data.path().join("lab");
    std::fs::create_dir_all(lab.join("kmnist")).unwrap();
    for name in ["source.safetensors", "cifar10.safetensors"] {
        std::fs::copy(fixtures().join(name), lab.join(name)).unwrap();
    }
    for file in std::fs::read_dir(fixtures().join("kmnist")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), lab.join("kmnist").join(file.file_name())).unwrap();
    }
    data
}

fn make_zoo(world: &World, data: &Path, stop_after: usize) -> Result<Vec<Card>, String> {
    let packed = world.packed.as_ref().unwrap();
    let source = packed::read(&data.join(&packed.folder).join(&packed.source)).unwrap().target;
    let stop = AtomicBool::new(false);
    let zoo = world.zoo.as_ref().unwrap();
    let making = ZooBuilder {
        pretraining: world.pretraining.as_ref().unwrap(),
        train: bytes_of(&source.train),
        test: bytes_of(&source.test),
        made_from: Some("a test's images"),
        device: stand_in::device(),
        out: &data.join("zoos").join(&zoo.name),
        command: "a test",
        precision: WeightsPrecision::Single,
        stop: &stop,
    };
    let epochs = Mutex::new(0);
    let progress = |_: &str, event: TrainingEvent<'_>| {
        if !matches!(event, TrainingEvent::Epoch(_)) {
            return;
        }
        let mut epochs = epochs.lock().unwrap();
        *epochs += 1;
        stop.fetch_or(*epochs == stop_after, Ordering::Relaxed);
    };
    making.make(&progress).map_err(|error| error.to_string())
}

/// l2_3 above natural on both targets with 20 images and 0, 3 and 9 blocks, with one look at three
/// seeds.
fn claim(world: &World) -> Claim {
    let cells = "target = [\"cifar10\", \"kmnist\"], images = 20, blocks = [0, 3, 9]";
    let text = gap_text("lab", "greater_than = 0.0", cells, &one_look(3));
    check::claim("gap.toml", &text, world).unwrap_or_else(|error| panic!("{error}"))
}

/// From packed images to a verdict: a zoo that is interrupted and resumed, fine-tunes from it, and
/// their records. No fine-tune runs twice.
#[test]
fn a_small_lab_gives_a_verdict_from_packed_images() {
    tch::set_num_threads(1);
    let (world, data) = (small(), data());
    let cost = || {
        let zoo = for_world(&world, data.path(), no_progress).zoo_to_make();
        zoo.map(|zoo| zoo.pretraining.cost(zoo.train, zoo.test))
    };
    let mut pretraining = world.pretraining.clone().unwrap();
    // The numbers of packed classes and images.
    pretraining.architecture.classes = 4;
    let source = packed::read(&data.path().join("lab/source.safetensors")).unwrap().target;
    let counts = [&source.train, &source.test].map(|split| split.len() as u64);
    assert_eq!(cost(), Some(pretraining.cost(counts[0], counts[1])));
    let cards = make_zoo(&world, data.path(), 2).unwrap_err();
    assert!(cards.contains("stopped"), "{cards}");
    let cards = make_zoo(&world, data.path(), usize::MAX).unwrap();
    assert_eq!(cost(), None, "it is made");
    let roles: Vec<&str> = cards.iter().map(|card| card.role.as_str()).collect();
    assert_eq!(roles, ["natural", "l2_3", "linf_4", "linf_8"]);
    let undisturbed = data_and_zoo(&world);
    for (card, other) in cards.iter().zip(&undisturbed) {
        assert_eq!((&card.weights, card.clean_accuracy), (&other.weights, other.clean_accuracy));
        assert_eq!(card.architecture.classes, 4);
        assert_eq!(card.source_made_from.as_deref(), Some("a test's images"));
        assert!(card.robust_accuracy.iter().all(|robust| robust.images > 0));
    }
    // Measurements of the same models are not repeated; those of other models are.
    let file = data.path().join("zoos/lab/linf_4.json");
    let mut noted = read_card(&file).unwrap();
    assert_eq!(noted, cards[2]);
    noted.robust_accuracy[0].accuracy = -1.0;
    let write = |card: &Card| std::fs::write(&file, serde_json::to_vec(card).unwrap()).unwrap();
    write(&noted);
    assert_eq!(make_zoo(&world, data.path(), usize::MAX).unwrap()[2], noted);
    write(&Card { weights: "of another model".to_owned(), ..noted });
    assert_eq!(make_zoo(&world, data.path(), usize::MAX).unwrap(), cards);
    let Threat::Attack { epsilon, .. } = cards[2].threat else { panic!("linf_4 is attacked") };
    let Threat::Attack { epsilon: twice, .. } = cards[3].threat else { panic!("so is linf_8") };
    assert!((twice - 2.0 * epsilon).abs() < 1e-12);

    let assets = for_world(&world, data.path(), no_progress);
    let ledger = Ledger::new(data.path().join("ledger"));
    let campaign =
        Campaign { kind: EvidenceKind::Lab, world: &world, assets: &*assets, ledger: &ledger };
    let (claim, stop, counted) = (claim(&world), AtomicBool::new(false), Counted::default());
    let workers = Workers::new(stand_in::device(), world.protocol.side, Some(1));
    let local = Local { ledger: &ledger, assets: &*assets, workers, stop: &stop };
    let gathered = campaign.complete(&[&claim], &local, &counted).unwrap();
    assert_eq!(counted.ran(), 2 * 2 * 3 * 3);
    let verdict = judge(&claim, &gathered.evidence);
    assert_eq!(verdict.evidence, EvidenceKind::Lab);
    assert_ne!(verdict.verdict, Verdict::Incomplete, "{}", verdict.reason);
    campaign.complete(&[&claim], &local, &counted).unwrap();
    assert_eq!((counted.ran(), counted.unavailable()), (2 * 2 * 3 * 3, 0));

    let records = ledger.all(&mut |file| panic!("{file:?}")).unwrap();
    for Entry { trial, provenance, .. } in &records {
        let recipe = &trial.recipe;
        let here = [(0, None, 0), (3, Some(2), 2), (9, Some(4), 4)];
        assert!(here.contains(&(recipe.key.blocks, recipe.trained, recipe.trained_blocks())));
        assert!(Cost::of_recipe(recipe, &world).flops > 0.0);
        match &*recipe.key.target {
            "cifar10" => assert!(provenance.images.as_ref().unwrap().contains("JPEG")),
            _ => assert_eq!(provenance.images, None),
        }
    }

    // Records can be exported and judged without source models and images. Missing fine-tunes can't
    // be run there, which is reported.
    let bundle = data.path().join("records.jsonl.gz");
    store::bundle::write(&bundle, &records).unwrap();
    let elsewhere = Ledger::new(data.path().join("elsewhere"));
    let mut travelled = store::bundle::read(&bundle).unwrap();
    assert_eq!(travelled, records);
    let left_behind = travelled.pop().unwrap();
    travelled.iter().for_each(|entry| drop(elsewhere.put(entry).unwrap()));
    let mut with_digests = world.clone();
    for entry in &records {
        let key = &entry.trial.recipe.key;
        with_digests.digests.insert(key.source.to_string(), entry.weights.clone());
        with_digests.digests.insert(key.target.to_string(), entry.data.clone());
    }
    let no_assets = for_world(&with_digests, Path::new("nowhere"), no_progress);
    let campaign = Campaign {
        kind: EvidenceKind::Lab,
        world: &with_digests,
        assets: &*no_assets,
        ledger: &elsewhere,
    };
    let imported = campaign.gather(&[&claim]).unwrap();
    let outstanding = campaign.outstanding(&[&claim], &imported);
    assert!(outstanding.planned.is_empty());
    let unavailable = outstanding.missing.values().map(|trials| trials.len());
    assert_eq!(unavailable.sum::<usize>(), 1, "{:?}", outstanding.missing);
    elsewhere.put(&left_behind).unwrap();
    let there = campaign.gather(&[&claim]).unwrap().evidence;
    let text = |verdict| serde_json::to_string(&verdict).unwrap();
    assert_eq!(text(judge(&claim, &there)), text(judge(&claim, &gathered.evidence)));
    // A changed record is refused, with its line.
    let mut changed = records.clone();
    changed[1].trial.seed = Seed(1);
    store::bundle::write(&bundle, &changed).unwrap();
    let error = store::bundle::read(&bundle).unwrap_err().to_string();
    assert!(error.ends_with("line 2: its name does not match its contents"), "{error}");

    // Weights that do not match their card are no evidence.
    let zoo = data.path().join("zoos/lab");
    std::fs::copy(zoo.join("natural.safetensors"), zoo.join("l2_3.safetensors")).unwrap();
    let assets = for_world(&world, data.path(), no_progress);
    let error = hints::missing(&assets.weights("l2_3", 1).unwrap_err());
    assert!(error.contains("its weights differ from its card's digest"), "{error}");
    assert!(error.contains("run `repro pretrain --world lab --data "), "{error}");
    std::fs::remove_file(data.path().join("lab/cifar10.safetensors")).unwrap();
    let error =
        hints::missing(&for_world(&world, data.path(), no_progress).target("cifar10").unwrap_err());
    assert!(error.contains("scripts/pack_lab.py") && error.contains("--cifar10"), "{error}");
    // No other file makes its folder look like another format.
    assert!(!data.path().join("lab/cifar10").exists());
}

#[test]
fn a_small_lab_gives_a_verdict_on_a_gpu() {
    // The test compares bits, which a real GPU does not reproduce.
    stand_in::run_on_stand_in("a_small_lab_gives_a_verdict_from_packed_images", None);
}

/// Out of memory is an error with a batch that fits, and no panic.
#[test]
fn pretraining_out_of_memory_is_reported_with_a_batch_that_fits() {
    if !stand_in::on_the_stand_in(
        "pretraining_out_of_memory_is_reported_with_a_batch_that_fits",
        None,
    ) {
        return;
    }
    let mut world = small();
    world.pretraining.as_mut().unwrap().models.truncate(1);
    let make = || make_zoo(&world, data().path(), usize::MAX);
    make().unwrap();
    let peak = stand_in::peak_memory();
    stand_in::set_memory(peak * 2 / 3);
    let error = make().unwrap_err();
    assert!(error.starts_with("failed to train natural: CUDA out of memory."), "{error}");
    assert!(error.contains("with a batch of 24; a batch of "), "{error}");
    stand_in::set_memory(1 << 10);
    let error = make().unwrap_err();
    assert!(error.contains("the source's images do not fit at 64 pixels"), "{error}");
}

fn data_and_zoo(world: &World) -> Vec<Card> {
    let data = data();
    make_zoo(world, data.path(), usize::MAX).unwrap()
}

/// The moving average (EMA) of the weights is tested and saved, also after a resume.
#[test]
fn a_pretraining_with_ema_and_augmentation_resumes_with_the_same_bits() {
    tch::set_num_threads(1);
    let pretraining = small().pretraining.unwrap();
    let source = packed::read(&fixtures().join("source.safetensors")).unwrap().target;
    let on_device = |images| OnDevice::new(bytes_of(images), stand_in::device());
    let (train, test) = (on_device(&source.train), on_device(&source.test));
    let source = pretrain::SourceImages { train: &train, test: &test };
    let go = |pretraining: &Pretraining, checkpoint: Option<&Path>, stop_after: usize| {
        let (epochs, seen) = (Cell::new(0), Cell::new(0));
        let checkpoint = checkpoint.map(|path| Checkpoint { path, source: "a test's" });
        let stop = || epochs.get() == stop_after;
        let mut progress = |event: TrainingEvent<'_>| match event {
            TrainingEvent::Epoch(_) => {
                epochs.set(epochs.get() + 1);
                assert_eq!(seen.take(), source.train.len() as usize, "every image is reported");
            }
            TrainingEvent::Waits => panic!("no other process trains"),
            TrainingEvent::Images { done, in_all, .. } => {
                assert!(done > seen.replace(done) && done <= in_all, "{done} of {in_all}");
            }
        };
        let made =
            pretrain::train(pretraining, Threat::None, &source, checkpoint, &stop, &mut progress);
        made.map(|(network, curve)| (network.weights().digest(), curve[2].test_loss))
    };
    let undisturbed = go(&pretraining, None, usize::MAX).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = folder.path().join("a.safetensors");
    assert!(go(&pretraining, Some(&checkpoint), 2).is_err());
    assert_eq!(go(&pretraining, Some(&checkpoint), usize::MAX).unwrap(), undisturbed);
    // Each of the three choices changes the result.
    for other in [
        Pretraining { ema_decay: None, ..pretraining.clone() },
        Pretraining { augmentation: None, ..pretraining.clone() },
        Pretraining { precision: Some(Precision::Bf16), ..pretraining.clone() },
    ] {
        assert_ne!(go(&other, None, usize::MAX).unwrap().0, undisturbed.0);
    }
}

#[test]
fn the_program_names_the_next_step_of_the_lab() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = assert_cmd::Command::cargo_bin("repro").unwrap();
        let data = folder.path().to_str().unwrap();
        command.args(arguments).args(["--data", data, "--device", "cpu"]).output().unwrap()
    };
    let stderr = |output: &std::process::Output| {
        String::from_utf8_lossy(&output.stderr).replace("\n  │ ", " ").replace("\n      ", " ")
    };
    let pretrain = run(&["pretrain", "--world", "lab"]);
    assert_eq!(pretrain.status.code(), Some(66));
    assert!(stderr(&pretrain).contains("scripts/pack_lab.py"), "{}", stderr(&pretrain));
    let ledger = folder.path().join("ledger");
    let ledger = ledger.to_str().unwrap();
    let verify = run(&["verify", "--claim", "l2_best", "--evidence", "lab", "--ledger", ledger]);
    assert_eq!(verify.status.code(), Some(3), "{}", stderr(&verify));
    assert!(stderr(&verify).contains("repro pretrain --world lab"), "{}", stderr(&verify));
    let plan = ["plan", "--evidence", "lab", "--format", "jsonl"];
    let plan = run(&[&plan[..], &["--ledger", ledger]].concat());
    assert!(stderr(&plan).contains("this device can run none of them"), "{}", stderr(&plan));
    assert!(stderr(&plan).contains("tf32 without a GPU"), "{}", stderr(&plan));
}
