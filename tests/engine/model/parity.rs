//! The same numbers as torchvision: in double precision to the last few digits, in single precision
//! as near as the network's conditioning allows.

use repro::{
    engine::model::{Implementation, Mode, Network, Sgd},
    experiment::{Architecture, Normalisation, Precision, Trainable},
};
use tch::{Kind, Reduction, Tensor};

use super::formula::{images, labels, weights};
use super::reference::{Case, Reference, apart, apart_from_summary, furthest};

const LEARNING_RATE: f64 = 0.01;

/// In double precision both compute the same sums, perhaps in another order, and the reference has
/// 13 digits. Measured: at most 1e-11.
const DOUBLE: Tolerance = Tolerance { values: 1e-9, gradients: 1e-9, step: 1e-9 };
/// In single precision a rounding error of 6e-8 grows through 11 blocks. Measured, with three sets
/// of vector instructions: at most 6e-6, gradients 4e-5.
const SINGLE_THIN: Tolerance = Tolerance { values: 5e-5, gradients: 3e-4, step: 5e-5 };
/// ResNet-50 has three million ReLUs on these images. Some have an input so near zero that rounding
/// changes its sign, and gradients before them then differ by their whole share. Measured: at most
/// 6e-6, gradients 6e-5; without vector instructions gradients 3e-2, all of it before one ReLU in
/// `layer2`, for torchvision's single precision too. So single precision only checks gradients
/// roughly; double precision checks the rest.
const SINGLE: Tolerance = Tolerance { values: 5e-5, gradients: 0.1, step: 1e-3 };

/// Tolerances, relative to the root mean square of the tensor.
#[derive(Clone, Copy)]
struct Tolerance {
    /// Of a forward pass, and of five steps on the last blocks.
    values: f64,
    /// Of the gradients of all parameters.
    gradients: f64,
    /// Of the parameters after a step along the gradients at rate 0.01.
    step: f64,
}

#[derive(Clone, Copy)]
struct Setting<'a> {
    architecture: &'a Architecture,
    shape: [i64; 4],
    case: &'a Case,
    kind: Kind,
    implementation: Implementation,
}

impl Setting<'_> {
    fn network(&self) -> Network {
        tch::set_num_threads(1);
        let weights = weights(self.architecture, self.kind);
        Network::new(weights, Normalisation::IMAGENET, self.implementation)
    }

    fn images(&self, step: usize) -> Tensor {
        images(step, self.shape, self.kind)
    }

    /// Not tch's `cross_entropy_for_logits`, which rounds to single precision.
    fn loss(&self, logits: &Tensor, step: usize) -> Tensor {
        let labels = labels(step, self.shape[0]);
        logits.cross_entropy_loss::<Tensor>(&labels, None, Reduction::Mean, -100, 0.0)
    }

    /// Five steps on the head and the last three blocks, all norms in train mode.
    fn curve(&self, momentum: f64, weight_decay: f64) -> (Network, Vec<Tensor>) {
        let mut network = self.network();
        network.train(Trainable::Blocks(3)).unwrap();
        let trainable: Vec<Tensor> =
            network.trainable().map(|(_, tensor)| tensor.shallow_clone()).collect();
        let mut sgd = Sgd::new(&trainable, momentum, weight_decay);
        let losses = (0..self.case.curve.losses.len()).map(|step| {
            let loss = self.loss(&network.logits(&self.images(step), Mode::Train), step);
            sgd.step(&network.gradients(&loss), LEARNING_RATE);
            loss.detach()
        });
        let losses = losses.collect();
        (network, losses)
    }
}

fn named<'a>(
    tensors: impl IntoIterator<Item = (&'a String, &'a Tensor)>,
) -> impl Iterator<Item = (&'a str, &'a Tensor)> {
    tensors.into_iter().map(|(name, tensor)| (name.as_str(), tensor))
}

#[track_caller]
fn assert_near(what: &str, apart: f64, tolerance: f64) {
    println!("{what}: {apart:.1e}");
    assert!(apart < tolerance, "{what} differs by {apart:.1e}, more than {tolerance:.0e}");
}

fn assert_parity(setting: Setting, tolerance: Tolerance) {
    let Case { evaluate, train, curve } = setting.case;

    let network = setting.network();
    let features = network.features(&setting.images(0), Mode::Evaluate);
    let summary = apart_from_summary("features", &features, &evaluate.features);
    assert_near("features", summary, tolerance.values);
    let logits = network.classify(&features);
    assert_near("logits", apart(&logits, &evaluate.logits), tolerance.values);

    let mut network = setting.network();
    network.train(Trainable::Everything).unwrap();
    let logits = network.logits(&setting.images(0), Mode::Train);
    assert_near("logits in train mode", apart(&logits, &train.logits), tolerance.values);
    let loss = setting.loss(&logits, 0);
    assert_near("loss", apart(&loss, &train.loss), tolerance.values);
    let statistics = furthest(named(network.weights().buffers()), &train.statistics);
    assert_near("running statistics", statistics, tolerance.values);
    let gradients = network.gradients(&loss);
    let by_name = network.trainable().map(|(name, _)| name).zip(&gradients);
    assert_near("gradients", furthest(by_name, &train.gradients), tolerance.gradients);
    let mut sgd = Sgd::new(
        network.trainable().map(|(_, parameter)| parameter),
        Sgd::PAPER_MOMENTUM,
        Sgd::PAPER_WEIGHT_DECAY,
    );
    sgd.step(&gradients, LEARNING_RATE);
    let stepped = furthest(network.trainable(), &train.parameters);
    assert_near("parameters after a step", stepped, tolerance.step);

    let (network, losses) = setting.curve(Sgd::PAPER_MOMENTUM, Sgd::PAPER_WEIGHT_DECAY);
    let losses = apart(&Tensor::stack(&losses, 0), &curve.losses);
    assert_near("losses of five steps", losses, tolerance.values);
    let parameters = furthest(network.trainable(), &curve.parameters);
    assert_near("parameters after five steps", parameters, tolerance.values);
    let statistics = furthest(named(network.weights().buffers()), &curve.statistics);
    assert_near("running statistics after five steps", statistics, tolerance.values);
    let logits = network.logits(&setting.images(0), Mode::Evaluate);
    assert_near("logits after five steps", apart(&logits, &curve.logits), tolerance.values);
}

fn resnet50(kind: Kind, tolerance: Tolerance) {
    let (architecture, case) = (&Architecture::resnet50(10), &Reference::read().resnet50);
    for implementation in IMPLEMENTATIONS {
        let shape = [4, 3, 64, 64];
        assert_parity(Setting { architecture, shape, case, kind, implementation }, tolerance);
    }
}

/// Both implementations. At 32 pixels the thin network's last stage has 2 x 2 activations, and so
/// has ResNet-50's at 64.
const IMPLEMENTATIONS: [Implementation; 2] =
    [Implementation::Reference, Implementation::Fused(Precision::Fp32)];

fn with_thin(kind: Kind, check: impl Fn(Setting)) {
    let (architecture, case) = (&Architecture::thin(10), &Reference::read().thin);
    for implementation in IMPLEMENTATIONS {
        check(Setting { architecture, shape: [8, 1, 32, 32], case, kind, implementation });
    }
}

#[test]
fn resnet_50_agrees_with_torchvision_in_double_precision() {
    resnet50(Kind::Double, DOUBLE);
}

#[test]
fn resnet_50_agrees_with_torchvision_in_single_precision() {
    resnet50(Kind::Float, SINGLE);
}

#[test]
fn the_thin_network_agrees_with_torchvision_in_double_precision() {
    with_thin(Kind::Double, |setting| assert_parity(setting, DOUBLE));
}

#[test]
fn the_thin_network_agrees_with_torchvision_in_single_precision() {
    with_thin(Kind::Float, |setting| assert_parity(setting, SINGLE_THIN));
}

#[test]
fn a_wrong_momentum_or_weight_decay_is_detected() {
    with_thin(Kind::Float, |setting| {
        let expected = &setting.case.curve;
        let distance = |momentum, weight_decay| {
            let (network, losses) = setting.curve(momentum, weight_decay);
            let losses = apart(&Tensor::stack(&losses, 0), &expected.losses);
            losses.max(furthest(network.trainable(), &expected.parameters))
        };
        let (momentum, decay) = (Sgd::PAPER_MOMENTUM, Sgd::PAPER_WEIGHT_DECAY);
        assert!(distance(momentum, decay) < SINGLE_THIN.values);
        for (momentum, decay) in [(0.899, decay), (0.0, decay), (momentum, 0.0), (momentum, 1e-4)] {
            let distance = distance(momentum, decay);
            assert!(distance > SINGLE_THIN.values, "{momentum} {decay}: only {distance:.1e}");
        }
    });
}

#[test]
fn another_epsilon_of_batch_norms_is_detected() {
    with_thin(Kind::Double, |setting| {
        let network = setting.network();
        let distance = || {
            let logits = network.logits(&setting.images(0), Mode::Evaluate);
            apart(&logits, &setting.case.evaluate.logits)
        };
        assert!(distance() < DOUBLE.values);
        // An epsilon of 1.1e-5 instead of 1e-5 adds that much to every variance.
        for (_, variance) in named(network.weights().buffers()).filter(is_variance) {
            let _ = variance.shallow_clone().g_add_scalar_(1e-6);
        }
        assert!(distance() > DOUBLE.values, "only {:.1e}", distance());
    });
}

#[test]
fn another_momentum_of_batch_norms_or_a_biased_variance_is_detected() {
    with_thin(Kind::Float, |setting| {
        let before = setting.network();
        let after = setting.network();
        let _ = after.logits(&setting.images(0), Mode::Train);
        let tolerance = SINGLE_THIN.values;
        let distance = |change: &dyn Fn(&str, &Tensor, &Tensor) -> Tensor| {
            let changed = named(after.weights().buffers()).map(|(name, after)| {
                (name, change(name, &before.weights().buffers()[name], after))
            });
            furthest(changed, &setting.case.train.statistics)
        };
        assert!(distance(&|_, _, after| after.shallow_clone()) < tolerance);
        // A momentum of 0.101 instead of 0.1.
        assert!(distance(&|_, before, after| before + (after - before) * 1.01) > tolerance);
        // A biased variance: the batch's share times (n - 1) / n, for the largest n.
        let most = (8 * 16 * 16) as f64;
        let biased = |name: &str, before: &Tensor, after: &Tensor| {
            let added = after - before * 0.9;
            match is_variance(&(name, after)) {
                true => before * 0.9 + added * ((most - 1.0) / most),
                false => after.shallow_clone(),
            }
        };
        assert!(distance(&biased) > tolerance);
    });
}

fn is_variance((name, _): &(&str, &Tensor)) -> bool {
    name.ends_with("running_var")
}
