//! The definition of influence: the last layer is trained again without each image. The loss is
//! damped, so that there is one optimum and Newton's method finds it.

use rand_distr::{Distribution, StandardNormal};
use repro::{
    engine::influence::{Curvature, Influence, LastLayer},
    experiment::Inverse,
};
use tch::{Device, Kind, Tensor};

use super::{eigenpairs, generator, values};

const IMAGES: i64 = 90;
const TESTS: i64 = 12;
const FEATURES: i64 = 5;
const CLASSES: i64 = 3;
const DAMPING: f64 = 1.0;

/// Images of three overlapping classes.
fn images(count: i64, generator: &mut rand_chacha::ChaCha8Rng) -> (Tensor, Tensor) {
    let labels = Tensor::arange(count, (Kind::Int64, Device::Cpu)).remainder(CLASSES);
    let noise: Vec<f64> =
        (0..count * FEATURES).map(|_| StandardNormal.sample(&mut *generator)).collect();
    let means = Tensor::eye(FEATURES, (Kind::Double, Device::Cpu)).index_select(0, &labels);
    (means * 1.5 + Tensor::from_slice(&noise).view([count, FEATURES]), labels)
}

fn layer(features: &Tensor, labels: &Tensor, parameters: &Tensor) -> LastLayer {
    let ones = Tensor::ones([features.size()[0], 1], (Kind::Double, Device::Cpu));
    let head = parameters.view([FEATURES + 1, CLASSES]);
    let logits = Tensor::cat(&[features, &ones], 1).matmul(&head);
    LastLayer::new(features, &logits, labels).unwrap()
}

/// The optimum of the summed loss and half the damping times the parameters' square.
fn trained(features: &Tensor, labels: &Tensor) -> Tensor {
    let size = (FEATURES + 1) * CLASSES;
    let every = Tensor::eye(size, (Kind::Double, Device::Cpu));
    let mut parameters = Tensor::zeros([size, 1], (Kind::Double, Device::Cpu));
    for _ in 0..30 {
        let layer = layer(features, labels, &parameters);
        let sums = layer.gradients_in(&every).sum_dim_intlist([0].as_slice(), false, Kind::Double);
        let gradient = sums.unsqueeze(1) + DAMPING * &parameters;
        let hessian = Curvature::new(&layer).times(&every) + DAMPING * &every;
        parameters -= Tensor::linalg_solve(&hessian, &gradient, true);
        if gradient.norm().double_value(&[]) < 1e-11 {
            return parameters;
        }
    }
    panic!("Newton's method did not converge");
}

/// The loss of each image.
fn losses(features: &Tensor, labels: &Tensor, parameters: &Tensor) -> Tensor {
    let ones = Tensor::ones([features.size()[0], 1], (Kind::Double, Device::Cpu));
    let logits = Tensor::cat(&[features, &ones], 1).matmul(&parameters.view([-1, CLASSES]));
    logits.cross_entropy_loss::<Tensor>(labels, None, tch::Reduction::None, -100, 0.0)
}

#[test]
fn influence_is_the_change_of_loss_without_the_training_image() {
    let mut generator = generator();
    let (features, labels) = images(IMAGES, &mut generator);
    let (test, test_labels) = images(TESTS, &mut generator);
    let all = trained(&features, &labels);
    let before = losses(&test, &test_labels, &all);
    let changes: Vec<Tensor> = (0..IMAGES)
        .map(|left_out| {
            let others: Vec<i64> = (0..IMAGES).filter(|image| *image != left_out).collect();
            let others = Tensor::from_slice(&others);
            let (features, labels) =
                (features.index_select(0, &others), labels.index_select(0, &others));
            losses(&test, &test_labels, &trained(&features, &labels)) - &before
        })
        .collect();
    let changes = Tensor::stack(&changes, 1);
    let train = layer(&features, &labels, &all);
    let test = layer(&test, &test_labels, &all);
    let pairs = eigenpairs(&train, 0.0).unwrap();
    let inverse = Inverse { truncation: 0.0, damping: DAMPING };
    let predicted = Influence::new(&train, &test, &pairs, inverse).unwrap().on(0, TESTS);
    let (predicted, changes) = (values(&predicted.reshape([-1])), values(&changes.reshape([-1])));
    let correlation = correlation(&predicted, &changes);
    assert!(correlation > 0.99, "{correlation}");
    // The size agrees to first order: without an image its curvature is missing as well, so that
    // the real change is a little larger.
    let squares = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>();
    let slope = predicted.iter().zip(&changes).map(|(one, two)| one * two).sum::<f64>()
        / squares(&predicted);
    assert!((1.0..1.2).contains(&slope), "{slope}");
    // A wrong sign, another image's gradient or another unit would be detected.
    let shifted: Vec<f64> =
        predicted.iter().cycle().skip(1).take(predicted.len()).copied().collect();
    assert!(self::correlation(&shifted, &changes) < 0.5);
}

fn correlation(one: &[f64], two: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (first, second) = (mean(one), mean(two));
    let products = |left: &[f64], right: &[f64], (a, b): (f64, f64)| -> f64 {
        left.iter().zip(right).map(|(left, right)| (left - a) * (right - b)).sum()
    };
    products(one, two, (first, second))
        / (products(one, one, (first, first)) * products(two, two, (second, second))).sqrt()
}
