//! `repro run`: one fine-tune, a planned one by its key or any that a user writes.

use std::{io::Write, path::PathBuf};

use clap::{ArgGroup, Args};

use super::{
    Failure, Outcome, Suites, exit,
    runs::{details, shortest},
    smoke::{Ours, tell, unusable},
    stdout,
    verify::Format,
};
use crate::{
    executor::Named,
    ledger::{Ended, Entry, Ledger, Seed},
    own::{Own, Planned, seconds_a_pass},
    plan,
    trial::{Recipe, Trial},
    world::World,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro run --key 3f9c01ab                        one trial of `repro plan`; nothing where it is done
  repro run --recipe mine.toml --seed 1           any recipe
  repro run --recipe mine.toml --seed 1 --format json | jq .outcome.finished.evaluations

A recipe names what is fine-tuned; what it leaves out of the protocol is the world's own:
  world = \"smoke\"
  [key]
  target = \"kmnist\"
  source = \"l2_3\"
  blocks = 3
  images = 400
  [protocol]
  learning_rate = 0.01";

#[derive(Args)]
#[command(group(ArgGroup::new("which").required(true).args(["key", "recipe"])))]
pub(super) struct Run {
    /// The key of a planned trial, or as many of its first digits as tell it from all others
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// A recipe of one's own
    #[arg(long, value_name = "FILE", requires = "seed")]
    recipe: Option<PathBuf>,
    /// Its seed
    #[arg(long, value_name = "SEED", conflicts_with = "key")]
    seed: Option<u64>,
    /// Text for people, or JSON for machines
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    ours: Ours,
}

impl Run {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        let ledger = self.ours.ledger();
        let named = match (&self.key, &self.recipe, self.seed) {
            (Some(key), _, _) => find(key, suites, &ledger)?,
            (None, Some(file), Some(seed)) => read(file, Seed(seed))?,
            _ => unreachable!("clap asks for a key, or a recipe and a seed"),
        };
        let entry = once(&self.ours, &ledger, &named)?;
        let mut out = stdout();
        match self.format {
            Format::Json => {
                serde_json::to_writer_pretty(&mut out, &entry).map_err(std::io::Error::from)?;
                writeln!(out)?;
            }
            Format::Text => write!(out, "{}", details(&entry))?,
        }
        match entry.outcome {
            Ended::Finished(_) => Ok(Outcome::Done),
            Ended::Failed { .. } => Err(Failure::silent(exit::FAILED)),
        }
    }
}

/// The entry of a trial, run if the ledger has none that finished.
fn once(ours: &Ours, ledger: &Ledger, named: &Named) -> Result<Entry, Failure> {
    let mut damaged = Vec::new();
    let there = ledger.get(&named.id, &mut |file| damaged.push(file)).map_err(unusable)?;
    tell(&damaged);
    match there {
        Some(entry) if matches!(entry.outcome, Ended::Finished(_)) => {
            anstream::eprintln!("the ledger has it already: {}", shortest(&named.id));
            Ok(entry)
        }
        _ => {
            ours.run(ledger, named, seconds_a_pass(&[]))?;
            let entry = ledger.get(&named.id, &mut |_| ()).map_err(unusable)?;
            entry.ok_or_else(|| {
                Failure::new(exit::INPUT, miette::miette!("the record vanished from the ledger"))
            })
        }
    }
}

/// A planned trial by the first digits of its key.
fn find(key: &str, suites: &Suites<'_>, ledger: &Ledger) -> Result<Named, Failure> {
    let world = World::smoke();
    let suite = suites.of(&world)?;
    let claims = suite.select(&[])?;
    let own = Own { world: &world, ledger };
    let all = plan::at_most(&claims, &world);
    let mut found = all.into_keys().filter_map(|(key, seed)| own.named(key, seed));
    let mut matching = found.by_ref().filter(|named| named.id.starts_with(key));
    match (matching.next(), matching.next()) {
        (Some(named), None) => Ok(named),
        (None, _) => Err(Failure::usage(
            format!("no claim can ask for a trial with the key `{key}`"),
            "`repro plan` lists keys; a recipe of your own is run with --recipe and --seed",
        )),
        (Some(_), Some(_)) => Err(Failure::usage(
            format!("`{key}` begins the keys of several trials"),
            "give more of its digits",
        )),
    }
}

/// A recipe that a user wrote.
fn read(file: &std::path::Path, seed: Seed) -> Result<Named, Failure> {
    let text = std::fs::read_to_string(file).map_err(|cause| {
        let report = miette::miette!(
            help = "name a TOML file; `repro run --help` shows one",
            "failed to read {}: {cause}",
            file.display()
        );
        Failure::new(exit::INPUT, report)
    })?;
    let (recipe, _) = Recipe::read(&text, &[World::smoke(), World::paper()]).map_err(|error| {
        Failure::usage(format!("{}: {error}", file.display()), "`repro run --help` shows a recipe")
    })?;
    let what = format!("{} from {}", recipe.key.target, recipe.key.source);
    Named::new(Trial { recipe, seed }).ok_or_else(|| {
        Failure::usage(
            format!("{what}: neither ships with the project"),
            "the smoke world's sources and targets do",
        )
    })
}

/// Used by `plan`: what a planned trial is called in a list.
pub(super) fn line(planned: &Planned) -> [String; 3] {
    let Planned { named, wanted_by } = planned;
    let Trial { recipe, seed } = &named.trial;
    // Claims alone, whichever of their readings it is; the lines for machines name all.
    let mut wanted: Vec<&str> =
        wanted_by.iter().map(|name| name.split('/').next().unwrap_or(name)).collect();
    wanted.dedup();
    [shortest(&named.id).to_owned(), format!("{}, seed {}", recipe.key, seed.0), wanted.join(", ")]
}
