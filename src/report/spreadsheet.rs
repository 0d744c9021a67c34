//! All cells of all verdicts as CSV.

use std::{borrow::Cow, collections::BTreeSet};

use super::Judged;
use crate::{
    judge::{CellVerdict, ClaimVerdict},
    plan::sensitivity::Answer,
};

/// The columns. `reading` is the id of a secondary hypothesis, empty for the primary one; `average`
/// is true for an average over cells; a number that can't be computed is empty. Factors of a study
/// follow, each in a column of its name unless that is one of these columns.
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

/// A header, then one line per cell.
#[must_use]
pub fn spreadsheet(judged: &[Judged<'_>]) -> String {
    let factors: BTreeSet<&str> =
        judged.iter().flat_map(|judged| cells(&judged.verdict)).flat_map(names).collect();
    let factors: Vec<&str> = factors.into_iter().collect();
    let titles: Vec<String> = factors.iter().map(|factor| title(factor)).collect();
    let columns: Vec<&str> = COLUMNS.into_iter().chain(titles.iter().map(String::as_str)).collect();
    csv_text(&columns, judged.iter().flat_map(|judged| lines(&judged.verdict, &factors)))
}

/// The same for one claim under several sensitivity choices, with a first column `choice`.
#[must_use]
pub(crate) fn spreadsheet_of_choices(answers: &[Answer]) -> String {
    let of_choice = |answer: &Answer| {
        let choice = answer.choice.id;
        let prefixed = move |line: Vec<String>| [vec![choice.to_owned()], line].concat();
        lines(&answer.verdict, &[]).into_iter().map(prefixed).collect::<Vec<_>>()
    };
    csv_text(&[&["choice"], &COLUMNS[..]].concat(), answers.iter().flat_map(of_choice))
}

pub(super) fn csv_text(columns: &[&str], lines: impl Iterator<Item = Vec<String>>) -> String {
    const MEMORY: &str = "writing to memory can't fail";
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(columns).expect(MEMORY);
    for line in lines {
        writer.write_record(line.iter().map(|field| no_formula(field).into_owned())).expect(MEMORY);
    }
    String::from_utf8(writer.into_inner().expect(MEMORY)).expect("fields are UTF-8")
}

/// A field that no spreadsheet takes for a formula: a name may begin as one.
fn no_formula(field: &str) -> Cow<'_, str> {
    if field.starts_with(['=', '+', '-', '@', '\t', '\r']) && field.parse::<f64>().is_err() {
        Cow::Owned(format!("'{field}"))
    } else {
        Cow::Borrowed(field)
    }
}

/// Cells and averages of all hypotheses.
fn cells(verdict: &ClaimVerdict) -> impl Iterator<Item = &CellVerdict> {
    let readings = verdict.readings.iter().flat_map(|of| of.cells.iter().chain(&of.averages));
    verdict.cells.iter().chain(&verdict.averages).chain(readings)
}

fn names(cell: &CellVerdict) -> impl Iterator<Item = &str> {
    cell.factors.keys().map(String::as_str)
}

/// The column of a factor.
fn title(factor: &str) -> String {
    if COLUMNS.contains(&factor) { format!("factor_{factor}") } else { factor.to_owned() }
}

/// One line per cell and average of the primary and the secondary hypotheses.
fn lines(verdict: &ClaimVerdict, factors: &[&str]) -> Vec<Vec<String>> {
    let mut lines = Vec::new();
    let mut add = |reading: &str, margin: f64, cells: &[CellVerdict], average: bool| {
        for cell in cells {
            let mut line = vec![
                verdict.claim.clone(),
                verdict.evidence.to_string(),
                verdict.verdict.to_string(),
                reading.to_owned(),
                average.to_string(),
            ];
            line.extend(fields(cell, margin));
            line.extend(factors.iter().map(|factor| cell.factor(factor)));
            lines.push(line);
        }
    };
    add("", verdict.margin, &verdict.cells, false);
    add("", verdict.margin, &verdict.averages, true);
    for reading in &verdict.readings {
        add(&reading.id, reading.margin, &reading.cells, false);
        add(&reading.id, reading.margin, &reading.averages, true);
    }
    lines
}

/// The fields of a cell, after those that identify claim, evidence and hypothesis.
fn fields(cell: &CellVerdict, margin: f64) -> Vec<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_formula_and_a_number_stays() {
        assert_eq!(no_formula("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
        assert_eq!(no_formula("@SUM(A1)"), "'@SUM(A1)");
        for field in ["-1.5", "+inf", "ours - base", "", "NaN"] {
            assert_eq!(no_formula(field), field);
        }
    }
}
