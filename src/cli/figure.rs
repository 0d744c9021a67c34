//! `repro figure`: the figures of the paper and of its reproduction, by name, as files.

use std::{
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    Failure, Outcome, Suites, exit,
    figure_names::canonical,
    format::{Format, Offered, OneOf},
    hints, kind,
    local::LocalArguments,
    messages::{message, stdout},
    sources::{note_reading, print_sources},
    study_figures,
};
use crate::{
    evidence::Evidence,
    experiment::{EvidenceKind, Verdict},
    figure::catalogue::FigureCatalogue,
    report::{
        ReportError, check_figures,
        gallery::{FigureFormat, RenderedFigure, render_figures, write_figure},
        terminal,
    },
    util::{Folders, files::Existing},
    world::World,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro figure                                       list every figure with the evidence for it
  repro figure A5                                    figure A5 of the reproduction, as SVG and PNG
  repro figure 2 --evidence published --out figures  figure 2 of the paper from the authors' logs
  repro figure A1,A2 --log my-runs.csv --format svg  two from a log of your own
  repro figure A7 --evidence smoke --run             run its missing fine-tunes first
  repro figure all --format csv                      the drawn points, as tables
  repro figure all --claims mine --out figures       those of claims about a log of your own

Files are named figure-NAME-EVIDENCE.svg and so on; `a5`, `fig2` and `Figure2` name figures too. \
The published curves are drawn behind ours, where the paper has them for the same arms. Exit code \
3: some figure can't be drawn from the evidence; a message names the command that computes what is \
missing.";

#[derive(Args)]
pub(super) struct Figure {
    /// Figures of the paper (2 to 6) or of the reproduction (A1 to A13), or `all`; of claims with a
    /// log.toml their ids or CLAIM-forest, CLAIM-bars, CLAIM-curves [default: list them]
    #[arg(value_name = "NAME", value_delimiter = ',')]
    pub(super) names: Vec<String>,
    /// The evidence to draw from; repeat it or separate several with commas
    /// [default: published,smoke]
    #[arg(
        long,
        value_name = "KIND",
        value_delimiter = ',',
        value_parser = kind::one_of(kind::ALL)
    )]
    pub(super) evidence: Vec<EvidenceKind>,
    /// Draw from this log, alone or beside --evidence (CSV; for claims with a log.toml any form
    /// that it declares, `-` for standard input; .gz and .zst too)
    #[arg(long, value_name = "FILE")]
    pub(super) log: Option<PathBuf>,
    /// The folder that files are written into; files of the same names in it are replaced
    /// [default: figures, where no file is replaced by another one]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The form of the files; repeat it or separate several with commas [default: svg,png]
    #[arg(long, value_delimiter = ',', value_parser = OneOf(FORMATS))]
    format: Vec<Format>,
    /// Run the missing fine-tunes of these figures first
    #[arg(long, requires = "names", conflicts_with = "log")]
    pub(super) run: bool,
    /// Seeds a point that --run completes
    #[arg(
        long,
        value_name = "N",
        default_value = "3",
        value_parser = clap::value_parser!(u8).range(1..=10)
    )]
    seeds: u8,
    /// Also print the sources of the evidence with their digests, on standard error
    #[arg(short, long)]
    pub(super) verbose: bool,
    #[command(flatten)]
    local: LocalArguments,
}

/// The folder of figures if the command names none.
const FOLDER: &str = "figures";

const FORMATS: &[Offered] = &[
    (Format::Svg, Some("A drawing that needs no other file")),
    (Format::Png, Some("The same in pixels, at twice the size")),
    (Format::Csv, Some("The drawn points: a line a point")),
];

impl Figure {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        if suites.study.is_some() {
            return study_figures::run(self, suites);
        }
        let catalogue = FigureCatalogue::new(&World::paper());
        let asked_names: Vec<String> =
            self.names.iter().map(|name| canonical(name, &catalogue)).collect();
        let figures =
            catalogue.select(&asked_names).map_err(|error| Failure::new(exit::USAGE, error))?;
        let names: Vec<String> = figures.iter().map(|figure| figure.name.clone()).collect();
        let every: Vec<String> =
            catalogue.figures.iter().map(|figure| figure.name.clone()).collect();
        let needed = if names.is_empty() { &every } else { &names };
        let log = suites.log(self.log.as_deref())?;
        let kinds = match &log {
            Some(_) if self.evidence.is_empty() => Vec::new(),
            _ => kind::published_and_smoke(&self.evidence),
        };
        let gathered = kinds.into_iter().map(|kind| self.gathered(kind, needed, suites));
        let mut evidence: Vec<Evidence> = gathered.collect::<Result<_, _>>()?;
        evidence.extend(log);
        evidence.iter().for_each(note_reading);
        if self.verbose {
            print_sources(&evidence);
        }
        let evidence: Vec<&Evidence> = evidence.iter().collect();
        let folders = self.local.folders();
        if names.is_empty() {
            list(&catalogue, &evidence, &folders)?;
            return Ok(Outcome::Done);
        }
        let published = Evidence::published_points()?;
        self.draw(&render_figures(&names, &evidence, &published, &folders), &names)
    }

    fn gathered(
        &self,
        kind: EvidenceKind,
        names: &[String],
        suites: &Suites<'_>,
    ) -> Result<Evidence, Failure> {
        if kind.is_local() {
            let run = self.run.then_some(self.seeds);
            if self.run {
                let folder = self.out.as_deref().unwrap_or(Path::new(FOLDER));
                check_figures(folder).map_err(|error| Failure::new(exit::OUTPUT, error))?;
            }
            self.local.evidence_of_figures(kind, names, run, suites)
        } else {
            Ok(Evidence::published()?)
        }
    }

    /// Writes the figures that can be drawn, and prints what is missing of the others.
    fn draw(&self, figures: &[RenderedFigure<'_>], names: &[String]) -> Result<Outcome, Failure> {
        let forms = self.forms();
        let mut out = stdout();
        let (folder, existing) = self.folder();
        for figure in figures {
            let files = write_figure(folder, figure, &forms, existing).map_err(unwritten)?;
            for file in files {
                writeln!(out, "{}", file.display())?;
            }
        }
        for rendered in figures {
            let Some(missing) = &rendered.missing else { continue };
            let how = if rendered.drawn.is_some() { "is incomplete" } else { "can't be drawn" };
            let (name, kind) = (&rendered.figure.name, rendered.evidence.kind);
            message!(
                "note: figure {name} {how} from {kind} evidence: {}",
                hints::missing_of_figure(missing)
            );
        }
        let drawn = |name: &String| {
            let is = |of: &RenderedFigure<'_>| of.figure.name == *name && of.drawn.is_some();
            figures.iter().any(is)
        };
        if names.iter().all(drawn) {
            Ok(Outcome::Done)
        } else {
            Ok(Outcome::Judged(Verdict::Incomplete))
        }
    }

    /// The folder of the files, and what becomes of files that are there.
    pub(super) fn folder(&self) -> (&Path, Existing) {
        match &self.out {
            Some(folder) => (folder.as_path(), Existing::Replace),
            None => (Path::new(FOLDER), Existing::Keep),
        }
    }

    pub(super) fn forms(&self) -> Vec<FigureFormat> {
        let mut forms: Vec<FigureFormat> = match self.format.as_slice() {
            [] => vec![FigureFormat::Svg, FigureFormat::Png],
            some => some.iter().copied().map(form).collect(),
        };
        forms.sort_unstable();
        forms.dedup();
        forms
    }
}

/// The failure to write a figure's file. One that is kept needs an option.
pub(super) fn unwritten(error: ReportError) -> Failure {
    let report = match &error {
        ReportError::File { path, cause } if cause.kind() == ErrorKind::AlreadyExists => {
            let path = path.display();
            miette::miette!(
                help = "name a folder with --out: its files are replaced",
                "failed to write {path}: another file has this name, and nothing asked to replace it"
            )
        }
        _ => error.into(),
    };
    Failure::new(exit::OUTPUT, report)
}

/// The form of a figure's file.
fn form(format: Format) -> FigureFormat {
    match format {
        Format::Svg => FigureFormat::Svg,
        Format::Png => FigureFormat::Png,
        Format::Csv => FigureFormat::Csv,
        other => other.is_not_offered(),
    }
}

/// Prints every figure with the evidence for it, and the commands for those without any.
fn list(
    catalogue: &FigureCatalogue,
    evidence: &[&Evidence],
    folders: &Folders,
) -> Result<(), Failure> {
    let published = Evidence::published_points()?;
    let mut rows = Vec::new();
    let mut without = Vec::new();
    for figure in &catalogue.figures {
        let name = std::slice::from_ref(&figure.name);
        let rendered = render_figures(name, evidence, &published, folders);
        let mut row = vec![figure.name.clone(), figure.title.clone()];
        row.extend(rendered.iter().map(coverage));
        rows.push(row);
        if rendered.iter().all(|figure| figure.drawn.is_none()) {
            let missing = rendered.iter().rev().find_map(|figure| figure.missing.as_ref());
            without.extend(
                missing.map(|missing| {
                    format!("{}: {}", figure.name, hints::missing_of_figure(missing))
                }),
            );
        }
    }
    let kinds: Vec<&str> = evidence.iter().map(|evidence| evidence.kind.name()).collect();
    let header: Vec<&str> = ["figure", "what it shows"].into_iter().chain(kinds.clone()).collect();
    let mut out = stdout();
    writeln!(out, "{}", terminal::table(&header, rows.into_iter()))?;
    writeln!(
        out,
        "\n{}: fine-tunes in the evidence, of those that the figure draws",
        kinds.join(", ")
    )?;
    for line in without {
        writeln!(out, "{line}")?;
    }
    Ok(out.flush()?)
}

/// How much of a figure an evidence has.
fn coverage(rendered: &RenderedFigure<'_>) -> String {
    if rendered.drawn.is_none() {
        return "nothing".to_owned();
    }
    let (recorded, needed) = rendered.figure.coverage(rendered.evidence);
    let means = rendered.evidence.kind == EvidenceKind::Published
        && rendered.chart().is_some_and(|chart| chart.published.is_some());
    let means = if means && recorded < needed { ", and published means" } else { "" };
    format!("{recorded}/{needed}{means}")
}
