//! Published means without seeds: the points of the paper's figures 2 to 5, read off the authors'
//! vector figures. They are shown beside our verdicts and never judged, since no spread over seeds
//! comes with them.

use std::sync::Arc;

use serde::Deserialize;

use super::{Key, Resolution};

/// The value of a published point at its place on the figure's horizontal axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Mean {
    /// Figure of the paper, such as `2`.
    pub figure: String,
    /// Cell and source model.
    pub key: Key,
    /// The epoch, where the figure's axis is epochs; `None` where it names no epoch of its own.
    pub epoch: Option<u32>,
    /// Mean test accuracy over the authors' seeds, in percent.
    pub mean: f64,
    /// Lower end of the figure's 95 % bootstrap band, in percent; none for a single seed.
    pub low: Option<f64>,
    /// Upper end of the figure's 95 % bootstrap band, in percent; none for a single seed.
    pub high: Option<f64>,
}

/// A published difference of two arms, at its place on the figure's horizontal axis: the authors paired
/// their seeds, so its band is narrower than two means would give.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Figure of the paper.
    pub figure: String,
    /// Cell and source model that the other is subtracted from.
    pub first: Key,
    /// Cell and source model that is subtracted.
    pub second: Key,
    /// The epoch, where the figure's axis is epochs.
    pub epoch: Option<u32>,
    /// Mean over the authors' seeds, in points.
    pub mean: f64,
    /// Lower end of the figure's 95 % bootstrap band; none for a single seed.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
}

/// What figures 2 to 5 of the paper show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Points of single arms.
    pub means: Vec<Mean>,
    /// Points of differences.
    pub differences: Vec<Difference>,
}

/// One row as the file has it.
#[derive(Deserialize)]
struct Row {
    figure: String,
    dataset: String,
    quantity: String,
    source: String,
    unfrozen_blocks: String,
    x_name: String,
    x: f64,
    mean: f64,
    ci95_lo: Option<f64>,
    ci95_hi: Option<f64>,
    note: String,
}

/// Epochs whose images are fixed by the figure: figure 3 has 3,200 (its note says so).
const FIGURE_3_IMAGES: u32 = 3200;

/// Reads the points of the figures.
///
/// # Errors
/// A message with the row's number where a row is not of the expected form.
pub fn read(bytes: &[u8]) -> Result<Figures, String> {
    let mut figures = Figures::default();
    for (index, row) in csv::Reader::from_reader(bytes).deserialize::<Row>().enumerate() {
        let row = row.map_err(|error| error.to_string());
        row.and_then(|row| figures.push(&row))
            .map_err(|error| format!("line {}: {error}", index + 2))?;
    }
    Ok(figures)
}

impl Figures {
    fn push(&mut self, row: &Row) -> Result<(), String> {
        let figure = row.figure.split_once("(Fig.").and_then(|(_, rest)| rest.strip_suffix(')'));
        let figure = figure.ok_or_else(|| format!("`{}` names no figure", row.figure))?.to_owned();
        let x = whole(row.x).ok_or_else(|| format!("{} is not whole", row.x))?;
        let (images, epoch) = match row.x_name.as_str() {
            "num_images" => (x, None),
            "epoch" if row.note.contains("n=3200") => (FIGURE_3_IMAGES, Some(x)),
            other => return Err(format!("unknown axis `{other}`")),
        };
        let key = |source: &str, blocks: &str| -> Result<Key, String> {
            let blocks = blocks.parse();
            Ok(Key {
                target: Arc::from(row.dataset.as_str()),
                source: Arc::from(source),
                blocks: blocks
                    .map_err(|_| format!("`{}` is no number of blocks", row.unfrozen_blocks))?,
                images,
                resolution: Resolution::Native,
                draw: 0,
            })
        };
        let &Row { mean, ci95_lo: low, ci95_hi: high, .. } = row;
        match row.quantity.as_str() {
            "test_acc" => {
                let key = key(&row.source, &row.unfrozen_blocks)?;
                self.means.push(Mean { figure, key, epoch, mean, low, high });
            }
            "delta" => {
                let (sources, blocks) = (pair(&row.source), pair(&row.unfrozen_blocks));
                let (first, second) = (key(sources.0, blocks.0)?, key(sources.1, blocks.1)?);
                self.differences.push(Difference { figure, first, second, epoch, mean, low, high });
            }
            other => return Err(format!("unknown quantity `{other}`")),
        }
        Ok(())
    }
}

/// The two parts of `a minus b`; where only one thing stands there, both arms have it.
fn pair(text: &str) -> (&str, &str) {
    text.split_once(" minus ").unwrap_or((text, text))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(value: f64) -> Option<u32> {
    (value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value)).then_some(value as u32)
}
