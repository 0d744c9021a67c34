//! `repro doctor`: what this machine has, and so which evidence each claim can have.

use std::io::Write;

use clap::Args;

use super::{
    Failure, Outcome, Suites, exit, handoff, kind,
    list::Sides,
    local::{Ours, RunContext},
    runtime::Machine,
    stdout,
};
use crate::{
    evidence::Evidence,
    experiment::{EvidenceKind, Key, Trial},
    replication::fingerprint::{Authors, BLOCKS, Finding, Found, IMAGES},
    report::terminal,
    world::World,
};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const NO_ENGINE: &str =
    "none in this build, which judges and runs nothing: `make build` makes one that has";

pub(super) const EXAMPLES: &str = "\
Examples:
  repro doctor
  repro doctor --world paper     are these the authors' weights? One step of each source on each target
                                 that is here, against the authors' log; one answer a source. Without a
                                 GPU by the first batch's loss alone, which tells less";

/// Seeds whose first step is run.
const SEEDS: usize = 3;

#[derive(Args)]
pub(super) struct Doctor {
    /// Run the first step of its fine-tunes, and compare their losses with the authors' log
    #[arg(long, value_parser = kind::one_of(kind::PAPER))]
    world: Option<EvidenceKind>,
    #[command(flatten)]
    ours: Ours,
}

impl Doctor {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        if let Some(world) = self.world {
            return first_steps(&self.ours.context(world, suites));
        }
        handoff::rather(suites.engine)?;
        let mut out = stdout();
        let without = || vec![("repro", VERSION.to_owned()), ("engine", NO_ENGINE.to_owned())];
        for (name, found) in suites.engine.map_or_else(without, |engine| engine.inventory()) {
            writeln!(out, "{name:<10} {found}")?;
        }
        let sides = Sides::new(suites, &self.ours)?;
        for evidence in &sides.evidence {
            let (title, count) = (&evidence.title, evidence.records.len());
            writeln!(out, "{:<10} {title}: {count} records", evidence.kind.name())?;
        }
        writeln!(out, "{:<10} {}", "ledger", self.ours.ledger().folder().display())?;
        writeln!(out)?;
        let words = |(there, asked): (usize, usize)| match there {
            _ if there == asked => format!("yes, all {asked} fine-tunes"),
            0 => "no record".to_owned(),
            _ => format!("{there} of {asked} fine-tunes"),
        };
        let rows = sides.published.claims().iter().map(|claim| {
            let mut row = vec![claim.id.clone()];
            row.extend(sides.coverage(&claim.id).map(words));
            row
        });
        writeln!(
            out,
            "{}",
            terminal::table(&["claim", "published evidence", "smoke evidence"], rows)
        )?;
        writeln!(
            out,
            "\n`repro verify` runs what the smoke evidence lacks; any claim can be judged on a log that \
             has its\nrecords: repro verify --log FILE"
        )?;
        Ok(Outcome::Done)
    }
}

/// Compares each source model by its losses on all targets that are here.
fn first_steps(workshop: &RunContext) -> Result<Outcome, Failure> {
    let machine = workshop.machine()?;
    let authors = Authors::of(&Evidence::published()?.records);
    let mut out = stdout();
    let mut models = Vec::new();
    for source in workshop.world.sources.keys() {
        let mut found = Vec::new();
        for target in workshop.world.targets.keys() {
            write!(out, "{source}, {target}: ")?;
            out.flush()?;
            if authors.of_model(source, target).is_none() {
                writeln!(out, "the authors' log has no such fine-tune")?;
                continue;
            }
            match losses(workshop, machine, source, target) {
                Ok(losses) => {
                    writeln!(out, "{}", authors.beside(source, &losses))?;
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

/// Losses of a source model's first steps on a target, one a seed.
fn losses(
    workshop: &RunContext,
    machine: &dyn Machine,
    source: &str,
    target: &str,
) -> Result<Found, String> {
    let key = Key::new(target, source, BLOCKS, IMAGES);
    let recipe = workshop.world.recipe(key);
    let trial = |place| Trial { recipe: recipe.clone(), seed: World::seed(place) };
    let trials: Vec<Trial> = (0..SEEDS).map(trial).collect();
    let steps = machine.first_steps(&workshop.stock, &trials)?;
    Ok(Found {
        target: target.to_owned(),
        first_losses: steps.iter().map(|(first_loss, _)| *first_loss).collect(),
        test_losses: steps.iter().filter_map(|(_, test_loss)| *test_loss).collect(),
    })
}
