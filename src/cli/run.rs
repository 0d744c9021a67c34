//! `repro run`: one fine-tune, planned or failed, by its key; or any recipe that a user writes.

use std::{
    collections::BTreeSet,
    io::Write,
    path::{Path, PathBuf},
};

use clap::{ArgGroup, Args};

use super::{
    Failure, Outcome, Suites, exit,
    format::{Format, OneOf, TEXT_OR_JSON, json},
    handoff,
    local::{LocalArguments, RunContext, unusable, warn_damaged},
    messages::{message, stdout},
    numbers::Numbers,
    records::{details, only, shortest, suggestion},
    rerun::again,
};
use crate::{
    assets::IdentifiedTrial,
    experiment::{EvidenceKind, Seed, Trial},
    figure::catalogue::{self, FigureCatalogue},
    plan,
    store::{Ended, Entry},
    util::files,
    world::World,
};

/// Size limit of a recipe's file; the longest has a few thousand bytes.
const LARGEST_RECIPE_BYTES: u64 = 1 << 20;

pub(super) const EXAMPLES: &str = "\
Examples:
  repro run --key 3f9c01ab                   one fine-tune of `repro plan`, unless it has finished
  repro run --key 5d20e7aa                   ... or one that failed, whatever asked for it
  repro run --recipe mine.toml --seed 1      any recipe
  repro run --recipe mine.toml --seed 1..3,7 several seeds: 1, 2, 3 and 7
  repro run --recipe mine.toml --seed 1 --format json | jq .outcome.finished.evaluations

A recipe names what is fine-tuned. Protocol fields that it leaves out have the set-up's values:
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
    /// A planned or recorded fine-tune, by the first digits of its key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// A recipe of your own
    #[arg(long, value_name = "FILE", requires = "seed")]
    recipe: Option<PathBuf>,
    /// The recipe's seeds: numbers and ranges with commas between them, such as 1..3,7
    #[arg(long, value_name = "SEED", value_delimiter = ',', conflicts_with = "key")]
    seed: Vec<Numbers<u64>>,
    /// Text for people, or JSON for programs: one object a seed
    #[arg(long, value_parser = OneOf(TEXT_OR_JSON), default_value = "text")]
    format: Format,
    #[command(flatten)]
    local: LocalArguments,
}

impl Run {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        handoff::rather(suites.engine)?;
        let (context, trials) = match (&self.key, &self.recipe) {
            (Some(key), _) => self.find(key, suites)?,
            (None, Some(file)) => self.read(file, suites)?,
            (None, None) => unreachable!("clap requires a key, or a recipe and its seeds"),
        };
        let entries = run(&context, &trials)?;
        // Not before trials have run: a second Ctrl-C flushes standard output, and needs its lock.
        let mut out = stdout();
        let mut failed = false;
        for entry in entries {
            match self.format {
                Format::Json => json(&mut out, &entry)?,
                Format::Text => write!(out, "{}", details(&entry))?,
                other => other.is_not_offered(),
            }
            failed |= matches!(entry.outcome, Ended::Failed { .. });
        }
        if failed { Err(Failure::silent(exit::FAILED)) } else { Ok(Outcome::Done) }
    }

    /// A planned trial of any set-up by the first digits of its key; otherwise one that has a
    /// record.
    fn find(
        &self,
        key: &str,
        suites: &Suites<'_>,
    ) -> Result<(RunContext, Vec<IdentifiedTrial>), Failure> {
        let mut found = Vec::new();
        for kind in EvidenceKind::LOCAL {
            let context = self.local.context(kind, suites);
            let suite = suites.suite(kind)?;
            let mut all = plan::at_most(&suite.select(&[])?, &context.world);
            let figures = FigureCatalogue::new(&context.world).figures;
            let needed = catalogue::needed_keys(&figures.iter().collect::<Vec<_>>());
            all.extend(plan::points(&needed, plan::MOST_SEEDS, &context.world));
            let trials = all
                .into_keys()
                .filter_map(|(key, seed)| context.campaign().identify(key, seed).ok());
            let matching: Vec<IdentifiedTrial> =
                trials.filter(|trial| trial.id.starts_with(key)).collect();
            found.extend(matching.into_iter().map(|trial| (kind, trial)));
        }
        match found.len() {
            1 => {
                let (kind, trial) = found.swap_remove(0);
                Ok((self.local.context(kind, suites), vec![trial]))
            }
            0 => match only(&self.local.ledger(), key)? {
                Some(entry) => {
                    let (context, trial) = again(&self.local, suites, &entry)?;
                    Ok((context, vec![trial]))
                }
                None => {
                    let hint = suggestion(&self.local.ledger(), key)?;
                    Err(Failure::usage(
                        format!(
                            "unknown key `{key}`: no claim or figure needs such a fine-tune, and \
                             the ledger has no record of it{hint}"
                        ),
                        "`repro plan` lists keys; --recipe and --seed run a recipe of your own",
                    ))
                }
            },
            _ => Err(Failure::usage(
                format!("several fine-tunes have keys that begin with `{key}`"),
                "give more of its digits",
            )),
        }
    }

    /// The trials of a user's recipe, one a seed.
    fn read(
        &self,
        file: &Path,
        suites: &Suites<'_>,
    ) -> Result<(RunContext, Vec<IdentifiedTrial>), Failure> {
        let text = files::text(file, LARGEST_RECIPE_BYTES).map_err(|cause| {
            let report = miette::miette!(
                help = "name a TOML file; `repro run --help` has an example",
                "failed to read {}: {cause}",
                file.display()
            );
            Failure::new(exit::INPUT, report)
        })?;
        let name = file.display().to_string();
        let worlds = EvidenceKind::LOCAL.map(|kind| suites.world(kind));
        let (recipe, world, old) = World::read_recipe(&name, &text, &worlds).map_err(|error| {
            Failure::usage(format!("{name}: {error}"), "`repro run --help` has an example")
        })?;
        suites.note_old_spellings(&old);
        let kind = EvidenceKind::named(&world.id).expect("worlds are named like their evidence");
        let context = self.local.context(kind, suites);
        let seeds: BTreeSet<Seed> = self.seed.iter().flat_map(|of| of.iter()).map(Seed).collect();
        let identify = |seed| {
            let trial = Trial::new(recipe.clone(), seed);
            let trial = trial.map_err(|error| Failure::usage(error, "name a smaller --seed"))?;
            context.identify(trial)
        };
        let trials = seeds.into_iter().map(identify).collect::<Result<Vec<_>, Failure>>()?;
        Ok((context, trials))
    }
}

/// The records of trials, after running those that have not finished.
fn run(context: &RunContext, trials: &[IdentifiedTrial]) -> Result<Vec<Entry>, Failure> {
    let ledger = &context.ledger;
    let mut damaged = Vec::new();
    let mut missing = Vec::new();
    for trial in trials {
        let present = ledger.get(&trial.id, &mut |file| damaged.push(file)).map_err(unusable)?;
        match present {
            Some(entry) if matches!(entry.outcome, Ended::Finished(_)) => {
                message!("note: the ledger has it already: {}", shortest(&trial.id));
            }
            _ => missing.push(trial.clone()),
        }
    }
    warn_damaged(&damaged);
    if missing.is_empty() {
        ledger.tidy();
    } else {
        context.run_into(ledger, &missing, None)?;
    }
    let entry = |trial: &IdentifiedTrial| {
        let entry = ledger.get(&trial.id, &mut |_| ()).map_err(unusable)?;
        entry.ok_or_else(|| {
            Failure::new(exit::INPUT, miette::miette!("the record vanished from the ledger"))
        })
    };
    trials.iter().map(entry).collect()
}
