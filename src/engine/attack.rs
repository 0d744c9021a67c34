//! Projected gradient ascent on the loss, in an L2 or an L-infinity ball: the attack that the paper's
//! robust source models were trained against, and that measures how robust a model is.
//!
//! Follows the `robustness` library (Engstrom et al. 2019, `attacker.py`, `attack_steps.py`), with
//! which those models were trained; untargeted. Putting the model into evaluation mode, and drawing
//! the noise of a random start, are left to the caller.

use crate::experiment::Constraint;
use tch::{Reduction, Tensor};

use crate::engine::no_grad;

/// Added to lengths that divide, so that no gradient is no step (`attack_steps.py`).
const TINY: f64 = 1e-10;

/// How images are attacked.
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
    /// Whether to begin at a random point: for L2 on the sphere, for L-infinity anywhere in the cube.
    pub random_start: bool,
    /// Whether to keep, for each image, the point of the highest loss on the way, the first and the
    /// last included; otherwise the last.
    pub best: bool,
}

/// What an attack found.
#[derive(Debug)]
pub struct Perturbed {
    /// Images in [0, 1] and in the ball, of the shape of those attacked.
    pub images: Tensor,
    /// The cross-entropy of each, `[N]`.
    pub loss: Tensor,
}

impl Attack {
    /// Attacks `images` (floats in [0, 1], `[N, ...]`) with `labels` (whole numbers, `[N]`), given the
    /// model as a function from images to logits `[N, classes]`.
    ///
    /// `noise`, of the images' shape, is where a random start comes from: standard normal values for
    /// L2, uniform ones in [-1, 1] for L-infinity. It is needed for a random start and unused
    /// otherwise. Gradients are taken towards the images alone: none is left with the model's
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
        let mut here = if self.random_start {
            self.start(&images, noise.expect("a random start needs noise"))
        } else {
            images.shallow_clone()
        };
        let mut best: Option<Perturbed> = None;
        for _ in 0..self.steps {
            let (loss, gradient) = tch::with_grad(|| {
                let here = here.detach().set_requires_grad(true);
                let loss = losses(&here);
                // Of the mean, as the library does: its scale tells where a gradient is too small.
                let mut gradients =
                    Tensor::run_backward(&[loss.mean(loss.kind())], &[&here], false, false);
                (loss.detach(), gradients.swap_remove(0))
            });
            if self.best {
                best = Some(higher(best, Perturbed { images: here.shallow_clone(), loss }));
            }
            here = no_grad::without(|| self.project(&images, &self.advance(&here, &gradient)));
        }
        let loss = no_grad::without(|| losses(&here));
        higher(best, Perturbed { images: here, loss })
    }

    /// A random point of the ball, cut to [0, 1].
    fn start(&self, images: &Tensor, noise: &Tensor) -> Tensor {
        let away = match self.constraint {
            Constraint::L2 => noise / (length(noise) + TINY),
            Constraint::Linf => noise.shallow_clone(),
        };
        (images + away * self.epsilon).clamp(0.0, 1.0)
    }

    /// One step of steepest ascent under the norm.
    fn advance(&self, here: &Tensor, gradient: &Tensor) -> Tensor {
        here + self.step
            * match self.constraint {
                Constraint::L2 => gradient / (length(gradient) + TINY),
                Constraint::Linf => gradient.sign(),
            }
    }

    /// The nearest point of the ball about `images`, then of [0, 1].
    fn project(&self, images: &Tensor, point: &Tensor) -> Tensor {
        let away = point - images;
        let away = match self.constraint {
            Constraint::L2 => away.renorm(2.0, 0, self.epsilon),
            Constraint::Linf => away.clamp(-self.epsilon, self.epsilon),
        };
        (images + away).clamp(0.0, 1.0)
    }
}

/// Each image's Euclidean length, shaped to be broadcast over its values.
fn length(images: &Tensor) -> Tensor {
    let mut shape = vec![1; images.dim()];
    shape[0] = -1;
    images.flatten(1, -1).norm_scalaropt_dim(2.0, [1].as_slice(), false).view(shape.as_slice())
}

/// Of each image the one with the higher loss; the earlier where they are equal.
fn higher(earlier: Option<Perturbed>, later: Perturbed) -> Perturbed {
    let Some(earlier) = earlier else { return later };
    let risen = later.loss.gt_tensor(&earlier.loss);
    let mut shape = vec![1; later.images.dim()];
    shape[0] = -1;
    Perturbed {
        images: later.images.where_self(&risen.view(shape.as_slice()), &earlier.images),
        loss: later.loss.where_self(&risen, &earlier.loss),
    }
}
