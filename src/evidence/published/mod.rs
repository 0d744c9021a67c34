//! Reads logs: one CSV row for each evaluation, with the columns of the authors' consolidated log.
//! The same reader serves the log that ships with the project and a user's log (`repro verify
//! --log`). What a log does not state, the schedule of a run and whether it reached its end, is
//! inferred here alone (`runs`).

mod columns;
mod error;
mod oddities;
mod printed;
mod runs;

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
};

use sha2::{Digest, Sha256};

pub use error::LogError;
pub use printed::Printed;

use super::{
    Records,
    copies::{Copies, copies},
};
use crate::util::{files::GZIP, formats, gzip::Members, hexadecimal, zstd};
use columns::Columns;
use oddities::Oddities;
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

/// The size of the buffer that a log is read through, in bytes.
const BUFFER: usize = 1 << 16;

/// Whether the accuracies of a log are known to be percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Percent {
    /// By the column's name alone: a source model with no accuracy above 1 on a target is refused.
    #[default]
    ByName,
    /// The user states it, as where few of a thousand classes are found.
    Stated,
}

/// A log as it is read.
#[derive(Debug)]
pub struct Log {
    /// Its fine-tunes.
    pub records: Records,
    /// What was read in another way than it stands in the file, a sentence each.
    pub notes: Vec<String>,
    /// SHA-256 of the file's bytes, in hexadecimal.
    pub sha256: String,
}

/// Reads a log from disk, compressed by gzip, by zstd or not, whatever the file's name. The file is
/// read once, and no copy of it is kept.
///
/// # Errors
/// As [`read`], and if the file can't be read.
pub fn read_file(path: &Path) -> Result<Log, LogError> {
    read_file_as(path, Percent::ByName)
}

/// As [`read_file`], where the user may have stated that accuracies are percent.
pub(super) fn read_file_as(path: &Path, percent: Percent) -> Result<Log, LogError> {
    let file = path.display().to_string();
    let unreadable = |cause| LogError::Unreadable { file: file.clone(), cause };
    let too_large = || LogError::TooLarge { file: file.clone() };
    let opened = std::fs::File::open(path).map_err(unreadable)?;
    let hashed = Hashed { inner: opened.take(LARGEST_LOG_BYTES + 1), hash: Sha256::new() };
    let mut bytes = BufReader::with_capacity(BUFFER, hashed);
    let parsed = if bytes.fill_buf().map_err(unreadable)?.starts_with(&GZIP) {
        let unpacked = Members::new(&mut bytes).take(LARGEST_LOG_BYTES + 1);
        let mut unpacked = BufReader::with_capacity(BUFFER, unpacked);
        let parsed = parse(&file, &mut unpacked, percent);
        if unpacked.get_ref().limit() == 0 {
            return Err(too_large());
        }
        parsed.map_err(damaged)
    } else if zstd::is_packed(bytes.buffer()) {
        let mut packed = Vec::new();
        bytes.read_to_end(&mut packed).map_err(unreadable)?;
        let unpacked = zstd::Frames::new(&packed).take(LARGEST_LOG_BYTES + 1);
        let mut unpacked = BufReader::with_capacity(BUFFER, unpacked);
        let parsed = parse(&file, &mut unpacked, percent);
        if unpacked.get_ref().limit() == 0 {
            return Err(too_large());
        }
        parsed.map_err(damaged)
    } else {
        parse(&file, &mut bytes, percent)
    };
    if bytes.get_ref().inner.limit() == 0 {
        return Err(too_large());
    }
    let (records, notes) = parsed?;
    std::io::copy(&mut bytes, &mut std::io::sink()).map_err(unreadable)?;
    let sha256 = hexadecimal(&bytes.into_inner().hash.finalize());
    Ok(Log { records, notes, sha256 })
}

/// What fails below a decompressed log is the compressed one.
fn damaged(error: LogError) -> LogError {
    match error {
        LogError::Unreadable { file, cause } => LogError::Damaged { file, cause },
        other => other,
    }
}

/// A reader whose bytes are hashed as they are read.
struct Hashed<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

/// Decompresses a gzip stream of at most [`LARGEST_LOG_BYTES`].
///
/// # Errors
/// If the stream is damaged, truncated or too large.
pub fn unpack(file: &str, packed: &[u8]) -> Result<Vec<u8>, LogError> {
    let mut bytes = Vec::with_capacity(packed.len().saturating_mul(6).min(1 << 24));
    Members::new(packed)
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
    parse(file, bytes, Percent::ByName).map(|(records, _)| records)
}

/// As [`read`], with notes on what was read in another way than it stands there.
///
/// # Errors
/// As [`read`].
pub(super) fn read_with_notes(
    file: &str,
    bytes: &[u8],
) -> Result<(Records, Vec<String>), LogError> {
    parse(file, bytes, Percent::ByName)
}

fn parse(
    file: &str,
    mut bytes: impl BufRead,
    percent: Percent,
) -> Result<(Records, Vec<String>), LogError> {
    let unreadable = |cause| LogError::Unreadable { file: file.to_owned(), cause };
    let first = bytes.fill_buf().map_err(unreadable)?;
    let other = formats::other(first).or_else(|| formats::json(first));
    if let Some(formats::Other { what, help }) = other {
        return Err(LogError::Other { file: file.to_owned(), what, help });
    }
    if first.starts_with(BOM) {
        bytes.consume(BOM.len());
    }
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .buffer_capacity(BUFFER)
        .from_reader(bytes);
    let row_error = |line: u64, what: String| LogError::Row { file: file.to_owned(), line, what };
    let mut header = csv::ByteRecord::new();
    reader.read_byte_record(&mut header).map_err(|error| broken(file, error))?;
    let mut columns =
        Columns::find(&header).map_err(|what| LogError::Header { file: file.to_owned(), what })?;
    let (mut runs, mut decimals) = (Runs::default(), Decimals::default());
    let mut oddities = Oddities::default();
    let mut row = csv::ByteRecord::new();
    while reader.read_byte_record(&mut row).map_err(|error| broken(file, error))? {
        let line = line(row.position());
        if is_header(&row, &header) {
            oddities.headers.count(line);
            continue;
        }
        if row.iter().all(|field| field.trim_ascii().is_empty()) {
            oddities.empty.count(line);
            continue;
        }
        if row.len() != header.len() {
            let what = format!("the row has {} fields, the header has {}", row.len(), header.len());
            return Err(row_error(line, what));
        }
        if columns.is_indexed {
            oddities.index(&row[0]).map_err(|what| LogError::Nameless {
                file: file.to_owned(),
                line,
                what,
            })?;
        }
        let (run, evaluation) = columns.parse(&row).map_err(|fault| LogError::Value {
            file: file.to_owned(),
            line,
            column: fault.column,
            value: fault.value,
            what: fault.what,
            help: fault.help,
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
        None => {
            let records = runs.into_records().with_printed(decimals.printed());
            Ok((distinct(file, records)?, oddities.notes()))
        }
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

/// A byte order mark in UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Whether a row repeats the header, as in files that were put together.
fn is_header(row: &csv::ByteRecord, header: &csv::ByteRecord) -> bool {
    row.len() == header.len()
        && row
            .iter()
            .zip(header)
            .all(|(field, name)| field.strip_prefix(BOM).unwrap_or(field) == name)
}

/// The line of a row. The reader counts line feeds, and a file with carriage returns alone has
/// none.
fn line(at: Option<&csv::Position>) -> u64 {
    at.map_or(0, |at| if at.line() == 1 { at.record() + 1 } else { at.line() })
}

fn broken(file: &str, error: csv::Error) -> LogError {
    let (file, line, what) = (file.to_owned(), line(error.position()), error.to_string());
    match error.into_kind() {
        csv::ErrorKind::Io(cause) => LogError::Unreadable { file, cause },
        _ => LogError::Row { file, line, what },
    }
}
