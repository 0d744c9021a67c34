//! Logs of fine-tunes that failed: one file each, with every attempt since the last success: who ran
//! it where and beside how many siblings, and the whole message. The reason in a record is the last
//! one alone.

use std::{
    fmt::Write as _,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{
    entry::{Ended, Entry},
    ledger::{Ledger, LedgerError, Operation},
    worker::Worker,
};
use crate::util::{date, files, shown};

/// The longest log, in bytes; the beginning of a longer one is dropped.
const MOST_BYTES: usize = 64 << 10;
/// The longest message of one attempt, in characters; the middle of a longer one is dropped.
const LONGEST: usize = 8 << 10;

impl Ledger {
    /// The file with the log of a trial that failed.
    #[must_use]
    pub fn failure_log(&self, id: &str) -> PathBuf {
        self.folder().join("logs").join(format!("{id}.log"))
    }

    /// Adds to the log of a trial that it failed beside so many siblings, which does not say which
    /// of them failed.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn log_family_failure(
        &self,
        worker: &Worker,
        id: &str,
        siblings: usize,
        message: &str,
    ) -> Result<(), LedgerError> {
        self.add(id, &attempt(worker, &format!("beside {siblings} siblings"), "", message))
    }

    /// Adds to its log that the trial of an entry failed alone, if it did.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn log_failure(&self, worker: &Worker, entry: &Entry) -> Result<(), LedgerError> {
        let Ended::Failed { reason } = &entry.outcome else { return Ok(()) };
        let of = &entry.provenance;
        let on = format!(
            "{}, seed {}, after {:.1} s by repro {}, {} on {}\n",
            entry.trial.recipe.key,
            entry.trial.seed.0,
            of.seconds,
            of.program,
            of.engine,
            of.processor
        );
        self.add(&entry.id, &attempt(worker, "alone", &on, reason))
    }

    /// Removes the log of a trial that has finished.
    pub(super) fn remove_failure_log(&self, id: &str) {
        // Most trials have none, and nothing reads one that stays.
        let _ = std::fs::remove_file(self.failure_log(id));
    }

    fn add(&self, id: &str, text: &str) -> Result<(), LedgerError> {
        let path = self.failure_log(id);
        let before = files::text(&path, MOST_BYTES as u64).unwrap_or_default();
        let mut whole = before + text;
        if whole.len() > MOST_BYTES {
            // At the start of a line.
            let from = whole.ceil_char_boundary(whole.len() - MOST_BYTES);
            let line = whole[from..].find('\n').map_or(from, |end| from + end + 1);
            whole.drain(..line);
        }
        files::replace(&path, whole.as_bytes()).map_err(|cause| LedgerError::Io {
            operation: Operation::Write,
            path,
            cause,
        })
    }
}

/// The lines of one attempt. Hidden characters of a message are escaped.
fn attempt(worker: &Worker, how: &str, on: &str, message: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let job = worker.job().map(|job| format!(", job {job}")).unwrap_or_default();
    let mut text = format!(
        "{}: failed {how}: worker {} on {}, process {}{job}\n{on}",
        date::time(now),
        worker.name(),
        worker.host(),
        std::process::id()
    );
    for line in shortened(message).lines() {
        let _ = writeln!(text, "    {}", shown::visible(line));
    }
    text
}

/// A message with its beginning and its end, where libtorch says what failed and where.
fn shortened(message: &str) -> String {
    let count = message.chars().count();
    if count <= LONGEST {
        return message.to_owned();
    }
    let (half, left_out) = (LONGEST / 2, count - LONGEST);
    let start: String = message.chars().take(half).collect();
    let end: String = message.chars().skip(count - half).collect();
    format!("{start}\n[{left_out} characters left out]\n{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_keeps_its_beginning_and_its_end() {
        let message: String = ('a'..='z').cycle().take(10_000).collect();
        let short = shortened(&message);
        let parts: Vec<&str> = short.split('\n').collect();
        let half = LONGEST / 2;
        let (start, end) = (&message[..half], &message[10_000 - half..]);
        assert_eq!(parts, [start, "[1808 characters left out]", end]);
        assert_eq!(shortened(&message[..LONGEST]), message[..LONGEST]);
    }

    #[test]
    fn a_long_log_loses_its_first_lines() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::new(folder.path().to_owned());
        let lines = |of: std::ops::Range<usize>| -> String {
            of.map(|number| format!("{number:05} {}\n", "x".repeat(93))).collect()
        };
        ledger.add("3f", &lines(0..400)).unwrap();
        ledger.add("3f", &lines(400..800)).unwrap();
        // 145 lines of 100 bytes are more than what is above the limit; 144 are less.
        let kept = std::fs::read_to_string(ledger.failure_log("3f")).unwrap();
        assert_eq!((kept.len(), &kept[..5]), (65_500, "00145"));
        assert!(kept == lines(145..800));
    }
}
