//! Records of local runs on disk. An [`Entry`] is the record of one fine-tune with its origin, the
//! [`Ledger`] stores entries by name, a [`Lease`] is a lock that a process holds while it runs a
//! trial, and a [`bundle`] is a file of many entries. [`Entry::record`] gives the judge's form of
//! an entry; judging is left to `judge`.

pub mod bundle;
mod check;
mod entry;
mod lease;
mod ledger;
mod leftovers;
mod scan;

pub use entry::{Ended, Entry, FORMAT_VERSION, Provenance};
pub use lease::Lease;
pub use ledger::{Damaged, Ledger, LedgerError};
