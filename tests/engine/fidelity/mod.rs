//! The fine-tune at the paper's scale: ResNet-50, images of 32x32 pixels brought to 224x224, the whole
//! protocol of the paper's world, ten steps, against a PyTorch script of the same protocol.
//!
//! `goldens/fidelity/make_reference.py` makes `reference.json`, in single precision; of the two files
//! that it needs, `what_pytorch_was_given_is_what_the_seed_draws` below makes both.

use std::{collections::BTreeMap, sync::atomic::AtomicBool};

use repro::engine::{
    fine_tune::{Material, fine_tune_watched},
    model::{Mode, Network},
    transform,
};
use tch::{Device, Kind, Tensor};

mod material;
mod reference;
use crate::common::{require, stand_in};

use material::{Drawn, SEED, STEPS, Stuff, golden, head, protocol};
use reference::{Curve, Distances, NearMiss, Reference};

/// How many times PyTorch's own drift may lie between the engine and PyTorch, number by number.
///
/// The drift (`reference.json` has it for each number) is how far PyTorch comes from itself where
/// nothing differs but rounding: double precision, another layout in memory, narrower vectors, images
/// nudged by half a unit in the last place. Losses drift by 8e-7 at the first step. With the head alone
/// it stays under 1e-5 for all ten; where blocks are trained, rate and head are so large that rounding
/// errors grow by the step, to 1e-4 at the third and 1e-2 at the tenth. Four such drifts were measured,
/// of which the largest counts; the engine was at most 1.7 away (1.1 on the processor that made them,
/// 1.02 and 1.67 with vectors of 128 and of 256 bits). What is wrong in one thing lies 130 drifts away
/// or more.
const ON_THE_CPU: f64 = 8.0;

/// The same on a GPU, where convolutions by transforms round some ten times more coarsely. Nobody has
/// measured it yet.
const ON_A_GPU: f64 = 80.0;

/// What is left of a fine-tune after its last step.
struct End {
    logits: Vec<f64>,
    tensors: BTreeMap<String, Tensor>,
}

impl End {
    fn of(network: &Network, test: &Tensor) -> Self {
        let logits = repro::engine::no_grad::without(|| {
            network.logits(&transform::to_unit(test), Mode::Evaluate).flatten(0, -1)
        });
        let statistics = network.weights().buffers().iter().map(|(name, of)| (name.as_str(), of));
        let tensors = statistics.chain(network.trainable());
        Self {
            logits: Vec::try_from(logits.to_kind(Kind::Double)).unwrap(),
            tensors: tensors.map(|(name, of)| (name.to_owned(), of.copy())).collect(),
        }
    }
}

fn distances(blocks: u32, device: Device, reference: &Reference) -> Distances {
    tch::set_num_threads(1);
    let Stuff { source, train, test } = &Stuff::on(device);
    let material = Material { source, train, test, test_features: None, classes: Stuff::CLASSES };
    let (mut losses, mut end) = (Vec::new(), None);
    let mut watch = |network: &Network, loss: &Tensor| {
        losses.push(loss.double_value(&[]));
        if losses.len() == STEPS {
            end = Some(End::of(network, &test.pixels));
        }
    };
    let stop = AtomicBool::new(false);
    let outcome =
        fine_tune_watched(&material, blocks, &protocol(), SEED, &stop, &mut watch).unwrap();
    let end = end.expect("there are as many steps");
    assert_eq!(losses.len(), STEPS);
    assert_eq!(outcome.first_losses, losses[..outcome.first_losses.len()]);
    let curve = Curve {
        losses,
        test_loss_after_first_step: outcome.test_loss_after_first_step,
        test_loss: outcome.evaluations.last().expect("one is at the end").test_loss,
        logits: end.logits,
    };
    reference.blocks[&blocks].distances(&curve, &end.tensors)
}

#[track_caller]
fn assert_fidelity(blocks: u32, device: Device, tolerance: f64) {
    let reference = Reference::read();
    let found = distances(blocks, device, &reference);
    let (what, times) = reference.blocks[&blocks].drifts_away(&found);
    println!("{blocks} blocks on {device:?}: {what} is {times:.2} drifts away\n{found:?}");
    assert!(times < tolerance, "{blocks} blocks: {what} is {times:.1} drifts away: {found:?}");
}

#[test]
fn what_pytorch_was_given_is_what_the_seed_draws() {
    let (drawn, head) = (Drawn::of_the_seed(), head());
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        let text = serde_json::to_string(&drawn).unwrap().replace("],[", "],\n[");
        std::fs::write(golden("draws.json"), text + "\n").unwrap();
        head.write_npy(golden("head.npy")).unwrap();
    }
    let kept = std::fs::read_to_string(golden("draws.json")).unwrap();
    assert_eq!(serde_json::from_str::<Drawn>(&kept).unwrap(), drawn);
    assert!(Tensor::read_npy(golden("head.npy")).unwrap().equal(&head));
}

#[test]
fn ten_steps_of_the_head_alone_are_pytorchs() {
    assert_fidelity(0, Device::Cpu, ON_THE_CPU);
}

#[test]
fn ten_steps_of_three_blocks_are_pytorchs() {
    assert_fidelity(3, Device::Cpu, ON_THE_CPU);
}

#[test]
fn ten_steps_of_nine_blocks_are_pytorchs() {
    assert_fidelity(9, Device::Cpu, ON_THE_CPU);
}

/// In a process of its own, whose environment keeps NVIDIA's libraries from computing in TF32, as they
/// do unless told otherwise, and in which nothing has asked libtorch for a GPU before. Without one, or built
/// without the feature, it says so, and fails if `REPRO_REQUIRE=gpu` asks for it.
#[test]
fn ten_steps_on_a_gpu_are_pytorchs() {
    const OFF: &str = "NVIDIA_TF32_OVERRIDE";
    if std::env::var(OFF).is_ok_and(|value| value == "0") {
        let _ = repro::engine::device::open_cuda();
        match repro::engine::device::inventory().cuda_missing {
            Some(reason) => {
                assert!(!require::required("gpu"), "not compared on a GPU: {reason}");
                println!("not compared on a GPU: {reason}");
            }
            None => {
                for blocks in [0, 3, 9] {
                    assert_fidelity(blocks, Device::Cuda(0), ON_A_GPU);
                }
            }
        }
        return;
    }
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &stand_in::whole_name("ten_steps_on_a_gpu_are_pytorchs"), "--nocapture"])
        .env(OFF, "0")
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
}

/// What PyTorch gives by a protocol that is wrong in one thing, held to the same tolerance.
#[test]
fn a_protocol_that_is_wrong_in_one_thing_would_be_seen() {
    let reference = Reference::read();
    assert!(reference.near_misses.len() >= 10);
    for (miss, NearMiss { blocks, curve }) in &reference.near_misses {
        let case = &reference.blocks[blocks];
        let (what, times) = case.drifts_away(&case.distances_of_curve(curve));
        println!("{miss}: {what} is {times:.0} drifts away");
        assert!(times > 2.0 * ON_THE_CPU, "{miss}: only {times:.1} drifts, in {what}");
    }
}

/// As on a machine without a GPU, whatever is here.
#[test]
fn where_a_gpu_is_required_and_missing_that_is_a_failure() {
    for (required, succeeds) in [("", true), ("gpu", false), ("GPU", false)] {
        let ended = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                &stand_in::whole_name("ten_steps_on_a_gpu_are_pytorchs"),
                "--nocapture",
            ])
            .env("CUDA_VISIBLE_DEVICES", "")
            .env("REPRO_REQUIRE", required)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stdout);
        assert_eq!(ended.status.success(), succeeds, "{required}: {said}");
    }
}
