//! When a fine-tune is looked at.

use schemars::JsonSchema;
use serde::Deserialize;

/// An evaluation of a run.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The end of the schedule.
    Last,
    /// The evaluation with the best test accuracy: optimistic, since it is chosen on the test set.
    Best,
    /// The evaluation after this many epochs.
    Epoch(u32),
    /// The first logged evaluation from this share of the schedule on.
    FromShare(f64),
}
