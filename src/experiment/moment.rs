//! Which evaluation of a fine-tune is read.

use schemars::JsonSchema;
use serde::Deserialize;

/// An evaluation of a fine-tune.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The end of the schedule.
    Last,
    /// The evaluation with the best test accuracy, which is optimistic: it is chosen on the test
    /// set.
    Best,
    /// The evaluation after this many epochs, or steps of a study's progress.
    #[serde(alias = "step")]
    Epoch(u32),
    /// The first logged evaluation from this share of the schedule on, which must lie within 1.5
    /// times the share.
    FromShare(f64),
}
