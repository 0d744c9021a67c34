//! The Fréchet distance between features of two sets of images (Fréchet 1957; Dowson and Landau
//! 1982), each taken to be normally distributed.

use tch::{Kind, Tensor};

use super::{
    OnDevice,
    model::{Mode, Network},
    no_grad, transform,
};

/// Mean and covariance of features, in double precision.
#[derive(Debug)]
pub struct Moments {
    /// `[D]`.
    mean: Tensor,
    /// `[D, D]`, symmetric.
    covariance: Tensor,
}

impl Moments {
    /// Of a network's penultimate features on images, in evaluation mode.
    ///
    /// # Panics
    /// If the images are not of the network's device.
    #[must_use]
    pub fn of_images(network: &Network, images: &OnDevice) -> Self {
        let features =
            |pixels: &Tensor| network.features(&transform::to_unit(pixels), Mode::Evaluate);
        no_grad::without(|| Self::of(&images.mapped(features).pixels))
    }

    /// Of features `[N, D]` of any kind: the mean, and the covariance with divisor N - 1.
    ///
    /// # Panics
    /// If features are no matrix.
    #[must_use]
    pub fn of(features: &Tensor) -> Self {
        let (images, _) = features.size2().expect("features are a matrix");
        let features = features.detach().to_kind(Kind::Double);
        let mean = features.mean_dim([0].as_slice(), false, Kind::Double);
        let around = features - &mean;
        let covariance = around.tr().matmul(&around) / (images - 1) as f64;
        Self { mean, covariance }
    }

    /// From numbers: a mean of length D, and the D rows of a covariance, each from the diagonal on.
    ///
    /// # Panics
    /// If there are not D rows of lengths D to 1.
    #[must_use]
    pub fn from_numbers(mean: &[f64], covariance: &[Vec<f64>]) -> Self {
        let side = mean.len();
        let at = |row: usize, column: usize| covariance[row.min(column)][row.abs_diff(column)];
        let all = (0..side * side).map(|index| at(index / side, index % side));
        let covariance = Tensor::from_slice(&all.collect::<Vec<f64>>());
        let side = side as i64;
        Self { mean: Tensor::from_slice(mean), covariance: covariance.view([side, side]) }
    }

    /// As numbers: the mean, and the rows of the covariance, each from the diagonal on.
    ///
    /// # Panics
    /// Never: both are in double precision.
    #[must_use]
    pub fn to_numbers(&self) -> (Vec<f64>, Vec<Vec<f64>>) {
        let numbers = |of: &Tensor| Vec::<f64>::try_from(of).expect("one dimension");
        let rows = self.covariance.unbind(0);
        let rows = rows.iter().enumerate();
        (numbers(&self.mean), rows.map(|(index, row)| numbers(row).split_off(index)).collect())
    }

    /// The Fréchet distance: `|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))`, in squared units of the
    /// features, 0 for equal moments. The trace of the root is that of the symmetric
    /// `(C1^(1/2) C2 C1^(1/2))^(1/2)`, so that a covariance without full rank does no harm. `None`
    /// if a moment is not finite.
    ///
    /// # Panics
    /// If the two have different numbers of features.
    #[must_use]
    pub fn distance(&self, other: &Self) -> Option<f64> {
        let all = [&self.mean, &other.mean, &self.covariance, &other.covariance];
        if !all.iter().all(|moment| moment.isfinite().all().int64_value(&[]) == 1) {
            return None;
        }
        let apart = (&self.mean - &other.mean).square().sum(Kind::Double).double_value(&[]);
        let root = root(&self.covariance);
        let (values, _) = symmetric(&root.matmul(&other.covariance).matmul(&root)).linalg_eigh("L");
        let trace = |of: &Tensor| of.trace().double_value(&[]);
        // Eigenvalues of zero are rounded to either side of it.
        let shared = values.clamp_min(0.0).sqrt().sum(Kind::Double).double_value(&[]);
        Some(apart + trace(&self.covariance) + trace(&other.covariance) - 2.0 * shared)
    }
}

/// The symmetric root of a positive semidefinite matrix.
fn root(matrix: &Tensor) -> Tensor {
    let (values, vectors) = symmetric(matrix).linalg_eigh("L");
    (&vectors * values.clamp_min(0.0).sqrt()).matmul(&vectors.tr())
}

/// Without the rounding errors that make a matrix not quite symmetric.
fn symmetric(matrix: &Tensor) -> Tensor {
    (matrix + matrix.tr()) / 2.0
}
