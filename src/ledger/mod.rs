//! Records: what a fine-tune left behind, whoever ran it. Published logs and our own runs are
//! read into the same [`Record`]; everything after this module (joining, judging, drawing) cannot
//! tell them apart. [`published`] reads logs that somebody else wrote; an [`Entry`] is what a fine-tune
//! of our own left behind, and the [`Ledger`] keeps entries on disk.

pub(crate) mod bits;
pub mod bundle;
mod entry;
mod influence;
pub mod means;
pub(crate) mod number;
pub mod published;
mod record;
mod store;
mod turn;

pub use entry::{Ended, Entry, FORMAT_VERSION, Provenance};
pub use influence::{Counts, Exhibit, Found, MeasuredInfluence, Pictured};
pub use record::{
    DuplicateRecord, Evaluation, Key, NotMeasured, Recipe, Record, Records, Resolution, Seed,
    Status,
};
pub use store::{Damaged, Ledger, LedgerError};
pub use turn::Turn;
