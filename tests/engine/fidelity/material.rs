//! The inputs of both sides. Weights, images and labels are computed by the formulas of
//! goldens/fidelity/make_reference.py. The random draws are the engine's; draws.json and head.npy
//! pass them to PyTorch.

use std::path::PathBuf;

use repro::{
    data::{Dataset, Subset},
    engine::{OnDevice, model::Weights, transform::Draw},
    experiment::{
        Architecture, Head, Protocol, Resolution, Seed,
        random::{self, Purpose},
    },
    world::World,
};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use crate::model::formula::{self, uniform};

pub const SEED: Seed = Seed(20_000_000);
pub const STEPS: usize = 10;
const CLASSES: u32 = 10;
const POOL: usize = 60;
const TESTED: usize = 16;
/// Four batches and a half batch in each epoch.
const TRAINED: usize = 36;

/// The paper's protocol with another length and batch size: two epochs of five steps, of which the
/// last is smaller, and a tenfold drop of the rate between them.
pub fn protocol() -> Protocol {
    Protocol { batch: 8, epochs: 2, evaluate: vec![2], ..World::paper().protocol }
}

/// Colour images of 32x32 pixels: tiles of the image's class, fainter tiles of the image, and
/// noise. All sums are of multiples of 2^-23, and so the same in both languages.
fn pictures(part: &str, count: usize) -> Dataset {
    let mut pixels = Vec::new();
    for image in 0..count {
        let class = uniform(&format!("class/{}", image % CLASSES as usize), 3 * 4 * 4);
        let own = uniform(&format!("{part}/{image}"), 3 * 4 * 4);
        let noise = uniform(&format!("{part}/{image}/noise"), 3 * 32 * 32);
        pixels.extend(noise.iter().enumerate().map(|(at, noise)| {
            let (channel, row, column) = (at / 1024, at / 32 % 32, at % 32);
            let tile = channel * 16 + row / 8 * 4 + column / 8;
            let value = 128.0 + 80.0 * class[tile] + 30.0 * own[tile] + 40.0 * noise;
            value.floor().clamp(0.0, 255.0) as u8
        }));
    }
    let labels = (0..count).map(|image| image as u32 % CLASSES).collect();
    Dataset::new(pixels, (3, 32, 32), labels, CLASSES).unwrap()
}

/// The inputs of a fine-tune, owned.
pub struct Stuff {
    pub source: Weights,
    pub train: OnDevice,
    pub test: OnDevice,
}

impl Stuff {
    pub const CLASSES: u32 = CLASSES;

    pub fn on(device: Device) -> Self {
        let side = protocol().side;
        let sized = |dataset: &Dataset| OnDevice::new(dataset, device);
        let source = formula::weights(&Architecture::resnet50(CLASSES), Kind::Float);
        Self {
            source: source.copy_to(device),
            train: sized(&pictures("train", POOL))
                .select(&subset())
                .resized(Resolution::Native, side),
            test: sized(&pictures("test", TESTED)).resized(Resolution::Native, side),
        }
    }
}

fn subset() -> Vec<usize> {
    let order = random::permutation(POOL, &mut random::generator(SEED, Purpose::Subset));
    Subset::draw(&pictures("train", POOL), TRAINED, &order).unwrap().images().to_vec()
}

/// The draws of the seed except the head, in the order in which a fine-tune uses them.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// Images of the pool.
    subset: Vec<usize>,
    epochs: Vec<Epoch>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Epoch {
    /// Indices in the subset.
    order: Vec<usize>,
    /// One row for each image of the subset: rows and columns of its crop, whether it is flipped;
    /// factors of brightness, contrast and saturation; their order; degrees.
    draws: Vec<[f64; 10]>,
}

impl Drawn {
    pub fn of_the_seed() -> Self {
        let protocol = protocol();
        let epochs = (0..protocol.epochs).map(|epoch| {
            let mut order = random::epoch_generator(SEED, Purpose::Order, epoch);
            let mut generator = random::epoch_generator(SEED, Purpose::Augmentation, epoch);
            let mut uniform = || rand::RngExt::random(&mut generator);
            let draws = protocol.augmentation.draw(TRAINED, &mut uniform);
            Epoch {
                order: random::permutation(TRAINED, &mut order),
                draws: draws.iter().map(row).collect(),
            }
        });
        Self { subset: subset(), epochs: epochs.collect() }
    }
}

fn row(draw: &Draw) -> [f64; 10] {
    let Draw { placement, jitter, degrees } = draw;
    let [brightness, contrast, saturation] = jitter.factors.map(f64::from);
    let [first, second, third] = jitter.order.map(|operation| f64::from(operation as u8));
    let flip = f64::from(u8::from(placement.flip));
    let (rows, columns) = (placement.rows as f64, placement.columns as f64);
    [rows, columns, flip, brightness, contrast, saturation, first, second, third, *degrees]
}

/// The head that the seed draws, `[classes, features]`.
pub fn head() -> Tensor {
    let source = formula::weights(&Architecture::resnet50(CLASSES), Kind::Float);
    let mut generator = random::generator(SEED, Purpose::Head);
    let weights = source.with_head(CLASSES, Head::StandardNormal, &mut generator);
    weights.parameters()["fc.weight"].shallow_clone()
}

/// A golden of the project that cargo names when it runs tests, else of the project of the build.
/// Set CARGO_MANIFEST_DIR to run a built test elsewhere.
pub fn golden(name: &str) -> PathBuf {
    let project = std::env::var_os("CARGO_MANIFEST_DIR");
    let project = project.map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    project.join("goldens/fidelity").join(name)
}
