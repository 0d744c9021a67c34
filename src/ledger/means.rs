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

/// Reads the points of single arms; the figures' own difference curves are left out, since a
/// difference of means is ours to compute.
///
/// # Errors
/// A message with the row's number where a row is not of the expected form.
pub fn read(bytes: &[u8]) -> Result<Vec<Mean>, String> {
    let mut means = Vec::new();
    for (index, row) in csv::Reader::from_reader(bytes).deserialize::<Row>().enumerate() {
        let line = index + 2;
        let row = row.map_err(|error| format!("line {line}: {error}"))?;
        if row.quantity != "test_acc" {
            continue;
        }
        let figure = row
            .figure
            .split_once("(Fig.")
            .and_then(|(_, rest)| rest.strip_suffix(')'))
            .ok_or_else(|| format!("line {line}: `{}` names no figure", row.figure))?;
        let blocks = row.unfrozen_blocks.parse().map_err(|_| {
            format!("line {line}: `{}` is no number of blocks", row.unfrozen_blocks)
        })?;
        let x = whole(row.x).ok_or_else(|| format!("line {line}: {} is not whole", row.x))?;
        let (images, epoch) = match row.x_name.as_str() {
            "num_images" => (x, None),
            "epoch" if row.note.contains("n=3200") => (FIGURE_3_IMAGES, Some(x)),
            other => return Err(format!("line {line}: unknown axis `{other}`")),
        };
        means.push(Mean {
            figure: figure.to_owned(),
            key: Key {
                target: Arc::from(row.dataset),
                source: Arc::from(row.source),
                blocks,
                images,
                resolution: Resolution::Native,
                draw: 0,
                influence: false,
            },
            epoch,
            mean: row.mean,
            low: row.ci95_lo,
            high: row.ci95_hi,
        });
    }
    Ok(means)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(value: f64) -> Option<u32> {
    (value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value)).then_some(value as u32)
}
