//! Which records are meant: by set-up, target, source model, sizes, and whether they failed.

use std::{collections::BTreeSet, fmt::Write as _, sync::Arc};

use clap::Args;

use super::super::{
    Failure, kind,
    local::{unusable, warn_damaged},
    messages::message,
    numbers::Numbers,
};
use crate::{
    experiment::{Key, Recipe, Seed, Trial},
    store::{Ended, Entry, Ledger},
    util::suggest::did_you_mean,
    world::World,
};

/// Selects records. Of several values of an option, any may match; every option must.
#[derive(Args)]
pub(super) struct Filter {
    /// Only records of these set-ups
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    world: Vec<String>,
    /// Only records of these targets
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    target: Vec<String>,
    /// Only records of these source models
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    source: Vec<String>,
    /// Only records with these numbers of fine-tuned blocks, such as 0,3 or 1..9
    #[arg(long, value_name = "N", value_delimiter = ',')]
    blocks: Vec<Numbers<u32>>,
    /// Only records with these numbers of training images, such as 100,400 or 100..800
    #[arg(long, value_name = "N", value_delimiter = ',')]
    images: Vec<Numbers<u32>>,
    /// Only fine-tunes that failed
    #[arg(long)]
    failed: bool,
}

/// What a list shows of a record. The record itself stays on disk: a ledger may have very many.
pub(super) struct Listed {
    pub id: String,
    pub key: Key,
    pub seed: Seed,
    /// How its protocol differs from its set-up's.
    pub unusual: Vec<String>,
    /// The last test accuracy in percent; `None` if it failed.
    pub accuracy: Option<f64>,
    pub seconds: f64,
    world: Arc<str>,
}

impl Listed {
    fn new(entry: Entry) -> Self {
        let unusual = World::unusual(&entry.trial.recipe);
        let Trial { recipe: Recipe { world, key, .. }, seed } = entry.trial;
        let accuracy = match &entry.outcome {
            Ended::Finished(outcome) => outcome.evaluations.last().map(|last| last.test_accuracy),
            Ended::Failed { .. } => None,
        };
        let seconds = entry.provenance.seconds;
        Self { id: entry.id, key, seed, unusual, accuracy, seconds, world }
    }
}

impl Filter {
    /// Whether anything is selected.
    pub fn is_any(&self) -> bool {
        let Self { world, target, source, blocks, images, failed } = self;
        let named = [world, target, source].into_iter().any(|names| !names.is_empty());
        named || *failed || !(blocks.is_empty() && images.is_empty())
    }

    /// The records that are meant, ordered by what was fine-tuned and by seed.
    pub fn select(&self, ledger: &Ledger) -> Result<Vec<Listed>, Failure> {
        let mut damaged = Vec::new();
        let take = |entry| Some(Listed::new(entry));
        let mut records = ledger.map(&mut |file| damaged.push(file), &take).map_err(unusable)?;
        warn_damaged(&damaged);
        let all = records.len();
        let unknown = self.unknown_names(&records);
        records.retain(|record| self.matches(record));
        if !ledger.folder().exists() {
            message!(
                "note: the ledger {} does not exist yet: `repro verify` creates it with the first \
                 record, `--ledger` names another",
                ledger.folder().display()
            );
        }
        if records.is_empty() && all > 0 {
            message!("note: none of the {all} records matches{unknown}");
        }
        records.sort_by(|left, right| (&left.key, left.seed).cmp(&(&right.key, right.seed)));
        Ok(records)
    }

    /// Names that no record has, with the nearest that one has.
    fn unknown_names(&self, records: &[Listed]) -> String {
        let names =
            |of: fn(&Listed) -> &str| -> BTreeSet<&str> { records.iter().map(of).collect() };
        let mut text = String::new();
        for (what, names, known) in [
            ("set-up", &self.world, names(|record| kind::world_name(&record.world))),
            ("target", &self.target, names(|record| &record.key.target)),
            ("source model", &self.source, names(|record| &record.key.source)),
        ] {
            for name in names {
                let name = if what == "set-up" { kind::world_name(name) } else { name };
                if !known.contains(name) {
                    let hint = did_you_mean(name, known.iter().copied());
                    let _ = write!(text, "; no record has the {what} `{name}`{hint}");
                }
            }
        }
        text
    }

    fn matches(&self, Listed { key, world, accuracy, .. }: &Listed) -> bool {
        let named =
            |names: &[String], name: &str| names.is_empty() || names.iter().any(|one| one == name);
        let counted = |numbers: &[Numbers<u32>], number: u32| {
            numbers.is_empty() || numbers.iter().any(|range| range.contains(number))
        };
        let world = kind::world_name(world);
        let of_world = |name: &String| kind::world_name(name) == world;
        (self.world.is_empty() || self.world.iter().any(of_world))
            && named(&self.target, &key.target)
            && named(&self.source, &key.source)
            && counted(&self.blocks, key.blocks)
            && counted(&self.images, key.images)
            && (!self.failed || accuracy.is_none())
    }
}
