//! Which records are meant: by set-up, target, source model, sizes, and whether they failed.

use std::{collections::BTreeSet, fmt::Write as _};

use clap::Args;

use super::super::{
    Failure, kind,
    local::{unusable, warn_damaged},
    messages::message,
    numbers::Numbers,
};
use crate::{
    experiment::Recipe,
    store::{Ended, Entry, Ledger},
    util::suggest::did_you_mean,
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

impl Filter {
    /// The records that are meant, ordered by what was fine-tuned and by seed.
    pub fn select(&self, ledger: &Ledger) -> Result<Vec<Entry>, Failure> {
        let mut damaged = Vec::new();
        let mut entries = ledger.all(&mut |file| damaged.push(file)).map_err(unusable)?;
        warn_damaged(&damaged);
        let all = entries.len();
        let unknown = self.unknown_names(&entries);
        entries.retain(|entry| self.matches(entry));
        if !ledger.folder().exists() {
            message!(
                "note: the ledger {} does not exist yet: `repro verify` creates it with the first \
                 record, `--ledger` names another",
                ledger.folder().display()
            );
        }
        if entries.is_empty() && all > 0 {
            message!("note: none of the {all} records matches{unknown}");
        }
        entries.sort_by(|left, right| {
            let order = |entry: &Entry| (entry.trial.recipe.key.clone(), entry.trial.seed);
            order(left).cmp(&order(right))
        });
        Ok(entries)
    }

    /// Names that no record has, with the nearest that one has.
    fn unknown_names(&self, entries: &[Entry]) -> String {
        let names = |of: fn(&Recipe) -> &str| -> BTreeSet<&str> {
            entries.iter().map(|entry| of(&entry.trial.recipe)).collect()
        };
        let mut text = String::new();
        for (what, names, known) in [
            ("set-up", &self.world, names(|recipe| kind::world_name(&recipe.world))),
            ("target", &self.target, names(|recipe| &recipe.key.target)),
            ("source model", &self.source, names(|recipe| &recipe.key.source)),
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

    fn matches(&self, entry: &Entry) -> bool {
        let Recipe { world, key, .. } = &entry.trial.recipe;
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
            && (!self.failed || matches!(entry.outcome, Ended::Failed { .. }))
    }
}
