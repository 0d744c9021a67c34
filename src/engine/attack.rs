//! Projected gradient ascent on the loss, in an L2 or an L-infinity ball (PGD): the attack that the
//! paper's robust source models were trained against, and that measures a model's robustness.
//!
//! It follows the `robustness` library (Engstrom et al. 2019, `attacker.py`, `attack_steps.py`),
//! with which those models were trained; untargeted. The caller sets the model to evaluation mode
//! and draws the noise of a random start.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal, Uniform};
use tch::{Reduction, Tensor};

use crate::engine::no_grad;
use crate::experiment::Constraint;

/// Added to lengths before a division, so that a zero gradient gives no step (`attack_steps.py`).
const TINY: f64 = 1e-10;

/// The parameters of an attack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attack {
    /// Norm.
    pub constraint: Constraint,
    /// Radius of the ball, on the scale of images in [0, 1].
    pub epsilon: f64,
    /// Length of a step, in the same norm.
    pub step: f64,
    /// Steps.
    pub steps: u32,
    /// Whether to start at a random point: for L2 on the sphere, for L-infinity anywhere in the
    /// cube.
    pub random_start: bool,
    /// Whether to return, for each image, the point of the highest loss among all steps, the start
    /// included; otherwise the last point.
    pub best: bool,
}

/// The result of an attack.
#[derive(Debug)]
pub struct Perturbed {
    /// Images in [0, 1] and in the ball, of the shape of the attacked images.
    pub images: Tensor,
    /// The cross-entropy of each image, `[N]`.
    pub loss: Tensor,
}

impl Attack {
    /// Attacks `images` (floats in [0, 1], `[N, ...]`) with `labels` (whole numbers, `[N]`), given
    /// the model as a function from images to logits `[N, classes]`.
    ///
    /// `noise`, of the images' shape, gives the random start: standard normal values for L2,
    /// uniform values in [-1, 1] for L-infinity. It is needed for a random start and unused
    /// otherwise. Gradients are computed by the images alone; none is stored in the model's
    /// weights.
    ///
    /// # Panics
    /// If a random start has no noise, or shapes do not match.
    #[must_use]
    pub fn perturb(
        &self,
        logits: impl Fn(&Tensor) -> Tensor,
        images: &Tensor,
        labels: &Tensor,
        noise: Option<&Tensor>,
    ) -> Perturbed {
        let losses = |images: &Tensor| {
            logits(images).cross_entropy_loss::<Tensor>(labels, None, Reduction::None, -100, 0.0)
        };
        let images = images.detach();
        let mut point = if self.random_start {
            self.start(&images, noise.expect("a random start needs noise"))
        } else {
            images.shallow_clone()
        };
        let mut best: Option<Perturbed> = None;
        for _ in 0..self.steps {
            let (loss, gradient) = tch::with_grad(|| {
                let point = point.detach().set_requires_grad(true);
                let loss = losses(&point);
                // The gradient of the mean, as in the library: its scale decides which gradients
                // are too small.
                let mut gradients =
                    Tensor::run_backward(&[loss.mean(loss.kind())], &[&point], false, false);
                (loss.detach(), gradients.swap_remove(0))
            });
            if self.best {
                best = Some(higher(best, Perturbed { images: point.shallow_clone(), loss }));
            }
            point = no_grad::without(|| self.project(&images, &self.advance(&point, &gradient)));
        }
        let loss = no_grad::without(|| losses(&point));
        higher(best, Perturbed { images: point, loss })
    }

    /// A random point of the ball, clipped to [0, 1].
    fn start(&self, images: &Tensor, noise: &Tensor) -> Tensor {
        let offset = match self.constraint {
            Constraint::L2 => noise / (length(noise) + TINY),
            Constraint::Linf => noise.shallow_clone(),
        };
        (images + offset * self.epsilon).clamp(0.0, 1.0)
    }

    /// One step of steepest ascent under the norm.
    fn advance(&self, point: &Tensor, gradient: &Tensor) -> Tensor {
        point
            + self.step
                * match self.constraint {
                    Constraint::L2 => gradient / (length(gradient) + TINY),
                    Constraint::Linf => gradient.sign(),
                }
    }

    /// The nearest point of the ball about `images`, then of [0, 1].
    fn project(&self, images: &Tensor, point: &Tensor) -> Tensor {
        let offset = point - images;
        let offset = match self.constraint {
            Constraint::L2 => offset.renorm(2.0, 0, self.epsilon),
            Constraint::Linf => offset.clamp(-self.epsilon, self.epsilon),
        };
        (images + offset).clamp(0.0, 1.0)
    }
}

/// Noise for the random starts of so many values: standard normal for L2, uniform in [-1, 1] for
/// L-infinity.
#[must_use]
pub fn noise(constraint: Constraint, values: usize, generator: &mut ChaCha8Rng) -> Vec<f32> {
    match constraint {
        Constraint::L2 => StandardNormal.sample_iter(generator).take(values).collect(),
        Constraint::Linf => {
            let uniform = Uniform::new_inclusive(-1.0, 1.0).expect("finite bounds");
            uniform.sample_iter(generator).take(values).collect()
        }
    }
}

/// Each image's Euclidean length, shaped to be broadcast over its values.
fn length(images: &Tensor) -> Tensor {
    let mut shape = vec![1; images.dim()];
    shape[0] = -1;
    images.flatten(1, -1).norm_scalaropt_dim(2.0, [1].as_slice(), false).view(shape.as_slice())
}

/// For each image, the version with the higher loss; the earlier version where losses are equal.
fn higher(earlier: Option<Perturbed>, later: Perturbed) -> Perturbed {
    let Some(earlier) = earlier else { return later };
    let higher = later.loss.gt_tensor(&earlier.loss);
    let mut shape = vec![1; later.images.dim()];
    shape[0] = -1;
    Perturbed {
        images: later.images.where_self(&higher.view(shape.as_slice()), &earlier.images),
        loss: later.loss.where_self(&higher, &earlier.loss),
    }
}
