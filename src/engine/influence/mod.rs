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

pub use curvature::{Curvature, LastLayer};
pub use eigen::{Eigenpairs, Operator, top};
pub use matrix::Influence;
pub use shares::Shares;

use crate::experiment::InverseError;

/// Why there is no influence.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InfluenceError {
    /// A truncation or a damping that means nothing.
    #[error(transparent)]
    Inverse(#[from] InverseError),
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
