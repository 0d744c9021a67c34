//! `repro power`: how many seeds each cell needs, and the smallest effect that its seeds can
//! detect.

use std::io::Write;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Failure, Outcome, Suites,
    claim_ids::ClaimIds,
    folders::FolderArguments,
    format::{Format, Offered, OneOf, json},
    kind,
    log::LogArgument,
    messages::stdout,
    one_seed,
    sources::note_reading,
};
use crate::{
    claim::Claim,
    evidence::Evidence,
    experiment::EvidenceKind,
    judge::{
        judge,
        power::{self, CellPower, Needed, POWER},
    },
    report::terminal,
    util::decimals::{decimals, signed},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro power l2_best
  repro power --evidence smoke
  repro power --one-seed            what one seed alone would have concluded

For each cell of a primary hypothesis, or for each average where it averages, the table has: the \
effect over the margin and its spread over seeds; the seeds that would support that effect with a \
probability of 80 %; and the smallest effect that the seeds at hand support with that probability. \
Each look of a sequential design has its share of the risk. An observed effect is not the true \
one: the table says how much a design can detect, not whether the effect exists.";

#[derive(Args)]
pub(super) struct Power {
    #[command(flatten)]
    ids: ClaimIds,
    /// The evidence that effects and spreads are taken from; nothing is run
    #[arg(
        long,
        value_name = "KIND",
        value_parser = kind::one_of(kind::ALL),
        default_value = "published",
        conflicts_with = "log"
    )]
    evidence: EvidenceKind,
    #[command(flatten)]
    log: LogArgument,
    /// Print what each seed alone would have concluded instead, without a spread
    #[arg(long)]
    one_seed: bool,
    /// Text for people, or JSON for programs
    #[arg(long, value_parser = OneOf(FORMATS), default_value = "text")]
    format: Format,
    #[command(flatten)]
    folders: FolderArguments,
}

const FORMATS: &[Offered] =
    &[(Format::Text, None), (Format::Json, Some("By the schema of `repro schema power`"))];

/// What `repro power --format json` prints.
#[derive(Serialize, JsonSchema)]
pub(super) struct PowerOfClaims {
    /// Version of this form: 1. Within a version, fields are added and none is changed.
    format_version: u32,
    /// The evidence that effects and spreads are taken from.
    evidence: EvidenceKind,
    /// The probability that `needed_seeds` and `detectable` are computed for, from 0 to 1.
    probability: f64,
    /// Every cell of a primary hypothesis that has a spread over seeds.
    cells: Vec<PowerOfCell>,
}

/// What the seeds of one cell can detect. Effects and spreads are in `unit`.
#[derive(Serialize, JsonSchema)]
struct PowerOfCell {
    /// The claim's id.
    claim: String,
    /// The contrast.
    contrast: String,
    /// The cell, or the average over cells.
    cell: String,
    /// Unit of effects and spreads: `points`, `epochs` or `nats`.
    unit: String,
    /// Mean over the margin.
    effect: f64,
    /// Standard deviation over seeds.
    spread: f64,
    /// Seeds at hand.
    seeds: usize,
    /// Seeds that would support that effect and spread; null if no number does, or too many would.
    needed_seeds: Option<usize>,
    /// The same in words: a number, `over` a number, or `never`.
    needed: String,
    /// The smallest effect that the seeds at hand support.
    detectable: f64,
    /// By how much a contrast of single runs must differ from the margin: less is within what runs
    /// differ in by themselves, at the level of the interval.
    single_runs: f64,
}

impl PowerOfCell {
    fn new(claim: &Claim, of: &CellPower<'_>) -> Self {
        Self {
            claim: claim.id.clone(),
            contrast: of.cell.contrast.clone(),
            cell: of.cell.name.clone(),
            unit: of.cell.unit.name().to_owned(),
            effect: of.effect,
            spread: of.spread,
            seeds: of.cell.seeds,
            needed_seeds: match of.needed {
                Needed::Seeds(seeds) => Some(seeds),
                Needed::TooMany | Needed::Never => None,
            },
            needed: of.needed.to_string(),
            detectable: of.detectable,
            single_runs: of.single_runs,
        }
    }

    fn row(self) -> Vec<String> {
        let places = decimals([self.effect, self.spread, self.detectable]);
        vec![
            self.claim,
            format!("{}: {}", self.contrast, self.cell),
            signed(self.effect, places),
            format!("{:.places$}", self.spread),
            self.seeds.to_string(),
            self.needed,
            format!("{:.places$}", self.detectable),
        ]
    }
}

impl Power {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        let log = suites.log(self.log.log.as_deref())?;
        let kind = if log.is_some() { EvidenceKind::Log } else { self.evidence };
        let suite = suites.suite(kind)?;
        let claims = self.ids.select(&suite, suites)?;
        let evidence = match log {
            Some(log) => log,
            None => self.folders.evidence(kind, &claims, suites)?,
        };
        note_reading(&evidence);
        if self.one_seed {
            return one_seed::print(&claims, &evidence, self.format);
        }
        let cells: Vec<PowerOfCell> =
            claims.iter().flat_map(|claim| cells(claim, &evidence)).collect();
        let mut out = stdout();
        if let Format::Json = self.format {
            let form =
                PowerOfClaims { format_version: 1, evidence: kind, probability: POWER, cells };
            json(&mut out, &form)?;
            return Ok(Outcome::Done);
        }
        if cells.is_empty() {
            let replicate = suites.replicate();
            writeln!(out, "no cell of these claims has two {replicate}s on {kind} evidence")?;
            return Ok(Outcome::Done);
        }
        if suites.study.is_some() {
            return of_study(&mut out, cells, &evidence, suites.replicate());
        }
        let header = ["claim", "cell", "effect", "spread", "seeds", "needed", "can see"];
        let rows = cells.into_iter().map(PowerOfCell::row);
        writeln!(out, "{}", terminal::table(&header, rows))?;
        let note = "effect: mean over the margin; spread: standard deviation over seeds; needed: \
                    seeds for a probability of 80 % at that effect and spread; can see: the \
                    smallest effect that the seeds at hand support with that probability";
        writeln!(out, "{}", terminal::prose(note))?;
        Ok(Outcome::Done)
    }
}

/// The table of a study's log, in its own words.
fn of_study(
    out: &mut impl Write,
    cells: Vec<PowerOfCell>,
    evidence: &Evidence,
    replicate: &str,
) -> Result<Outcome, Failure> {
    let several = format!("{replicate}s");
    let header =
        ["claim", "cell", "effect", "spread", &*several, "needed", "can see", "single runs"];
    let rows = cells.into_iter().map(|cell| {
        let single = signed(cell.single_runs, decimals([cell.single_runs]));
        [cell.row(), vec![single.trim_start_matches('+').to_owned()]].concat()
    });
    writeln!(out, "{}", terminal::table(&header, rows))?;
    let unpaired = !evidence.replicates.paired;
    let (spread, each) = match unpaired {
        true => ("standard deviation of a difference of single runs", " of each arm"),
        false => ("standard deviation of the differences", ""),
    };
    let mut note = format!(
        "effect: mean over the margin; spread: {spread} over {several}; needed: {several}{each} for \
         a probability of 80 % at that effect and spread; can see: the smallest effect that the \
         {several} at hand support with that probability; single runs: by how much the results of \
         single runs must differ from the margin before that says anything"
    );
    if evidence.replicates.structure.test_to_train() > 0.0 {
        note += "; folds share training items: more of them are further repetitions of the \
                 cross-validation";
    }
    writeln!(out, "{}", terminal::prose(&note))?;
    Ok(Outcome::Done)
}

/// Every cell of the primary hypothesis that has a spread.
fn cells(claim: &Claim, evidence: &Evidence) -> Vec<PowerOfCell> {
    let verdict = judge(claim, evidence);
    let power = power::claim_power(claim, evidence, &verdict);
    power.cells.iter().map(|cell| PowerOfCell::new(claim, cell)).collect()
}
