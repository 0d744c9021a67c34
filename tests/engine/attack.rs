//! The attack: against plain PyTorch on a small network, against the exact solution for a linear
//! model, and properties for every model, image and radius.
//!
//! `goldens/transforms/make_reference.py` makes `attack.npz`: it attacks image by image and keeps
//! every point, where the engine works on the batch and keeps the best.

use std::collections::HashMap;

use proptest::prelude::*;
use repro::{
    engine::attack::{Attack, Perturbed},
    experiment::Constraint,
};
use tch::{Kind, Tensor};

/// Half a unit in the last place of a single in [0, 1], twice: a perturbed value is rounded when
/// the perturbation is added and when the difference is taken.
const ROUNDING: f64 = f32::EPSILON as f64;
/// The tolerance for single-precision sums in another order, which five steps over a sine amplify:
/// of values, and of losses (relative). Measured: up to 1.6e-6 and 7.3e-7.
const PARITY: f64 = 2e-5;

fn largest(tensor: &Tensor) -> f64 {
    tensor.abs().max().double_value(&[])
}

fn lengths(images: &Tensor) -> Tensor {
    images.to_kind(Kind::Double).flatten(1, -1).norm_scalaropt_dim(2.0, [1].as_slice(), false)
}

#[test]
fn the_attack_on_a_small_network_agrees_with_plain_pytorch() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/goldens/transforms/attack.npz");
    let arrays: HashMap<String, Tensor> = Tensor::read_npz(path).unwrap().into_iter().collect();
    let logits = |images: &Tensor| {
        let (weight, bias) = (&arrays["convolution"], &arrays["convolution_bias"]);
        let hidden = (images.conv2d(weight, Some(bias), [1], [1], [1], 1) * 4.0).sin();
        hidden
            .avg_pool2d([2, 2], [2, 2], [0, 0], false, true, None)
            .flatten(1, -1)
            .linear(&arrays["linear"], Some(&arrays["linear_bias"]))
    };
    let mut found_all = Vec::new();
    for (name, constraint, epsilon, step, noise) in [
        ("l2", Constraint::L2, 1.5, 1.8, "normal"),
        ("linf", Constraint::Linf, 0.2, 0.15, "uniform"),
    ] {
        for (start, random_start) in [("here", false), ("random", true)] {
            for (kept, best) in [("best", true), ("last", false)] {
                let attack = Attack { constraint, epsilon, step, steps: 5, random_start, best };
                let noise = random_start.then(|| &arrays[noise]);
                let found = attack.perturb(logits, &arrays["images"], &arrays["labels"], noise);
                let case = format!("{name}/{start}/{kept}");
                let images = largest(&(&found.images - &arrays[&format!("{case}/images")]));
                let expected = &arrays[&format!("{case}/loss")];
                let loss = largest(&((&found.loss - expected) / expected));
                assert!(images < PARITY && loss < PARITY, "{case}: {images} {loss}");
                found_all.push((case, found.images));
            }
        }
    }
    // Norm, start and the kept point all change the result.
    for (at, (case, images)) in found_all.iter().enumerate() {
        for (other, others) in &found_all[..at] {
            assert!(largest(&(images - others)) > 1000.0 * PARITY, "{case} and {other}");
        }
    }
}

/// A model of one hidden layer on images [N,1,2,3], and some images for it, from plain numbers.
#[derive(Debug)]
struct Problem {
    images: Tensor,
    labels: Tensor,
    noise: Tensor,
    first: Tensor,
    second: Tensor,
}

impl Problem {
    fn logits(&self, images: &Tensor) -> Tensor {
        images.flatten(1, -1).matmul(&self.first).tanh().matmul(&self.second)
    }

    fn losses(&self, images: &Tensor) -> Tensor {
        self.logits(images).cross_entropy_loss::<Tensor>(
            &self.labels,
            None,
            tch::Reduction::None,
            -100,
            0.0,
        )
    }

    fn attacked_by(&self, attack: &Attack) -> Perturbed {
        attack.perturb(|images| self.logits(images), &self.images, &self.labels, Some(&self.noise))
    }
}

const IMAGES: usize = 3;
const VALUES: usize = 6;
const HIDDEN: usize = 4;
const CLASSES: usize = 3;

fn problems() -> impl Strategy<Value = Problem> {
    use prop::collection::vec;
    // Values at the ends of [0, 1] are common, so that clipping matters.
    let value = prop_oneof![Just(0.0_f32), Just(1.0_f32), 0.0..=1.0_f32];
    (
        vec(value, IMAGES * VALUES),
        vec(0..CLASSES as i64, IMAGES),
        vec(-1.0..=1.0_f32, IMAGES * VALUES),
        vec(-3.0..3.0_f32, VALUES * HIDDEN),
        vec(-3.0..3.0_f32, HIDDEN * CLASSES),
    )
        .prop_map(|(images, labels, noise, first, second)| Problem {
            images: Tensor::from_slice(&images).view([IMAGES as i64, 1, 2, 3]),
            labels: Tensor::from_slice(&labels),
            noise: Tensor::from_slice(&noise).view([IMAGES as i64, 1, 2, 3]),
            first: Tensor::from_slice(&first).view([VALUES as i64, HIDDEN as i64]),
            second: Tensor::from_slice(&second).view([HIDDEN as i64, CLASSES as i64]),
        })
}

fn attacks() -> impl Strategy<Value = Attack> {
    (any::<bool>(), 0.0..2.0_f64, 0.0..1.0_f64, 0..5_u32, any::<bool>(), any::<bool>()).prop_map(
        |(euclidean, epsilon, step, steps, random_start, best)| {
            let constraint = if euclidean { Constraint::L2 } else { Constraint::Linf };
            Attack { constraint, epsilon, step, steps, random_start, best }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_attack_leaves_the_ball_or_the_range_of_images(
        problem in problems(), attack in attacks(),
    ) {
        let found = problem.attacked_by(&attack).images;
        prop_assert!(found.min().double_value(&[]) >= 0.0 && found.max().double_value(&[]) <= 1.0);
        let offset = found - &problem.images;
        match attack.constraint {
            Constraint::L2 => {
                // Each value may be rounded outwards, and the length itself is rounded.
                let most = attack.epsilon * (1.0 + ROUNDING) + ROUNDING * (VALUES as f64).sqrt();
                prop_assert!(largest(&lengths(&offset)) <= most);
            }
            Constraint::Linf => prop_assert!(largest(&offset) <= attack.epsilon + ROUNDING),
        }
    }

    #[test]
    fn the_loss_of_the_best_point_is_never_below_that_of_the_start(
        problem in problems(), attack in attacks(),
    ) {
        let best = Attack { best: true, ..attack };
        let start = problem.attacked_by(&Attack { steps: 0, ..best });
        let found = problem.attacked_by(&best);
        prop_assert!((&found.loss - &start.loss).min().double_value(&[]) >= 0.0);
        if !attack.random_start {
            prop_assert_eq!(&start.images, &problem.images);
        }
    }

    /// Images that are lost before the last step are attacked no further, and none is right because
    /// of it, whatever the others' steps are.
    #[test]
    fn an_image_withstands_where_it_is_right_at_its_highest_loss(
        problem in problems(), attack in attacks(),
    ) {
        let attack = Attack { best: true, ..attack };
        let found = problem.attacked_by(&attack).images;
        let right = problem.logits(&found).argmax(1, false).eq_tensor(&problem.labels);
        let logits = |images: &Tensor| problem.logits(images);
        let withstood =
            attack.withstood(logits, &problem.images, &problem.labels, Some(&problem.noise));
        prop_assert_eq!(withstood, right);
    }

    #[test]
    fn more_steps_never_lower_the_best_loss(problem in problems(), attack in attacks()) {
        let best = Attack { best: true, ..attack };
        let more = problem.attacked_by(&Attack { steps: attack.steps + 1, ..best });
        let rise = more.loss - problem.attacked_by(&best).loss;
        prop_assert!(rise.min().double_value(&[]) >= 0.0);
    }

    #[test]
    fn the_reported_loss_is_that_of_the_returned_images(
        problem in problems(), attack in attacks(),
    ) {
        let found = problem.attacked_by(&attack);
        prop_assert_eq!(found.loss, problem.losses(&found.images));
    }

    #[test]
    fn a_ball_of_radius_0_is_the_image_itself(problem in problems(), attack in attacks()) {
        let found = problem.attacked_by(&Attack { epsilon: 0.0, ..attack });
        prop_assert_eq!(found.images, problem.images.shallow_clone());
    }
}

/// Two classes that one weighted sum separates: the worst perturbation is known.
struct Linear {
    weights: Tensor,
    images: Tensor,
    labels: Tensor,
}

fn linear() -> Linear {
    Linear {
        weights: Tensor::from_slice(&[0.5_f32, -2.0, 1.0, 0.25, -0.75, 3.0]).view([6, 1]),
        images: Tensor::from_slice(&[0.5_f32, 0.4, 0.6, 0.5, 0.45, 0.55]).repeat([2, 1]),
        labels: Tensor::from_slice(&[0_i64, 1]),
    }
}

impl Linear {
    fn attacked_by(&self, attack: &Attack) -> Tensor {
        let logits = |images: &Tensor| {
            let sum = images.matmul(&self.weights);
            Tensor::cat(&[&sum, &-&sum], 1)
        };
        attack.perturb(logits, &self.images, &self.labels, None).images
    }

    /// The direction in which each image's loss rises: against the weights for class 0, with them
    /// for class 1.
    fn upwards(&self) -> Tensor {
        let weights = self.weights.view([1, 6]);
        Tensor::cat(&[&-&weights, &weights], 0)
    }
}

#[test]
fn one_step_finds_the_worst_perturbation_of_a_linear_model() {
    let model = linear();
    let one = |constraint| Attack {
        constraint,
        epsilon: 0.1,
        step: 0.1,
        steps: 1,
        random_start: false,
        best: true,
    };
    let cube = &model.images + model.upwards().sign() * 0.1;
    assert!(largest(&(model.attacked_by(&one(Constraint::Linf)) - cube)) <= ROUNDING);
    let up = model.upwards();
    let sphere = &model.images + &up / lengths(&up).view([2, 1]).to_kind(Kind::Float) * 0.1;
    assert!(largest(&(model.attacked_by(&one(Constraint::L2)) - &sphere)) <= ROUNDING);

    // Steps that are too long are projected to the surface, and further steps stay at the optimum.
    let long = Attack { step: 7.0, steps: 3, ..one(Constraint::L2) };
    assert!(largest(&(model.attacked_by(&long) - sphere)) <= 1e-6);
}

#[test]
fn a_random_l2_start_is_on_the_sphere_and_an_linf_start_follows_its_noise() {
    let model = linear();
    let noise = Tensor::from_slice(&[0.3_f32, -1.0, 0.2, 0.9, -0.4, 0.6]).repeat([2, 1]);
    let start = |constraint| {
        let attack = Attack {
            constraint,
            epsilon: 0.1,
            step: 0.1,
            steps: 0,
            random_start: true,
            best: true,
        };
        let logits = |images: &Tensor| images.matmul(&model.weights.repeat([1, 2]));
        attack.perturb(logits, &model.images, &model.labels, Some(&noise)).images - &model.images
    };
    assert!(largest(&(lengths(&start(Constraint::L2)) - 0.1)) <= 1e-6);
    assert!(largest(&(start(Constraint::Linf) - &noise * 0.1)) <= ROUNDING);
}

#[test]
fn an_attack_stores_no_gradients_and_works_without_gradient_recording() {
    let model = linear();
    let weights = model.weights.repeat([1, 2]).set_requires_grad(true);
    let attack = Attack {
        constraint: Constraint::L2,
        epsilon: 0.1,
        step: 0.1,
        steps: 2,
        random_start: false,
        best: true,
    };
    let scaled = Tensor::from_slice(&[1.0_f32, -1.0]);
    let found = repro::engine::no_grad::without(|| {
        let logits = |images: &Tensor| images.matmul(&weights) * &scaled;
        attack.perturb(logits, &model.images, &model.labels, None)
    });
    assert!(!weights.grad().defined());
    assert!(!found.images.requires_grad() && !found.loss.requires_grad());
    assert!(largest(&(found.images - &model.images)) > 0.01);
}
