//! How source models of our own are trained, and what against.

use serde::{Deserialize, Serialize};

use super::{Architecture, Augmentation, Constraint, Normalisation, Precision, Seed};

/// How a source model is trained, whatever it is trained against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pretraining {
    /// What is trained.
    pub architecture: Architecture,
    /// Rows and columns of its input.
    pub side: u32,
    /// The source's own statistics.
    pub normalisation: Normalisation,
    /// The seed of first weights, order, attacks and noise; the same for every model of the zoo.
    pub seed: Seed,
    /// Epochs; the learning rate drops tenfold after every third.
    pub epochs: u32,
    /// Images a step.
    pub batch: u32,
    /// First learning rate.
    pub learning_rate: f64,
    /// Momentum.
    pub momentum: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Changes that an image gets anew in every epoch; none where there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augmentation: Option<Augmentation>,
    /// Of a mean over the latest weights, the share that stays at each step; where there is nothing, the
    /// weights of the last step are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub averaging: Option<f64>,
    /// What convolutions are computed in; operation by operation as PyTorch does, in single precision,
    /// where there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
    /// Steps of the attack in training, each 2.5 x eps / steps long (the evaluation convention of the
    /// `robustness` library), from a random start, the best point kept.
    pub attack_steps: u32,
    /// Steps of the attack that measures robust accuracy.
    pub test_steps: u32,
    /// Test images that are attacked to measure it.
    pub attacked: u32,
    /// The models, in the order in which they are made.
    pub models: Vec<Model>,
    /// Points of clean source accuracy that a chosen eps may cost.
    pub most_cost: f64,
}

/// What a model is trained against.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threat {
    /// Nothing.
    None,
    /// The strongest perturbation that projected gradient ascent finds.
    Attack {
        /// Norm.
        constraint: Constraint,
        /// Radius.
        epsilon: f64,
    },
    /// Gaussian noise whose expected Euclidean length is about this; no attack.
    Noise {
        /// Length.
        epsilon: f64,
    },
}

/// A model of the zoo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Its role, as claims name it.
    pub role: String,
    /// What it is trained against.
    pub against: Against,
}

/// What a model is trained against, before any eps is chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// Nothing: the natural model, which every cost is counted from. The zoo's first.
    Nothing,
    /// An attack with the largest radius of these, tried from the largest on, that costs at most
    /// [`Pretraining::most_cost`] points; the smallest where none does.
    Attack {
        /// Norm.
        constraint: Constraint,
        /// Radii, falling.
        grid: Vec<f64>,
    },
    /// The attack of another model with its radius times a factor, whatever it costs.
    Stronger {
        /// The other model's role.
        than: String,
        /// Factor.
        times: f64,
    },
    /// Gaussian noise as long as another model's radius, in place of an attack.
    NoiseAsLongAs(String),
}
