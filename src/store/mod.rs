//! Our own records on disk: an [`Entry`] is what one fine-tune left behind, the [`Ledger`] keeps entries
//! by name, a [`Lease`] is held while a trial runs, and a [`bundle`] is many of them in one file. Reading
//! records out of entries is [`Entry::record`]; judging them is left to others.

pub mod bundle;
mod entry;
mod lease;
mod ledger;

pub use entry::{Ended, Entry, FORMAT_VERSION, Provenance};
pub use lease::Lease;
pub use ledger::{Damaged, Ledger, LedgerError};
