//! Influence functions of a network's last layer: how much each training image helps the prediction
//! of each test image, to first order (Koh and Liang 2017, arXiv 1703.04730; the authors' code is
//! in their `influence_functions` folder). For the last layer alone, everything is exact: the
//! Hessian of the summed cross-entropy of a subset by weight and bias, known only by its products
//! with vectors ([`Curvature`]); its top eigenpairs ([`top`]); and the influence of every training
//! image on every test image ([`Influence`]), of which a summary is kept ([`Shares`]).
//!
//! All tensors are in double precision. This module does not depend on networks, records or files.
//!
//! Parameters are ordered by feature (the bias last), then class: entry `f * classes + c`.

mod curvature;
mod eigen;
mod matrix;
mod shares;

pub use curvature::{Curvature, LastLayer};
pub use eigen::{Eigenpairs, Operator, top};
pub use matrix::{Influence, Scores};
pub use shares::Shares;

use crate::experiment::InverseError;

/// Why influence can't be computed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InfluenceError {
    /// A truncation or a damping outside its range.
    #[error(transparent)]
    Inverse(#[from] InverseError),
    /// No images.
    #[error("there are no images")]
    Empty,
    /// One class, whose probability is 1 whatever the parameters are.
    #[error("there is one class: its probability is constant, so no image has an influence")]
    OneClass,
    /// A label outside the classes.
    #[error("label {label} is out of range: the {classes} classes are counted from 0")]
    Label {
        /// The label.
        label: i64,
        /// How many classes there are.
        classes: i64,
    },
    /// The network has diverged.
    #[error("features or logits are not finite: the network has diverged")]
    NotFinite,
    /// All images are fitted so well that the curvature is zero in double precision.
    #[error("the Hessian is zero: no training image's loss has any curvature")]
    Flat,
    /// More eigenpairs than fit into memory.
    #[error(
        "a truncation of {truncation} needs more than {max} directions: use a larger truncation"
    )]
    TooMany {
        /// The maximum number of directions.
        max: i64,
        /// The requested truncation.
        truncation: f64,
    },
}
