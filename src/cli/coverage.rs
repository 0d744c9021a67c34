//! `repro show --coverage`: what the two documents say, and what answers each sentence.

use std::io::Write;

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Failure, Outcome,
    format::{Format, json},
    messages::stdout,
};
use crate::{
    claim::coverage::{Coverage, Row},
    report::terminal,
};

/// What `repro show --coverage --format json` prints.
#[derive(Serialize, JsonSchema)]
pub(super) struct CoverageReport {
    /// Version of this form: 1. Within a version, fields are added and none is changed.
    format_version: u32,
    /// The sentences of the paper and of its reproduction.
    rows: Vec<Row>,
}

/// Prints the project's coverage.
pub(super) fn print(format: Format) -> Result<Outcome, Failure> {
    let rows = Coverage::embedded().rows;
    let mut out = stdout();
    if let Format::Json = format {
        json(&mut out, &CoverageReport { format_version: 1, rows })?;
        return Ok(Outcome::Done);
    }
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}", terminal::prose(&format!("{}. {}", index + 1, row.sentence)))?;
        if !row.place().is_empty() {
            writeln!(out, "  {}", row.place())?;
        }
        for answer in &row.answers {
            for part in terminal::wrapped(&answer.to_string(), terminal::width() - 2) {
                writeln!(out, "  {part}")?;
            }
        }
    }
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{claim::coverage::Answer, figure::catalogue::FigureCatalogue, world::World};

    #[test]
    fn every_figure_and_command_of_the_coverage_exists() {
        let catalogue = FigureCatalogue::new(&World::paper());
        for answer in Coverage::embedded().rows.into_iter().flat_map(|row| row.answers) {
            match answer {
                Answer::Figure { figure } => {
                    let found = catalogue.figures.iter().any(|of| of.name == figure);
                    assert!(found, "no figure {figure}");
                }
                Answer::Command { command } => {
                    let words = command.split(' ');
                    let parsed = super::super::whole().try_get_matches_from(words);
                    assert!(parsed.is_ok(), "{command}: {}", parsed.unwrap_err());
                }
                _ => {}
            }
        }
    }
}
