//! The types of an experiment, as plain data: what decides a fine-tune (key, seed, recipe,
//! protocol), what it produces (outcome), what it starts from (architecture, pretraining, card),
//! and the verdicts. Every other module uses these types, and this module uses no other except
//! `util`: reading files, computing and judging are left to others. Record names are digests of
//! these types, so their serialised form must not change.

mod adversarial;
mod architecture;
pub(crate) mod bits;
pub mod card;
mod choices;
mod distances;
mod evidence_kind;
mod flops;
mod influence;
mod key;
mod layers;
mod moment;
pub(crate) mod number;
mod outcome;
mod pretraining;
mod protocol;
pub mod random;
pub(crate) mod recipe;
mod resolution;
mod seed;
mod trainable;
mod value;
mod verdict;

pub use adversarial::{AdversarialTest, AdversarialTestError, MeasuredAdversarial};
pub use architecture::{Architecture, Block, Stem};
pub use card::{Card, Epoch, WeightsPrecision};
pub use choices::{Augmentation, BatchNorm, Constraint, Head, Normalisation, Precision};
pub use distances::{FeatureDistances, FeatureMoments, ImagesSeen, TargetDistance};
pub use evidence_kind::EvidenceKind;
pub use flops::MultiplyAdds;
pub use influence::{
    Chance, Counts, Found, InfluentialExample, Inverse, InverseError, MeasuredInfluence,
    OtherRankings, Pictured, RANKS, RankedCounts, Ranking,
};
pub use key::Key;
#[cfg(feature = "engine")]
pub(crate) use layers::{Convolution, Residual};
pub use moment::Moment;
pub use outcome::{Evaluation, Outcome};
pub use pretraining::{Against, Model, Pretraining, Threat};
pub use protocol::{Protocol, ProtocolError};
pub use recipe::{ENGINE_VERSION, Recipe, RecipeDigest, RecipeError, Trial};
pub use resolution::Resolution;
pub use seed::Seed;
#[cfg(feature = "engine")]
pub(crate) use trainable::is_of;
pub use trainable::{PAPER_BLOCKS, TooManyBlocks, Trainable};
pub(crate) use value::every_combination;
pub use value::{Factors, Value};
pub use verdict::Verdict;
