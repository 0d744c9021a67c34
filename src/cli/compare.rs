//! `repro compare`: our records, or a log, beside the numbers that were published without seeds.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    Failure, Outcome, Suites, exit,
    format::{Format, Offered, OneOf},
    kind,
    local::Ours,
    stdout,
    verify::gathered,
};
use crate::{
    evidence::Evidence,
    experiment::EvidenceKind,
    replication::{Comparison, compare},
    report::{comparison, comparison_cells, write_scatter},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro compare                                  the authors' log beside their figures
  repro compare --evidence paper                 our own fine-tunes of ResNet-50
  repro compare --log my-runs.csv --brief        what a log of your own comes to
  repro compare --format csv > cells.csv         every cell, one a line
  repro compare --figure replication.svg         ours against published, with intervals

Two questions, answered apart. Is the published mean one that our seeds could have given? It is compatible \
where it lies in the 95 % prediction interval: ours, plus or minus t * s * sqrt(1/k + 1/k_published), with \
our spread s over k seeds and the seeds that the authors planned. Is the decision on each published \
difference the same: better, worse, or open by its t interval? Nothing is run.

Exit codes: 0 every mean that is compared is compatible and no decision is the opposite one; 1 some is not \
(5 % of the means are incompatible by chance); 3 nothing to compare; 64, 66, 73 as elsewhere.";

#[derive(Args)]
pub(super) struct Compare {
    /// The evidence to set beside the published numbers; nothing is run
    #[arg(
        long,
        value_name = "KIND",
        value_parser = kind::one_of(kind::ALL),
        default_value = "published",
        conflicts_with = "log"
    )]
    evidence: EvidenceKind,
    /// A log to set beside them in its place (CSV, or CSV in .gz)
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Text for people, or one of the forms for machines
    #[arg(long, value_parser = OneOf(FORMATS), default_value = "text")]
    format: Format,
    /// Write the scatters with intervals into this SVG file; of several, each has a name of its own
    #[arg(long, value_name = "FILE.svg")]
    figure: Option<PathBuf>,
    /// Leave the tables of cells out
    #[arg(long)]
    brief: bool,
    #[command(flatten)]
    ours: Ours,
}

const FORMATS: &[Offered] = &[
    (Format::Text, None),
    (Format::Json, Some("Everything, by the schema of `repro schema comparison`")),
    (Format::Csv, Some("A line for each cell")),
];

impl Compare {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        if let Some(file) = self.figure.as_deref().filter(|file| !is_svg(file)) {
            return Err(Failure::usage(
                format!("--figure writes SVG, and {} has another ending", file.display()),
                "name a file that ends in .svg",
            ));
        }
        let evidence = match &self.log {
            Some(log) => Evidence::log(log)?,
            None => {
                let suite = suites.of(self.evidence)?;
                gathered(self.evidence, &suite.select(&[])?, &self.ours, suites, false)?
            }
        };
        let found = compare(&evidence, &Evidence::published_points()?);
        if let Some(file) = &self.figure {
            let files =
                write_scatter(file, &found).map_err(|error| Failure::new(exit::OUTPUT, error))?;
            match files.as_slice() {
                [] => anstream::eprintln!("no figure: there is nothing to compare"),
                files => {
                    files.iter().for_each(|file| anstream::eprintln!("figure: {}", file.display()))
                }
            }
        }
        let mut out = stdout();
        match self.format {
            Format::Text => out.write_all(comparison::text(&found, self.brief).as_bytes())?,
            Format::Csv => out.write_all(comparison_cells(&found).as_bytes())?,
            Format::Json => {
                serde_json::to_writer_pretty(&mut out, &found).map_err(std::io::Error::from)?;
                writeln!(out)?;
            }
            other => other.is_not_offered(),
        }
        out.flush()?;
        Ok(outcome(&found))
    }
}

fn outcome(found: &Comparison) -> Outcome {
    let counts = &found.counts;
    match (
        counts.compared + counts.same_runs + counts.decisions + counts.differences_of_the_same_runs,
        counts.incompatible + counts.opposite,
    ) {
        (0, _) => Outcome::Compared(None),
        (_, differ) => Outcome::Compared(Some(differ == 0)),
    }
}

fn is_svg(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("svg"))
}
