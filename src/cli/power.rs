//! `repro power`: how many seeds each cell would need, and how small an effect the seeds in hand can see.

use std::io::Write;

use clap::Args;

use super::{Failure, Outcome, Suites, kind, ours::Ours, stdout, verify::gathered};
use crate::{
    claim::{Claim, Relation},
    evidence::{Evidence, EvidenceKind, Looking},
    judge::{CellVerdict, judge},
    report::terminal,
    stats::{MOST_SEEDS, detectable, seeds_needed, t_upper_quantile},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro power --claim l2_best
  repro power --evidence smoke

For each cell of a primary hypothesis, or average where it averages: the effect over the margin and its
spread over seeds, the seeds that would support that effect with a chance of 80 %, and the smallest
effect that the seeds in hand support with that chance. At a sequential look each has its share of the
risk. An effect that was seen is not the true one: after looking, this tells how much a design can see,
not whether the effect is there.";

/// The chance that is asked for.
const POWER: f64 = 0.8;

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
        let suite = suites.of(&kind.world())?;
        let claims = suite.select(&self.ids)?;
        let evidence = gathered(kind, &claims, &self.ours, false)?;
        let rows: Vec<Vec<String>> =
            claims.iter().flat_map(|claim| rows(claim, &evidence)).collect();
        let mut out = stdout();
        if rows.is_empty() {
            writeln!(out, "no cell of these claims has two seeds on {kind} evidence")?;
            return Ok(Outcome::Done);
        }
        let header = ["claim", "cell", "effect", "spread", "seeds", "needed", "can see"];
        writeln!(out, "{}", terminal::table(&header, rows))?;
        writeln!(
            out,
            "effect: mean over the margin; spread: standard deviation over seeds; needed: seeds for a \
             chance of 80 %\nat that effect and spread; can see: the smallest effect that the seeds in \
             hand support with that chance"
        )?;
        Ok(Outcome::Done)
    }
}

/// A row for each cell that has a spread.
fn rows(claim: &Claim, evidence: &Evidence) -> Vec<Vec<String>> {
    let hypothesis = &claim.hypothesis;
    // An equivalence has two margins, and no effect over them.
    if let Relation::EquivalentWithin(_) = hypothesis.relation {
        return Vec::new();
    }
    let looks = match evidence.looking {
        Looking::Fixed => 1.0,
        Looking::Sequential => claim.design.looks.count() as f64,
    };
    let level = claim.design.alpha.level() / looks;
    let verdict = judge(claim, evidence);
    let cells = match verdict.averages.is_empty() {
        true => &verdict.cells,
        false => &verdict.averages,
    };
    let row = |cell: &CellVerdict| {
        let (mean, spread) = (cell.mean?, spread(cell, level)?);
        let effect = mean - verdict.margin;
        let needed = seeds_needed(effect / spread, level, POWER);
        let sees = detectable(cell.seeds, level, POWER) * spread;
        Some(vec![
            claim.id.clone(),
            format!("{}: {}", cell.contrast, cell.name()),
            format!("{effect:+.2}"),
            format!("{spread:.2}"),
            cell.seeds.to_string(),
            match needed {
                Some(seeds) => seeds.to_string(),
                None if effect <= 0.0 => "never".to_owned(),
                None => format!("over {MOST_SEEDS}"),
            },
            format!("{sees:.2}"),
        ])
    };
    cells.iter().filter_map(row).collect()
}

/// The standard deviation over seeds, from the interval that the verdict used.
fn spread(cell: &CellVerdict, level: f64) -> Option<f64> {
    let (low, high) = (cell.low?, cell.high?);
    let seeds = cell.seeds as f64;
    let spread = (high - low) / 2.0 * seeds.sqrt() / t_upper_quantile(level, seeds - 1.0);
    (spread.is_finite() && spread > 0.0).then_some(spread)
}
