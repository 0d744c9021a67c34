//! Every cell of every verdict as CSV.

use super::Judged;
use crate::judge::CellVerdict;

/// The columns; `reading` is empty for the primary hypothesis, `average` is true for a cell that is an
/// average over others, and a number that can't be computed is empty.
pub const COLUMNS: [&str; 28] = [
    "claim",
    "evidence",
    "claim_verdict",
    "reading",
    "average",
    "contrast",
    "target",
    "images",
    "blocks",
    "resolution",
    "repetition",
    "unit",
    "margin",
    "seeds",
    "mean",
    "low",
    "high",
    "t",
    "p",
    "p_adjusted",
    "e_value",
    "look",
    "verdict",
    "missing_seeds",
    "failed_seeds",
    "test_images_low",
    "test_images_high",
    "flags",
];

/// A header and a line for each cell.
///
/// # Panics
/// Never: writing to memory can't fail.
#[must_use]
pub fn spreadsheet(judged: &[Judged<'_>]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |fields: &[String]| writer.write_record(fields).expect("memory");
    write(&COLUMNS.map(str::to_owned));
    for Judged { verdict, .. } in judged {
        let mut lines = |reading: &str, margin: f64, cells: &[CellVerdict], average: bool| {
            for cell in cells {
                let front = [
                    verdict.claim.clone(),
                    verdict.evidence.to_string(),
                    verdict.verdict.to_string(),
                    reading.to_owned(),
                    average.to_string(),
                ];
                write(&front.into_iter().chain(line(cell, margin)).collect::<Vec<_>>());
            }
        };
        lines("", verdict.margin, &verdict.cells, false);
        lines("", verdict.margin, &verdict.averages, true);
        for reading in &verdict.readings {
            lines(&reading.id, reading.margin, &reading.cells, false);
            lines(&reading.id, reading.margin, &reading.averages, true);
        }
    }
    String::from_utf8(writer.into_inner().expect("memory")).expect("fields are UTF-8")
}

/// A cell's fields, after those that say whose it is.
fn line(cell: &CellVerdict, margin: f64) -> Vec<String> {
    fn or_empty<T: ToString>(value: Option<T>) -> String {
        value.map_or_else(String::new, |value| value.to_string())
    }
    let flags: Vec<&str> = cell.flags.iter().map(|flag| flag.name()).collect();
    let test_images = cell.test_images.as_ref();
    vec![
        cell.contrast.clone(),
        or_empty(cell.target.as_deref()),
        or_empty(cell.images),
        or_empty(cell.blocks),
        or_empty(cell.resolution),
        or_empty(cell.repetition),
        cell.unit.name().to_owned(),
        margin.to_string(),
        cell.seeds.to_string(),
        or_empty(cell.mean),
        or_empty(cell.low),
        or_empty(cell.high),
        or_empty(cell.t),
        or_empty(cell.p),
        or_empty(cell.p_adjusted),
        or_empty(cell.e_value),
        or_empty(cell.look),
        cell.verdict.to_string(),
        cell.missing_seeds.to_string(),
        cell.failed_seeds.to_string(),
        or_empty(test_images.map(|images| images.low)),
        or_empty(test_images.map(|images| images.high)),
        flags.join(" "),
    ]
}
