//! `repro run`: one fine-tune, a planned or a failed one by its key or any that a user writes.

use std::{
    collections::BTreeSet,
    io::Write,
    path::{Path, PathBuf},
};

use clap::{ArgGroup, Args};

use super::{
    Failure, Outcome, Suites, exit,
    format::{Format, OneOf, TEXT_OR_JSON},
    handoff,
    local::{Ours, RunContext, tell, unusable},
    rerun::again,
    runs::{details, only, shortest},
    stdout,
};
use crate::{
    assets::Named,
    experiment::{EvidenceKind, Seed, Trial},
    figure::catalogue::{self, Gallery},
    plan::{self, campaign::Planned},
    store::{Ended, Entry},
    world::World,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro run --key 3f9c01ab                        one trial of `repro plan`; nothing where it is done
  repro run --key 5d20e7aa                        ... or one that failed, whatever it was run for
  repro run --recipe mine.toml --seed 1           any recipe
  repro run --recipe mine.toml --seed 1,2,3       several seeds
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
    /// The key of a trial that is planned or in the ledger, or as many of its first digits as tell it from
    /// all others
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// A recipe of one's own
    #[arg(long, value_name = "FILE", requires = "seed")]
    recipe: Option<PathBuf>,
    /// Its seed, or several with commas between them
    #[arg(long, value_name = "SEED", value_delimiter = ',', conflicts_with = "key")]
    seed: Vec<u64>,
    /// Text for people, or JSON for machines: one object a seed
    #[arg(long, value_parser = OneOf(TEXT_OR_JSON), default_value = "text")]
    format: Format,
    #[command(flatten)]
    ours: Ours,
}

impl Run {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        handoff::rather(suites.engine)?;
        let (workshop, trials) = match (&self.key, &self.recipe) {
            (Some(key), _) => self.find(key, suites)?,
            (None, Some(file)) => self.read(file, suites)?,
            (None, None) => unreachable!("clap asks for a key, or a recipe and its seeds"),
        };
        let entries = run(&workshop, &trials)?;
        // Not before: who ends the process while trials run flushes standard output, and needs it free.
        let mut out = stdout();
        let mut failed = false;
        for entry in entries {
            match self.format {
                Format::Json => {
                    serde_json::to_writer_pretty(&mut out, &entry).map_err(std::io::Error::from)?;
                    writeln!(out)?;
                }
                Format::Text => write!(out, "{}", details(&entry))?,
                other => other.is_not_offered(),
            }
            failed |= matches!(entry.outcome, Ended::Failed { .. });
        }
        if failed { Err(Failure::silent(exit::FAILED)) } else { Ok(Outcome::Done) }
    }

    /// A planned trial by the first digits of its key, in whichever world it is; else one that the ledger
    /// has an entry of, whoever asked for it.
    fn find(&self, key: &str, suites: &Suites<'_>) -> Result<(RunContext, Vec<Named>), Failure> {
        let mut found = Vec::new();
        for kind in EvidenceKind::OWN {
            let workshop = self.ours.context(kind, suites);
            let suite = suites.of(kind)?;
            let mut all = plan::at_most(&suite.select(&[])?, &workshop.world);
            let gallery = Gallery::of(&workshop.world);
            let wanted = catalogue::wanted(&gallery.figures.iter().collect::<Vec<_>>());
            all.extend(plan::points(&wanted, plan::MOST_SEEDS, &workshop.world));
            let named =
                all.into_keys().filter_map(|(key, seed)| workshop.campaign().named(key, seed).ok());
            let matching: Vec<Named> = named.filter(|named| named.id.starts_with(key)).collect();
            found.extend(matching.into_iter().map(|named| (kind, named)));
        }
        match found.len() {
            1 => {
                let (kind, named) = found.swap_remove(0);
                Ok((self.ours.context(kind, suites), vec![named]))
            }
            0 => match only(&self.ours.ledger(), key)? {
                Some(entry) => {
                    let (workshop, named) = again(&self.ours, suites, &entry)?;
                    Ok((workshop, vec![named]))
                }
                None => Err(Failure::usage(
                    format!(
                        "no claim and no figure can ask for a trial with the key `{key}`, and the ledger \
                         has none"
                    ),
                    "`repro plan` lists keys; a recipe of your own is run with --recipe and --seed",
                )),
            },
            _ => Err(Failure::usage(
                format!("`{key}` begins the keys of several trials"),
                "give more of its digits",
            )),
        }
    }

    /// The trials of a recipe that a user wrote, one a seed.
    fn read(&self, file: &Path, suites: &Suites<'_>) -> Result<(RunContext, Vec<Named>), Failure> {
        let text = std::fs::read_to_string(file).map_err(|cause| {
            let report = miette::miette!(
                help = "name a TOML file; `repro run --help` shows one",
                "failed to read {}: {cause}",
                file.display()
            );
            Failure::new(exit::INPUT, report)
        })?;
        let (recipe, world) =
            World::read_recipe(&text, &EvidenceKind::OWN.map(|kind| suites.world(kind))).map_err(
                |error| {
                    let message = format!("{}: {error}", file.display());
                    Failure::usage(message, "`repro run --help` shows a recipe")
                },
            )?;
        let kind = EvidenceKind::named(&world.id).expect("worlds are named like their evidence");
        let workshop = self.ours.context(kind, suites);
        let seeds: BTreeSet<Seed> = self.seed.iter().copied().map(Seed).collect();
        let named = |seed| {
            let trial = Trial::new(recipe.clone(), seed);
            let trial = trial.map_err(|error| Failure::usage(error, "name a smaller --seed"))?;
            workshop.named(trial)
        };
        let trials = seeds.into_iter().map(named).collect::<Result<Vec<_>, Failure>>()?;
        Ok((workshop, trials))
    }
}

/// The entries of trials, after running those that the ledger has not as finished.
fn run(workshop: &RunContext, trials: &[Named]) -> Result<Vec<Entry>, Failure> {
    let ledger = &workshop.ledger;
    let mut damaged = Vec::new();
    let mut missing = Vec::new();
    for named in trials {
        let there = ledger.get(&named.id, &mut |file| damaged.push(file)).map_err(unusable)?;
        match there {
            Some(entry) if matches!(entry.outcome, Ended::Finished(_)) => {
                anstream::eprintln!("the ledger has it already: {}", shortest(&named.id));
            }
            _ => missing.push(named.clone()),
        }
    }
    tell(&damaged);
    if !missing.is_empty() {
        workshop.run_into(ledger, &missing, None)?;
    }
    let entry = |named: &Named| {
        let entry = ledger.get(&named.id, &mut |_| ()).map_err(unusable)?;
        entry.ok_or_else(|| {
            Failure::new(exit::INPUT, miette::miette!("the record vanished from the ledger"))
        })
    };
    trials.iter().map(entry).collect()
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
