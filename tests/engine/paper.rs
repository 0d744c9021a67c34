//! The paper's world on a data folder in miniature: checkpoints and images found where `repro fetch` puts
//! them, fine-tuned, kept and judged by the same code as any other world.

use crate::common;
use std::{path::Path, sync::atomic::AtomicBool};

use common::{Counted, gap_text, one_look, stand_in};
use miette::Diagnostic as _;
use repro::{
    assets::Stock,
    claim::{Claim, Plot, check},
    cli::hints,
    engine::{
        executor::{Local, Workers},
        model::Weights,
        pretrain::write_weights,
    },
    evidence::means::Points,
    experiment::{
        Architecture, EvidenceKind, Resolution, Seed, Verdict,
        random::{self, Purpose},
    },
    figure::catalogue::{self, Content, Curves, Figure},
    judge::{CellVerdict, ClaimVerdict, judge},
    plan::campaign::Campaign,
    report::gallery::chart_of,
    store::Ledger,
    world::{OwnNames, World},
};

/// The paper's world with thin networks for its ResNet-50s, at 32 pixels, for two epochs, and 70 images
/// for CIFAR-10.
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

/// l2_3 above natural on CIFAR-10 with 20 images, in one look at three seeds.
fn claim(world: &World) -> Claim {
    let cells = "target = \"cifar10\", images = 20, blocks = 3";
    let text = gap_text("paper", "greater_than = 0.0", cells, &one_look(3));
    check::claim("gap.toml", &text, world).unwrap_or_else(|error| panic!("{error}"))
}

/// Checkpoints of a world's zoo, each from another seed.
fn write_zoo(data: &Path, world: &World) {
    let zoo = world.zoo.as_ref().unwrap();
    for (seed, file) in (1..).zip(zoo.files.values()) {
        let mut generator = random::generator(Seed(seed), Purpose::Initialisation);
        let weights = Weights::initialise(zoo.architecture.clone(), &mut generator);
        let folder = data.join("zoos").join(&zoo.name);
        std::fs::create_dir_all(&folder).unwrap();
        // A file's format is told by its first bytes, not by its name.
        write_weights(&folder.join(file), &weights).unwrap();
    }
}

/// A zoo, and a few files in CelebA's layout.
fn write_faces(data: &Path, world: &World) {
    write_zoo(data, world);
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/data/celeba");
    copy(&fixture, &data.join("celeba"));
}

/// Batches of ten images in CIFAR-10's binary format.
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

/// A claim judged after what the ledger lacks was run, and how many fine-tunes that were.
fn completed(claim: &Claim, world: &World, data: &Path, ledger: &Ledger) -> (ClaimVerdict, usize) {
    let stock = &Stock::of(world, data);
    let own = Campaign { kind: EvidenceKind::Paper, world, stock, ledger };
    let workers = Workers::new(stand_in::device(), world.protocol.side, Some(2));
    let local = Local { ledger, stock, workers, stop: &AtomicBool::new(false) };
    let counted = Counted::default();
    let gathered = own.complete(&[claim], &local, &counted).unwrap();
    (judge(claim, &gathered.evidence), counted.ran())
}

#[test]
fn fine_tunes_from_fetched_files_are_run_kept_and_judged_and_never_run_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (data, world) = (folder.path().join("data"), small(World::paper()));
    write_zoo(&data, &world);
    write_cifar10(&data);
    let stock = Stock::of(&world, &data);
    let ledger = Ledger::new(folder.path().join("ledger"));
    let own = Campaign { kind: EvidenceKind::Paper, world: &world, stock: &stock, ledger: &ledger };
    let claim = claim(&world);
    let stop = AtomicBool::new(false);
    let workers = Workers::new(stand_in::device(), world.protocol.side, Some(2));
    let local = Local { ledger: &ledger, stock: &stock, workers, stop: &stop };
    let counted = Counted::default();
    let gathered = own.complete(&[&claim], &local, &counted).unwrap();
    assert_eq!(counted.ran(), 6);
    let verdict = judge(&claim, &gathered.evidence);
    assert_eq!(verdict.evidence, EvidenceKind::Paper);
    assert_ne!(verdict.verdict, Verdict::Incomplete, "{}", verdict.reason);
    assert_eq!(verdict.cells[0].test_images.as_ref().unwrap().images, 20);

    own.complete(&[&claim], &local, &counted).unwrap();
    assert_eq!(counted.ran(), 6);
    // Names say whose checkpoints and which images: a world of other checkpoints shares no record, and
    // what changes an image changes every name.
    let records = ledger.all(&mut |file| panic!("{file:?}")).unwrap();
    assert!(records.iter().all(|entry| &*entry.trial.recipe.world == "paper"));
    let batch = data.join("cifar10/cifar-10-batches-bin/data_batch_3.bin");
    let mut bytes = std::fs::read(&batch).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&batch, bytes).unwrap();
    let stock = Stock::of(&world, &data);
    for entry in &records {
        let named = stock.named(entry.trial.clone()).unwrap();
        assert_eq!(named.weights, entry.weights);
        assert_ne!((named.data, named.id), (entry.data.clone(), entry.id.clone()));
    }
}

/// The path of `natural_wins_at_high_resolution`, on a few files in CelebA's layout: they say nothing of
/// the claim.
#[test]
fn faces_are_decoded_from_their_files_at_their_own_resolution_and_at_a_lower_one() {
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

/// The digest of a folder's files is of their bytes, whatever they are: what can't be decoded is found when it is
/// wanted.
#[test]
fn a_face_that_can_t_be_decoded_ends_the_run_with_what_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    let (data, world) = (folder.path().join("data"), small(World::paper()));
    write_faces(&data, &world);
    let face = data.join("celeba/img_align_celeba/000001.jpg");
    let whole = std::fs::read(&face).unwrap();
    std::fs::write(&face, &whole[..40]).unwrap();
    let cells = "target = \"celeba\", images = 4, blocks = 3";
    let text = gap_text("paper", "greater_than = 0.0", cells, &one_look(3));
    let claim = check::claim("gap.toml", &text, &world).unwrap_or_else(|error| panic!("{error}"));
    let (stock, ledger) = (Stock::of(&world, &data), Ledger::new(folder.path().join("ledger")));
    let own = Campaign { kind: EvidenceKind::Paper, world: &world, stock: &stock, ledger: &ledger };
    let workers = Workers::new(stand_in::device(), world.protocol.side, Some(2));
    let local = Local { ledger: &ledger, stock: &stock, workers, stop: &AtomicBool::new(false) };
    let error = own.complete(&[&claim], &local, &Counted::default()).unwrap_err();
    assert!(error.to_string().contains("000001.jpg"), "{error}");
    let help = error.help().unwrap().to_string();
    assert!(
        help.contains("get the file again") && help.contains("finished fine-tunes are kept"),
        "{help}"
    );
}

/// The claim itself with its readings and its figure, on the same few files: every part is run, joined and
/// drawn, and what comes out says nothing of the claim.
#[test]
fn high_resolution_is_judged_against_lower_ones_of_the_same_images_and_drawn() {
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
    let (stock, ledger) = (Stock::of(&world, &data), Ledger::new(folder.path().join("ledger")));
    let own = Campaign { kind: EvidenceKind::Paper, world: &world, stock: &stock, ledger: &ledger };
    let workers = Workers::new(stand_in::device(), world.protocol.side, Some(2));
    let stop = AtomicBool::new(false);
    let local = Local { ledger: &ledger, stock: &stock, workers, stop: &stop };
    // The figure runs what it lacks, and the claim then finds it there.
    let figure = |plot: &Plot| Figure {
        name: "A11".to_owned(),
        title: plot.title.clone(),
        content: Content::Curves(Box::new(Curves {
            plot: plot.clone(),
            behind: None,
            stand_ins: Vec::new(),
        })),
    };
    let figure =
        figure(claim.plots.iter().find(|plot| plot.id == "accuracy_by_resolution").unwrap());
    let counted = Counted::default();
    let drawn = own.complete_points(&catalogue::wanted(&[&figure]), 3, &local, &counted).unwrap();
    assert_eq!(counted.ran(), 24, "two models, four resolutions, three seeds");
    let chart = chart_of(&figure, &drawn.evidence, &Points::default()).unwrap();
    let ticks: Vec<&str> = chart.ticks.iter().map(|tick| tick.label.as_str()).collect();
    assert_eq!(ticks, ["8", "12", "16", "native"]);
    assert!(chart.panels[0].curves.iter().all(|curve| curve.points.len() == 4));
    assert_eq!(chart.panels[0].seeds(), Some((3, 3)));

    let gathered = own.complete(&[&claim], &local, &counted).unwrap();
    assert_eq!(counted.ran(), 24, "nothing is run twice");
    let verdict = judge(&claim, &gathered.evidence);
    let ids: Vec<&str> = verdict.readings.iter().map(|reading| reading.id.as_str()).collect();
    assert_eq!(ids, ["not_worse", "on_caltech101", "gain_from_resolution", "dose_response"]);
    for reading in &verdict.readings {
        assert!(reading.cells.iter().all(|cell| cell.seeds == 3), "{reading:?}");
    }
    let mean = |cells: &[CellVerdict]| cells[0].mean.unwrap();
    // What differences of differences come to by hand, from the curves.
    let lead = |at: usize| {
        let [natural, robust] =
            [0, 1].map(|curve: usize| chart.panels[0].curves[curve].points[at].mean);
        natural - robust
    };
    let gain = mean(&verdict.readings[2].cells);
    assert!((gain - (lead(3) - lead(0))).abs() < 1e-9, "{gain}");
    let trend = 1.5 * lead(3) + 0.5 * lead(2) - 0.5 * lead(1) - 1.5 * lead(0);
    assert!((mean(&verdict.readings[3].cells) - trend).abs() < 1e-9, "{trend}");
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
fn fetched_files_and_faces_are_run_on_a_gpu_too() {
    stand_in::run("fine_tunes_from_fetched_files_are_run_kept_and_judged_and_never_run_twice");
    stand_in::run("faces_are_decoded_from_their_files_at_their_own_resolution_and_at_a_lower_one");
}

#[test]
fn what_is_lacking_is_named_with_the_command_that_brings_it() {
    let folder = tempfile::tempdir().unwrap();
    let (data, ledger) = (folder.path().join("data"), folder.path().join("ledger"));
    let ledger = Ledger::new(ledger);
    let lacking = |kind: EvidenceKind| {
        let world = small(kind.world());
        let stock = Stock::of(&world, &data);
        let own = Campaign { kind, world: &world, stock: &stock, ledger: &ledger };
        let claim = claim(&world);
        let gathered = own.gather(&[&claim]).unwrap();
        let outstanding = own.outstanding(&[&claim], &gathered);
        let lacking = outstanding.lacking.iter();
        let lacking =
            lacking.map(|(what, wanted)| format!("{}: {}", wanted.len(), hints::missing(what)));
        (outstanding.planned.len(), lacking.collect::<Vec<_>>().join("\n"))
    };
    let (planned, said) = lacking(EvidenceKind::Paper);
    assert_eq!(planned, 0);
    assert!(said.contains("zoos/authors/resnet50-19c8e357.pth is not there"), "{said}");
    assert!(said.contains("run `repro fetch --world paper --data "), "{said}");
    let (_, said) = lacking(EvidenceKind::Sister);
    assert!(said.contains("zoos/sister/resnet50_l2_eps0.ckpt is not there"), "{said}");
    write_zoo(&data, &small(World::paper()));
    let (planned, said) = lacking(EvidenceKind::Paper);
    assert_eq!(planned, 0);
    assert!(said.starts_with("6: ") && said.contains("run `repro fetch cifar10 --data "), "{said}");
    write_cifar10(&data);
    assert_eq!(lacking(EvidenceKind::Paper), (6, String::new()));
    // A damaged checkpoint takes its own fine-tunes away, and no other.
    let path = data.join("zoos/authors/imagenet_l2_3_0.pt");
    std::fs::write(&path, "<!doctype html>").unwrap();
    let (planned, said) = lacking(EvidenceKind::Paper);
    assert_eq!(planned, 3);
    assert!(said.starts_with("3: ") && said.contains("imagenet_l2_3_0.pt"), "{said}");
}

/// The paper's world in small, with two of a user's own: the images of a folder, and a checkpoint.
fn with_own() -> World {
    let claims = tempfile::tempdir().unwrap();
    std::fs::create_dir(claims.path().join("worlds")).unwrap();
    let own = "format = 1
        [targets.insects]
        title = \"Insects\"
        train = 4
        test = 4
        [sources.l2_5]
        words = \"trained adversarially, L2 eps 5\"
        files = { paper = \"imagenet_l2_5.pt\" }";
    std::fs::write(claims.path().join("worlds/own.toml"), own).unwrap();
    small(World::paper()).with(&OwnNames::read(claims.path()).unwrap())
}

#[test]
fn a_folder_of_images_and_a_checkpoint_of_one_s_own_are_fine_tuned_and_judged() {
    let folder = tempfile::tempdir().unwrap();
    let (data, world) = (folder.path().join("data"), with_own());
    let stock = Stock::of(&world, &data);
    let said = hints::missing(&stock.target("insects").err().unwrap());
    assert!(
        said.contains("insects is not there: put there its images, as {train,test}/CLASS/"),
        "{said}"
    );
    let said = hints::missing(&stock.weights("l2_5").err().unwrap());
    assert!(
        said.contains("zoos/authors/imagenet_l2_5.pt is not there: put there a checkpoint"),
        "{said}"
    );
    let sister = small(World::sister()).with(&world.own);
    let said = Stock::of(&sister, &data).weights("l2_5").err().unwrap().to_string();
    assert!(said.contains("no checkpoint of `l2_5` is named for the sister world"), "{said}");

    write_zoo(&data, &world);
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/data/folder"), &data.join("insects"));
    let cells = "target = \"insects\", images = 4, blocks = 3";
    let text = gap_text("paper", "greater_than = 0.0", cells, &one_look(3)).replace("l2_3", "l2_5");
    let claim = check::claim("gap.toml", &text, &world).unwrap_or_else(|error| panic!("{error}"));
    let ledger = Ledger::new(folder.path().join("ledger"));
    let (verdict, ran) = completed(&claim, &world, &data, &ledger);
    assert_eq!(ran, 6);
    assert_ne!(verdict.verdict, Verdict::Incomplete, "{}", verdict.reason);
    assert_eq!(verdict.cells[0].test_images.as_ref().unwrap().images, 4);

    // Another image, and records of before are not found; one more, and nothing is run.
    let record = &ledger.all(&mut |file| panic!("{file:?}")).unwrap()[0];
    let named = |stock: &Stock| stock.named(record.trial.clone());
    let class = data.join("insects/train/ant");
    std::fs::copy(class.join("10.jpg"), class.join("9.jpg")).unwrap();
    assert_ne!(named(&Stock::of(&world, &data)).unwrap().id, record.id);
    std::fs::copy(class.join("10.jpg"), class.join("8.jpg")).unwrap();
    let said = hints::missing(&named(&Stock::of(&world, &data)).unwrap_err());
    assert!(
        said.contains("4 are expected (1 name that begins with a dot is passed over): mend it"),
        "{said}"
    );
}

/// Each is given to a shell as it is printed; `--list` looks up what would be fetched, and fetches nothing.
#[test]
fn every_command_that_mends_something_is_one_and_finds_the_folder_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("my data");
    let program = env!("CARGO_BIN_EXE_repro");
    for (kind, item) in [(EvidenceKind::Paper, "authors/"), (EvidenceKind::Sister, "sister/")] {
        let world = kind.world();
        let stock = Stock::of(&world, &data);
        let sources = world.sources.keys().map(|source| {
            (format!("{item}{source}"), hints::missing(&stock.weights(source).unwrap_err()))
        });
        let targets = world
            .targets
            .keys()
            .map(|target| (target.clone(), hints::missing(&stock.target(target).unwrap_err())));
        for (item, lacking) in sources.chain(targets) {
            let command = lacking.split('`').nth(1).unwrap();
            let arguments = command.strip_prefix("repro ").unwrap_or_else(|| panic!("{lacking}"));
            let line = format!("'{program}' {arguments} --list");
            let said = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
            let text = String::from_utf8_lossy(&said.stdout);
            assert!(said.status.success(), "{line}: {}", String::from_utf8_lossy(&said.stderr));
            assert!(text.contains(&item), "{line} does not bring {item}: {text}");
            assert!(text.contains(data.to_str().unwrap()), "{line}: {text}");
        }
    }
}

#[test]
fn a_doctor_without_weights_says_what_to_fetch() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = assert_cmd::Command::cargo_bin("repro").unwrap();
    let data = folder.path().to_str().unwrap();
    let said = command.args(["doctor", "--world", "paper", "--data", data]).output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout);
    assert_eq!(said.status.code(), Some(66), "{text}");
    assert!(text.contains("not run: ") && text.contains("run `repro fetch"), "{text}");
}

#[test]
fn the_official_numbers_of_images_are_those_of_the_world() {
    for official in repro::data::official::OFFICIAL {
        let Some(target) = World::paper().targets.remove(official.name) else { continue };
        let counts = (target.train as usize, target.test as usize);
        assert_eq!(counts, (official.train, official.test), "{}", official.name);
    }
}
