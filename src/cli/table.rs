//! `repro table`: tables of the paper and of its reproduction, beside what answers them here.

use std::{io::Write, path::Path};

use clap::{Args, ValueEnum};

use super::{
    Failure, Outcome, Suites,
    format::{Format, Offered, OneOf, json},
    messages::stdout,
};
use crate::{
    evidence::Evidence,
    report::{
        tables::{PaperTable, TableName},
        terminal,
    },
    util::shell::option,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro table                          list every table
  repro table A2                       schedules and seeds: document beside code and log
  repro table accuracies --format csv  the reproduction's numbers, for programs";

#[derive(Args)]
pub(super) struct Table {
    /// The table [default: list them]
    #[arg(value_enum, ignore_case = true)]
    name: Option<Name>,
    /// Text for people, or a form for programs
    #[arg(long, value_parser = OneOf(FORMATS), default_value = "text", requires = "name")]
    format: Format,
}

const FORMATS: &[Offered] = &[
    (Format::Text, None),
    (Format::Json, Some("By the schema of `repro schema table`")),
    (Format::Csv, Some("A line a row")),
];

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    /// The recipe of a fine-tune: document beside code
    #[value(name = "A1")]
    A1,
    /// Schedules and seeds by number of images: document beside code and log
    #[value(name = "A2")]
    A2,
    /// The reproduction's accuracies beside prediction intervals of a single seed
    Accuracies,
}

impl From<Name> for TableName {
    fn from(name: Name) -> Self {
        match name {
            Name::A1 => Self::A1,
            Name::A2 => Self::A2,
            Name::Accuracies => Self::Accuracies,
        }
    }
}

impl Table {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        if let Some((_, folder)) = suites.study() {
            return Err(of_another_paper(folder));
        }
        let mut out = stdout();
        let Some(name) = self.name else {
            let rows = TableName::ALL.map(|of| vec![of.name().to_owned(), of.title().to_owned()]);
            writeln!(out, "{}", terminal::table(&["table", "what it shows"], rows))?;
            return Ok(Outcome::Done);
        };
        let table = PaperTable::new(name.into(), &Evidence::published()?);
        match self.format {
            Format::Text => {
                writeln!(out, "{}\n", table.title)?;
                writeln!(out, "{}\n", terminal::table(table.header(), table.rows()))?;
                for note in &table.notes {
                    writeln!(out, "{}", terminal::prose(note))?;
                }
            }
            Format::Json => json(&mut out, &table)?,
            Format::Csv => out.write_all(csv(&table).as_bytes())?,
            other => other.is_not_offered(),
        }
        Ok(Outcome::Done)
    }
}

/// Tables by name are of the project's own paper: claims about another log have theirs elsewhere.
fn of_another_paper(folder: &Path) -> Failure {
    let claims = option("--claims", folder);
    Failure::usage(
        "these claims are about the log that log.toml declares, and tables by name are those of \
         the project's own paper",
        &format!(
            "`repro verify --format markdown{claims}` prints the table of verdicts (latex and csv \
             too); `repro records{claims}` the runs; `repro compare --means FILE{claims}` published \
             means beside them"
        ),
    )
}

fn csv(table: &PaperTable) -> String {
    const MEMORY: &str = "writing to memory can't fail";
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(table.header()).expect(MEMORY);
    for row in table.rows() {
        writer.write_record(row).expect(MEMORY);
    }
    String::from_utf8(writer.into_inner().expect(MEMORY)).expect("made of text")
}
