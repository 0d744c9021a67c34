//! The sources of evidence: their digests for `--verbose`, and what was read in another way than it
//! stands in a log.

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

/// Prints a note on everything in a log that was read in another way than it stands there.
pub(super) fn note_reading(evidence: &Evidence) {
    let file = evidence.file.as_deref().unwrap_or_default();
    for note in &evidence.notes {
        message!("note: {file}: {note}");
    }
}
