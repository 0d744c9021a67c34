//! Reads logs: one CSV row for each evaluation, with the columns of the authors' consolidated log.
//! The same reader serves the log that ships with the project and a user's log (`repro verify
//! --log`). What a log does not state, the schedule of a run and whether it reached its end, is
//! inferred here alone (`runs`).

mod columns;
mod copies;
mod error;
mod printed;
mod runs;

use std::{io::Read, path::Path};

pub use error::LogError;
pub use printed::Printed;

use super::Records;
use crate::util::files::GZIP;
use columns::Columns;
use copies::{Copies, copies};
use printed::Decimals;
use runs::{Fractions, Runs};

/// Columns that every log has, in the order of the published log; a log may have any order.
pub const COLUMNS: [&str; 11] = [
    "dataset",
    "source",
    "blocks",
    "images",
    "seed",
    "epoch",
    "test_accuracy_percent",
    "test_loss",
    "train_accuracy_percent",
    "train_loss",
    "seconds",
];

/// An optional column: the pixels on each side that images were downscaled to, or `native`. Without
/// it every run is at native resolution, as in the published log.
pub(crate) const RESOLUTION_COLUMN: &str = "resolution";

/// Size limit of a log, before it is read; the published log has 2 MB.
pub const LARGEST_LOG_BYTES: u64 = 1 << 30;

/// First bytes of files that are easily taken for CSV, and what the files are.
const OTHERS: [(&[u8], &str); 4] = [
    (b"\xff\xfe", "text in UTF-16"),
    (b"\xfe\xff", "text in UTF-16"),
    (b"PK\x03\x04", "a zip archive, as spreadsheets are"),
    (b"PAR1", "a Parquet file"),
];

/// Whether the accuracies of a log are known to be percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Percent {
    /// By the column's name alone: a source model with no accuracy above 1 on a target is refused.
    #[default]
    ByName,
    /// The user states it, as where few of a thousand classes are found.
    Stated,
}

/// Reads a log from disk, compressed by gzip or not, whatever the file's name. Returns its records
/// and the bytes of the file.
///
/// # Errors
/// As [`read`], and if the file can't be read.
pub fn read_file(path: &Path) -> Result<(Records, Vec<u8>), LogError> {
    read_file_as(path, Percent::ByName)
}

/// As [`read_file`], where the user may have stated that accuracies are percent.
pub(super) fn read_file_as(path: &Path, percent: Percent) -> Result<(Records, Vec<u8>), LogError> {
    let file = path.display().to_string();
    let unreadable = |cause| LogError::Unreadable { file: file.clone(), cause };
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .map_err(unreadable)?
        .take(LARGEST_LOG_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_LOG_BYTES {
        return Err(LogError::TooLarge { file });
    }
    let records = if bytes.starts_with(&GZIP) {
        read_as(&file, &unpack(&file, &bytes)?, percent)?
    } else {
        read_as(&file, &bytes, percent)?
    };
    Ok((records, bytes))
}

/// Decompresses a gzip stream of at most [`LARGEST_LOG_BYTES`].
///
/// # Errors
/// If the stream is damaged, truncated or too large.
pub fn unpack(file: &str, packed: &[u8]) -> Result<Vec<u8>, LogError> {
    let mut bytes = Vec::with_capacity(packed.len().saturating_mul(6).min(1 << 24));
    flate2::read::MultiGzDecoder::new(packed)
        .take(LARGEST_LOG_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|cause| LogError::Damaged { file: file.to_owned(), cause })?;
    if bytes.len() as u64 > LARGEST_LOG_BYTES {
        return Err(LogError::TooLarge { file: file.to_owned() });
    }
    Ok(bytes)
}

/// Reads the rows of a log (CSV with a header) into records; rows may have any order.
///
/// # Errors
/// The first error, as [`LogError`] lists them, with its line.
pub fn read(file: &str, bytes: &[u8]) -> Result<Records, LogError> {
    read_as(file, bytes, Percent::ByName)
}

fn read_as(file: &str, bytes: &[u8], percent: Percent) -> Result<Records, LogError> {
    if let Some((_, what)) = OTHERS.iter().find(|(begins, _)| bytes.starts_with(begins)) {
        return Err(LogError::Other { file: file.to_owned(), what });
    }
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(bytes);
    let row_error = |error: &csv::Error| LogError::Row {
        file: file.to_owned(),
        line: error.position().map_or(1, csv::Position::line),
        what: cause(error),
    };
    let columns = {
        let headers = reader.byte_headers().map_err(|error| row_error(&error))?;
        Columns::find(headers).map_err(|what| LogError::Header { file: file.to_owned(), what })?
    };
    let (mut runs, mut decimals) = (Runs::default(), Decimals::default());
    let mut row = csv::ByteRecord::new();
    while reader.read_byte_record(&mut row).map_err(|error| row_error(&error))? {
        let line = row.position().map_or(0, csv::Position::line);
        let (run, evaluation) = columns.parse(&row).map_err(|fault| LogError::Value {
            file: file.to_owned(),
            line,
            column: fault.column,
            value: fault.value,
            expected: fault.expected,
        })?;
        let epoch = evaluation.epoch;
        let (accuracy, loss) = columns.test_numbers(&row);
        decimals.add(accuracy, loss);
        runs.push(run, evaluation, line).map_err(|run| LogError::Duplicate {
            file: file.to_owned(),
            line,
            epoch,
            run,
        })?;
    }
    if runs.is_empty() {
        return Err(LogError::Empty { file: file.to_owned() });
    }
    match runs.fractions().filter(|_| percent == Percent::ByName) {
        Some(Fractions { line, source, target, rows }) => Err(LogError::Fractions {
            file: file.to_owned(),
            line,
            source_model: source.to_owned(),
            target: target.to_owned(),
            rows,
        }),
        None => distinct(file, runs.into_records().with_printed(decimals.printed())),
    }
}

/// The records, if none of them is a copy of another.
fn distinct(file: &str, records: Records) -> Result<Records, LogError> {
    match copies(&records) {
        Some(Copies { key, seeds: [first, second], evaluations }) => Err(LogError::Copies {
            file: file.to_owned(),
            key,
            first: first.0,
            second: second.0,
            evaluations,
        }),
        None => Ok(records),
    }
}

fn cause(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the row has {len} fields, the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "the row is not valid UTF-8".to_owned(),
        _ => error.to_string(),
    }
}
