//! `repro power`: how many seeds each cell would need, and how small an effect the seeds in hand can see.

use std::io::Write;

use clap::Args;

use super::{Failure, Outcome, Suites, kind, local::Ours, stdout, verify::gathered};
use crate::{
    claim::Claim,
    evidence::Evidence,
    experiment::EvidenceKind,
    judge::{
        judge,
        power::{self, CellPower},
    },
    report::terminal,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro power --claim l2_best
  repro power --evidence smoke

For each cell of a primary hypothesis, or average where it averages: the effect over the margin and its \
spread over seeds, the seeds that would support that effect with a chance of 80 %, and the smallest \
effect that the seeds in hand support with that chance. At a sequential look each has its share of the \
risk. An effect that was seen is not the true one: after looking, this tells how much a design can see, \
not whether the effect is there.";

#[derive(Args)]
pub(super) struct Power {
    /// A claim; may be given again. All of them where none is given
    #[arg(long = "claim", value_name = "ID")]
    ids: Vec<String>,
    /// The evidence whose effects and spreads are taken; nothing is run
    #[arg(
        long,
        value_name = "KIND",
        value_parser = kind::one_of(kind::ALL),
        default_value = "published"
    )]
    evidence: EvidenceKind,
    #[command(flatten)]
    ours: Ours,
}

impl Power {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        let kind = self.evidence;
        let suite = suites.of(kind)?;
        let claims = suite.select(&self.ids)?;
        let evidence = gathered(kind, &claims, &self.ours, suites, false)?;
        let rows: Vec<Vec<String>> =
            claims.iter().flat_map(|claim| rows(claim, &evidence)).collect();
        let mut out = stdout();
        if rows.is_empty() {
            writeln!(out, "no cell of these claims has two seeds on {kind} evidence")?;
            return Ok(Outcome::Done);
        }
        let header = ["claim", "cell", "effect", "spread", "seeds", "needed", "can see"];
        writeln!(out, "{}", terminal::table(&header, rows))?;
        let words = "effect: mean over the margin; spread: standard deviation over seeds; needed: seeds for a \
                     chance of 80 % at that effect and spread; can see: the smallest effect that the seeds in \
                     hand support with that chance";
        writeln!(out, "{}", terminal::prose(words))?;
        Ok(Outcome::Done)
    }
}

/// A row for each cell that has a spread.
fn rows(claim: &Claim, evidence: &Evidence) -> Vec<Vec<String>> {
    let verdict = judge(claim, evidence);
    let row = |of: &CellPower<'_>| {
        vec![
            claim.id.clone(),
            format!("{}: {}", of.cell.contrast, of.cell.name),
            format!("{:+.2}", of.effect),
            format!("{:.2}", of.spread),
            of.cell.seeds.to_string(),
            of.needed.to_string(),
            format!("{:.2}", of.sees),
        ]
    };
    power::of(claim, evidence, &verdict).cells.iter().map(row).collect()
}
