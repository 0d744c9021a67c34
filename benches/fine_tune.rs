//! The parts of the smoke world's fine-tunes, on one thread: a batch of 128 images forward in train
//! mode, backward through three blocks, a step, an epoch's augmentation, a test pass. Criterion
//! prints images per second for each.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use repro::{
    assets::bundled,
    engine::{
        OnDevice,
        fine_tune::evaluate,
        model::{Mode, Network, Sgd, Weights},
        transform::{Draws, to_unit},
    },
    experiment::{
        Protocol, Seed, Trainable,
        random::{self, Purpose},
    },
    world::World,
};
use tch::{Device, Tensor};

/// Trained blocks.
const BLOCKS: u32 = 3;

fn network(protocol: &Protocol) -> Network {
    let source = Weights::from(bundled::weights("l2_3").expect("l2_3 is bundled"));
    let mut head = random::generator(Seed(1), Purpose::Head);
    let weights = source.with_head(10, protocol.head, &mut head);
    let mut network = protocol.network(weights).expect("single precision");
    network.train(Trainable::Blocks(BLOCKS)).expect("the network has three blocks");
    network
}

fn steps(criterion: &mut Criterion) {
    tch::set_num_threads(1);
    let protocol = World::smoke().protocol;
    let target = bundled::target("kmnist").expect("KMNIST is bundled");
    let all = OnDevice::new(&target.train.first(1280), Device::Cpu);
    let batch: Vec<usize> = (0..protocol.batch as usize).collect();
    let part = all.select(&batch);
    let mut group = criterion.benchmark_group("fine_tune");
    group.throughput(Throughput::Elements(protocol.batch.into()));

    let draws = || {
        let mut generator = random::epoch_generator(Seed(1), Purpose::Augmentation, 0);
        protocol.augmentation.draw(batch.len(), &mut || rand::RngExt::random(&mut generator))
    };
    group.bench_function("augmentation", |bencher| {
        bencher.iter(|| {
            let draws = Draws::new(&draws(), [i64::from(protocol.side); 2], Device::Cpu);
            to_unit(&draws.apply(&part.pixels))
        });
    });

    let network = network(&protocol);
    let input = to_unit(&part.pixels);
    let forward = || {
        let logits = network.logits(&input, Mode::Train);
        logits.cross_entropy_for_logits(&part.labels)
    };
    group.bench_function("forward", |bencher| bencher.iter(forward));
    group.bench_function("backward", |bencher| {
        bencher.iter_batched(forward, |loss| network.gradients(&loss), BatchSize::PerIteration);
    });
    let gradients: Vec<Tensor> = network.gradients(&forward());
    let mut sgd = Sgd::new(
        network.trainable().map(|(_, parameter)| parameter),
        protocol.momentum,
        protocol.weight_decay,
    );
    // At rate 0, so that repeated steps do not change the weights.
    group.bench_function("step", |bencher| bencher.iter(|| sgd.step(&gradients, 0.0)));
    group.finish();
}

fn tests(criterion: &mut Criterion) {
    tch::set_num_threads(1);
    let protocol = World::smoke().protocol;
    let target = bundled::target("kmnist").expect("KMNIST is bundled");
    let test = OnDevice::new(&target.test, Device::Cpu);
    let network = network(&protocol);
    let mut group = criterion.benchmark_group("fine_tune");
    group.throughput(Throughput::Elements(test.len() as u64));
    group.bench_function("test", |bencher| bencher.iter(|| evaluate(&network, &test)));
    group.finish();
}

criterion_group!(benches, steps, tests);
criterion_main!(benches);
