//! The largest eigenvalues of a symmetric operator that is known by its products alone, with their
//! eigenvectors: Lanczos's method by blocks, each new direction made orthogonal to all earlier ones
//! (Golub and Van Loan, Matrix Computations, 4th edition, section 10.3).

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use tch::{Device, Kind, Tensor};

use super::InfluenceError;
use crate::experiment::Inverse;

/// What counts as nothing, relative to the largest eigenvalue: products in double precision over
/// thousands of images are good to a hundredth of it.
const NOTHING: f64 = 1e-10;
/// Whether all has converged is looked at after this part of the directions more: a look costs the cube
/// of their number.
const LOOK: i64 = 8;
/// Numbers that the directions may take: 2 GiB, and as much again while they grow.
const MOST_NUMBERS: i64 = 1 << 28;

/// Eigenvalues, falling, and their eigenvectors.
#[derive(Debug)]
pub struct Eigenpairs {
    /// `[R]`.
    pub values: Tensor,
    /// Orthonormal columns, `[parameters, R]`.
    pub vectors: Tensor,
}

/// A symmetric operator without negative eigenvalues, known by its products.
pub struct Operator<'a> {
    /// Its product with the columns of `[parameters, B]`, in double precision.
    pub times: &'a dyn Fn(&Tensor) -> Tensor,
    /// Its rows and columns.
    pub parameters: i64,
    /// Columns that are multiplied at once: no eigenvalue is found more often than this.
    pub block: i64,
    /// Where it computes.
    pub device: Device,
}

/// All eigenpairs whose eigenvalue lies above `truncation` times the largest.
///
/// Directions are added until every such pair has converged (its residual is below 1e-10 of the largest
/// eigenvalue) and so nearly has the next one that it can't be one of them; or until there are none
/// left. `generator` draws where the search begins; the same on one thread gives the same bits.
///
/// # Errors
/// If the truncation means nothing, the operator is zero, or there are too many such pairs.
pub fn top(
    operator: &Operator<'_>,
    truncation: f64,
    generator: &mut ChaCha8Rng,
) -> Result<Eigenpairs, InfluenceError> {
    Inverse { truncation, damping: 0.0 }.check()?;
    let Operator { times, parameters, device, .. } = *operator;
    let block = operator.block.clamp(1, parameters);
    let most = (MOST_NUMBERS / parameters).max(block);
    let mut random = || drawn([parameters, block], generator, device);
    let mut basis = Tensor::zeros([parameters, 0], (Kind::Double, device));
    let mut projected = Tensor::zeros([0, 0], (Kind::Double, device));
    // The largest eigenvalue as far as it is known: what is nothing beside it is dropped.
    let mut scale = 0.0;
    let mut rest = random();
    // Whether `rest` was drawn, and is not what the operator did to the last directions.
    let mut fresh = true;
    let mut next_look = 0;
    loop {
        let directions = orthonormal(&rest, &basis, if fresh { NOTHING } else { scale * NOTHING });
        if directions.size()[1] == 0 && !fresh {
            // The directions hold all that the operator does to them; it may do more to others.
            rest = orthogonal(&random(), &basis);
            fresh = true;
            continue;
        }
        let images = times(&directions);
        if fresh && images.norm().double_value(&[]) <= scale * NOTHING {
            break;
        }
        let old = basis.size()[1];
        basis = Tensor::cat(&[basis, directions], 1);
        projected = grown(&projected, &basis.tr().matmul(&images), old);
        rest = orthogonal(&images, &basis);
        fresh = false;
        let held = basis.size()[1];
        if held < next_look && held < parameters {
            continue;
        }
        next_look = held + held / LOOK;
        let pairs = Ritz::of(&projected);
        scale = pairs.largest();
        if pairs.settled(&rest, threshold(scale, truncation), scale * NOTHING) {
            break;
        }
        if held + block > most {
            return Err(InfluenceError::TooMany { most, truncation });
        }
    }
    if basis.size()[1] == 0 {
        return Err(InfluenceError::Flat);
    }
    let pairs = Ritz::of(&projected);
    let scale = pairs.largest();
    let kept = pairs.above(threshold(scale, truncation));
    Ok(Eigenpairs {
        values: Tensor::from_slice(&pairs.values[..kept as usize]).to_device(device),
        vectors: basis.matmul(&pairs.vectors.narrow(1, 0, kept)),
    })
}

/// What eigenvalues are kept above.
fn threshold(largest: f64, truncation: f64) -> f64 {
    truncation.max(NOTHING) * largest
}

/// Eigenpairs of the operator among the directions, falling.
struct Ritz {
    values: Vec<f64>,
    /// Columns, in terms of the directions.
    vectors: Tensor,
}

impl Ritz {
    fn of(projected: &Tensor) -> Self {
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

    /// Whether the pairs above the threshold are the operator's own, and none is on its way there: what
    /// the operator does to a pair beyond its eigenvalue is what is left of the last block's images.
    fn settled(&self, remainder: &Tensor, threshold: f64, nothing: f64) -> bool {
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
        let (of_next, of_kept) = residuals.split_last().expect("at least the next");
        of_kept.iter().all(|residual| *residual <= nothing)
            && *of_next <= (threshold - next).max(nothing)
    }
}

/// The projected operator with a block more: rows and columns are equal, as it is symmetric.
fn grown(projected: &Tensor, columns: &Tensor, old: i64) -> Tensor {
    let width = columns.size()[1];
    let beside = columns.narrow(0, 0, old);
    let corner = columns.narrow(0, old, width);
    let corner = (&corner + corner.tr()) / 2.0;
    let upper = Tensor::cat(&[projected.shallow_clone(), beside.shallow_clone()], 1);
    let lower = Tensor::cat(&[beside.tr(), corner], 1);
    Tensor::cat(&[upper, lower], 0)
}

/// What is left of columns beside the directions; twice, since once leaves rounding.
fn orthogonal(columns: &Tensor, basis: &Tensor) -> Tensor {
    let once = |columns: &Tensor| columns - basis.matmul(&basis.tr().matmul(columns));
    once(&once(columns))
}

/// Orthonormal directions of columns that are orthogonal to those that there are, but for those in which
/// columns are no longer than `nothing`; perhaps none.
fn orthonormal(columns: &Tensor, basis: &Tensor, nothing: f64) -> Tensor {
    let room = basis.size()[0] - basis.size()[1];
    let (directions, lengths, _) = columns.svd(true, true);
    let lengths = Vec::<f64>::try_from(lengths).expect("one dimension");
    let count = lengths.iter().filter(|length| **length > nothing).count() as i64;
    let directions = directions.narrow(1, 0, count.min(room));
    if directions.size()[1] == 0 {
        return directions;
    }
    // Short ones are mostly rounding of long ones: made orthogonal once more.
    Tensor::linalg_qr(&orthogonal(&directions, basis), "reduced").0
}

fn drawn(shape: [i64; 2], generator: &mut ChaCha8Rng, device: Device) -> Tensor {
    let normal = |_| StandardNormal.sample(generator);
    let values: Vec<f64> = (0..shape[0] * shape[1]).map(normal).collect();
    Tensor::from_slice(&values).view(shape).to_device(device)
}
