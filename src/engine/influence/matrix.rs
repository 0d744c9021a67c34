//! A score of every training image for every test image, kept as two thin factors: an influence, or
//! how near their features are. Rows of the matrix are formed for some test images at a time.

use tch::Tensor;

use super::{Eigenpairs, InfluenceError, LastLayer};
use crate::experiment::Inverse;

/// Scores of training images for test images: the larger, the higher a training image ranks.
#[derive(Debug)]
pub struct Scores {
    /// `[tests, R]`.
    test: Tensor,
    /// `[R, images]`.
    train: Tensor,
}

impl Scores {
    /// Cosines between features, without gradients, labels or the head: the largest for the nearest
    /// training image.
    ///
    /// # Panics
    /// If the two have different numbers of features.
    #[must_use]
    pub fn of_features(train: &LastLayer, test: &LastLayer) -> Self {
        Self { test: test.directions(), train: train.directions().tr() }
    }

    /// Scores of all training images for `length` test images from `start` on, `[length, images]`.
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
}

/// Influences of training images on test images: to first order, how much higher the test image's
/// loss would be without the training image. Positive influences are helpful.
#[derive(Debug)]
pub struct Influence {
    /// Gradients in the eigenspace, those of test images divided by the eigenvalues.
    scores: Scores,
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
            scores: Scores {
                test: test.gradients_in(&vectors) / divisors,
                train: train.gradients_in(&vectors).tr(),
            },
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
        self.scores.on(start, length)
    }

    /// The influences as scores.
    #[must_use]
    pub fn scores(&self) -> &Scores {
        &self.scores
    }

    /// The number of test images.
    #[must_use]
    pub fn tests(&self) -> i64 {
        self.scores.tests()
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
