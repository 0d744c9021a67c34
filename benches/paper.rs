//! Images per second of the paper's fine-tune: the engine on ResNet-50 at 224 pixels, with random
//! weights and random images of 32x32 pixels, since speed depends on neither. Prints a JSON object;
//! `benches/paper/bench.py` compares it with PyTorch.
//!
//! The executable that `cargo bench --bench paper --no-run` names can be copied to a machine with a
//! GPU (build it with `--features gpu`): `LD_LIBRARY_PATH=…/torch/lib ./paper-… --device cuda`.

use std::{error::Error, fs, sync::atomic::AtomicBool, time::Instant};

use clap::{Parser, ValueEnum};
use rand::Rng;
use repro::{
    data::Dataset,
    engine::{
        OnDevice, device,
        fine_tune::{Material, evaluate, fine_tune_watched},
        model::Weights,
    },
    experiment::{
        Architecture, Head, Protocol, Resolution, Seed,
        random::{self, Purpose},
    },
    world::World,
};
use serde_json::{Value, json};
use tch::{Cuda, Device};

const CLASSES: u32 = 10;
const SEED: Seed = Seed(1);

/// Measures training and testing separately, each after a first round that does not count.
#[derive(Parser)]
struct Given {
    /// Device.
    #[arg(long, value_enum, default_value_t = Kind::Cpu)]
    device: Kind,
    /// Fine-tuned residual blocks.
    #[arg(long, default_value_t = 3)]
    blocks: u32,
    /// Images per step.
    #[arg(long, default_value_t = 128)]
    batch: u32,
    /// Steps per epoch.
    #[arg(long, default_value_t = 8)]
    steps: u32,
    /// Measured epochs and test passes.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Images in the test set.
    #[arg(long, default_value_t = 512)]
    tested: u32,
    /// Threads of libtorch on the CPU [default: libtorch's choice].
    #[arg(long)]
    threads: Option<i32>,
    /// Fields of the paper's protocol to change, as a JSON object.
    #[arg(long, default_value = "{}")]
    protocol: String,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Kind {
    Cpu,
    Cuda,
}

/// Measures wall-clock and processor time.
struct Clock {
    wall: Instant,
    processor: f64,
}

impl Clock {
    fn start(device: Device) -> Self {
        synchronise(device);
        Self { wall: Instant::now(), processor: processor_seconds() }
    }

    /// Wall-clock and processor seconds since the start, and a new start.
    fn lap(&mut self, device: Device) -> Value {
        let now = Self::start(device);
        let before = std::mem::replace(self, now);
        let seconds = (self.wall - before.wall).as_secs_f64();
        json!({ "seconds": seconds, "processor_seconds": self.processor - before.processor })
    }
}

/// Waits for the device to finish.
fn synchronise(device: Device) {
    if let Device::Cuda(index) = device {
        Cuda::synchronize(index as i64);
    }
}

/// Processor seconds of this process, in ticks of a hundredth.
fn processor_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name, in parentheses, may contain any text; times are the 12th and 13th fields after it.
    let after = stat.rsplit(')').next().unwrap_or_default();
    let fields = after.split_whitespace().skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// The peak memory of this process, in bytes.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

/// Random colour images of 32x32 pixels, resized to the network's input size.
fn images(count: u32, device: Device, side: u32) -> OnDevice {
    let mut generator = random::generator(SEED, Purpose::Subset);
    let mut pixels = vec![0; count as usize * 3 * 32 * 32];
    generator.fill_bytes(&mut pixels);
    let labels = (0..count).map(|image| image % CLASSES).collect();
    let dataset = Dataset::new(pixels, (3, 32, 32), labels, CLASSES).expect("the sizes match");
    OnDevice::new(&dataset, device).resized(Resolution::Native, side)
}

/// The paper's protocol with the given fields.
fn protocol(given: &Given) -> Result<Protocol, Box<dyn Error>> {
    let epochs = 1 + given.rounds;
    let mut fields = serde_json::to_value(World::paper().protocol)?;
    let changed: serde_json::Map<String, Value> = serde_json::from_str(&given.protocol)?;
    let fields_of = fields.as_object_mut().expect("a protocol has fields");
    fields_of.extend([
        ("batch".to_owned(), given.batch.into()),
        ("epochs".to_owned(), epochs.into()),
        ("evaluate".to_owned(), vec![epochs].into()),
    ]);
    fields_of.extend(changed);
    let protocol: Protocol = serde_json::from_value(fields)?;
    protocol.check()?;
    Ok(protocol)
}

fn main() -> Result<(), Box<dyn Error>> {
    let cuda = device::open_cuda();
    let given = Given::parse();
    let device = match given.device {
        Kind::Cpu => Device::Cpu,
        Kind::Cuda if Cuda::is_available() => Device::Cuda(0),
        Kind::Cuda => return Err(format!("there is no GPU: {cuda:?}").into()),
    };
    // As in the executor.
    device::prepare_for_steps(device);
    if let Some(threads) = given.threads {
        tch::set_num_threads(threads);
    }
    let protocol = protocol(&given)?;
    let mut generator = random::generator(SEED, Purpose::Initialisation);
    let source = Weights::initialise(Architecture::resnet50(1000), &mut generator).copy_to(device);
    let train = images(given.batch * given.steps, device, protocol.side);
    let test = images(given.tested, device, protocol.side);
    // The fine-tune needs a test set after its first step; a small one is enough.
    let seen = test.select(&[0, 1]);
    let material = Material {
        source: &source,
        train: &train,
        test: &seen,
        test_features: None,
        classes: CLASSES,
    };

    let (mut steps, mut clock, mut trained) = (0, None, Vec::new());
    let outcome = fine_tune_watched(
        &material,
        given.blocks,
        &protocol,
        SEED,
        &AtomicBool::new(false),
        &mut |_, _| {
            steps += 1;
            if steps % given.steps == 0 {
                match &mut clock {
                    None => clock = Some(Clock::start(device)),
                    Some(clock) => trained.push(clock.lap(device)),
                }
            }
        },
    )?;

    let mut head = random::generator(SEED, Purpose::Head);
    let weights = source.with_head(CLASSES, Head::StandardNormal, &mut head);
    let network = protocol.network(weights)?;
    let _ = evaluate(&network, &test);
    let mut clock = Clock::start(device);
    let tested: Vec<Value> = (0..given.rounds)
        .map(|_| {
            let _ = evaluate(&network, &test);
            clock.lap(device)
        })
        .collect();

    let found = json!({
        "device": format!("{device:?}"),
        "threads": tch::get_num_threads(),
        "protocol": protocol,
        "blocks": given.blocks,
        "trained_images": given.batch * given.steps,
        "tested_images": given.tested,
        "training": trained,
        "testing": tested,
        "first_losses": outcome.first_losses,
        "peak_bytes": peak(),
    });
    println!("{found}");
    device::exit(0)
}
