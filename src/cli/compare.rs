//! `repro compare`: local runs, or a log, beside the numbers that were published without seeds.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    Failure, Outcome, Suites, exit,
    folders::FolderArguments,
    format::{Format, Offered, OneOf, json},
    kind,
    messages::{message, stdout},
    sources::{note_reading, print_sources},
    study_compare,
};
use crate::{
    evidence::Evidence,
    experiment::EvidenceKind,
    replication::{Comparison, compare},
    report::{comparison, comparison_cells, write_scatter},
    util::shown::inert,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro compare                             the authors' log with their figures
  repro compare --evidence paper            local runs of ResNet-50
  repro compare --log my-runs.csv --brief   a log of your own, in short
  repro compare --format csv > cells.csv    every cell, one a line
  repro compare --figure replication.svg    ours against published, with intervals
  repro compare --claims mine --means means.csv   a log of your own with a table of means

Two questions are answered apart. Could our seeds have given the published mean? It is compatible \
if it lies in the 95 % prediction interval: ours, plus or minus t * s * sqrt(1/k + 1/k_published), \
with our spread s over k seeds and the seeds that the authors planned. Is the decision on each \
published difference the same: better, worse, or open by its t interval? Nothing is run.

Exit codes: 0 every compared mean is compatible and no decision is the opposite one; 4 some is not \
(5 % of the means are incompatible by chance); 3 nothing to compare; 64, 66, 73 as elsewhere.";

#[derive(Args)]
pub(super) struct Compare {
    /// The evidence to compare with the published numbers; nothing is run
    #[arg(
        long,
        value_name = "KIND",
        value_parser = kind::one_of(kind::ALL),
        default_value = "published",
        conflicts_with = "log"
    )]
    evidence: EvidenceKind,
    /// A log to compare in its place (CSV; for claims with a log.toml any form that it declares, `-`
    /// for standard input; .gz and .zst too)
    #[arg(long, value_name = "FILE")]
    pub(super) log: Option<PathBuf>,
    /// The table of published means, for claims with a log.toml: columns of its factors, mean,
    /// replicates, and if known metric and standard_deviation; minus_FACTOR makes a row a difference
    #[arg(long, value_name = "FILE")]
    pub(super) means: Option<PathBuf>,
    /// Text for people, or a form for programs
    #[arg(long, value_parser = OneOf(FORMATS), default_value = "text")]
    pub(super) format: Format,
    /// Write the scatters with intervals into this SVG file; of several, each gets a name of its
    /// own
    #[arg(long, value_name = "FILE.svg")]
    pub(super) figure: Option<PathBuf>,
    /// Leave out the tables of cells
    #[arg(long)]
    pub(super) brief: bool,
    /// Also print the sources of the evidence with their digests, on standard error
    #[arg(short, long)]
    pub(super) verbose: bool,
    #[command(flatten)]
    folders: FolderArguments,
}

const FORMATS: &[Offered] = &[
    (Format::Text, None),
    (Format::Json, Some("Everything, by the schema of `repro schema comparison`")),
    (Format::Csv, Some("A line for each cell")),
];

impl Compare {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        if suites.study.is_some() {
            return study_compare::run(self, suites);
        }
        if self.means.is_some() {
            return Err(Failure::usage(
                "--means has the published means of a log of your own",
                "name a folder of claims with a log.toml by --claims",
            ));
        }
        if let Some(file) = self.figure.as_deref().filter(|file| !is_svg(file)) {
            return Err(Failure::usage(
                format!("--figure writes SVG, but {} has another ending", file.display()),
                "name a file that ends in .svg",
            ));
        }
        let evidence = match suites.log(self.log.as_deref())? {
            Some(log) => log,
            None => {
                let suite = suites.suite(self.evidence)?;
                self.folders.evidence(self.evidence, &suite.select(&[])?, suites)?
            }
        };
        note_reading(&evidence);
        if self.verbose {
            print_sources([&evidence]);
        }
        let found = compare(&evidence, &Evidence::published_points()?);
        if let Some(file) = &self.figure {
            let files =
                write_scatter(file, &found).map_err(|error| Failure::new(exit::OUTPUT, error))?;
            match files.as_slice() {
                [] => message!("no figure: there is nothing to compare"),
                files => files.iter().for_each(|file| message!("figure: {}", file.display())),
            }
        }
        let mut out = stdout();
        match self.format {
            Format::Text => {
                out.write_all(inert(&comparison::text(&found, self.brief)).as_bytes())?;
            }
            Format::Csv => out.write_all(comparison_cells(&found).as_bytes())?,
            Format::Json => {
                json(&mut out, &found)?;
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
