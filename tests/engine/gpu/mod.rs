//! The program's use of a GPU, on a stand-in for one (`gpu/stand_in.cpp`): a device with its own
//! memory, whose operations the CPU computes. It shows that tensors are on the right device, that
//! no transfer happens within a step, and how out of memory is reported. It does not show a GPU's
//! speed or rounding. With a real GPU, results are compared on that.

use crate::common;
use std::sync::atomic::AtomicBool;

use common::{
    kmnist::Fixture,
    stand_in::{self, Traffic},
};
use rand::Rng;
use repro::{
    assets::{Assets as _, Bundled, bundled},
    data::Dataset,
    engine::{
        OnDevice,
        executor::{Local, Workers},
        fine_tune::{fine_tune, fine_tune_watched},
        model::{Network, Weights},
        pretrain::{SourceImages, train},
        transfer,
    },
    experiment::{
        Augmentation, BatchNorm, Constraint, Counts, Found, Key, MeasuredInfluence, Outcome,
        Precision, Pretraining, Protocol, Seed, Threat, Trial,
        random::{self, Purpose},
    },
    store::{Ended, Ledger},
    world::World,
};
use tch::{Device, Kind, Tensor};

const GPU: Device = Device::Cuda(0);

/// KMNIST with two whole batches and a partial one.
fn on_kmnist(device: Device) -> Fixture {
    Fixture::on(device, 300)
}

/// A short protocol of the smoke world.
fn short() -> Protocol {
    Protocol { epochs: 2, evaluate: vec![1, 2], ..World::smoke().protocol }
}

/// Tests the stand-in itself: without it the tests below could not fail.
#[test]
fn the_stand_in_reports_refused_operations_and_waits() {
    if !stand_in::on_the_stand_in("the_stand_in_reports_refused_operations_and_waits", None) {
        return;
    }
    let here = Tensor::ones([1000], (Kind::Float, Device::Cpu));
    let counted = |run: &dyn Fn() -> Tensor| {
        let before = Traffic::now();
        let made = run();
        (made, Traffic::now().since(before))
    };
    let (there, sent) = counted(&|| here.to_device(GPU));
    assert_eq!((sent.to_device, sent.to_host, sent.waits), (4000, 0, 1));
    let (mut sent, quietly) = (here.shallow_clone(), Traffic::now());
    transfer::upload([&mut sent], GPU);
    let quietly = Traffic::now().since(quietly);
    assert_eq!((quietly.to_device, quietly.waits), (4000, 0));
    let mixed = there.f_add(&here).unwrap_err().to_string();
    assert!(mixed.contains("on the same device"), "{mixed}");
    let (sum, computed) = counted(&|| (&there + &sent * 2.0).sum(Kind::Float));
    assert_eq!((computed.to_device, computed.to_host, computed.waits), (0, 0, 0));
    assert!(computed.operations >= 3, "{computed:?}");
    let (_, read) = counted(&|| Tensor::from(sum.double_value(&[])));
    assert_eq!((sum.double_value(&[]), read.to_host, read.waits), (3000.0, 4, 1));
    let (_, chosen) = counted(&|| there.masked_select(&there.gt(0.5)));
    assert_eq!(chosen.waits, 1);
}

/// The relative tolerance of losses where a kernel has another form: sums over a batch may round
/// differently, and training amplifies that.
const REORDERED: f64 = 1e-4;

/// The relative tolerance of a real GPU, which rounds differently, in the first step: that of
/// `repro rerun --tolerance`. Later losses, which training has amplified, must only be numbers.
const ROUNDED: f64 = 1e-3;

fn assert_near(found: f64, expected: f64, after_steps: usize) {
    let relative = (found / expected - 1.0).abs();
    let near = match (stand_in::is_real_gpu(), after_steps) {
        (false, _) => relative < REORDERED,
        (true, 0) => relative < ROUNDED,
        (true, _) => found.is_finite(),
    };
    assert!(near, "{found}, expected {expected}, after {after_steps} steps");
}

#[test]
fn a_fine_tune_on_a_gpu_agrees_with_a_cpu() {
    if !stand_in::on_a_gpu("a_fine_tune_on_a_gpu_agrees_with_a_cpu") {
        return;
    }
    let on = |device, blocks, protocol: &Protocol| -> Outcome {
        let fixture = on_kmnist(device);
        fine_tune(&fixture.material(), blocks, protocol, Seed(1), &AtomicBool::new(false)).unwrap()
    };
    let frozen = Protocol { batch_norm: BatchNorm::Frozen, learning_rate: 0.01, ..short() };
    // If the frozen part is fixed, its features are cached on the device.
    let fixed = Protocol { augmentation: Augmentation::NONE, ..frozen.clone() };
    for protocol in [short(), frozen, fixed] {
        for blocks in [0, 1, 3, 9] {
            let (cpu, card) = (on(Device::Cpu, blocks, &protocol), on(GPU, blocks, &protocol));
            assert_near(card.test_loss_after_first_step, cpu.test_loss_after_first_step, 1);
            for (step, (card, cpu)) in card.first_losses.iter().zip(&cpu.first_losses).enumerate() {
                assert_near(*card, *cpu, step);
            }
            for (card, cpu) in card.evaluations.iter().zip(&cpu.evaluations) {
                assert_near(card.train_loss, cpu.train_loss, 3);
                assert_near(card.test_loss, cpu.test_loss, 3);
            }
        }
    }
    let tf32 = Protocol { precision: Precision::Tf32, ..short() };
    assert!(on(GPU, 3, &tf32).first_losses[0].is_finite());
}

/// Random weights of the world's architecture, 40 colour images to train on and 20 to test on, as
/// small as possible: the operations depend on neither.
fn colour_fixture(world: &World) -> (Fixture, Protocol) {
    let mut generator = random::generator(Seed(1), Purpose::Initialisation);
    let source = Weights::initialise(world.architecture().clone(), &mut generator).copy_to(GPU);
    let images = |count: usize| {
        let mut pixels = vec![0; count * 3 * 32 * 32];
        generator.fill_bytes(&mut pixels);
        let labels = (0..count as u32).map(|image| image % 10).collect();
        let dataset = Dataset::new(pixels, (3, 32, 32), labels, 10).unwrap();
        OnDevice::new(&dataset, GPU)
    };
    let [train, test] = [40, 20].map(images);
    let protocol =
        Protocol { side: 32, batch: 16, epochs: 2, evaluate: vec![1, 2], ..world.protocol.clone() };
    (Fixture { source, train, test }, protocol)
}

/// The host never waits: an epoch's draws are uploaded before its first step, and losses and
/// predictions are downloaded after its last step.
#[test]
fn no_transfer_or_wait_happens_between_the_steps_of_an_epoch() {
    if !stand_in::on_the_stand_in("no_transfer_or_wait_happens_between_the_steps_of_an_epoch", None)
    {
        return;
    }
    let (lab, paper) = (World::lab(), World::paper());
    let mut counted = Vec::new();
    for (name, (fixture, protocol), blocks) in [
        ("thin", (on_kmnist(GPU), short()), vec![0, 1, 3, 9]),
        ("ResNet-18", colour_fixture(&lab), vec![lab.blocks(3)]),
        ("ResNet-50", colour_fixture(&paper), vec![3]),
    ] {
        for precision in [Precision::Fp32, Precision::Bf16] {
            for &blocks in &blocks {
                let protocol = Protocol { precision, ..protocol.clone() };
                let step = assert_no_waits(&fixture, blocks, &protocol);
                counted
                    .push(format!("{name}, {blocks} blocks, {precision:?}: {}", step.operations));
            }
        }
    }
    println!("operations a step:\n{}", counted.join("\n"));
}

/// The traffic of one step of a fine-tune of two epochs of three steps.
fn assert_no_waits(fixture: &Fixture, blocks: u32, protocol: &Protocol) -> Traffic {
    let (mut seen, stop) = (Vec::new(), AtomicBool::new(false));
    let mut watch = |_: &Network, _: &Tensor| seen.push(Traffic::now());
    let material = fixture.material();
    let _ = fine_tune_watched(&material, blocks, protocol, Seed(1), &stop, &mut watch).unwrap();
    let steps: Vec<Traffic> = seen.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    let [tested, first, between, second, third] = steps.try_into().unwrap();
    for step in [first, second, third] {
        assert_eq!((step.to_device, step.to_host, step.waits), (0, 0, 0), "{step:?}");
    }
    // Between the first two steps is a test pass: a prediction for each image, and a sum.
    let test = fixture.test.len() as u64 + 8;
    assert_eq!((tested.to_device, tested.to_host, tested.waits), (0, test, 2));
    // The same test pass, with the epoch's losses and correct predictions; then the next epoch's
    // draws, without a wait: at most 140 bytes for each image, the weights of colours, and padding
    // to multiples of 16 bytes.
    assert_eq!((between.to_host, between.waits), (test + 2 * 8, 4));
    let beyond = 12 + 30 * 16;
    assert!(between.to_device <= 140 * fixture.train.len() as u64 + beyond, "{between:?}");
    third
}

/// Source models are trained as on a CPU. Only an attack's noise is uploaded, a batch at a time,
/// without a wait.
#[test]
fn pretraining_on_a_gpu_agrees_with_a_cpu_without_waits_in_an_epoch() {
    if !stand_in::on_a_gpu("pretraining_on_a_gpu_agrees_with_a_cpu_without_waits_in_an_epoch") {
        return;
    }
    let pretraining = World::smoke().pretraining.unwrap();
    let pretraining = Pretraining { epochs: 1, ..pretraining };
    let (first, counted) = (bundled::first_of_source().unwrap(), !stand_in::is_real_gpu());
    for (threat, noisy) in [
        (Threat::None, false),
        (Threat::Attack { constraint: Constraint::L2, epsilon: 1.0 }, true),
        (Threat::Attack { constraint: Constraint::Linf, epsilon: 0.1 }, true),
        (Threat::Noise { epsilon: 1.0 }, true),
    ] {
        let on = |device, steps: u32| {
            let count = (steps * pretraining.batch) as usize;
            let (train_on, test) = (first.first(count), first.first(100));
            let [train_on, test] = [train_on, test].map(|images| OnDevice::new(&images, device));
            let before = counted.then(Traffic::now);
            let source = SourceImages { train: &train_on, test: &test };
            let trained = train(&pretraining, threat, &source, None, &|| false, &mut |_| ());
            let traffic = before.map(|before| Traffic::now().since(before));
            (trained.unwrap().1.remove(0), traffic)
        };
        let ((cpu, _), (card, six)) = (on(Device::Cpu, 6), on(GPU, 6));
        for (step, (card, cpu)) in card.first_losses.iter().zip(&cpu.first_losses).enumerate() {
            assert_near(*card, *cpu, step);
        }
        assert_near(card.train_loss, cpu.train_loss, 6);
        assert_near(card.test_loss, cpu.test_loss, 6);
        let Some(six) = six else {
            println!("{threat:?}: skipped counting: needs the stand-in");
            continue;
        };
        // The traffic of one more step.
        let (_, seven) = on(GPU, 7);
        let step = seven.expect("the stand-in counts").since(six);
        let noise = if noisy { u64::from(pretraining.batch) * 28 * 28 * 4 } else { 0 };
        let order = u64::from(pretraining.batch) * 8;
        assert_eq!((step.to_device, step.to_host, step.waits), (noise + order, 0, 0), "{threat:?}");
        println!("{threat:?}: {} operations a step", step.operations);
    }
}

/// Influence at the end of a fine-tune, which is in double precision on every device.
#[test]
fn influence_on_a_gpu_agrees_with_a_cpu() {
    if !stand_in::on_the_stand_in("influence_on_a_gpu_agrees_with_a_cpu", None) {
        return;
    }
    let key = Key { influence: true, ..Key::new("kmnist", "natural", 1, 100) };
    let mut recipe = World::smoke().recipe(key);
    (recipe.protocol.epochs, recipe.protocol.evaluate) = (1, vec![1]);
    let trial = Bundled.identify(Trial { recipe, seed: Seed(1) }, 1).unwrap();
    let measured = |device: Device| {
        let folder = tempfile::tempdir().unwrap();
        let (ledger, stop) = (Ledger::new(folder.path().to_owned()), AtomicBool::new(false));
        let workers = Workers { device, at_once: 1, threads_each: 1 };
        let local = Local { ledger: &ledger, assets: &Bundled, workers, stop: &stop };
        local.run(std::slice::from_ref(&trial), &|_| ()).unwrap();
        let entry = ledger.get(&trial.id, &mut |file| panic!("{file:?}")).unwrap().unwrap();
        let Ended::Finished(outcome) = entry.outcome else { panic!("{:?}", entry.outcome) };
        let counts = |measured: MeasuredInfluence| match measured.found {
            Found::Counts(counts) => counts,
            Found::Nothing { reason } => panic!("{reason}"),
        };
        outcome.influence.into_iter().map(counts).collect::<Vec<Counts>>()
    };
    let (there, here) = (measured(GPU), measured(Device::Cpu));
    assert!(!here.is_empty());
    assert_eq!(there.len(), here.len());
    for (there, here) in there.iter().zip(&here) {
        assert_eq!((there.kept, there.gallery.len()), (here.kept, here.gallery.len()));
        assert_near(there.largest, here.largest, 1);
        // Of 2,000 test images: two with nearly equal influences may change places.
        let counts = here.matches.iter().chain([&here.three_of_five]);
        for (there, here) in there.matches.iter().chain([&there.three_of_five]).zip(counts) {
            assert!(there.abs_diff(*here) <= 10, "{there}, expected {here}");
        }
    }
}
