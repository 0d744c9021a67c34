//! The largest eigenvalues of a symmetric operator that is known only by its products, with their
//! eigenvectors: the block Lanczos method with full reorthogonalisation (Golub and Van Loan, Matrix
//! Computations, 4th edition, section 10.3).

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use tch::{Device, Kind, Tensor};

use super::InfluenceError;
use crate::experiment::Inverse;

/// What counts as zero, relative to the largest eigenvalue: products in double precision over
/// thousands of images are accurate to a hundredth of it.
const TOLERANCE: f64 = 1e-10;
/// Convergence is checked each time the directions have grown by one part in this many: a check
/// costs the cube of their number.
const CHECK_INTERVAL: i64 = 8;
/// The maximum number of elements of the directions: 2 GiB, and the same again while they grow.
const MAX_ELEMENTS: i64 = 1 << 28;

/// Eigenvalues, in descending order, and their eigenvectors.
#[derive(Debug)]
pub struct Eigenpairs {
    /// `[R]`.
    pub values: Tensor,
    /// Orthonormal columns, `[parameters, R]`.
    pub vectors: Tensor,
}

/// A symmetric positive semidefinite operator, known by its products.
pub struct Operator<'a> {
    /// Its product with the columns of `[parameters, B]`, in double precision.
    pub times: &'a dyn Fn(&Tensor) -> Tensor,
    /// The number of its rows and of its columns.
    pub parameters: i64,
    /// Columns that are multiplied at once: the highest multiplicity of an eigenvalue that is
    /// found.
    pub block: i64,
    /// The device of its products.
    pub device: Device,
}

/// All eigenpairs whose eigenvalue is above `truncation` times the largest.
///
/// Directions are added until every such pair has converged (its residual is below 1e-10 of the
/// largest eigenvalue) and the next pair has converged enough to exclude it, or until no directions
/// are left. `generator` draws the first directions; the same generator on one thread gives the
/// same bits.
///
/// # Errors
/// If the truncation is out of range, the operator is zero, or there are too many such pairs.
pub fn top(
    operator: &Operator<'_>,
    truncation: f64,
    generator: &mut ChaCha8Rng,
) -> Result<Eigenpairs, InfluenceError> {
    Inverse { truncation, damping: 0.0 }.check()?;
    let Operator { times, parameters, device, .. } = *operator;
    let block = operator.block.clamp(1, parameters);
    let max = (MAX_ELEMENTS / parameters).max(block);
    let mut random = || normal([parameters, block], generator, device);
    let mut basis = Tensor::zeros([parameters, 0], (Kind::Double, device));
    let mut projected = Tensor::zeros([0, 0], (Kind::Double, device));
    // The largest eigenvalue so far; what is negligible relative to it is dropped.
    let mut scale = 0.0;
    let mut remainder = random();
    // Whether `remainder` is random, and not computed from the last directions.
    let mut restarted = true;
    let mut next_check = 0;
    loop {
        let tolerance = if restarted { TOLERANCE } else { scale * TOLERANCE };
        let directions = orthonormal(&remainder, &basis, tolerance);
        if directions.size()[1] == 0 && !restarted {
            // The directions span an invariant subspace. Restart outside it.
            remainder = orthogonal(&random(), &basis);
            restarted = true;
            continue;
        }
        let products = times(&directions);
        if restarted && products.norm().double_value(&[]) <= scale * TOLERANCE {
            break;
        }
        let old = basis.size()[1];
        basis = Tensor::cat(&[basis, directions], 1);
        projected = extended(&projected, &basis.tr().matmul(&products), old);
        remainder = orthogonal(&products, &basis);
        restarted = false;
        let count = basis.size()[1];
        if count < next_check && count < parameters {
            continue;
        }
        next_check = count + count / CHECK_INTERVAL;
        let pairs = Ritz::from_projected(&projected);
        scale = pairs.largest();
        if pairs.converged(&remainder, threshold(scale, truncation), scale * TOLERANCE) {
            break;
        }
        if count + block > max {
            return Err(InfluenceError::TooMany { max, truncation });
        }
    }
    if basis.size()[1] == 0 {
        return Err(InfluenceError::Flat);
    }
    let pairs = Ritz::from_projected(&projected);
    let scale = pairs.largest();
    let kept = pairs.above(threshold(scale, truncation));
    Ok(Eigenpairs {
        values: Tensor::from_slice(&pairs.values[..kept as usize]).to_device(device),
        vectors: basis.matmul(&pairs.vectors.narrow(1, 0, kept)),
    })
}

/// The value above which eigenvalues are kept.
fn threshold(largest: f64, truncation: f64) -> f64 {
    truncation.max(TOLERANCE) * largest
}

/// Eigenpairs of the operator projected on the directions (Ritz pairs), in descending order.
struct Ritz {
    values: Vec<f64>,
    /// Columns, in terms of the directions.
    vectors: Tensor,
}

impl Ritz {
    fn from_projected(projected: &Tensor) -> Self {
        let (values, vectors) = projected.linalg_eigh("L");
        let values = Vec::<f64>::try_from(values.flip([0])).expect("one dimension");
        Self { values, vectors: vectors.flip([1]) }
    }

    fn largest(&self) -> f64 {
        self.values[0]
    }

    fn above(&self, threshold: f64) -> i64 {
        self.values.iter().take_while(|value| **value > threshold).count() as i64
    }

    /// Whether the pairs above the threshold are eigenpairs of the operator, and no other pair can
    /// still rise above it. A pair's residual comes from the remainder of the last block's
    /// products.
    fn converged(&self, remainder: &Tensor, threshold: f64, tolerance: f64) -> bool {
        let kept = self.above(threshold);
        let Some(next) = self.values.get(kept as usize) else { return false };
        let width = remainder.size()[1];
        let last = self.vectors.narrow(0, self.vectors.size()[0] - width, width);
        let residuals = remainder.matmul(&last.narrow(1, 0, kept + 1)).norm_scalaropt_dim(
            2.0,
            [0].as_slice(),
            false,
        );
        let residuals = Vec::<f64>::try_from(residuals).expect("one dimension");
        let (of_next, of_kept) = residuals.split_last().expect("there is a next pair");
        of_kept.iter().all(|residual| *residual <= tolerance)
            && *of_next <= (threshold - next).max(tolerance)
    }
}

/// The projected operator with one more block; symmetric, as the operator is.
fn extended(projected: &Tensor, columns: &Tensor, old: i64) -> Tensor {
    let width = columns.size()[1];
    let side = columns.narrow(0, 0, old);
    let corner = columns.narrow(0, old, width);
    let corner = (&corner + corner.tr()) / 2.0;
    let upper = Tensor::cat(&[projected.shallow_clone(), side.shallow_clone()], 1);
    let lower = Tensor::cat(&[side.tr(), corner], 1);
    Tensor::cat(&[upper, lower], 0)
}

/// The part of columns that is orthogonal to the directions; computed twice, since once leaves
/// rounding errors.
fn orthogonal(columns: &Tensor, basis: &Tensor) -> Tensor {
    let once = |columns: &Tensor| columns - basis.matmul(&basis.tr().matmul(columns));
    once(&once(columns))
}

/// Orthonormal directions that span the columns and are orthogonal to the basis. Directions whose
/// singular value is at most `tolerance` are left out; there may be none.
fn orthonormal(columns: &Tensor, basis: &Tensor, tolerance: f64) -> Tensor {
    let free = basis.size()[0] - basis.size()[1];
    let (directions, lengths, _) = columns.svd(true, true);
    let lengths = Vec::<f64>::try_from(lengths).expect("one dimension");
    let count = lengths.iter().filter(|length| **length > tolerance).count() as i64;
    let directions = directions.narrow(1, 0, count.min(free));
    if directions.size()[1] == 0 {
        return directions;
    }
    // Directions of short columns are mostly rounding errors of long ones: orthogonalise again.
    Tensor::linalg_qr(&orthogonal(&directions, basis), "reduced").0
}

fn normal(shape: [i64; 2], generator: &mut ChaCha8Rng, device: Device) -> Tensor {
    let draw = |_| StandardNormal.sample(generator);
    let values: Vec<f64> = (0..shape[0] * shape[1]).map(draw).collect();
    Tensor::from_slice(&values).view(shape).to_device(device)
}
