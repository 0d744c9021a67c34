//! `repro verify`: judge claims on evidence, in text, JSON and as a report.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    Failure, Outcome, Suites,
    asked::Asked,
    exit,
    format::{Format, Offered, OneOf},
    hints, kind,
    local::Ours,
    stdout,
};
use crate::{
    claim::{Claim, suite::Suite},
    evidence::Evidence,
    experiment::{EvidenceKind, Verdict},
    figure::{catalogue::Gallery, numbers::counted},
    judge::{self, ClaimVerdict},
    replication::{Comparison, compare},
    report::{
        self, Judged,
        citation::citation,
        gallery::{exhibits, write_gallery},
        terminal,
    },
    util::shell::quoted,
    world::World,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro verify
  repro verify --claim robust_beats_natural --claim l2_best
  repro verify --log my-runs.csv.gz
  repro verify --format json | jq -r '.claims[] | [.claim, .verdict] | @tsv'
  repro verify --expected --report report
  repro verify --format junit > verdicts.xml
  repro verify --expected --format github          # annotations in a workflow

A log is a CSV file with the columns of the published one: dataset, source, blocks, images, seed, \
epoch, test_accuracy_percent, test_loss, train_accuracy_percent, train_loss, seconds; and, if runs \
differ in it, resolution (pixels a side, or native).";

#[derive(Args)]
pub(super) struct Verify {
    /// A claim to judge; may be given again. All of them where none is given
    #[arg(long = "claim", value_name = "ID")]
    ids: Vec<String>,
    /// The evidence to judge on; may be given again. Published and smoke where none is given
    #[arg(long, value_name = "KIND", value_parser = kind::one_of(kind::ALL), conflicts_with = "log")]
    evidence: Vec<EvidenceKind>,
    /// Judge this log in place of the evidence that ships (CSV, or CSV in .gz)
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Text for people, or one of the forms for machines
    #[arg(long, value_parser = OneOf(FORMATS), default_value = "text")]
    format: Format,
    /// Write a report to look at, DIR/index.html, every figure by name, DIR/gallery.html, and verdicts to
    /// cite, DIR/repro-verdicts.json
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Write every figure as an SVG file of its own into this folder
    #[arg(long, value_name = "DIR")]
    figures: Option<PathBuf>,
    /// Let the exit code say whether every verdict is the one its spec expects
    #[arg(long)]
    expected: bool,
    /// Leave the tables of cells out
    #[arg(long)]
    brief: bool,
    /// Judge what the ledger has and run nothing
    #[arg(long)]
    no_run: bool,
    #[command(flatten)]
    ours: Ours,
}

const FORMATS: &[Offered] = &[
    (Format::Text, None),
    (Format::Json, Some("Everything, by the schema of `repro schema citation`")),
    (Format::Csv, Some("A line for each cell")),
    (Format::Junit, Some("JUnit XML: a case for each claim")),
    (Format::Github, Some("GitHub's annotations: a line for each claim")),
];

/// Claims as one world has them, with evidence from it.
struct Side {
    suite: Suite,
    evidence: Evidence,
}

impl Verify {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        let mut sides = Vec::new();
        for kind in self.kinds() {
            sides.push(self.side(kind, suites)?);
        }
        let asked = self.asked(suites.folder);
        let mut judged: Vec<Judged<'_>> = Vec::new();
        for Side { suite, evidence } in &sides {
            let claims = suite.select(&self.ids)?;
            judged.extend(claims.into_iter().map(|claim| Judged {
                claim,
                evidence,
                verdict: judge::judge(claim, evidence),
                again: asked.again(&claim.id, evidence),
                on_a_log: asked.on_a_log(&claim.id),
            }));
        }
        // Verdicts on one claim stand together, in the order of the claims.
        let order: Vec<&str> = sides
            .iter()
            .flat_map(|side| side.suite.claims())
            .map(|claim| claim.id.as_str())
            .collect();
        judged.sort_by_key(|one| order.iter().position(|id| *id == one.claim.id));
        if let Some(folder) = &self.report {
            let command = self.command(suites.folder);
            let file = report::write_html(folder, &judged, &self.comparisons(&sides)?, &command)
                .map_err(|error| Failure::new(exit::OUTPUT, error))?;
            anstream::eprintln!("report: {}", file.display());
            let file = self.gallery(folder, &sides, suites)?;
            anstream::eprintln!("gallery: {}", file.display());
        }
        if let Some(folder) = &self.figures {
            let files = report::write_figures(folder, &judged)
                .map_err(|error| Failure::new(exit::OUTPUT, error))?;
            anstream::eprintln!("figures: {} files in {}", files.len(), folder.display());
        }
        self.print(&judged, &self.command(suites.folder))?;
        self.tell_incomplete(&judged);
        if self.expected {
            return Ok(Outcome::Expected(as_expected(&judged)));
        }
        let verdicts: Vec<ClaimVerdict> = judged.into_iter().map(|judged| judged.verdict).collect();
        Ok(Outcome::of(&verdicts))
    }

    /// What would complete what is incomplete; why nothing here can is told where it was tried.
    fn tell_incomplete(&self, judged: &[Judged<'_>]) {
        let mut claims: BTreeMap<EvidenceKind, usize> = BTreeMap::new();
        for one in judged.iter().filter(|one| one.verdict.verdict == Verdict::Incomplete) {
            // What no fine-tune can bring.
            match one.claim.hypothesis.lacks(&one.evidence.world) {
                Some(lacks) => anstream::eprintln!(
                    "note: {} is incomplete on {} evidence: {lacks}",
                    one.claim.id,
                    one.evidence.kind.name()
                ),
                None => *claims.entry(one.evidence.kind).or_default() += 1,
            }
        }
        for (kind, count) in claims {
            let what = match kind {
                kind if kind.is_own() && self.no_run => {
                    "the same command without --no-run runs what the ledger lacks, or says why it can't"
                }
                kind if kind.is_own() => continue,
                EvidenceKind::Log => "the log lacks runs that they compare",
                _ => {
                    "it lacks runs that they compare; `repro plan --evidence smoke` tells what can \
                     be run here"
                }
            };
            let are = if count == 1 { "is" } else { "are" };
            let claims = counted(count, "claim");
            anstream::eprintln!(
                "note: {claims} {are} incomplete on {} evidence: {what}",
                kind.name()
            );
        }
    }

    fn kinds(&self) -> Vec<EvidenceKind> {
        match &self.log {
            Some(_) => vec![EvidenceKind::Log],
            None if self.evidence.is_empty() => vec![EvidenceKind::Published, EvidenceKind::Smoke],
            None => {
                let mut kinds = self.evidence.clone();
                kinds.sort_unstable();
                kinds.dedup();
                kinds
            }
        }
    }

    fn side(&self, kind: EvidenceKind, suites: &Suites<'_>) -> Result<Side, Failure> {
        let suite = suites.of(kind)?;
        let claims = suite.select(&self.ids)?;
        if self.expected {
            every_claim_expects(&claims, kind)?;
        }
        let evidence = match (kind, &self.log) {
            (EvidenceKind::Log, Some(log)) => {
                Evidence { world: suites.world(kind), ..Evidence::log(log)? }
            }
            _ => gathered(kind, &claims, &self.ours, suites, !self.no_run)?,
        };
        for name in evidence.unknown_names() {
            anstream::eprintln!(
                "note: no claim can ask for some of the runs: {name}; names of your own are for worlds/own.toml \
                 beside your claims"
            );
        }
        let cut_short = if kind == EvidenceKind::Log { evidence.cut_short() } else { Vec::new() };
        for cut in cut_short {
            anstream::eprintln!(
                "note: {cut}; if they ended as planned, leave the later epochs of the others out"
            );
        }
        Ok(Side { suite, evidence })
    }

    /// Writes the figures by name beside the report, from all that the ledger has of them.
    fn gallery(
        &self,
        folder: &Path,
        sides: &[Side],
        suites: &Suites<'_>,
    ) -> Result<PathBuf, Failure> {
        let gallery = Gallery::of(&World::paper());
        let names: Vec<String> = gallery.figures.iter().map(|figure| figure.name.clone()).collect();
        let of_figures = |side: &Side| match side.evidence.kind {
            kind if kind.is_own() => {
                self.ours.evidence_of_figures(kind, &names, None, suites).map(Some)
            }
            _ => Ok(None),
        };
        let own_evidence = sides.iter().map(of_figures).collect::<Result<Vec<_>, Failure>>()?;
        let evidence: Vec<&Evidence> = sides
            .iter()
            .zip(&own_evidence)
            .map(|(side, of_figures)| of_figures.as_ref().unwrap_or(&side.evidence))
            .collect();
        let exhibits =
            exhibits(&names, &evidence, &Evidence::published_points()?, &self.ours.folders());
        write_gallery(folder, &exhibits, &self.command(suites.folder), hints::spelled)
            .map_err(|error| Failure::new(exit::OUTPUT, error))
    }

    /// Each evidence beside the published numbers; none where only some claims were asked for, since
    /// evidence of our own is then gathered in part.
    fn comparisons(&self, sides: &[Side]) -> Result<Vec<Comparison>, Failure> {
        if !self.ids.is_empty() {
            return Ok(Vec::new());
        }
        let points = Evidence::published_points()?;
        Ok(sides.iter().map(|side| compare(&side.evidence, &points)).collect())
    }

    fn print(&self, judged: &[Judged<'_>], command: &str) -> Result<(), Failure> {
        let mut out = stdout();
        match self.format {
            Format::Text => {
                out.write_all(terminal::verdicts(judged, self.brief).as_bytes())?;
            }
            Format::Csv => out.write_all(report::spreadsheet(judged).as_bytes())?,
            Format::Junit => out.write_all(report::junit(judged, self.expected).as_bytes())?,
            Format::Github => {
                out.write_all(report::annotations(judged, self.expected).as_bytes())?;
            }
            Format::Json => {
                out.write_all(citation(judged, command).text().as_bytes())?;
            }
            other => other.is_not_offered(),
        }
        Ok(out.flush()?)
    }

    /// The command that makes this report again.
    fn command(&self, own: Option<&Path>) -> String {
        let log = self.log.as_ref().map(|log| log.display().to_string());
        let mut command = self.asked(own).verify(&self.ids, &self.evidence, log.as_deref());
        if self.expected {
            command.push_str(" --expected");
        }
        if let Some(folder) = &self.report {
            command.push_str(&format!(" --report {}", quoted(&folder.display().to_string())));
        }
        command
    }

    /// What decides the verdicts beside claims and evidence.
    fn asked(&self, own: Option<&Path>) -> Asked {
        Asked { claims: own.map(Path::to_owned), folders: self.ours.folders(), no_run: self.no_run }
    }
}

/// Evidence that needs no file of the user's; with `run`, what of our own is missing is run.
pub(super) fn gathered(
    kind: EvidenceKind,
    claims: &[&Claim],
    ours: &Ours,
    suites: &Suites<'_>,
    run: bool,
) -> Result<Evidence, Failure> {
    if kind.is_own() {
        Ok(ours.context(kind, suites).evidence(claims, run)?.evidence)
    } else {
        Ok(Evidence { world: suites.world(kind), ..Evidence::published()? })
    }
}

/// A comparison with nothing to compare to is a slip, not a pass.
fn every_claim_expects(claims: &[&Claim], kind: EvidenceKind) -> Result<(), Failure> {
    match claims.iter().find(|claim| !claim.expected.contains_key(&kind)) {
        None => Ok(()),
        Some(claim) => Err(Failure::usage(
            format!("claim `{}` expects no verdict from {kind} evidence", claim.id),
            "add an [expected.<evidence>] table to its spec, or leave --expected out",
        )),
    }
}

/// Says on standard error which verdicts are not the expected ones.
fn as_expected(judged: &[Judged<'_>]) -> bool {
    let mut all = true;
    for Judged { claim, verdict, .. } in judged {
        let Some(expected) = claim.expected.get(&verdict.evidence) else { continue };
        if !verdict.is(expected) {
            all = false;
            anstream::eprintln!(
                "unexpected: {} on {} evidence is {}, its spec expects {}",
                claim.id,
                verdict.evidence,
                verdict.verdict,
                expected.verdict
            );
        }
    }
    all
}
