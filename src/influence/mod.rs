//! Influence functions of a network's last layer: how much each training image helps each test image's
//! prediction, to first order (Koh and Liang 2017, arXiv 1703.04730; the authors' own code is told of
//! in their `influence_functions` folder). Of the last layer alone, everything is exact: the Hessian of
//! the summed cross-entropy of a subset towards weight and bias, of which only a product with vectors is
//! ever formed ([`Curvature`]); its top eigenpairs ([`top`]); and from these the influence of every
//! training image on every test image ([`Influence`]), of which little is kept ([`Shares`]).
//!
//! All tensors are in double precision. Nothing here knows of networks, records or disks.
//!
//! Parameters stand in the order of features (the bias last), then classes: entry `f * classes + c`.

mod curvature;
mod eigen;
mod matrix;
mod shares;

use serde::{Deserialize, Serialize};

pub use curvature::{Curvature, LastLayer};
pub use eigen::{Eigenpairs, Operator, top};
pub use matrix::Influence;
pub use shares::{RANKS, Shares};

/// How the inverse of the Hessian is taken: on the eigenspace of its largest eigenvalues, damped there.
///
/// A direction is kept where its eigenvalue lies above `truncation` times the largest one, and then
/// counts with `1 / (eigenvalue + damping)`. The authors' `pinv2(H, rcond=5e-2)` is a truncation of
/// 0.05 and no damping. Gradients of training images lie in the Hessian's range, so without truncation
/// this is all of the damped inverse that they ever see.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inverse {
    /// Share of the largest eigenvalue below which directions are dropped, from 0 to below 1. With 0,
    /// what is dropped is what rounding can't tell from nothing.
    pub truncation: f64,
    /// Added to every eigenvalue that is kept, from 0 on; in the unit of the Hessian of the summed loss.
    #[serde(default)]
    pub damping: f64,
}

impl std::fmt::Display for Inverse {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "truncation {}", self.truncation)?;
        if self.damping > 0.0 { write!(formatter, ", damping {}", self.damping) } else { Ok(()) }
    }
}

/// Why there is no influence.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InfluenceError {
    /// A truncation or a damping that means nothing.
    #[error("{field} is {found}: {expected}")]
    Inverse {
        /// The field.
        field: &'static str,
        /// What it is.
        found: f64,
        /// What it could be.
        expected: &'static str,
    },
    /// No images at all.
    #[error("there are no images")]
    Empty,
    /// One class, whose probability is 1 whatever the parameters are.
    #[error("there is one class: its probability never changes, so nothing has an influence")]
    OneClass,
    /// A label that is none of the classes.
    #[error("label {label} of {classes} classes, which are counted from 0")]
    Label {
        /// The label.
        label: i64,
        /// How many classes there are.
        classes: i64,
    },
    /// The network has diverged.
    #[error("features or logits are not finite: the network has diverged")]
    NotFinite,
    /// All images are fitted so well that double precision sees no curvature.
    #[error("the Hessian is zero: no training image's loss has any curvature")]
    Flat,
    /// More eigenpairs than fit.
    #[error(
        "more than {most} directions are needed for a truncation of {truncation}: ask for a larger one"
    )]
    TooMany {
        /// How many there may be.
        most: i64,
        /// What was asked for.
        truncation: f64,
    },
}

impl Inverse {
    /// The authors' own.
    pub const AUTHORS: Self = Self { truncation: 0.05, damping: 0.0 };

    /// Finds what means nothing.
    ///
    /// # Errors
    /// If the truncation is not from 0 to below 1, or the damping is negative or not finite.
    pub fn check(&self) -> Result<(), InfluenceError> {
        let Self { truncation, damping } = *self;
        let fault =
            |field, found, expected| Err(InfluenceError::Inverse { field, found, expected });
        if !(0.0..1.0).contains(&truncation) {
            return fault("truncation", truncation, "a share of the largest eigenvalue, below 1");
        }
        if !(damping.is_finite() && damping >= 0.0) {
            return fault("damping", damping, "a number from 0 on");
        }
        Ok(())
    }
}
