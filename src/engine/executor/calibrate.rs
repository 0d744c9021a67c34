//! Measures the throughput of a world's fine-tunes on a device, by a short fine-tune of random weights
//! on random images.

use std::{sync::atomic::AtomicBool, time::Instant};

use tch::{Device, Kind, Tensor};

use crate::{
    engine::{
        OnDevice,
        catch_torch_panic::attempt,
        device,
        fine_tune::{Material, fine_tune},
        model::Weights,
        oom,
    },
    experiment::{
        MultiplyAdds, PAPER_BLOCKS, Precision, Protocol, Seed,
        random::{self, Purpose},
    },
    plan::cost::Throughput,
    world::World,
};

/// Epochs that are timed, after a warm-up of one epoch.
const EPOCHS: u32 = 4;

/// Times a short fine-tune of three blocks, with augmentation, steps and tests, in floating-point
/// operations a second.
///
/// # Errors
/// If libtorch fails, for example because memory runs out; the error is its message.
pub(crate) fn calibrate(world: &World, on: Device) -> Result<Throughput, String> {
    attempt(|| timed(world, on)).map_err(|said| {
        if !oom::is_out_of_memory(&said) {
            return said;
        }
        let Protocol { batch, side, .. } = world.protocol;
        let (said, images) = (said.trim_end_matches('.'), images(world, on));
        format!("{said} with {images} images at {side} pixels and a batch of {batch}")
    })
}

/// The number of random images.
fn images(world: &World, on: Device) -> i64 {
    match on {
        Device::Cpu => 16,
        _ => 10 * i64::from(world.protocol.batch),
    }
}

fn timed(world: &World, on: Device) -> Throughput {
    let images = images(world, on);
    device::prepare_for_steps(on);
    let architecture = world.architecture();
    let mut generator = random::generator(Seed(0), Purpose::Initialisation);
    let source = Weights::initialise(architecture.clone(), &mut generator).copy_to(on);
    let side = i64::from(world.protocol.side);
    let up_to = |count: i64| Tensor::arange(count, (Kind::Int64, on));
    let bytes = 3 * side * side;
    let some = OnDevice {
        // Arbitrary bytes; each image is the previous one shifted by a byte.
        pixels: (up_to(bytes + images - 1) * 37)
            .remainder(251)
            .to_kind(Kind::Uint8)
            .unfold(0, bytes, 1)
            .reshape([images, 3, side, side]),
        labels: up_to(images).remainder(10),
    };
    let blocks = world.blocks(PAPER_BLOCKS[2]);
    // A device that does not support the world's precision still has a throughput.
    let wanted = world.protocol.precision;
    let precision = wanted.check(on).map_or(Precision::Fp32, |()| wanted);
    let run = |epochs: u32| {
        let evaluate = vec![epochs];
        let protocol = Protocol { epochs, evaluate, precision, ..world.protocol.clone() };
        let material = Material {
            source: &source,
            train: &some,
            test: &some,
            test_features: None,
            classes: 10,
        };
        let clock = Instant::now();
        // The fine-tune ends with sums over tests, which wait for the device.
        fine_tune(&material, blocks, &protocol, Seed(0), &AtomicBool::new(false))
            .unwrap_or_else(|error| panic!("{error}"));
        clock.elapsed().as_secs_f64()
    };
    run(1);
    let seconds = run(EPOCHS);
    let counted = MultiplyAdds::new(architecture, world.protocol.side);
    let trained = f64::from(EPOCHS) * counted.training(blocks) as f64;
    // After the first step, and at the end.
    let tested = 2.0 * counted.forward() as f64;
    Throughput(2.0 * images as f64 * (trained + tested) / seconds)
}
