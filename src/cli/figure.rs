//! `repro figure`: the figures of the paper and of its reproduction, by name, as files.

use std::{io::Write, path::PathBuf};

use clap::Args;

use super::{
    Failure, Outcome, Suites, exit,
    format::{Format, Offered, OneOf},
    hints, kind,
    local::Ours,
    stdout,
};
use crate::{
    evidence::Evidence,
    experiment::{EvidenceKind, Verdict},
    figure::catalogue::Gallery,
    report::{
        gallery::{Exhibit, Form, exhibits, write_exhibit},
        terminal,
    },
    util::Folders,
    world::World,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro figure                                       every figure, and what each evidence has of it
  repro figure A5                                    figure A5 of the reproduction, as SVG and PNG
  repro figure 2 --evidence published --out figures  figure 2 of the paper from the authors' logs
  repro figure A1 --log my-runs.csv --format svg     from a log of your own
  repro figure A7 --evidence smoke --run             run first what the ledger lacks of it
  repro figure all --format csv                      what is drawn, as tables

Files are called figure-NAME-EVIDENCE.svg and so on. Behind our curves lie the published ones, where the paper \
has them for the same arms. Exit code 3: some figure can't be drawn from the evidence that was asked for; the \
command that makes it is told.";

#[derive(Args)]
pub(super) struct Figure {
    /// Figures of the paper (2 to 6) or of the reproduction (A1 to A13), or `all`; with none, all are listed
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// The evidence to draw from; may be given again. Published and smoke where none is given
    #[arg(long, value_name = "KIND", value_parser = kind::one_of(kind::ALL), conflicts_with = "log")]
    evidence: Vec<EvidenceKind>,
    /// Draw from this log in place of the evidence that ships (CSV, or CSV in .gz)
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// The folder that files are written into
    #[arg(long, value_name = "DIR", default_value = "figures")]
    out: PathBuf,
    /// A form of file; may be given again. SVG and PNG where none is given
    #[arg(long, value_parser = OneOf(FORMATS))]
    format: Vec<Format>,
    /// Run what the ledger lacks of these figures first
    #[arg(long, requires = "names", conflicts_with = "log")]
    run: bool,
    /// Seeds a point that --run brings
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u8).range(1..=10))]
    seeds: u8,
    #[command(flatten)]
    ours: Ours,
}

const FORMATS: &[Offered] = &[
    (Format::Svg, Some("A drawing that needs nothing else")),
    (Format::Png, Some("The same in pixels, twice as many each way")),
    (Format::Csv, Some("What is drawn: a line a point")),
];

impl Figure {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        let gallery = Gallery::of(&World::paper());
        let figures =
            gallery.select(&self.names).map_err(|error| Failure::new(exit::USAGE, error))?;
        let names: Vec<String> = figures.iter().map(|figure| figure.name.clone()).collect();
        let every: Vec<String> = gallery.figures.iter().map(|figure| figure.name.clone()).collect();
        let asked = if names.is_empty() { &every } else { &names };
        let evidence: Vec<Evidence> = match &self.log {
            Some(log) => vec![Evidence::log(log)?],
            None => self
                .kinds()
                .iter()
                .map(|kind| self.gathered(*kind, asked, suites))
                .collect::<Result<_, _>>()?,
        };
        let of: Vec<&Evidence> = evidence.iter().collect();
        let folders = self.ours.folders();
        if names.is_empty() {
            list(&gallery, &of, &folders)?;
            return Ok(Outcome::Done);
        }
        self.draw(&exhibits(&names, &of, &Evidence::published_points()?, &folders), &names)
    }

    fn kinds(&self) -> Vec<EvidenceKind> {
        if self.evidence.is_empty() {
            return vec![EvidenceKind::Published, EvidenceKind::Smoke];
        }
        let mut kinds = self.evidence.clone();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    fn gathered(
        &self,
        kind: EvidenceKind,
        names: &[String],
        suites: &Suites<'_>,
    ) -> Result<Evidence, Failure> {
        if kind.is_own() {
            let run = self.run.then_some(self.seeds);
            self.ours.evidence_of_figures(kind, names, run, suites)
        } else {
            Ok(Evidence::published()?)
        }
    }

    /// Writes what can be drawn, and says of the rest what would bring it.
    fn draw(&self, exhibits: &[Exhibit<'_>], names: &[String]) -> Result<Outcome, Failure> {
        let forms = self.forms();
        let mut out = stdout();
        for exhibit in exhibits {
            let files = write_exhibit(&self.out, exhibit, &forms)
                .map_err(|error| Failure::new(exit::OUTPUT, error))?;
            for file in files {
                writeln!(out, "{}", file.display())?;
            }
        }
        let drawn = |name: &String| {
            exhibits.iter().any(|exhibit| exhibit.figure.name == *name && exhibit.drawn.is_some())
        };
        for exhibit in exhibits {
            let Some(missing) = &exhibit.missing else { continue };
            let how = if exhibit.drawn.is_some() { "is not whole" } else { "can't be drawn" };
            let (name, kind) = (&exhibit.figure.name, exhibit.evidence.kind);
            anstream::eprintln!(
                "figure {name} {how} from {kind} evidence: {}",
                hints::missing_of_figure(missing)
            );
        }
        if names.iter().all(drawn) {
            Ok(Outcome::Done)
        } else {
            Ok(Outcome::Judged(Verdict::Incomplete))
        }
    }

    fn forms(&self) -> Vec<Form> {
        let mut forms: Vec<Form> = match self.format.as_slice() {
            [] => vec![Form::Svg, Form::Png],
            some => some.iter().copied().map(form).collect(),
        };
        forms.sort_unstable();
        forms.dedup();
        forms
    }
}

/// The form of a figure's file.
fn form(format: Format) -> Form {
    match format {
        Format::Svg => Form::Svg,
        Format::Png => Form::Png,
        Format::Csv => Form::Csv,
        other => other.is_not_offered(),
    }
}

/// Every figure with what each evidence has of it, and what brings those that none has.
fn list(gallery: &Gallery, evidence: &[&Evidence], folders: &Folders) -> Result<(), Failure> {
    let published = Evidence::published_points()?;
    let mut rows = Vec::new();
    let mut without = Vec::new();
    for figure in &gallery.figures {
        let exhibits = exhibits(std::slice::from_ref(&figure.name), evidence, &published, folders);
        let mut row = vec![figure.name.clone(), figure.title.clone()];
        row.extend(exhibits.iter().map(stands));
        rows.push(row);
        if exhibits.iter().all(|exhibit| exhibit.drawn.is_none()) {
            let missing = exhibits.iter().rev().find_map(|exhibit| exhibit.missing.as_ref());
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
        "\n{}: fine-tunes that the evidence has, of those that the figure draws",
        kinds.join(", ")
    )?;
    for line in without {
        writeln!(out, "{line}")?;
    }
    Ok(out.flush()?)
}

/// What an evidence has of a figure.
fn stands(exhibit: &Exhibit<'_>) -> String {
    if exhibit.drawn.is_none() {
        return "nothing".to_owned();
    }
    let (there, asked) = exhibit.figure.coverage(exhibit.evidence);
    let means = exhibit.evidence.kind == EvidenceKind::Published
        && exhibit.chart().is_some_and(|chart| chart.published.is_some());
    let means = if means && there < asked { ", and published means" } else { "" };
    format!("{there}/{asked}{means}")
}
