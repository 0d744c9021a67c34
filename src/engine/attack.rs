//! Projected gradient ascent on the loss, in an L2 or an L-infinity ball (PGD): the attack that the
//! paper's robust source models were trained against, and that measures a model's robustness.
//!
//! It follows the `robustness` library (Engstrom et al. 2019, `attacker.py`, `attack_steps.py`),
//! with which those models were trained; untargeted. The caller sets the model to evaluation mode
//! and draws the noise of a random start.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal, Uniform};
use tch::{Kind, Reduction, Tensor};

use crate::engine::no_grad;
use crate::experiment::Constraint;

/// Added to lengths before a division, so that a zero gradient gives no step (`attack_steps.py`).
const TINY: f64 = 1e-10;

/// More than a loss of single precision may be off by.
const ROUNDING: f64 = 1e-3;

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
        let images = images.detach();
        let mut point = self.begin(&images, noise);
        let mut best: Option<Perturbed> = None;
        for _ in 0..self.steps {
            let Slope { loss, gradient, .. } = slope(&logits, &point, labels, images.size()[0]);
            if self.best {
                best = Some(higher(best, Perturbed { images: point.shallow_clone(), loss }));
            }
            point = no_grad::without(|| self.project(&images, &self.advance(&point, &gradient)));
        }
        let loss = no_grad::without(|| losses(&logits(&point), labels));
        higher(best, Perturbed { images: point, loss })
    }

    /// Whether the model still classifies each image right at the point of the highest loss that
    /// the attack finds, `[N]` of booleans: what it says of [`Self::perturb`]'s images with `best`.
    ///
    /// An image whose loss has passed ln(classes) is attacked no further: its label has less than
    /// an equal share of the probability there, so another class has more, and the highest loss
    /// only grows. Arguments and panics as for [`Self::perturb`].
    pub fn withstood(
        &self,
        logits: impl Fn(&Tensor) -> Tensor,
        images: &Tensor,
        labels: &Tensor,
        noise: Option<&Tensor>,
    ) -> Tensor {
        let images = images.detach();
        let all = images.size()[0];
        let withstood = Tensor::zeros([all], (Kind::Bool, images.device()));
        let mut point = self.begin(&images, noise);
        let mut left = Left {
            place: Tensor::arange(all, (Kind::Int64, images.device())),
            labels: labels.shallow_clone(),
            images,
            highest: None,
        };
        for _ in 0..self.steps {
            let Slope { logits, loss, gradient } = slope(&logits, &point, &left.labels, all);
            (left, point) = no_grad::without(|| {
                left.see(&logits, loss);
                let next = self.project(&left.images, &self.advance(&point, &gradient));
                left.standing(logits.size()[1], &next)
            });
            if left.place.numel() == 0 {
                return withstood;
            }
        }
        no_grad::without(|| {
            let logits = logits(&point);
            let loss = losses(&logits, &left.labels);
            left.see(&logits, loss);
            let Left { place, highest, .. } = left;
            let (_, right) = highest.expect("seen above");
            withstood.index_put(&[Some(place)], &right, false)
        })
    }

    /// Where the attack begins.
    fn begin(&self, images: &Tensor, noise: Option<&Tensor>) -> Tensor {
        if self.random_start {
            self.start(images, noise.expect("a random start needs noise"))
        } else {
            images.shallow_clone()
        }
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

/// What an attack sees at a point.
struct Slope {
    /// `[N, classes]`.
    logits: Tensor,
    /// The cross-entropy of each image, `[N]`.
    loss: Tensor,
    /// Of the mean loss, of the images' shape.
    gradient: Tensor,
}

/// The gradient of the mean loss over `all` images, of which these are some. As in the library it
/// is that of the mean: its scale decides which gradients are too small.
fn slope(logits: impl Fn(&Tensor) -> Tensor, point: &Tensor, labels: &Tensor, all: i64) -> Slope {
    tch::with_grad(|| {
        let point = point.detach().set_requires_grad(true);
        let logits = logits(&point);
        let loss = losses(&logits, labels);
        let mean = loss.sum(loss.kind()) / all;
        let gradient = Tensor::run_backward(&[mean], &[&point], false, false).swap_remove(0);
        Slope { logits: logits.detach(), loss: loss.detach(), gradient }
    })
}

/// The cross-entropy of each image, `[N]`, from logits `[N, classes]`.
fn losses(logits: &Tensor, labels: &Tensor) -> Tensor {
    logits.cross_entropy_loss::<Tensor>(labels, None, Reduction::None, -100, 0.0)
}

/// Images that may still withstand an attack, a row each.
struct Left {
    /// Their places among all images.
    place: Tensor,
    images: Tensor,
    labels: Tensor,
    /// The highest loss of each so far, and whether it was classified right there; `None` before
    /// the first step.
    highest: Option<(Tensor, Tensor)>,
}

impl Left {
    /// Takes note of the logits and losses at a point; of equal losses the earlier one counts.
    fn see(&mut self, logits: &Tensor, loss: Tensor) {
        let right = logits.argmax(1, false).eq_tensor(&self.labels);
        let (highest, right) = match self.highest.take() {
            None => (loss, right),
            Some((highest, before)) => {
                let higher = loss.gt_tensor(&highest);
                (loss.where_self(&higher, &highest), right.where_self(&higher, &before))
            }
        };
        self.highest = Some((highest, right));
    }

    /// The images that can still be right in the end, and their points.
    fn standing(&self, classes: i64, point: &Tensor) -> (Self, Tensor) {
        let (highest, right) = self.highest.as_ref().expect("a point was seen");
        let lost = highest.gt((classes as f64).ln() + ROUNDING);
        let rows = lost.logical_not().nonzero().squeeze_dim(1);
        let of = |tensor: &Tensor| tensor.index_select(0, &rows);
        let left = Self {
            place: of(&self.place),
            images: of(&self.images),
            labels: of(&self.labels),
            highest: Some((of(highest), of(right))),
        };
        (left, of(point))
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
