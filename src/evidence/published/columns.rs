//! The columns of a log: the header, and the valid values of fields.

use std::sync::Arc;

use super::{COLUMNS, RESOLUTION_COLUMN, runs::Run};
use crate::{
    experiment::{Evaluation, Key, Resolution, Seed},
    util::suggest::did_you_mean,
};

/// The position of each column in a row.
pub(super) struct Columns {
    required: [usize; COLUMNS.len()],
    resolution: Option<usize>,
}

/// A field with an invalid value.
pub(super) struct Fault {
    pub(super) column: &'static str,
    pub(super) value: String,
    pub(super) expected: &'static str,
}

impl Columns {
    pub(super) fn find(headers: &csv::ByteRecord) -> Result<Self, String> {
        let names: Vec<String> = headers
            .iter()
            .map(|name| String::from_utf8_lossy(name).trim_start_matches('\u{feff}').to_owned())
            .collect();
        let known = COLUMNS.into_iter().chain([RESOLUTION_COLUMN]);
        for (index, name) in names.iter().enumerate() {
            if let Some(other) = [';', '\t'].into_iter().find(|other| name.contains(*other)) {
                let [name, other] = [shortened(name), other.escape_default().to_string()];
                return Err(format!(
                    "`{name}` is one column: columns must be separated by commas, not by `{other}`"
                ));
            }
            if !known.clone().any(|column| column == name) {
                let hint = did_you_mean(name, known.clone());
                return Err(format!("unknown column `{}`{hint}", shortened(name)));
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
        Ok(Self { required, resolution: position(RESOLUTION_COLUMN) })
    }

    pub(super) fn parse(&self, row: &csv::ByteRecord) -> Result<(Run, Evaluation), Fault> {
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
                .filter(|text| !text.chars().any(char::is_control))
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
        // A loss that is not finite means that the run diverged, which is a valid outcome.
        let loss = |index: usize| {
            number::<f64>(field(index)).filter(|value| value.is_nan() || *value >= 0.0).ok_or_else(
                || fault(index, "a loss (at least 0, or inf or nan if the run diverged)"),
            )
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
                seed_stream: 0,
                influence: false,
                zoo: None,
                factors: Arc::default(),
            },
            seed: Seed(number::<u64>(field(4)).ok_or_else(|| fault(4, "a seed, a whole number"))?),
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

/// The beginning of a text. Control characters are escaped, because terminals and CI systems
/// interpret them.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    let (start, rest) = match text.char_indices().nth(LONGEST) {
        Some((end, _)) => (&text[..end], "…"),
        None => (text, ""),
    };
    let escaped =
        |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    start.chars().map(escaped).collect::<String>() + rest
}
