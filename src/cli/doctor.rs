//! `repro doctor`: what this machine has, and so which evidence each claim can have.

use std::io::Write;

use clap::Args;

use super::{
    Failure, Outcome, Suites, exit, kind,
    list::Sides,
    ours::{Ours, Workshop},
    stdout,
};
use crate::{
    device,
    evidence::{Evidence, EvidenceKind},
    executor::{FirstStep, FirstSteps, NoFirstStep},
    fingerprint::{Authors, BLOCKS, Finding, Found, IMAGES},
    ledger::Key,
    report::terminal,
    trial::{Recipe, Trial},
    world::World,
};

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
            return first_steps(&self.ours.workshop(world, suites)?);
        }
        let mut out = stdout();
        for (name, found) in in_words(&device::inventory()) {
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
fn first_steps(workshop: &Workshop) -> Result<Outcome, Failure> {
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
            match losses(workshop, source, target) {
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
fn losses(workshop: &Workshop, source: &str, target: &str) -> Result<Found, NoFirstStep> {
    let key = Key::new(target, source, BLOCKS, IMAGES);
    let steps = steps(workshop, &Recipe::of(&workshop.world, key))?;
    Ok(Found {
        target: target.to_owned(),
        first_losses: steps.iter().map(|step| step.first_loss).collect(),
        test_losses: steps.iter().filter_map(|step| step.test_loss).collect(),
    })
}

fn steps(workshop: &Workshop, recipe: &Recipe) -> Result<Vec<FirstStep>, NoFirstStep> {
    workshop.with_threads(|device, stock| {
        let mut first_steps = FirstSteps::new(device, stock);
        let trial = |place| Trial { recipe: recipe.clone(), seed: World::seed(place) };
        (0..SEEDS).map(|place| first_steps.of(&trial(place))).collect()
    })
}

fn in_words(found: &device::Inventory) -> Vec<(&'static str, String)> {
    let unknown = || "unknown".to_owned();
    let version = found.libtorch_loaded.clone().unwrap_or_else(unknown);
    let folder = found.loaded_from.clone().unwrap_or_else(unknown);
    let linked = match &found.libtorch_linked {
        Some(linked) if found.libtorch_loaded.as_ref() != Some(linked) => {
            format!(" (built with {linked})")
        }
        _ => String::new(),
    };
    let cuda = match &found.cuda_missing {
        None if found.cuda_devices == 1 => "1 device".to_owned(),
        None => format!("{} devices", found.cuda_devices),
        Some(reason) => format!("none: {reason}"),
    };
    vec![
        ("repro", env!("CARGO_PKG_VERSION").to_owned()),
        ("libtorch", format!("{version}{linked}, from {folder}")),
        ("cpu", format!("{} kernels", found.cpu_capability)),
        (
            "threads",
            format!(
                "{} within an operation, {} between operations",
                found.intra_op_threads, found.inter_op_threads
            ),
        ),
        ("cuda", cuda),
    ]
}
