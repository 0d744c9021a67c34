//! The sources of evidence with their digests, for `--verbose`.

use super::messages::message;
use crate::{evidence::Evidence, figure::numbers::counted};

/// Prints a line for each evidence on standard error.
pub(super) fn print_sources<'a>(evidence: impl IntoIterator<Item = &'a Evidence>) {
    for of in evidence {
        let file = of.file.as_ref().map(|file| format!(", {file}")).unwrap_or_default();
        let count = counted(of.records.len(), "record");
        message!("note: {} evidence: {}{file}; {count}, SHA-256 {}", of.kind, of.title, of.sha256);
    }
}
