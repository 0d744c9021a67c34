//! The columns of a log: the header, and the valid values of fields.

use std::sync::Arc;

use super::{COLUMNS, RESOLUTION_COLUMN, runs::Run};
use crate::{
    experiment::{Evaluation, Key, Resolution, Seed},
    util::{
        shown::{fault_of_name, shown},
        suggest::did_you_mean,
    },
};

/// The position of each column in a row.
pub(super) struct Columns {
    required: [usize; COLUMNS.len()],
    resolution: Option<usize>,
    /// Whether the first column has no name: it must then count the rows.
    pub(super) is_indexed: bool,
    /// Target and source of the last row, which those of the next one share in most logs.
    last: [Arc<str>; 2],
}

/// A field with an invalid value.
pub(super) struct Fault {
    pub(super) column: &'static str,
    pub(super) value: String,
    pub(super) what: &'static str,
    pub(super) help: &'static str,
}

/// Help with a value.
const FIX: &str = "fix the value, or remove all rows of the run, which then counts as missing";
/// Help with a name that has something that can't be seen.
const RENAME: &str = "remove the characters that are shown as \\n or \\u{…}, and spaces around the \
                      name: spreadsheets and web pages leave no-break spaces in names";
/// Help with text in another encoding.
const ENCODING: &str = "save the log in UTF-8: Latin-1 and Windows-1252 write letters beyond ASCII \
                        in another way";

impl Columns {
    pub(super) fn find(headers: &csv::ByteRecord) -> Result<Self, String> {
        let names: Vec<String> =
            headers.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        let known = COLUMNS.into_iter().chain([RESOLUTION_COLUMN]);
        let is_indexed = names.len() > 1 && is_nameless(&names[0]);
        for (index, name) in names.iter().enumerate().skip(usize::from(is_indexed)) {
            if let Some(other) = [';', '\t'].into_iter().find(|other| name.contains(*other)) {
                let [name, other] = [shown(name), other.escape_default().to_string()];
                return Err(format!(
                    "`{name}` is one column: columns must be separated by commas, not by `{other}`"
                ));
            }
            if names.len() > 1 && is_nameless(name) {
                return Err(format!("column {} has no name", index + 1));
            }
            if !known.clone().any(|column| column == name) {
                let hint = did_you_mean(name, known.clone());
                return Err(format!("unknown column `{}`{hint}", shown(name)));
            }
            if names[..index].contains(name) {
                return Err(format!("column `{name}` is given twice"));
            }
        }
        let position = |column: &str| names.iter().position(|name| name == column);
        let mut required = [0; COLUMNS.len()];
        for (slot, column) in required.iter_mut().zip(COLUMNS) {
            *slot = position(column).ok_or_else(|| format!("column `{column}` is missing"))?;
        }
        let last = [Arc::from(""), Arc::from("")];
        Ok(Self { required, resolution: position(RESOLUTION_COLUMN), is_indexed, last })
    }

    /// The fields of a row's test accuracy and test loss, as they are printed.
    pub(super) fn test_numbers<'a>(&self, row: &'a csv::ByteRecord) -> (&'a [u8], &'a [u8]) {
        let field = |index: usize| row.get(self.required[index]).unwrap_or_default();
        (field(6), field(7))
    }

    pub(super) fn parse(&mut self, row: &csv::ByteRecord) -> Result<(Run, Evaluation), Fault> {
        let [target, source] = [self.name(row, 0)?, self.name(row, 1)?];
        let field = |index: usize| row.get(self.required[index]).unwrap_or_default();
        let fault = |index: usize, what| Fault {
            column: COLUMNS[index],
            value: shown(&String::from_utf8_lossy(field(index))),
            what,
            help: FIX,
        };
        let count = |index: usize, least: u32, what| {
            whole(field(index))
                .and_then(|value| u32::try_from(value).ok())
                .filter(|value| *value >= least)
                .ok_or_else(|| fault(index, what))
        };
        let percent = |index: usize| {
            number::<f64>(field(index))
                .filter(|value| (0.0..=100.0).contains(value))
                .ok_or_else(|| fault(index, "is not an accuracy from 0 to 100 percent"))
        };
        // A loss that is not finite means that the run diverged, which is a valid outcome.
        let loss = |index: usize| {
            number::<f64>(field(index)).filter(|value| value.is_nan() || *value >= 0.0).ok_or_else(
                || fault(index, "is not a loss (at least 0, or inf or nan if the run diverged)"),
            )
        };
        let resolution = match self.resolution.map(|index| row.get(index).unwrap_or_default()) {
            None | Some(b"native") => Resolution::Native,
            Some(bytes) => whole(bytes)
                .and_then(|pixels| u32::try_from(pixels).ok())
                .filter(|pixels| *pixels > 0)
                .map(Resolution::Pixels)
                .ok_or_else(|| Fault {
                    column: RESOLUTION_COLUMN,
                    value: shown(&String::from_utf8_lossy(bytes)),
                    what: "is not a number of pixels or `native`",
                    help: FIX,
                })?,
        };
        let run = Run {
            key: Key {
                blocks: count(2, 0, "is not a number of blocks")?,
                images: count(3, 1, "is not a number of images of at least 1")?,
                resolution,
                seed_stream: 0,
                influence: false,
                zoo: None,
                factors: Arc::default(),
                target,
                source,
            },
            seed: Seed(whole(field(4)).ok_or_else(|| fault(4, "is not a seed, a whole number"))?),
        };
        let evaluation = Evaluation {
            epoch: count(5, 1, "is not an epoch, counted from 1")?,
            test_accuracy: percent(6)?,
            test_loss: loss(7)?,
            train_accuracy: percent(8)?,
            train_loss: loss(9)?,
            seconds: number::<f64>(field(10))
                .filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
                .ok_or_else(|| fault(10, "is not a number of seconds"))?,
        };
        Ok((run, evaluation))
    }

    /// The name of a target (column 0) or a source (column 1).
    fn name(&mut self, row: &csv::ByteRecord, index: usize) -> Result<Arc<str>, Fault> {
        let bytes = row.get(self.required[index]).unwrap_or_default();
        let last = &mut self.last[index];
        if bytes == last.as_bytes() && !bytes.is_empty() {
            return Ok(last.clone());
        }
        let fault = |what, help| Fault {
            column: COLUMNS[index],
            value: shown(&String::from_utf8_lossy(bytes)),
            what,
            help,
        };
        let name = std::str::from_utf8(bytes).map_err(|_| fault("is not in UTF-8", ENCODING))?;
        if let Some(what) = fault_of_name(name) {
            return Err(fault(what, if name.is_empty() { FIX } else { RENAME }));
        }
        *last = name.into();
        Ok(last.clone())
    }
}

/// Whether a header names no column: pandas writes an index without a name, and reads it as
/// `Unnamed: 0`.
fn is_nameless(name: &str) -> bool {
    name.trim().is_empty() || name.starts_with("Unnamed: ")
}

fn number<T: std::str::FromStr>(bytes: &[u8]) -> Option<T> {
    std::str::from_utf8(bytes.trim_ascii()).ok()?.parse().ok()
}

/// A whole number; pandas writes it as `1.0` in a column that once had an empty field.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and in range")]
pub(super) fn whole(bytes: &[u8]) -> Option<u64> {
    /// Above it, not every whole number has its own `f64`.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    number::<u64>(bytes).or_else(|| {
        let value = number::<f64>(bytes)?;
        ((0.0..EXACT).contains(&value) && value.fract() == 0.0).then_some(value as u64)
    })
}
