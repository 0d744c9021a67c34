//! The influence of every training image on every test image, kept as two thin factors. Rows of the
//! matrix are formed for some test images at a time.

use tch::Tensor;

use super::{Eigenpairs, InfluenceError, LastLayer};
use crate::experiment::Inverse;

/// Influences of training images on test images: to first order, how much higher the test image's
/// loss would be without the training image. Positive influences are helpful.
#[derive(Debug)]
pub struct Influence {
    /// Gradients of test images in the eigenspace, divided by the eigenvalues, `[tests, R]`.
    test: Tensor,
    /// Gradients of training images in the eigenspace, `[R, images]`.
    train: Tensor,
    kept: i64,
    largest: f64,
}

impl Influence {
    /// Computes influences from the eigenpairs of the training images' curvature. `eigenpairs` must
    /// include all that `inverse` keeps: those of [`super::top`] with its truncation, or a smaller
    /// one.
    ///
    /// # Errors
    /// If the inverse is out of range.
    ///
    /// # Panics
    /// If the eigenpairs have another number of parameters, or there are none.
    pub fn new(
        train: &LastLayer,
        test: &LastLayer,
        eigenpairs: &Eigenpairs,
        inverse: Inverse,
    ) -> Result<Self, InfluenceError> {
        inverse.check()?;
        let values = Vec::<f64>::try_from(&eigenpairs.values).expect("one dimension");
        let kept = values.iter().take_while(|value| **value > inverse.truncation * values[0]);
        let kept = kept.count() as i64;
        let vectors = eigenpairs.vectors.narrow(1, 0, kept);
        let divisors = eigenpairs.values.narrow(0, 0, kept) + inverse.damping;
        Ok(Self {
            test: test.gradients_in(&vectors) / divisors,
            train: train.gradients_in(&vectors).tr(),
            kept,
            largest: values[0],
        })
    }

    /// Influences of all training images on `length` test images from `start` on, `[length,
    /// images]`.
    ///
    /// # Panics
    /// If there are fewer test images.
    pub fn on(&self, start: i64, length: i64) -> Tensor {
        self.test.narrow(0, start, length).matmul(&self.train)
    }

    /// The number of test images.
    #[must_use]
    pub fn tests(&self) -> i64 {
        self.test.size()[0]
    }

    /// The number of eigenpairs that are kept.
    #[must_use]
    pub fn kept(&self) -> i64 {
        self.kept
    }

    /// The largest eigenvalue.
    #[must_use]
    pub fn largest(&self) -> f64 {
        self.largest
    }
}
