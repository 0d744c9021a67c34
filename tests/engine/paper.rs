//! The paper's world with a small data folder: checkpoints and images at the paths of `repro
//! fetch`, fine-tuned, recorded and judged by the same code as any other world.

use crate::common;
use std::{path::Path, sync::atomic::AtomicBool};

use common::{Counted, gap_text, one_look, stand_in};
use repro::{
    assets::{Assets, for_world, no_progress},
    claim::{Claim, Plot, check},
    cli::hints,
    engine::{
        executor::{Local, Workers},
        model::Weights,
        pretrain::write_weights,
    },
    evidence::means::Points,
    experiment::{
        Architecture, EvidenceKind, Key, Resolution, Seed, Verdict, WeightsPrecision,
        random::{self, Purpose},
    },
    figure::catalogue::{self, Content, Curves, Figure},
    judge::{CellVerdict, ClaimVerdict, judge},
    plan::campaign::Campaign,
    report::gallery::chart_of,
    store::Ledger,
    world::{FIRST_ZOO, UserNames, World},
};

/// The paper's world with thin networks instead of ResNet-50, at 32 pixels, for two epochs, and 70
/// images of CIFAR-10.
fn small(mut world: World) -> World {
    let zoo = world.zoo.as_mut().unwrap();
    zoo.architecture = Architecture::thin(7);
    let protocol = &mut world.protocol;
    (protocol.side, protocol.batch, protocol.epochs) = (32, 16, 2);
    protocol.evaluate = vec![1, 2];
    let cifar10 = world.targets.get_mut("cifar10").unwrap();
    (cifar10.train, cifar10.test) = (50, 20);
    let celeba = world.targets.get_mut("celeba").unwrap();
    (celeba.train, celeba.test) = (4, 2);
    world
}

/// l2_3 above natural on CIFAR-10 with 20 images, with one look at three seeds.
fn claim(world: &World) -> Claim {
    let cells = "target = \"cifar10\", images = 20, blocks = 3";
    let text = gap_text("paper", "greater_than = 0.0", cells, &one_look(3));
    check::claim("gap.toml", &text, world).unwrap_or_else(|error| panic!("{error}"))
}

/// Writes checkpoints of a world's zoo, each from another seed.
fn write_zoo(data: &Path, world: &World) {
    let zoo = world.zoo.as_ref().unwrap();
    for (seed, file) in (1..).zip(zoo.files.values()) {
        let mut generator = random::generator(Seed(seed), Purpose::Initialisation);
        let weights = Weights::initialise(zoo.architecture.clone(), &mut generator);
        let folder = data.join("zoos").join(&zoo.name);
        std::fs::create_dir_all(&folder).unwrap();
        // A file's format is found by its first bytes, not by its name.
        write_weights(&folder.join(file), &weights, WeightsPrecision::Single).unwrap();
    }
}

/// Writes a zoo, and a few files in CelebA's layout.
fn write_faces(data: &Path, world: &World) {
    write_zoo(data, world);
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/data/celeba");
    copy(&fixture, &data.join("celeba"));
}

/// Writes batches of ten images in CIFAR-10's binary format.
fn write_cifar10(data: &Path) {
    let folder = data.join("cifar10/cifar-10-batches-bin");
    std::fs::create_dir_all(&folder).unwrap();
    let batch = |from: u32, images: u32| -> Vec<u8> {
        let image = |image: u32| {
            let label = (image % 10) as u8;
            let byte = move |at: u32| ((image * 31 + at * 7 + at / 32 * 13) % 251) as u8;
            std::iter::once(label).chain((0..3072).map(byte))
        };
        (from..from + images).flat_map(image).collect()
    };
    for at in 0..5 {
        let name = format!("data_batch_{}.bin", at + 1);
        std::fs::write(folder.join(name), batch(10 * at, 10)).unwrap();
    }
    std::fs::write(folder.join("test_batch.bin"), batch(50, 20)).unwrap();
}

/// The verdict after running missing fine-tunes, and their number.
fn completed(claim: &Claim, world: &World, data: &Path, ledger: &Ledger) -> (ClaimVerdict, usize) {
    let assets = &*for_world(world, data, no_progress);
    let campaign = Campaign { kind: EvidenceKind::Paper, world, assets, ledger };
    let workers = Workers::new(stand_in::device(), world.protocol.side, Some(2));
    let local = Local { ledger, assets, workers, stop: &AtomicBool::new(false) };
    let counted = Counted::default();
    let gathered = campaign.complete(&[claim], &local, &counted).unwrap();
    (judge(claim, &gathered.evidence), counted.ran())
}

#[test]
fn fine_tunes_from_downloaded_files_run_once_and_are_judged() {
    let folder = tempfile::tempdir().unwrap();
    let (data, world) = (folder.path().join("data"), small(World::paper()));
    write_zoo(&data, &world);
    write_cifar10(&data);
    let assets = for_world(&world, &data, no_progress);
    let ledger = Ledger::new(folder.path().join("ledger"));
    let campaign =
        Campaign { kind: EvidenceKind::Paper, world: &world, assets: &*assets, ledger: &ledger };
    let claim = claim(&world);
    let stop = AtomicBool::new(false);
    let workers = Workers::new(stand_in::device(), world.protocol.side, Some(2));
    let local = Local { ledger: &ledger, assets: &*assets, workers, stop: &stop };
    let counted = Counted::default();
    let gathered = campaign.complete(&[&claim], &local, &counted).unwrap();
    assert_eq!(counted.ran(), 6);
    let verdict = judge(&claim, &gathered.evidence);
    assert_eq!(verdict.evidence, EvidenceKind::Paper);
    assert_ne!(verdict.verdict, Verdict::Incomplete, "{}", verdict.reason);
    assert_eq!(verdict.cells[0].test_images.as_ref().unwrap().images, 20);

    campaign.complete(&[&claim], &local, &counted).unwrap();
    assert_eq!(counted.ran(), 6);
    // Record names depend on checkpoints and images: a world with other checkpoints shares no
    // record, and a changed image changes every name.
    let records = ledger.all(&mut |file| panic!("{file:?}")).unwrap();
    assert!(records.iter().all(|entry| &*entry.trial.recipe.world == "paper"));
    let batch = data.join("cifar10/cifar-10-batches-bin/data_batch_3.bin");
    let mut bytes = std::fs::read(&batch).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&batch, bytes).unwrap();
    let assets = for_world(&world, &data, no_progress);
    for entry in &records {
        let named = assets.identify(entry.trial.clone(), FIRST_ZOO).unwrap();
        assert_eq!(named.weights, entry.weights);
        assert_ne!((named.data, named.id), (entry.data.clone(), entry.id.clone()));
    }
}

/// The path of `natural_wins_at_high_resolution`, on a few files in CelebA's layout, which are no
/// evidence for the claim.
#[test]
fn faces_are_decoded_at_native_and_at_lower_resolution() {
    let folder = tempfile::tempdir().unwrap();
    let (data, world) = (folder.path().join("data"), small(World::paper()));
    write_faces(&data, &world);
    let cells = "target = \"celeba\", images = 4, blocks = 3, resolution = [\"native\", 16]";
    let text = gap_text("paper", "greater_than = 0.0", cells, &one_look(3));
    let claim = check::claim("gap.toml", &text, &world).unwrap_or_else(|error| panic!("{error}"));
    let ledger = Ledger::new(folder.path().join("ledger"));
    let (verdict, ran) = completed(&claim, &world, &data, &ledger);
    assert_eq!(ran, 12);
    assert_eq!(verdict.cells.len(), 2);
    assert!(verdict.cells.iter().all(|cell| cell.seeds == 3), "{verdict:?}");
}

/// The digest of a folder is of the bytes of its files: an image that can't be decoded is found
/// when all are decoded, once, before the first fine-tune.
#[test]
fn a_face_that_can_t_be_decoded_stops_every_fine_tune_before_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let (data, world) = (folder.path().join("data"), small(World::paper()));
    write_faces(&data, &world);
    let face = data.join("celeba/img_align_celeba/000001.jpg");
    let whole = std::fs::read(&face).unwrap();
    std::fs::write(&face, &whole[..40]).unwrap();
    let cells = "target = \"celeba\", images = 4, blocks = 3";
    let text = gap_text("paper", "greater_than = 0.0", cells, &one_look(3));
    let claim = check::claim("gap.toml", &text, &world).unwrap_or_else(|error| panic!("{error}"));
    let key = Key::new("celeba", "l2_3", 3, 4);
    let missing = for_world(&world, &data, no_progress).unavailable(&key, FIRST_ZOO).unwrap();
    let message = hints::missing(&missing);
    assert!(message.contains("000001.jpg") && message.contains("can't be decoded"), "{message}");
    let ledger = Ledger::new(folder.path().join("ledger"));
    let (verdict, ran) = completed(&claim, &world, &data, &ledger);
    assert_eq!((ran, verdict.verdict), (0, Verdict::Incomplete));
}

/// The claim itself with its readings and its figure, on the same few files, which are no evidence:
/// every part is run, joined and drawn.
#[test]
fn high_resolution_is_compared_with_lower_ones_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let (data, mut world) = (folder.path().join("data"), small(World::paper()));
    for (name, pixels) in [("low", 8), ("lower", 12), ("reduced", 16)] {
        world.resolutions.insert(name.to_owned(), vec![Resolution::Pixels(pixels)]);
    }
    write_faces(&data, &world);
    let text = include_str!("../../claims/natural_wins_at_high_resolution.toml")
        .replace("[100, 200, 400, 800, 1600, 3200, 6400]", "4")
        .replace("[100, 400, 1600]", "4")
        .replace("images = 400", "images = 4")
        .replace("target = [\"celeba\", \"caltech101\"]", "target = \"celeba\"")
        .replace("target = \"caltech101\"", "target = \"celeba\"")
        .replace("[arms]", &format!("{}\n[arms]", one_look(3)));
    let claim = check::claim("natural_wins_at_high_resolution.toml", &text, &world)
        .unwrap_or_else(|error| panic!("{error}"));
    let (assets, ledger) =
        (for_world(&world, &data, no_progress), Ledger::new(folder.path().join("ledger")));
    let campaign =
        Campaign { kind: EvidenceKind::Paper, world: &world, assets: &*assets, ledger: &ledger };
    let workers = Workers::new(stand_in::device(), world.protocol.side, Some(2));
    let stop = AtomicBool::new(false);
    let local = Local { ledger: &ledger, assets: &*assets, workers, stop: &stop };
    // The figure runs missing fine-tunes, and the claim then finds their records.
    let figure = |plot: &Plot| Figure {
        name: "A11".to_owned(),
        title: plot.title.clone(),
        content: Content::Curves(Box::new(Curves {
            plot: plot.clone(),
            published_figure: None,
            stand_ins: Vec::new(),
        })),
    };
    let figure =
        figure(claim.plots.iter().find(|plot| plot.id == "accuracy_by_resolution").unwrap());
    let counted = Counted::default();
    let drawn =
        campaign.complete_points(&catalogue::needed_keys(&[&figure]), 3, &local, &counted).unwrap();
    assert_eq!(counted.ran(), 24, "two models, four resolutions, three seeds");
    let chart = chart_of(&figure, &drawn.evidence, &Points::default()).unwrap();
    let ticks: Vec<&str> = chart.ticks.iter().map(|tick| tick.label.as_str()).collect();
    assert_eq!(ticks, ["8", "12", "16", "native"]);
    assert!(chart.panels[0].curves.iter().all(|curve| curve.points.len() == 4));
    assert_eq!(chart.panels[0].seeds(), Some((3, 3)));

    let gathered = campaign.complete(&[&claim], &local, &counted).unwrap();
    assert_eq!(counted.ran(), 24, "nothing is run twice");
    let verdict = judge(&claim, &gathered.evidence);
    let ids: Vec<&str> = verdict.readings.iter().map(|reading| reading.id.as_str()).collect();
    for id in ["not_worse", "on_caltech101", "gain_from_resolution", "dose_response"] {
        assert!(ids.contains(&id), "{ids:?}");
    }
    // This set-up has one size, so the lead at 100 images has nothing to be compared with.
    let (sizes, others): (Vec<_>, Vec<_>) =
        verdict.readings.iter().partition(|reading| reading.id.starts_with("most_with_100_images"));
    assert_eq!(sizes.len(), 3, "in points and on two logarithmic scales");
    assert!(sizes.iter().all(|reading| reading.verdict == Verdict::Incomplete), "{sizes:?}");
    for reading in others {
        assert!(reading.cells.iter().all(|cell| cell.seeds == 3), "{reading:?}");
    }
    let mean = |cells: &[CellVerdict]| cells[0].mean.unwrap();
    // The differences of differences, computed directly from the curves.
    let lead = |at: usize| {
        let [natural, robust] =
            [0, 1].map(|curve: usize| chart.panels[0].curves[curve].points[at].mean);
        natural - robust
    };
    let reading = |id| &verdict.readings.iter().find(|reading| reading.id == id).unwrap().cells;
    let gain = mean(reading("gain_from_resolution"));
    assert!((gain - (lead(3) - lead(0))).abs() < 1e-9, "{gain}");
    let trend = 1.5 * lead(3) + 0.5 * lead(2) - 0.5 * lead(1) - 1.5 * lead(0);
    assert!((mean(reading("dose_response")) - trend).abs() < 1e-9, "{trend}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(std::fs::copy(entry.path(), to).unwrap()),
        }
    }
}

#[test]
fn downloaded_files_and_faces_run_on_a_gpu() {
    stand_in::run("fine_tunes_from_downloaded_files_run_once_and_are_judged");
    stand_in::run("faces_are_decoded_at_native_and_at_lower_resolution");
}

#[test]
fn missing_files_are_named_with_the_command_that_downloads_them() {
    let folder = tempfile::tempdir().unwrap();
    let (data, ledger) = (folder.path().join("data"), folder.path().join("ledger"));
    let ledger = Ledger::new(ledger);
    let missing = |kind: EvidenceKind| {
        let world = small(kind.world());
        let assets = for_world(&world, &data, no_progress);
        let campaign = Campaign { kind, world: &world, assets: &*assets, ledger: &ledger };
        let claim = claim(&world);
        let gathered = campaign.gather(&[&claim]).unwrap();
        let outstanding = campaign.outstanding(&[&claim], &gathered);
        let missing = outstanding.missing.iter();
        let missing =
            missing.map(|(what, trials)| format!("{}: {}", trials.len(), hints::missing(what)));
        (outstanding.planned.len(), missing.collect::<Vec<_>>().join("\n"))
    };
    let (planned, message) = missing(EvidenceKind::Paper);
    assert_eq!(planned, 0);
    assert!(message.contains("zoos/authors/resnet50-19c8e357.pth is missing"), "{message}");
    assert!(message.contains("run `repro fetch --world paper --data "), "{message}");
    let (_, message) = missing(EvidenceKind::Salman);
    assert!(message.contains("zoos/sister/resnet50_l2_eps0.ckpt is missing"), "{message}");
    write_zoo(&data, &small(World::paper()));
    let (planned, message) = missing(EvidenceKind::Paper);
    assert_eq!(planned, 0);
    assert!(
        message.starts_with("6: ") && message.contains("run `repro fetch cifar10 --data "),
        "{message}"
    );
    write_cifar10(&data);
    assert_eq!(missing(EvidenceKind::Paper), (6, String::new()));
    // A damaged checkpoint makes only its own fine-tunes unavailable.
    let path = data.join("zoos/authors/imagenet_l2_3_0.pt");
    std::fs::write(&path, "<!doctype html>").unwrap();
    let (planned, message) = missing(EvidenceKind::Paper);
    assert_eq!(planned, 3);
    assert!(message.starts_with("3: ") && message.contains("imagenet_l2_3_0.pt"), "{message}");
}

/// The small paper's world with a user's folder of images and a user's checkpoint.
fn with_own() -> World {
    let claims = tempfile::tempdir().unwrap();
    std::fs::create_dir(claims.path().join("worlds")).unwrap();
    let campaign = "format = 1
        [targets.insects]
        title = \"Insects\"
        train = 4
        test = 4
        [sources.l2_5]
        words = \"trained adversarially, L2 eps 5\"
        files = { paper = \"imagenet_l2_5.pt\" }";
    std::fs::write(claims.path().join("worlds/own.toml"), campaign).unwrap();
    small(World::paper()).with(&UserNames::read(claims.path()).unwrap())
}

#[test]
fn user_defined_images_and_checkpoints_are_fine_tuned_and_judged() {
    let folder = tempfile::tempdir().unwrap();
    let (data, world) = (folder.path().join("data"), with_own());
    let assets = for_world(&world, &data, no_progress);
    let message = hints::missing(&assets.target("insects").err().unwrap());
    assert!(
        message
            .contains("insects is missing: copy its images to this path, as {train,test}/CLASS/"),
        "{message}"
    );
    let message = hints::missing(&assets.weights("l2_5", FIRST_ZOO).err().unwrap());
    assert!(
        message.contains("zoos/authors/imagenet_l2_5.pt is missing: copy a checkpoint"),
        "{message}"
    );
    let sister = small(World::salman()).with(&world.user_names);
    let message = for_world(&sister, &data, no_progress)
        .weights("l2_5", FIRST_ZOO)
        .err()
        .unwrap()
        .to_string();
    assert!(message.contains("`l2_5` has no checkpoint in the salman set-up"), "{message}");

    write_zoo(&data, &world);
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/data/folder"), &data.join("insects"));
    let cells = "target = \"insects\", images = 4, blocks = 3";
    let text = gap_text("paper", "greater_than = 0.0", cells, &one_look(3)).replace("l2_3", "l2_5");
    let claim = check::claim("gap.toml", &text, &world).unwrap_or_else(|error| panic!("{error}"));
    let ledger = Ledger::new(folder.path().join("ledger"));
    // An image that can't be decoded stops every fine-tune on its target before the first.
    let image = data.join("insects/train/ant/10.jpg");
    let sound = std::fs::read(&image).unwrap();
    std::fs::write(&image, "GIF89a").unwrap();
    let key = Key::new("insects", "l2_5", 3, 4);
    let assets = for_world(&world, &data, no_progress);
    let missing = assets.unavailable(&key, FIRST_ZOO).unwrap();
    assert!(missing.what.starts_with("1 of 8 images of `insects` can't be decoded"), "{missing}");
    let (verdict, ran) = completed(&claim, &world, &data, &ledger);
    assert_eq!((ran, verdict.verdict), (0, Verdict::Incomplete));
    std::fs::write(&image, sound).unwrap();
    let (verdict, ran) = completed(&claim, &world, &data, &ledger);
    assert_eq!(ran, 6);
    assert_ne!(verdict.verdict, Verdict::Incomplete, "{}", verdict.reason);
    assert_eq!(verdict.cells[0].test_images.as_ref().unwrap().images, 4);

    // With a changed image, earlier records are not found; with one more image, no trial is run.
    let record = &ledger.all(&mut |file| panic!("{file:?}")).unwrap()[0];
    let named = |assets: &dyn Assets| assets.identify(record.trial.clone(), FIRST_ZOO);
    let class = data.join("insects/train/ant");
    std::fs::copy(class.join("10.jpg"), class.join("9.jpg")).unwrap();
    assert_ne!(named(&*for_world(&world, &data, no_progress)).unwrap().id, record.id);
    std::fs::copy(class.join("10.jpg"), class.join("8.jpg")).unwrap();
    let message = hints::missing(&named(&*for_world(&world, &data, no_progress)).unwrap_err());
    assert!(
        message.contains("expected 4 (1 hidden file is skipped): correct its numbers"),
        "{message}"
    );
}

/// Each command is run by a shell as printed; with `--list` it names its files and downloads none.
#[test]
fn every_suggested_command_exists_and_has_the_given_folder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("my data");
    let program = env!("CARGO_BIN_EXE_repro");
    for (kind, item) in [(EvidenceKind::Paper, "authors/"), (EvidenceKind::Salman, "sister/")] {
        let world = kind.world();
        let assets = for_world(&world, &data, no_progress);
        let sources = world.sources.keys().map(|source| {
            (
                format!("{item}{source}"),
                hints::missing(&assets.weights(source, FIRST_ZOO).unwrap_err()),
            )
        });
        let targets = world
            .targets
            .keys()
            .map(|target| (target.clone(), hints::missing(&assets.target(target).unwrap_err())));
        for (item, missing) in sources.chain(targets) {
            let command = missing.split('`').nth(1).unwrap();
            let arguments = command.strip_prefix("repro ").unwrap_or_else(|| panic!("{missing}"));
            let line = format!("'{program}' {arguments} --list");
            let message = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
            let text = String::from_utf8_lossy(&message.stdout);
            assert!(
                message.status.success(),
                "{line}: {}",
                String::from_utf8_lossy(&message.stderr)
            );
            assert!(text.contains(&item), "{line} does not list {item}: {text}");
            assert!(text.contains(data.to_str().unwrap()), "{line}: {text}");
        }
    }
}

#[test]
fn doctor_without_weights_names_the_fetch_command() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = assert_cmd::Command::cargo_bin("repro").unwrap();
    let data = folder.path().to_str().unwrap();
    let message = command.args(["doctor", "--world", "paper", "--data", data]).output().unwrap();
    let text = String::from_utf8_lossy(&message.stdout);
    assert_eq!(message.status.code(), Some(66), "{text}");
    assert!(text.contains("not run: ") && text.contains("run `repro fetch"), "{text}");
}

#[test]
fn the_official_numbers_of_images_agree_with_the_world() {
    for official in repro::data::official::OFFICIAL {
        let Some(target) = World::paper().targets.remove(official.name) else { continue };
        let counts = (target.train as usize, target.test as usize);
        assert_eq!(counts, (official.train, official.test), "{}", official.name);
    }
}
