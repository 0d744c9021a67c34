//! Influence functions at the paper's size (`cargo bench --bench influence`): seconds, processor
//! seconds and peak memory of each part. The features are random, with variances that fall like those
//! of networks (as one over their index). `benches/README.md` has the measurements.

use std::{fs, time::Instant};

use rand_distr::{Distribution, StandardNormal};
use repro::{
    engine::{
        device,
        influence::{Curvature, Influence, LastLayer, Shares},
    },
    experiment::{
        Inverse, Seed,
        random::{self, Purpose},
    },
};
use tch::{Device, Kind, Tensor};

const TRAIN: i64 = 3200;
const TEST: i64 = 10_000;
const FEATURES: i64 = 2048;
const CLASSES: i64 = 10;
/// The lead of the true class's logit, which fits about as many images as a fine-tune does.
const LEAD: f64 = 6.0;

/// Nonnegative features and logits that both depend on the class.
fn layer(images: i64, generator: &mut rand_chacha::ChaCha8Rng) -> LastLayer {
    let mut normal = |shape: [i64; 2]| {
        let draw = |_| -> f64 { StandardNormal.sample(&mut *generator) };
        let values: Vec<f64> = (0..shape[0] * shape[1]).map(draw).collect();
        Tensor::from_slice(&values).view(shape)
    };
    let labels = Tensor::arange(images, (Kind::Int64, Device::Cpu)).remainder(CLASSES);
    let one_hot = labels.one_hot(CLASSES).to_kind(Kind::Double);
    let block = Tensor::ones([1, FEATURES / CLASSES + 1], (Kind::Double, Device::Cpu));
    let of_class = one_hot.kron(&block).narrow(1, 0, FEATURES);
    let index = Tensor::arange(FEATURES, (Kind::Double, Device::Cpu)) / 10.0 + 1.0;
    let features: Tensor = normal([images, FEATURES]) / index.sqrt() + of_class * 0.1;
    let features = features.relu();
    let logits: Tensor = normal([images, CLASSES]) * 2.0 + one_hot * LEAD;
    LastLayer::new(&features, &logits, &labels).expect("finite features of ten classes")
}

/// Processor seconds of this process, all threads together.
fn processor() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: f64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// The peak memory of this process, in bytes.
fn peak() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kibibytes.unwrap_or(f64::NAN) * 1024.0
}

/// Runs `work` and prints its time and memory.
fn timed<T>(what: &str, of: impl FnOnce() -> T) -> T {
    let (clock, before) = (Instant::now(), processor());
    let made = of();
    println!(
        "{what}: {:.1} s, {:.1} processor seconds, peak {:.0} MB",
        clock.elapsed().as_secs_f64(),
        processor() - before,
        peak() / 1e6
    );
    made
}

fn main() {
    tch::set_num_threads(1);
    let mut generator = random::generator(Seed(1), Purpose::Subset);
    let (train, test) =
        timed("random features", || (layer(TRAIN, &mut generator), layer(TEST, &mut generator)));
    for truncation in [0.05, 0.01] {
        println!(
            "truncation {truncation}: {TRAIN} x {TEST} images, {} parameters, one thread",
            train.parameters()
        );
        let mut generator = random::generator(Seed(1), Purpose::Influence);
        let pairs =
            timed("  eigenpairs", || Curvature::new(&train).top(truncation, &mut generator));
        let pairs = pairs.expect("a curvature");
        let inverse = Inverse { truncation, damping: 0.0 };
        let influence = timed("  gradients", || Influence::new(&train, &test, &pairs, inverse));
        let influence = influence.expect("a valid inverse");
        let shares = timed("  influences and ranks", || {
            Shares::new(&influence, train.labels(), test.labels())
        });
        println!(
            "  {} eigenpairs kept, of {} test images {} have the class of their most influential one",
            influence.kept(),
            TEST,
            shares.matches[0]
        );
    }
    device::exit(0)
}
