//! `repro verify`: judge claims on evidence, in text, JSON and as a report.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    Failure, Outcome, Suites,
    against::Against,
    claim_ids::ClaimIds,
    exit,
    expected::{as_expected, every_claim_expects, print_unexpected},
    format::{Format, Offered, OneOf},
    hints,
    invocation::Invocation,
    kind,
    local::LocalArguments,
    messages::{message, stdout},
    sources::{note_reading, print_sources},
};
use crate::{
    claim::{Claim, suite::Suite},
    evidence::Evidence,
    experiment::{EvidenceKind, Verdict},
    figure::{catalogue::FigureCatalogue, numbers::counted},
    judge::{self, ClaimVerdict},
    replication::{Comparison, compare},
    report::{
        self, Judged,
        citation::citation,
        gallery::{render_figures, write_gallery},
        summary,
        terminal::{self, Screen},
    },
    study::Study,
    util::{shell::quoted, shown::inert},
    world::World,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro verify
  repro verify -q                                 # the answer on one screen
  repro verify robust_beats_natural l2_best
  repro verify --evidence published,smoke --no-run
  repro verify --log my-runs.csv.gz
  repro verify --evidence published --log my-runs.csv  # both, side by side
  repro verify --format json | jq -r '.claims[] | [.claim, .verdict] | @tsv'
  repro verify --expected --report report
  repro verify --against verdicts.json            # what changed since `--format json` wrote it
  repro verify --format junit > verdicts.xml
  repro verify --expected --format github          # annotations in a workflow

A log is a CSV file with the columns of the published one: dataset, source, blocks, images, seed, \
epoch, test_accuracy_percent, test_loss, train_accuracy_percent, train_loss, seconds; and, if runs \
differ in it, resolution (pixels a side, or native).";

#[derive(Args)]
pub(super) struct Verify {
    #[command(flatten)]
    ids: ClaimIds,
    /// The evidence to judge on; repeat it or separate several with commas [default:
    /// published,smoke]. For claims with a log.toml, published is the log that it declares
    #[arg(
        long,
        value_name = "KIND",
        value_delimiter = ',',
        value_parser = kind::one_of(kind::ALL)
    )]
    evidence: Vec<EvidenceKind>,
    /// Judge this log, alone or beside --evidence (CSV; for claims with a log.toml any form that it
    /// declares, `-` for standard input; .gz and .zst too)
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Text for people, or a form for programs
    #[arg(long, value_parser = OneOf(FORMATS), default_value = "text")]
    format: Format,
    /// Write a report, DIR/index.html, every figure by name, DIR/gallery.html, and verdicts to
    /// cite, DIR/repro-verdicts.json
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Write every figure of the claims as an SVG file into this folder
    #[arg(long, value_name = "DIR")]
    figures: Option<PathBuf>,
    /// Exit with 0 if every verdict is the one that its claim expects, with 4 if not
    #[arg(long)]
    expected: bool,
    /// Leave out the tables of cells
    #[arg(long)]
    brief: bool,
    /// Print the summary alone: a row for each claim, and a sentence for each evidence
    #[arg(short, long, conflicts_with = "format")]
    quiet: bool,
    /// Print what changed since these verdicts (of --format json); exit with 0 if nothing did, with
    /// 4 if a verdict changed, appeared or vanished
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Judge the records in the ledger and run nothing
    #[arg(long)]
    no_run: bool,
    /// Also print the sources of the evidence with their digests, on standard error
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    local: LocalArguments,
}

const FORMATS: &[Offered] = &[
    (Format::Text, None),
    (Format::Json, Some("Everything, by the schema of `repro schema citation`")),
    (Format::Csv, Some("A line for each cell")),
    (Format::Junit, Some("JUnit XML: a case for each claim")),
    (Format::Github, Some("GitHub annotations: a line for each claim")),
    (Format::Badge, Some("A badge, in the endpoint form of shields.io (JSON)")),
    (Format::Markdown, Some("The table of verdicts: n, mean, interval and unit")),
    (Format::Latex, Some("The same as a LaTeX tabular")),
    (Format::Bibtex, Some("The project and the paper, to cite them")),
];

/// Claims as one set-up has them, with its evidence.
struct Side {
    suite: Suite,
    evidence: Evidence,
}

impl Verify {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        let against = self.against.as_deref().map(Against::read).transpose()?;
        let (mut sides, mut verdicts) = (Vec::new(), Vec::new());
        for kind in self.kinds(suites)? {
            let side = self.side(kind, suites, &verdicts)?;
            let claims = self.ids.select(&side.suite, suites)?;
            verdicts.push(claims.iter().map(|claim| judge::judge(claim, &side.evidence)).collect());
            sides.push(side);
        }
        if self.verbose {
            print_sources(sides.iter().map(|side| &side.evidence));
        }
        let invocation = self.invocation(suites.folder);
        let mut judged: Vec<Judged<'_>> = Vec::new();
        for (Side { suite, evidence }, verdicts) in sides.iter().zip(verdicts) {
            let claims = self.ids.select(suite, suites)?;
            judged.extend(claims.into_iter().zip(verdicts).map(|(claim, verdict)| Judged {
                claim,
                evidence,
                verdict,
                again: invocation.again(&claim.id, evidence),
                on_a_log: invocation.on_a_log(&claim.id),
                as_curve: invocation.as_curve(&claim.id, evidence.kind),
                under_choices: invocation.under_choices(&claim.id, evidence.kind),
            }));
        }
        // Verdicts on one claim come together, in the order of the claims.
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
            message!("report: {}", file.display());
            // Figures by name are this paper's.
            if suites.study.is_none() {
                let file = self.gallery(folder, &sides, suites)?;
                message!("gallery: {}", file.display());
            }
        }
        if let Some(folder) = &self.figures {
            let files = report::write_figures(folder, &judged)
                .map_err(|error| Failure::new(exit::OUTPUT, error))?;
            message!("figures: {} files in {}", files.len(), folder.display());
        }
        let asked = self.ids.all();
        let changes = against.map(|against| against.changes(&judged, &asked));
        let expected = self.expected.then(|| as_expected(&judged));
        let changed = changes.iter().flat_map(|(sentences, _)| sentences.clone());
        let after: Vec<String> =
            changed.chain(expected.iter().map(|(sentence, _)| sentence.clone())).collect();
        self.print(&judged, &self.command(suites.folder), &after)?;
        if !self.quiet {
            self.explain_incomplete(&judged);
        }
        if self.expected {
            print_unexpected(&judged);
        }
        // Both ask whether all is as it was.
        let compared = expected.map(|(_, all)| all).into_iter();
        let compared: Vec<bool> = compared.chain(changes.map(|(_, changed)| !changed)).collect();
        if !compared.is_empty() {
            return Ok(Outcome::Expected(compared.into_iter().all(|same| same)));
        }
        let verdicts: Vec<ClaimVerdict> = judged.into_iter().map(|judged| judged.verdict).collect();
        Ok(Outcome::from_verdicts(&verdicts))
    }

    /// Prints how to complete incomplete claims. Why a fine-tune can't run here was printed before.
    fn explain_incomplete(&self, judged: &[Judged<'_>]) {
        let mut claims: BTreeMap<EvidenceKind, usize> = BTreeMap::new();
        for one in judged.iter().filter(|one| one.verdict.verdict == Verdict::Incomplete) {
            // What no fine-tune can provide.
            match one.claim.hypothesis.unavailable(&one.evidence.world) {
                Some(reason) => message!(
                    "note: {} is incomplete on {} evidence: {reason}",
                    one.claim.id,
                    one.evidence.kind.name()
                ),
                None => *claims.entry(one.evidence.kind).or_default() += 1,
            }
        }
        for (kind, count) in claims {
            let of_a_log =
                judged.iter().any(|one| one.evidence.kind == kind && one.evidence.is_a_log());
            let what = match kind {
                kind if kind.is_local() && self.no_run => {
                    ": run the same command without --no-run to compute the missing records"
                }
                kind if kind.is_local() => continue,
                _ if of_a_log => ": the log does not have every run that they compare",
                _ => {
                    ", which does not have every run that they compare: `repro plan --evidence \
                     smoke` lists the local runs that would"
                }
            };
            let are = if count == 1 { "is" } else { "are" };
            let claims = counted(count, "claim");
            message!("note: {claims} {are} incomplete on {kind} evidence{what}");
        }
    }

    fn kinds(&self, suites: &Suites<'_>) -> Result<Vec<EvidenceKind>, Failure> {
        match (&self.log, &suites.study) {
            (None, None) => Ok(kind::published_and_smoke(&self.evidence)),
            (log, Some(study)) if !self.evidence.is_empty() => {
                let of_engine = self.evidence.iter().find(|kind| **kind != EvidenceKind::Published);
                if let Some(kind) = of_engine {
                    return Err(not_of_a_study(*kind, study));
                }
                let log = log.is_some().then_some(EvidenceKind::Log);
                Ok([EvidenceKind::Published].into_iter().chain(log).collect())
            }
            (Some(_), None) if !self.evidence.is_empty() => {
                let mut kinds = kind::published_and_smoke(&self.evidence);
                kinds.push(EvidenceKind::Log);
                Ok(kinds)
            }
            _ => Ok(vec![EvidenceKind::Log]),
        }
    }

    /// Claims and evidence of a kind; `judged` has the verdicts of kinds before it.
    fn side(
        &self,
        kind: EvidenceKind,
        suites: &Suites<'_>,
        judged: &[Vec<ClaimVerdict>],
    ) -> Result<Side, Failure> {
        let suite = suites.suite(kind)?;
        let claims = self.ids.select(&suite, suites)?;
        if self.expected {
            every_claim_expects(&claims, kind)?;
        }
        // The log that log.toml declares stands beside the one that was named.
        let log = match (kind, suites.study()) {
            (EvidenceKind::Log, _) => suites.log(self.log.as_deref())?,
            (EvidenceKind::Published, Some(_)) => suites.log(None)?,
            _ => None,
        };
        let evidence = match log {
            Some(evidence) => Evidence { kind, ..evidence },
            None => self.gathered(kind, &claims, suites, judged)?,
        };
        note_reading(&evidence);
        let unknown = if suites.study.is_some() { Vec::new() } else { evidence.unknown_names() };
        for name in unknown {
            message!(
                "note: no claim can use some of the runs: {name}; worlds/own.toml beside your \
                 claims can add names"
            );
        }
        let cut_short = if kind == EvidenceKind::Log && suites.study.is_none() {
            evidence.stopped_early()
        } else {
            Vec::new()
        };
        if let Some((first, others)) = cut_short.split_first() {
            let others = match others.len() {
                0 => String::new(),
                more => format!("; so are runs of {more} more targets and sizes"),
            };
            message!(
                "note: {first}{others}; if they ended as planned, remove the later epochs of the \
                 others"
            );
        }
        Ok(Side { suite, evidence })
    }

    /// The evidence of a kind that needs no file of the user's. Missing local runs are run first,
    /// unless that was declined.
    fn gathered(
        &self,
        kind: EvidenceKind,
        claims: &[&Claim],
        suites: &Suites<'_>,
        judged: &[Vec<ClaimVerdict>],
    ) -> Result<Evidence, Failure> {
        if kind.is_local() {
            if !self.no_run {
                self.check_outputs()?;
            }
            let context = self.local.context(kind, suites).announcing(before_fine_tunes(judged));
            Ok(context.evidence(claims, !self.no_run)?.evidence)
        } else {
            Ok(Evidence { world: suites.world(kind), ..Evidence::published()? })
        }
    }

    /// Tries what will be written, before fine-tunes that may take hours.
    fn check_outputs(&self) -> Result<(), Failure> {
        let report = self.report.iter().try_for_each(|folder| report::check_report(folder));
        let figures = self.figures.iter().try_for_each(|folder| report::check_figures(folder));
        report.and(figures).map_err(|error| Failure::new(exit::OUTPUT, error))
    }

    /// Writes the figures by name beside the report, from all of their records in the ledger.
    fn gallery(
        &self,
        folder: &Path,
        sides: &[Side],
        suites: &Suites<'_>,
    ) -> Result<PathBuf, Failure> {
        let catalogue = FigureCatalogue::new(&World::paper());
        let names: Vec<String> =
            catalogue.figures.iter().map(|figure| figure.name.clone()).collect();
        let of_figures = |side: &Side| match side.evidence.kind {
            kind if kind.is_local() => {
                self.local.evidence_of_figures(kind, &names, None, suites).map(Some)
            }
            _ => Ok(None),
        };
        let local = sides.iter().map(of_figures).collect::<Result<Vec<_>, Failure>>()?;
        let evidence: Vec<&Evidence> = sides
            .iter()
            .zip(&local)
            .map(|(side, of_figures)| of_figures.as_ref().unwrap_or(&side.evidence))
            .collect();
        let (published, folders) = (Evidence::published_points()?, self.local.folders());
        let figures = render_figures(&names, &evidence, &published, &folders);
        write_gallery(folder, &figures, &self.command(suites.folder), hints::spelled)
            .map_err(|error| Failure::new(exit::OUTPUT, error))
    }

    /// Each evidence beside the published numbers; none if only some claims were asked for, since
    /// local evidence is then gathered in part.
    fn comparisons(&self, sides: &[Side]) -> Result<Vec<Comparison>, Failure> {
        let of_study = |side: &Side| side.evidence.world.study.is_some();
        if !self.ids.all().is_empty() || sides.iter().any(of_study) {
            return Ok(Vec::new());
        }
        let points = Evidence::published_points()?;
        Ok(sides.iter().map(|side| compare(&side.evidence, &points)).collect())
    }

    /// Prints the result. `after` are sentences that follow the summary; in a form for programs
    /// they are messages.
    fn print(&self, judged: &[Judged<'_>], command: &str, after: &[String]) -> Result<(), Failure> {
        let mut out = stdout();
        match self.format {
            Format::Text => {
                let text = [self.text(judged), lines(after)].concat();
                out.write_all(inert(&text).as_bytes())?;
            }
            Format::Badge => out.write_all(report::badge(judged, self.expected).as_bytes())?,
            Format::Markdown => out.write_all(report::markdown(judged).as_bytes())?,
            Format::Latex => out.write_all(report::latex(judged).as_bytes())?,
            Format::Bibtex => out.write_all(report::bibtex(judged).as_bytes())?,
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
        out.flush()?;
        if self.format != Format::Text {
            after.iter().for_each(|sentence| message!("note: {sentence}"));
        }
        Ok(())
    }

    /// The verdicts in words, then the summary; with `quiet`, the summary within a small screen.
    fn text(&self, judged: &[Judged<'_>]) -> String {
        let verdicts: Vec<&ClaimVerdict> = judged.iter().map(|one| &one.verdict).collect();
        let Screen { columns, glyphs } = terminal::screen();
        if self.quiet {
            let (width, lines) = summary::SCREEN;
            return summary::text(&verdicts, columns.min(width), Some(lines), glyphs);
        }
        let whole = terminal::verdicts(judged, self.brief);
        format!("{whole}\n{}", summary::text(&verdicts, columns, None, glyphs))
    }

    /// The command that gives this output again.
    fn command(&self, claims: Option<&Path>) -> String {
        let log = self.log.as_ref().map(|log| log.display().to_string());
        let invocation = self.invocation(claims);
        let mut command = invocation.verify(&self.ids.all(), &self.evidence, log.as_deref());
        if self.expected {
            command.push_str(" --expected");
        }
        if let Some(folder) = &self.report {
            command.push_str(&format!(" --report {}", quoted(&folder.display().to_string())));
        }
        command
    }

    /// What decides the verdicts, apart from claims and evidence.
    fn invocation(&self, claims: Option<&Path>) -> Invocation {
        Invocation {
            claims: claims.map(Path::to_owned),
            folders: self.local.folders(),
            no_run: self.no_run,
            log: self.log.as_ref().map(|log| log.display().to_string()),
        }
    }
}

/// Evidence that claims about a study's log can't be judged on.
fn not_of_a_study(kind: EvidenceKind, study: &Study) -> Failure {
    let factors: Vec<&str> = study.factors.iter().map(|factor| factor.name.as_str()).collect();
    Failure::usage(
        format!(
            "{kind} evidence is fine-tunes of the project's own paper, which differ in target, \
             source model, blocks and images; these claims are about the log that log.toml \
             declares, whose runs differ in {}",
            factors.join(", ")
        ),
        "--evidence published is the log that log.toml declares; --log FILE judges another file of \
         the same study, beside it where both are given",
    )
}

/// What is printed before fine-tunes begin: the verdicts that don't need them.
fn before_fine_tunes(judged: &[Vec<ClaimVerdict>]) -> String {
    let verdicts: Vec<&ClaimVerdict> = judged.iter().flatten().collect();
    if verdicts.is_empty() {
        return String::new();
    }
    let Screen { columns, glyphs } = terminal::screen();
    let summary = summary::text(&verdicts, columns, None, glyphs);
    format!("verdicts that need no fine-tune here:\n{}", summary.trim_end())
}

/// Sentences on lines, wrapped.
fn lines(sentences: &[String]) -> String {
    sentences.iter().map(|sentence| terminal::prose(sentence) + "\n").collect()
}
