//! Freezing, initial weights, normalisation, and weights that do not fit.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use repro::{
    engine::model::*,
    experiment::{
        Architecture, BatchNorm, Head, Normalisation, PAPER_BLOCKS, Precision, TooManyBlocks,
        Trainable,
    },
};
use tch::{Device, Kind, Tensor};

use super::formula::images;
use super::fresh;

fn entries(weights: &Weights) -> BTreeMap<String, Tensor> {
    let all = weights.parameters().iter().chain(weights.buffers());
    all.map(|(name, tensor)| (name.clone(), tensor.copy())).collect()
}

fn network(architecture: &Architecture) -> Network {
    Network::new(fresh(architecture), Normalisation::IMAGENET, Implementation::Reference)
}

fn size(tensors: impl IntoIterator<Item = Tensor>) -> usize {
    tensors.into_iter().map(|tensor| tensor.numel()).sum()
}

#[test]
fn fine_tuned_blocks_of_resnet_50_have_the_papers_numbers_of_parameters() {
    let mut network = network(&Architecture::resnet50(10));
    let mut sizes = Vec::new();
    for blocks in PAPER_BLOCKS {
        network.train(Trainable::Blocks(blocks)).unwrap();
        sizes.push(size(network.trainable().map(|(_, tensor)| tensor.shallow_clone())));
    }
    let added: Vec<usize> = (1..4).map(|at| sizes[at] - sizes[at - 1]).collect();
    // The paper's code adds one block to the head, or three to it, or six to these three.
    assert_eq!(sizes[0], 20_490);
    assert_eq!(added[0], 4_462_592);
    assert_eq!(sizes[2] - sizes[0], 14_964_736);
    assert_eq!(added[2], 7_098_368);
}

#[test]
fn networks_have_torchvisions_numbers_of_parameters() {
    for (architecture, expected) in [
        // torchvision's documentation of ResNet18_Weights and ResNet50_Weights.
        (Architecture::resnet18(1000), 11_689_512),
        (Architecture::resnet50(1000), 25_557_032),
    ] {
        let weights = fresh(&architecture);
        let parameters = size(weights.parameters().values().map(Tensor::shallow_clone));
        assert_eq!(parameters, expected, "{architecture:?}");
    }
}

#[test]
fn blocks_are_counted_from_the_head_in_both_networks() {
    let layers = |architecture: &Architecture, blocks| -> Vec<String> {
        let names = Trainable::Blocks(blocks).names(architecture).unwrap();
        let mut layers: Vec<String> = names
            .iter()
            .map(|name| name.split('.').take(if name.starts_with("fc") { 1 } else { 2 }))
            .map(|parts| parts.collect::<Vec<_>>().join("."))
            .collect();
        layers.dedup();
        layers
    };
    let (thin, paper) = (Architecture::thin(10), Architecture::resnet50(10));
    assert_eq!(layers(&paper, 0), ["fc"]);
    assert_eq!(layers(&paper, 1), ["layer4.2", "fc"]);
    assert_eq!(layers(&paper, 3), ["layer4.0", "layer4.1", "layer4.2", "fc"]);
    let nine = layers(&paper, 9);
    assert_eq!((nine.len(), nine[0].as_str()), (10, "layer3.0"));
    for blocks in PAPER_BLOCKS {
        assert_eq!(layers(&paper, blocks), layers(&thin, blocks));
    }
    let error = Trainable::Blocks(9).names(&Architecture::resnet18(10)).unwrap_err();
    assert_eq!(error, TooManyBlocks { requested: 9, available: 8 });
    assert!(error.to_string().contains("the network has 8"), "{error}");
}

#[test]
fn frozen_parameters_are_constant_while_running_statistics_change() {
    let mut network = network(&Architecture::thin(10));
    network.train(Trainable::Blocks(3)).unwrap();
    let before = network.weights().copy_to(Device::Cpu);
    let mut sgd = Sgd::new(network.trainable().map(|(_, tensor)| tensor), 0.9, 5e-4);
    let images = images(0, [4, 3, 32, 32], Kind::Float);
    let labels = Tensor::from_slice(&[0_i64, 1, 2, 3]);
    let loss = network.logits(&images, Mode::Train).cross_entropy_for_logits(&labels);
    sgd.step(&network.gradients(&loss), 0.1);
    for (name, parameter) in network.weights().parameters() {
        let trained = name.starts_with("layer4.") || name.starts_with("fc.");
        assert_eq!(parameter.equal(&before.parameters()[name]), !trained, "{name}");
        assert_eq!(parameter.requires_grad(), trained, "{name}");
    }
    for (name, statistic) in network.weights().buffers() {
        assert!(!statistic.equal(&before.buffers()[name]), "{name}");
    }

    // In evaluation mode, in which frozen norms are trained, no statistic changes.
    let before = network.weights().copy_to(Device::Cpu);
    assert_eq!(BatchNorm::Frozen.mode(), Mode::Evaluate);
    let _ = network.logits(&images, BatchNorm::Frozen.mode());
    for (name, statistic) in network.weights().buffers() {
        assert!(statistic.equal(&before.buffers()[name]), "{name}");
    }
}

#[test]
fn a_frozen_part_computed_once_gives_the_same_logits_and_gradients() {
    let mut network = network(&Architecture::thin(10));
    let images = images(0, [4, 1, 32, 32], Kind::Float);
    let labels = Tensor::from_slice(&[0_i64, 1, 2, 3]);
    let every = [0, 1, 3, 9, 11].map(Trainable::Blocks);
    for trainable in every.into_iter().chain([Trainable::Everything]) {
        network.train(trainable).unwrap();
        let fixed = network.frozen_part(&images, Mode::Evaluate);
        assert!(!fixed.requires_grad());
        let whole = network.logits(&images, Mode::Evaluate);
        let parted = network.trained_part(&fixed, Mode::Evaluate);
        assert!(whole.equal(&parted), "{trainable:?}");
        let [whole, parted] = [whole, parted]
            .map(|logits| network.gradients(&logits.cross_entropy_for_logits(&labels)));
        for (at, (whole, parted)) in whole.iter().zip(&parted).enumerate() {
            assert!(whole.equal(parted), "{trainable:?}, parameter {at}");
        }
    }
}

#[test]
fn a_prepared_network_computes_the_same_bits_until_a_weight_changes() {
    let fused = Implementation::Fused(Precision::Fp32);
    let weights = fresh(&Architecture::thin(10));
    let network = Network::new(weights, Normalisation::IMAGENET, fused);
    // Prepared kernels stay valid in train mode, where only running statistics change.
    for mode in [Mode::Train, Mode::Evaluate] {
        let prepared = network.prepared(mode);
        for at in 1..=3 {
            let images = images(at, [8 * at as i64, 1, 32, 32], Kind::Float);
            repro::engine::no_grad::without(|| {
                let expected = network.logits(&images, mode);
                assert!(prepared.logits(&images, mode).equal(&expected), "{mode:?}");
            });
        }
    }
    // A kernel prepared from a weight is not prepared again.
    let images = images(0, [8, 3, 32, 32], Kind::Float);
    let before = network.logits(&images, Mode::Evaluate);
    let prepared = network.prepared(Mode::Evaluate);
    assert!(prepared.logits(&images, Mode::Evaluate).equal(&before));
    let _ = repro::engine::no_grad::without(|| {
        network.weights().parameters()["layer1.0.conv1.weight"].shallow_clone().fill_(0.0)
    });
    assert!(prepared.logits(&images, Mode::Evaluate).equal(&before));
    assert!(!network.logits(&images, Mode::Evaluate).equal(&before));
    let other = || prepared.logits(&images, Mode::Train);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(other)).is_err());
}

#[test]
fn images_are_clipped_and_normalised_and_grey_ones_get_three_channels() {
    let pixels = Tensor::from_slice(&[-0.5_f32, 0.0, 0.485, 2.0]).view([1, 1, 2, 2]);
    let found = Normalisation::IMAGENET.on(Device::Cpu).apply(&pixels);
    assert_eq!(found.size(), [1, 3, 2, 2]);
    let value = |channel, row, column| found.double_value(&[0, channel, row, column]);
    let black = -0.485 / 0.229;
    for (at, expected) in [(0, black), (1, black), (2, 0.0), (3, 0.515 / 0.229)] {
        // Three roundings in single precision, at values of up to 2.3.
        let error = (value(0, at / 2, at % 2) - expected).abs();
        assert!(error < 5e-7, "pixel {at}: {error}");
    }
    assert!((value(2, 1, 1) - (1.0 - 0.406) / 0.225).abs() < 5e-7);

    let network = network(&Architecture::thin(10));
    let grey = images(0, [4, 1, 32, 32], Kind::Float);
    let coloured = network.logits(&grey.repeat([1, 3, 1, 1]), Mode::Evaluate);
    assert!(coloured.equal(&network.logits(&grey, Mode::Evaluate)));
    assert!(grey.min().double_value(&[]) < 0.0 && grey.max().double_value(&[]) > 1.0);
    assert!(coloured.equal(&network.logits(&grey.clamp(0.0, 1.0), Mode::Evaluate)));
}

#[test]
fn initial_weights_have_the_right_spread_and_are_reproducible() {
    let architecture = Architecture::resnet18(10);
    let weights = fresh(&architecture);
    let kernel = &weights.parameters()["layer4.1.conv2.weight"];
    // 2,359,296 draws: a relative standard error of 5e-4 of the deviation, and 7e-4 of the mean.
    let expected = (2.0_f64 / (512.0 * 9.0)).sqrt();
    assert!((kernel.std(true).double_value(&[]) / expected - 1.0).abs() < 3e-3);
    assert!(kernel.mean(Kind::Double).double_value(&[]).abs() < 3e-3 * expected);
    let bound = 1.0 / 512.0_f64.sqrt();
    let head = weights.parameters()["fc.weight"].abs().max().double_value(&[]);
    assert!(head <= bound && head > 0.99 * bound, "{head}");
    for (name, tensor) in weights.parameters().iter().chain(weights.buffers()) {
        let one = name.ends_with("running_var") || (name.ends_with("weight") && tensor.dim() == 1);
        let zero = name.ends_with("running_mean") || (name.ends_with("bias") && name != "fc.bias");
        if one || zero {
            assert!(tensor.equal(&(tensor.zeros_like() + f64::from(u8::from(one)))), "{name}");
        } else {
            assert!(tensor.std(true).double_value(&[]) > 0.0, "{name}");
        }
    }
    assert!(kernel.equal(&fresh(&architecture).parameters()["layer4.1.conv2.weight"]));
}

#[test]
fn a_new_head_is_drawn_as_in_the_recipe_and_nothing_else_changes() {
    let generator = || ChaCha8Rng::seed_from_u64(7);
    let before = fresh(&Architecture::resnet50(1000));
    let copy = || before.copy_to(Device::Cpu);
    let paper = copy().with_head(100, Head::StandardNormal, &mut generator());
    assert_eq!(paper.architecture(), &Architecture::resnet50(100));
    let weight = &paper.parameters()["fc.weight"];
    assert_eq!(weight.size(), [100, 2048]);
    // 204,800 draws: standard errors of 2e-3 of the mean and 1.6e-3 of the deviation.
    assert!(weight.mean(Kind::Double).double_value(&[]).abs() < 0.01);
    assert!((weight.std(true).double_value(&[]) - 1.0).abs() < 0.01);
    assert_eq!(paper.parameters()["fc.bias"].count_nonzero(None).int64_value(&[]), 0);
    for (name, tensor) in &entries(&before) {
        if !name.starts_with("fc.") {
            let after = paper.parameters().get(name).or_else(|| paper.buffers().get(name));
            assert!(after.unwrap().equal(tensor), "{name}");
        }
    }
    let again = copy().with_head(100, Head::StandardNormal, &mut generator());
    assert!(again.parameters()["fc.weight"].equal(weight));

    let linear = copy().with_head(100, Head::Linear, &mut generator());
    let bound = 1.0 / 2048.0_f64.sqrt();
    for (name, nearly) in [("fc.weight", 0.99), ("fc.bias", 0.9)] {
        let most = linear.parameters()[name].abs().max().double_value(&[]);
        assert!(most <= bound && most > nearly * bound, "{name}: {most}");
    }
    // The weights can be used.
    let network = Network::new(linear, Normalisation::NONE, Implementation::Reference);
    let logits = network.logits(&images(0, [2, 3, 32, 32], Kind::Float), Mode::Evaluate);
    assert_eq!(logits.size(), [2, 100]);
}

#[test]
fn weights_that_do_not_fit_are_named() {
    let architecture = Architecture::thin(10);
    let good = || entries(&fresh(&architecture));
    let error = |entries| Weights::new(architecture.clone(), entries).unwrap_err().to_string();

    let mut counted = good();
    counted.insert("bn1.num_batches_tracked".into(), Tensor::from(3_i64));
    assert!(Weights::new(architecture.clone(), counted).is_ok());

    let mut missing = good();
    missing.remove("layer3.5.bn2.running_var");
    let message = error(missing);
    assert!(message.contains("missing tensor `layer3.5.bn2.running_var`"), "{message}");

    let mut unknown = good();
    unknown.insert("module.conv1.weight".into(), Tensor::from(1.0_f32));
    let message = error(unknown);
    assert!(message.contains("unknown tensor `module.conv1.weight`"), "{message}");

    let mut shape = good();
    shape.insert("fc.bias".into(), Tensor::zeros([1000], (Kind::Float, Device::Cpu)));
    let message = error(shape);
    assert!(
        message.contains("`fc.bias` has shape [1000]") && message.contains("[10]"),
        "{message}"
    );

    let mut kind = good();
    kind.insert("fc.bias".into(), Tensor::zeros([10], (Kind::Half, Device::Cpu)));
    let message = error(kind);
    assert!(message.contains("`fc.bias` has type Half"), "{message}");
}

#[test]
fn weights_share_no_memory_with_their_source() {
    let architecture = Architecture::thin(10);
    let given = entries(&fresh(&architecture));
    let made = Weights::new(
        architecture,
        given.iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect(),
    )
    .unwrap();
    let copied = made.copy_to(Device::Cpu);
    for (name, tensor) in &given {
        let _ = tensor.shallow_clone().g_add_scalar_(1.0);
        let find = |weights: &Weights| {
            let found = weights.parameters().get(name).or_else(|| weights.buffers().get(name));
            found.unwrap().shallow_clone()
        };
        assert!(!find(&made).equal(tensor), "{name}");
        let _ = find(&made).g_add_scalar_(2.0);
        assert!(!find(&copied).equal(&find(&made)), "{name}");
    }
}

#[test]
fn an_architecture_is_read_back_unchanged() {
    for architecture in
        [Architecture::resnet18(10), Architecture::resnet50(1000), Architecture::thin(6)]
    {
        let written = toml::to_string(&architecture).unwrap();
        assert_eq!(toml::from_str::<Architecture>(&written).unwrap(), architecture, "{written}");
    }
    assert_eq!(Architecture::resnet50(10).features(), 2048);
    assert_eq!(Architecture::thin(10).features(), 64);
}
