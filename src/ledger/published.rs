//! Logs that somebody else wrote: one CSV row an evaluation, with the columns of the authors' own
//! consolidated log. The same reader takes the log that ships with the project and any other that
//! a user brings (`repro verify --log`). What the log does not say, its schedule and whether a run
//! reached its end, is inferred here, in one place.

use std::{collections::HashMap, io::Read, path::Path, sync::Arc};

use super::{Evaluation, Key, Recipe, Record, Records, Resolution, Seed, Status};
use crate::nearest::did_you_mean;

/// Columns that every log has, in the order of the published one; a log may have them in any order.
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

/// A column that a log may have: pixels a side that images were brought down to, or `native`.
/// Without it every run is at native resolution, as the authors' were.
pub const RESOLUTION_COLUMN: &str = "resolution";

/// A log larger than this is refused before it is read: the published one has 2 MB.
pub const LARGEST_LOG_BYTES: u64 = 1 << 30;

/// What is wrong with a log, where, and what to do about it.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LogError {
    /// The file can't be opened or read.
    #[error("failed to read the log {file}: {cause}")]
    #[diagnostic(help("check that the file is there and can be read"))]
    Unreadable {
        /// The log's name.
        file: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The compressed stream ends early or is damaged.
    #[error("failed to unpack the log {file}, which is damaged or cut short: {cause}")]
    #[diagnostic(help("get the file again; `gzip --test` must accept it"))]
    Damaged {
        /// The log's name.
        file: String,
        /// What the decoder said.
        cause: std::io::Error,
    },
    /// The log is larger than [`LARGEST_LOG_BYTES`].
    #[error("the log {file} is larger than {LARGEST_LOG_BYTES} bytes unpacked")]
    #[diagnostic(help("split it by target: one log a call is enough for a claim"))]
    TooLarge {
        /// The log's name.
        file: String,
    },
    /// A column is missing, unknown or there twice.
    #[error("the log {file}, line 1: {what}")]
    #[diagnostic(help(
        "the header must have these columns, in any order: {}; and may have: {RESOLUTION_COLUMN}",
        COLUMNS.join(", ")
    ))]
    Header {
        /// The log's name.
        file: String,
        /// Which column, and the nearest valid name.
        what: String,
    },
    /// A row has too few or too many fields, or is not text.
    #[error("the log {file}, line {line}: {what}")]
    #[diagnostic(help("every row needs one field a column; a row cut short means a damaged file"))]
    Row {
        /// The log's name.
        file: String,
        /// The row's line, counted from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A field holds no valid value.
    #[error("the log {file}, line {line}, column {column}: `{value}` is not {expected}")]
    #[diagnostic(help(
        "mend the value, or leave the whole run out: a run that is absent is counted as missing"
    ))]
    Value {
        /// The log's name.
        file: String,
        /// The row's line, counted from 1.
        line: u64,
        /// The column's name.
        column: &'static str,
        /// What the field holds, cut after 40 characters.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// One evaluation is there twice.
    #[error("the log {file}, line {line}: epoch {epoch} of {run} stands there a second time")]
    #[diagnostic(help("remove one of the two rows; nothing tells which of them counts"))]
    Duplicate {
        /// The log's name.
        file: String,
        /// The second row's line, counted from 1.
        line: u64,
        /// The epoch.
        epoch: u32,
        /// The run, in words.
        run: String,
    },
    /// There is no row below the header.
    #[error("the log {file} has no rows")]
    #[diagnostic(help("give a log with at least one evaluation"))]
    Empty {
        /// The log's name.
        file: String,
    },
}

/// Reads a log from disk; a name that ends in `.gz` is unpacked on the way.
///
/// # Errors
/// As [`read`], and where the file can't be opened.
pub fn read_file(path: &Path) -> Result<(Records, Vec<u8>), LogError> {
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
    let records = if path.extension().is_some_and(|extension| extension == "gz") {
        read(&file, &unpack(&file, &bytes)?)?
    } else {
        read(&file, &bytes)?
    };
    Ok((records, bytes))
}

/// Unpacks a gzip stream, up to [`LARGEST_LOG_BYTES`].
///
/// # Errors
/// Where the stream is damaged, cut short or too large.
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

/// Reads a log's rows (CSV, a header first) into records; rows may come in any order.
///
/// # Errors
/// Every fault that [`LogError`] names, with the line it stands on.
pub fn read(file: &str, bytes: &[u8]) -> Result<Records, LogError> {
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(bytes);
    let row_error = |error: &csv::Error| LogError::Row {
        file: file.to_owned(),
        line: error.position().map_or(1, csv::Position::line),
        what: in_words(error),
    };
    let columns = {
        let headers = reader.byte_headers().map_err(|error| row_error(&error))?;
        Columns::find(headers).map_err(|what| LogError::Header { file: file.to_owned(), what })?
    };
    let mut runs = Runs::default();
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
        runs.push(run, evaluation).map_err(|run| LogError::Duplicate {
            file: file.to_owned(),
            line,
            epoch,
            run,
        })?;
    }
    if runs.rows.is_empty() {
        return Err(LogError::Empty { file: file.to_owned() });
    }
    Ok(runs.into_records())
}

fn in_words(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields where the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "not valid UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

/// Where each column stands in a row.
struct Columns {
    required: [usize; COLUMNS.len()],
    resolution: Option<usize>,
}

/// A field that holds no valid value.
struct Fault {
    column: &'static str,
    value: String,
    expected: &'static str,
}

impl Columns {
    fn find(headers: &csv::ByteRecord) -> Result<Self, String> {
        let names: Vec<String> = headers
            .iter()
            .map(|name| String::from_utf8_lossy(name).trim_start_matches('\u{feff}').to_owned())
            .collect();
        let known = COLUMNS.into_iter().chain([RESOLUTION_COLUMN]);
        for (index, name) in names.iter().enumerate() {
            if !known.clone().any(|column| column == name) {
                let hint = did_you_mean(name, known.clone());
                return Err(format!("unknown column `{}`{hint}", shortened(name)));
            }
            if names[..index].contains(name) {
                return Err(format!("column `{name}` stands there twice"));
            }
        }
        let position = |column: &str| names.iter().position(|name| name == column);
        let mut required = [0; COLUMNS.len()];
        for (slot, column) in required.iter_mut().zip(COLUMNS) {
            *slot = position(column).ok_or_else(|| format!("column `{column}` is missing"))?;
        }
        Ok(Self { required, resolution: position(RESOLUTION_COLUMN) })
    }

    fn parse(&self, row: &csv::ByteRecord) -> Result<(Run, Evaluation), Fault> {
        let field = |index: usize| row.get(self.required[index]).unwrap_or_default();
        let fault = |index: usize, expected| Fault {
            column: COLUMNS[index],
            value: shortened(&String::from_utf8_lossy(field(index))),
            expected,
        };
        let name = |index: usize| {
            std::str::from_utf8(field(index))
                .ok()
                .filter(|text| !text.is_empty() && text.trim() == *text)
                .ok_or_else(|| fault(index, "a name"))
        };
        let whole = |index: usize, least: u32, expected| {
            number::<u32>(field(index))
                .filter(|value| *value >= least)
                .ok_or_else(|| fault(index, expected))
        };
        let percent = |index: usize| {
            number::<f64>(field(index))
                .filter(|value| (0.0..=100.0).contains(value))
                .ok_or_else(|| fault(index, "an accuracy from 0 to 100 percent"))
        };
        // A loss that is not finite is a run that diverged: an outcome, not a fault of the log.
        let loss = |index: usize| {
            number::<f64>(field(index))
                .filter(|value| value.is_nan() || *value >= 0.0)
                .ok_or_else(|| fault(index, "a loss (0 or more, inf or nan where it diverged)"))
        };
        let resolution = match self.resolution.map(|index| row.get(index).unwrap_or_default()) {
            None | Some(b"native") => Resolution::Native,
            Some(bytes) => number::<u32>(bytes)
                .filter(|pixels| *pixels > 0)
                .map(Resolution::Pixels)
                .ok_or_else(|| Fault {
                    column: RESOLUTION_COLUMN,
                    value: shortened(&String::from_utf8_lossy(bytes)),
                    expected: "a number of pixels or `native`",
                })?,
        };
        let run = Run {
            key: Key {
                target: Arc::from(name(0)?),
                source: Arc::from(name(1)?),
                blocks: whole(2, 0, "a number of blocks")?,
                images: whole(3, 1, "a number of images of at least 1")?,
                resolution,
            },
            seed: Seed(number::<u64>(field(4)).ok_or_else(|| fault(4, "a seed (a whole number)"))?),
        };
        let evaluation = Evaluation {
            epoch: whole(5, 1, "an epoch, counted from 1")?,
            test_accuracy: percent(6)?,
            test_loss: loss(7)?,
            train_accuracy: percent(8)?,
            train_loss: loss(9)?,
            seconds: number::<f64>(field(10))
                .filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
                .ok_or_else(|| fault(10, "a number of seconds"))?,
        };
        Ok((run, evaluation))
    }
}

fn number<T: std::str::FromStr>(bytes: &[u8]) -> Option<T> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Run {
    key: Key,
    seed: Seed,
}

/// Rows gathered by run. Logs are nearly always written a run at a time, so the last run is asked
/// first; the map makes any other order right as well.
#[derive(Default)]
struct Runs {
    rows: Vec<(Run, Vec<Evaluation>)>,
    index: HashMap<Run, usize>,
}

impl Runs {
    fn push(&mut self, run: Run, evaluation: Evaluation) -> Result<(), String> {
        let place = match self.rows.last() {
            Some((last, _)) if *last == run => self.rows.len() - 1,
            _ => *self.index.entry(run.clone()).or_insert_with(|| {
                self.rows.push((run, Vec::with_capacity(8)));
                self.rows.len() - 1
            }),
        };
        let (run, evaluations) = &mut self.rows[place];
        if evaluations.iter().any(|earlier| earlier.epoch == evaluation.epoch) {
            return Err(format!("{}, seed {}", run.key, run.seed.0));
        }
        evaluations.push(evaluation);
        Ok(())
    }

    /// A log does not say how long a run was meant to be. A run whose logged epochs are a proper
    /// beginning of another's, on the same target and size, logged that schedule and stopped early;
    /// every other run is taken to have ended where its log does.
    fn into_records(mut self) -> Records {
        for (_, evaluations) in &mut self.rows {
            evaluations.sort_by_key(|evaluation| evaluation.epoch);
        }
        let mut schedules: HashMap<(&str, u32), Vec<Vec<u32>>> = HashMap::new();
        for (run, evaluations) in &self.rows {
            let spelled = schedules.entry((&run.key.target, run.key.images)).or_default();
            if !spelled.iter().any(|epochs| same(epochs, evaluations)) {
                spelled.push(evaluations.iter().map(|evaluation| evaluation.epoch).collect());
            }
        }
        let planned: Vec<Option<u32>> = self
            .rows
            .iter()
            .map(|(run, evaluations)| {
                let own = evaluations.len();
                schedules[&(&*run.key.target, run.key.images)]
                    .iter()
                    .filter(|other| other.len() > own && same(&other[..own], evaluations))
                    .filter_map(|other| other.last().copied())
                    .max()
            })
            .collect();
        let records = self.rows.into_iter().zip(planned).filter_map(|((run, rows), planned)| {
            let last = rows.last().map_or(0, |evaluation| evaluation.epoch);
            let (epochs, status) = match planned {
                Some(epochs) => (epochs, Status::Stopped),
                None => (last, Status::Finished),
            };
            Record::new(run.key, run.seed, Recipe { epochs }, status, rows)
        });
        Records::new(records).expect("rows of one run were gathered into one record")
    }
}

fn same(epochs: &[u32], evaluations: &[Evaluation]) -> bool {
    epochs.len() == evaluations.len()
        && epochs.iter().zip(evaluations).all(|(epoch, evaluation)| *epoch == evaluation.epoch)
}
