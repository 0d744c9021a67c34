//! One fine-tune: what decides it ([`Protocol`]), when the learning rate drops ([`schedule`]), the
//! loop ([`fine_tune`]) over images or their fixed features (`passes`), the pass over a test set
//! ([`evaluate`]), and influence at the end ([`measure_influence`]). What is fine-tuned and where the
//! outcome is kept is left to others.

mod evaluate;
mod fine_tune;
mod influence;
mod passes;
mod protocol;
mod recipe;
pub mod schedule;

pub use evaluate::{Test, evaluate};
pub use fine_tune::{
    Material, Outcome, Sibling, Unfinished, fine_tune, fine_tune_siblings, fine_tune_watched,
};
pub use influence::measure_influence;
pub use passes::fixed_features;
pub use protocol::{Protocol, ProtocolError};
pub use recipe::{ENGINE_VERSION, Recipe, RecipeError, Trial};
