//! Records of local runs on disk. An [`Entry`] is the record of one fine-tune with its origin, the
//! [`Ledger`] stores entries by name, a [`Lease`] is what a [`Worker`] holds while it runs a
//! trial, and a [`bundle`] is a file of many entries. [`Entry::record`] gives the judge's form of
//! an entry; judging is left to `judge`.

pub mod bundle;
mod check;
mod entry;
mod failure;
mod faults;
mod holder;
mod lease;
mod ledger;
mod leftovers;
mod scan;
mod worker;

pub use entry::{Ended, Entry, FORMAT_VERSION, Provenance};
pub use faults::{DeviceFault, FAULTS_WITHIN};
pub use holder::Holder;
pub use lease::{Lease, Leased};
pub use ledger::{Damaged, Ledger, LedgerError, Put};
pub use worker::{BEAT, MISSED, Worker};
