//! Published means without seeds: the points of the paper's figures 2 to 5, extracted from the
//! authors' vector graphics, with their differences, and the table of last-epoch means beside the
//! authors' code. They are reported and never judged. `repro compare` (the module `replication`)
//! compares records with them.

use serde::Deserialize;

use crate::experiment::Key;
use crate::{experiment::Moment, stats::Interval};

/// The name of the authors' table where a figure has its number.
pub const TABLE: &str = "table";

/// Everything that was published without seeds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    /// Means of single cells: those of figures first, then those of the table that no figure has.
    pub means: Vec<Mean>,
    /// Differences between two cells, paired within the authors' seeds.
    pub differences: Vec<Difference>,
    /// How many points of the table are left out of `means`, because a figure has them with more
    /// digits.
    pub repeated: usize,
}

/// A published mean of one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Mean {
    /// The paper's figure, such as `2`, or [`TABLE`].
    pub figure: String,
    /// Cell and source model.
    pub key: Key,
    /// The evaluation of the authors' runs that was read.
    pub at: Moment,
    /// Mean test accuracy over the authors' seeds, in percent.
    pub mean: f64,
    /// The figure's 95 % bootstrap interval of the mean, in percent; `None` for a single seed and
    /// for the table.
    pub band: Option<Interval>,
}

/// A published difference between two cells, paired within the authors' seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The paper's figure.
    pub figure: String,
    /// The minuend and the subtrahend.
    pub keys: [Key; 2],
    /// The evaluation of the authors' runs that was read.
    pub at: Moment,
    /// Mean difference over the authors' seeds, in points.
    pub mean: f64,
    /// The figure's 95 % bootstrap interval of the difference; `None` for a single seed.
    pub band: Option<Interval>,
}

/// One row of the file of figures.
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
}

/// One row of the file of the table.
#[derive(Deserialize)]
struct TableRow {
    target: String,
    source: String,
    images: u32,
    mean: f64,
}

/// The number of images of figure 3 (a note in the file).
const FIGURE_3_IMAGES: u32 = 3200;
/// The number of fine-tuned blocks of the authors' table.
const TABLE_BLOCKS: u32 = 3;

/// Reads the points of figures and the table.
///
/// # Errors
/// If a row has an unexpected form: a message with the file and the line.
pub fn read(figures: &[u8], table: &[u8]) -> Result<Points, String> {
    let mut points = Points::default();
    for (index, row) in csv::Reader::from_reader(figures).deserialize::<Row>().enumerate() {
        let row = row.map_err(|error| error.to_string());
        row.and_then(|row| point(&row, &mut points))
            .map_err(|what| format!("line {} of the file of figures: {what}", index + 2))?;
    }
    for (index, row) in csv::Reader::from_reader(table).deserialize::<TableRow>().enumerate() {
        let row =
            row.map_err(|error| format!("line {} of the file of the table: {error}", index + 2))?;
        let key = Key::new(&row.target, &row.source, TABLE_BLOCKS, row.images);
        let at = Moment::Last;
        if points.means.iter().any(|known| known.key == key && known.at == at) {
            points.repeated += 1;
            continue;
        }
        let figure = TABLE.to_owned();
        points.means.push(Mean { figure, key, at, mean: row.mean, band: None });
    }
    Ok(points)
}

fn point(row: &Row, points: &mut Points) -> Result<(), String> {
    let figure = row
        .figure
        .split_once("(Fig.")
        .and_then(|(_, rest)| rest.strip_suffix(')'))
        .ok_or_else(|| format!("`{}` names no figure", row.figure))?
        .to_owned();
    let x = whole(row.x).ok_or_else(|| format!("{} is not a whole number", row.x))?;
    // Figure 2 has the last epoch, figures 4 and 5 have the best logged one (notes in the rows).
    let (images, at) = match (figure.as_str(), row.x_name.as_str()) {
        ("2", "num_images") => (x, Moment::Last),
        ("3", "epoch") => (FIGURE_3_IMAGES, Moment::Epoch(x)),
        ("4" | "5", "num_images") => (x, Moment::Best),
        (figure, axis) => return Err(format!("figure {figure} has the unknown axis `{axis}`")),
    };
    let band = row.ci95_lo.zip(row.ci95_hi).map(|(low, high)| Interval { low, high });
    let blocks =
        |text: &str| text.parse::<u32>().map_err(|_| format!("`{text}` is not a number of blocks"));
    let target = &row.dataset;
    match row.quantity.as_str() {
        "test_acc" => {
            let key = Key::new(target, &row.source, blocks(&row.unfrozen_blocks)?, images);
            points.means.push(Mean { figure, key, at, mean: row.mean, band });
        }
        "delta" => {
            let two = |text: &str| {
                let (first, second) = text.split_once(" minus ").unwrap_or((text, text));
                [first.to_owned(), second.to_owned()]
            };
            let (sources, numbers) = (two(&row.source), two(&row.unfrozen_blocks));
            let key = |side: usize| {
                Ok::<Key, String>(Key::new(target, &sources[side], blocks(&numbers[side])?, images))
            };
            let keys: [Key; 2] = [key(0)?, key(1)?];
            if keys[0] == keys[1] {
                return Err(format!("`{}` is not a difference", row.source));
            }
            points.differences.push(Difference { figure, keys, at, mean: row.mean, band });
        }
        other => return Err(format!("unknown quantity `{other}`")),
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(value: f64) -> Option<u32> {
    (value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value)).then_some(value as u32)
}
