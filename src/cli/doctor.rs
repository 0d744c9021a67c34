//! `repro doctor`: what this machine has, and which evidence exists for each claim.

use std::{collections::BTreeMap, io::Write};

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Failure, Outcome, Suites, exit,
    format::{Format, Offered, OneOf, json},
    handoff, kind,
    list::{Coverage, Sides},
    local::{LocalArguments, RunContext},
    messages::stdout,
    runtime::Machine,
};
use crate::{
    evidence::Evidence,
    experiment::{EvidenceKind, Key, Trial},
    replication::fingerprint::{Authors, BLOCKS, Finding, Found, IMAGES},
    report::terminal,
    world::World,
};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const NO_ENGINE: &str = "none in this build, which runs no fine-tunes: `make build` builds it";

pub(super) const EXAMPLES: &str = "\
Examples:
  repro doctor
  repro doctor --world paper     are the checkpoints those of the authors?

With --world it runs the first step of each source model on each target whose images are here, and \
compares its losses with the authors' log: one answer a source model. Without a GPU it compares \
the loss of the first batch alone, which says less.";

/// Seeds whose first step is run.
const SEEDS: usize = 3;

#[derive(Args)]
pub(super) struct Doctor {
    /// Run the first steps of a set-up's fine-tunes, and compare their losses with the authors' log
    #[arg(long, value_parser = kind::one_of(kind::PAPER))]
    world: Option<EvidenceKind>,
    /// Text for people, or JSON for programs
    #[arg(
        long,
        value_parser = OneOf(FORMATS),
        default_value = "text",
        conflicts_with = "world"
    )]
    format: Format,
    #[command(flatten)]
    local: LocalArguments,
}

const FORMATS: &[Offered] =
    &[(Format::Text, None), (Format::Json, Some("By the schema of `repro schema doctor`"))];

/// What `repro doctor --format json` prints.
#[derive(Serialize, JsonSchema)]
pub(super) struct MachineReport {
    /// Version of this form: 1. Within a version, fields are added and none is changed.
    format_version: u32,
    /// Version of the program.
    version: String,
    /// Whether this build has an engine, which runs fine-tunes.
    has_engine: bool,
    /// What the engine found, by name, in words: libtorch, CPU, threads, CUDA devices.
    engine: BTreeMap<String, String>,
    /// The folder of records.
    ledger: String,
    /// Evidence that exists.
    evidence: Vec<FoundEvidence>,
    /// How much evidence exists for each claim.
    claims: Vec<ClaimCoverage>,
}

/// Evidence that exists.
#[derive(Serialize, JsonSchema)]
struct FoundEvidence {
    /// Its kind.
    kind: EvidenceKind,
    /// Its title.
    title: String,
    /// How many fine-tunes it has.
    records: usize,
}

/// How much evidence exists for a claim.
#[derive(Serialize, JsonSchema)]
struct ClaimCoverage {
    /// The claim's id.
    claim: String,
    /// How much of each kind of evidence exists.
    evidence: Vec<Coverage>,
}

impl Doctor {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        if let Some(world) = self.world {
            return first_steps(&self.local.context(world, suites));
        }
        handoff::rather(suites.engine)?;
        let without = || vec![("repro", VERSION.to_owned()), ("engine", NO_ENGINE.to_owned())];
        let inventory = suites.engine.map_or_else(without, |engine| engine.inventory());
        let sides = Sides::new(suites, self.local.ledger_argument())?;
        let ledger = self.local.ledger().folder().display().to_string();
        let mut out = stdout();
        if let Format::Json = self.format {
            let engine = suites.engine.map(|_| inventory).unwrap_or_default();
            let report = MachineReport {
                format_version: 1,
                version: VERSION.to_owned(),
                has_engine: suites.engine.is_some(),
                engine: engine.into_iter().map(|(name, found)| (name.to_owned(), found)).collect(),
                ledger,
                evidence: sides.evidence.iter().map(FoundEvidence::new).collect(),
                claims: coverage(&sides),
            };
            json(&mut out, &report)?;
            return Ok(Outcome::Done);
        }
        for (name, found) in inventory {
            writeln!(out, "{name:<10} {found}")?;
        }
        for evidence in &sides.evidence {
            let (title, count) = (&evidence.title, evidence.records.len());
            writeln!(out, "{:<10} {title}: {count} records", evidence.kind.name())?;
        }
        writeln!(out, "{:<10} {ledger}\n", "ledger")?;
        let rows = coverage(&sides).into_iter().map(|claim| {
            let words = claim.evidence.iter().map(in_words);
            [claim.claim.clone()].into_iter().chain(words).collect()
        });
        let header = ["claim", "published evidence", "smoke evidence"];
        writeln!(out, "{}", terminal::table(&header, rows))?;
        let note = "`repro verify` runs the missing fine-tunes of the smoke evidence; any claim \
                    can be judged on a log that has its runs: `repro verify --log FILE`";
        writeln!(out, "\n{}", terminal::prose(note))?;
        Ok(Outcome::Done)
    }
}

impl FoundEvidence {
    fn new(evidence: &Evidence) -> Self {
        let (kind, records) = (evidence.kind, evidence.records.len());
        Self { kind, title: evidence.title.clone(), records }
    }
}

fn coverage(sides: &Sides) -> Vec<ClaimCoverage> {
    let coverage = |claim: &crate::claim::Claim| ClaimCoverage {
        claim: claim.id.clone(),
        evidence: sides.coverage(&claim.id).into(),
    };
    sides.published.claims().iter().map(coverage).collect()
}

fn in_words(&Coverage { recorded, needed, .. }: &Coverage) -> String {
    match recorded {
        _ if recorded == needed => format!("yes, all {needed} fine-tunes"),
        0 => "no record".to_owned(),
        _ => format!("{recorded} of {needed} fine-tunes"),
    }
}

/// Compares each source model by its losses on all targets whose images are here.
fn first_steps(context: &RunContext) -> Result<Outcome, Failure> {
    let machine = context.machine()?;
    let authors = Authors::from_records(&Evidence::published()?.records);
    let mut out = stdout();
    let mut models = Vec::new();
    for source in context.world.sources.keys() {
        let mut found = Vec::new();
        for target in context.world.targets.keys() {
            write!(out, "{source}, {target}: ")?;
            out.flush()?;
            if authors.of_model(source, target).is_none() {
                writeln!(out, "the authors' log has no such fine-tune")?;
                continue;
            }
            match losses(context, machine, source, target) {
                Ok(losses) => {
                    writeln!(out, "{}", authors.describe(source, &losses))?;
                    found.push(losses);
                }
                Err(error) => writeln!(out, "not run: {error}")?,
            }
        }
        models.push((source.as_str(), found));
    }
    let models: Vec<(&str, &[Found])> =
        models.iter().map(|(source, found)| (*source, &found[..])).collect();
    let comparisons = authors.compare(&models);
    writeln!(out)?;
    for ((source, _), comparison) in models.iter().zip(&comparisons) {
        writeln!(out, "{source}: {}", comparison.text)?;
    }
    let any = |finding| comparisons.iter().any(|comparison| comparison.finding == finding);
    match (any(Finding::Alike), any(Finding::Differs)) {
        (false, false) => Err(Failure::silent(exit::INPUT)),
        (_, true) => Err(Failure::silent(exit::FAILED)),
        (true, false) => Ok(Outcome::Done),
    }
}

/// Losses of a source model's first steps on a target, in nats, one a seed.
fn losses(
    context: &RunContext,
    machine: &dyn Machine,
    source: &str,
    target: &str,
) -> Result<Found, String> {
    let key = Key::new(target, source, BLOCKS, IMAGES);
    let recipe = context.world.recipe(key);
    let trial = |place| Trial { recipe: recipe.clone(), seed: World::seed(place) };
    let trials: Vec<Trial> = (0..SEEDS).map(trial).collect();
    let steps = machine.first_steps(&*context.assets, &trials)?;
    Ok(Found {
        target: target.to_owned(),
        first_losses: steps.iter().map(|(first_loss, _)| *first_loss).collect(),
        test_losses: steps.iter().filter_map(|(_, test_loss)| *test_loss).collect(),
    })
}
