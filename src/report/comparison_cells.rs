//! A comparison with the published numbers as CSV, one line per cell.

use crate::figure::comparison_words::remarks;
use crate::replication::{Agreement, Comparison, Value};

/// The columns of [`comparison_cells`]. A missing number is empty.
pub const COLUMNS: [&str; 24] = [
    "what",
    "figure",
    "target",
    "source",
    "blocks",
    "images",
    "at",
    "published",
    "published_low",
    "published_high",
    "published_seeds",
    "published_spread",
    "ours",
    "ours_low",
    "ours_high",
    "ours_seeds",
    "ours_spread",
    "predicted_low",
    "predicted_high",
    "p",
    "p_adjusted",
    "answer",
    "published_direction",
    "remarks",
];

/// A header, then one line per published mean, per published difference, and per cell that only
/// the evidence has. Means are in accuracy points.
///
/// # Panics
/// Never: writing to memory can't fail.
#[must_use]
pub fn comparison_cells(comparison: &Comparison) -> String {
    fn or_empty<T: ToString>(value: Option<T>) -> String {
        value.map_or_else(String::new, |value| value.to_string())
    }
    fn value(of: Option<&Value>) -> [String; 5] {
        let ends = of.and_then(|of| of.interval);
        [
            or_empty(of.map(|of| of.mean)),
            or_empty(ends.map(|ends| ends.low)),
            or_empty(ends.map(|ends| ends.high)),
            or_empty(of.map(|of| of.seeds)),
            or_empty(of.and_then(|of| of.spread)),
        ]
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |fields: &[&[String]]| writer.write_record(fields.concat()).expect("memory");
    write(&[&COLUMNS.map(str::to_owned)]);
    for cell in &comparison.means {
        let ends = cell.predicted;
        write(&[
            &["mean".to_owned(), cell.figure.clone(), cell.target.clone(), cell.source.clone()],
            &[cell.blocks.to_string(), cell.images.to_string(), cell.at.clone()],
            &value(Some(&cell.published)),
            &value(cell.ours.as_ref()),
            &[or_empty(ends.map(|ends| ends.low)), or_empty(ends.map(|ends| ends.high))],
            &[or_empty(cell.p), or_empty(cell.p_adjusted), cell.agreement.name().to_owned()],
            &[String::new(), remarks(&cell.remarks)],
        ]);
    }
    for cell in &comparison.differences {
        let answer = match (cell.decision, &cell.ours) {
            (Some(decision), _) => decision.name(),
            (None, _) => Agreement::OnlyPublished.name(),
        };
        write(&[
            &["difference".to_owned(), cell.figure.clone(), cell.target.clone()],
            &[
                cell.contrast.clone(),
                or_empty(cell.blocks),
                cell.images.to_string(),
                cell.at.clone(),
            ],
            &value(Some(&cell.published.value)),
            &value(cell.ours.as_ref().map(|ours| &ours.value)),
            &[const { String::new() }; 4],
            &[answer.to_owned(), cell.published.direction.name().to_owned()],
            &[remarks(&cell.remarks)],
        ]);
    }
    for cell in &comparison.only_ours {
        write(&[
            &["only local".to_owned(), String::new(), cell.target.clone(), cell.source.clone()],
            &[cell.blocks.to_string(), cell.images.to_string()],
            &[const { String::new() }; 9],
            &[cell.seeds.to_string()],
            &[const { String::new() }; 5],
            &["only local".to_owned(), String::new(), cell.besides.clone()],
        ]);
    }
    String::from_utf8(writer.into_inner().expect("memory")).expect("fields are UTF-8")
}
