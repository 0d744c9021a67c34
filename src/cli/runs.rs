//! `repro runs`: lists, filters and shows the records of a ledger.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    Failure, Outcome, exit,
    format::{Format, OneOf, TEXT_OR_JSON},
    local::{Ours, tell, unusable},
    stdout,
};
use crate::{
    experiment::Recipe,
    figure::numbers::counted,
    report::terminal,
    store::{Ended, Entry, Ledger, bundle},
    util::suggest::did_you_mean,
    world::World,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro runs                                   every record
  repro runs --target kmnist --source l2_3     some of them
  repro runs 3f9c01ab                          one, with its curve
  repro runs --format json | jq '.[].trial.recipe.key'
  repro runs --world lab --export lab.jsonl.gz some of them in one file, to be carried or to ship
  repro runs --import lab.jsonl.gz             ... and into another ledger";

#[derive(Args)]
pub(super) struct Runs {
    /// Show one record: the first digits of its name
    #[arg(value_name = "RECORD")]
    record: Option<String>,
    /// Those of this world
    #[arg(long, value_name = "NAME")]
    world: Option<String>,
    /// Those of this target
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// Those of this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Those of this many fine-tuned blocks
    #[arg(long, value_name = "N")]
    blocks: Option<u32>,
    /// Those of this many training images
    #[arg(long, value_name = "N")]
    images: Option<u32>,
    /// Those that failed
    #[arg(long)]
    failed: bool,
    /// Write them into one file
    #[arg(long, value_name = "FILE", conflicts_with = "record")]
    export: Option<PathBuf>,
    /// Take the records of such a file into the ledger first
    #[arg(long, value_name = "FILE")]
    import: Option<PathBuf>,
    /// Text for people, or JSON for machines
    #[arg(long, value_parser = OneOf(TEXT_OR_JSON), default_value = "text")]
    format: Format,
    #[command(flatten)]
    ours: Ours,
}

/// Takes a file's records into a ledger. One that finished here already stays as it is.
fn take(path: &Path, ledger: &Ledger) -> Result<(), Failure> {
    let entries = bundle::read(path).map_err(|error| Failure::new(exit::INPUT, error))?;
    let (mut damaged, mut taken, mut differ) = (Vec::new(), 0, 0);
    for entry in &entries {
        let there = ledger.get(&entry.id, &mut |file| damaged.push(file)).map_err(unusable)?;
        match there {
            Some(there) if matches!(there.outcome, Ended::Finished(_)) => {
                differ += usize::from(!there.agrees_with(entry));
            }
            _ => {
                ledger.put(entry).map_err(unusable)?;
                taken += 1;
            }
        }
    }
    tell(&damaged);
    anstream::eprintln!("{} taken from {}", counted(taken, "record"), path.display());
    if taken < entries.len() {
        let kept = entries.len() - taken;
        anstream::eprintln!(
            "{kept} were here already, {differ} of them with another outcome, and stay as they are"
        );
    }
    Ok(())
}

impl Runs {
    pub(super) fn run(&self) -> Result<Outcome, Failure> {
        let ledger = self.ours.ledger();
        let mut out = stdout();
        if let Some(path) = &self.import {
            take(path, &ledger)?;
        }
        if let Some(record) = &self.record {
            let entry = one(&ledger, record)?;
            match self.format {
                Format::Json => json(&mut out, &entry)?,
                Format::Text => write!(out, "{}", details(&entry))?,
                other => other.is_not_offered(),
            }
            return Ok(Outcome::Done);
        }
        let mut damaged = Vec::new();
        let mut entries = ledger.all(&mut |file| damaged.push(file)).map_err(unusable)?;
        tell(&damaged);
        let all = entries.len();
        let names = self.unknown_names(&entries);
        entries.retain(|entry| self.wanted(entry));
        if !ledger.folder().exists() {
            anstream::eprintln!(
                "there is no folder {} yet: `repro verify` makes it with the first record, `--ledger` names another",
                ledger.folder().display()
            );
        }
        if entries.is_empty() && all > 0 {
            anstream::eprintln!("none of {all} records is asked for{names}");
        }
        entries.sort_by(|left, right| {
            let order = |entry: &Entry| (entry.trial.recipe.key.clone(), entry.trial.seed);
            order(left).cmp(&order(right))
        });
        if let Some(path) = &self.export {
            bundle::write(path, &entries).map_err(|error| Failure::new(exit::OUTPUT, error))?;
            let written = counted(entries.len(), "record");
            writeln!(out, "{written} written to {}", path.display())?;
            return Ok(Outcome::Done);
        }
        if let Format::Json = self.format {
            json(&mut out, &entries)?;
            return Ok(Outcome::Done);
        }
        let rows = entries.iter().map(|entry| {
            let key = &entry.trial.recipe.key;
            let last = match &entry.outcome {
                Ended::Finished(outcome) => {
                    let last = outcome.evaluations.last();
                    last.map_or_else(String::new, |last| format!("{:.2}", last.test_accuracy))
                }
                Ended::Failed { .. } => "failed".to_owned(),
            };
            vec![
                shortest(&entry.id).to_owned(),
                [vec![key.to_string()], World::unusual(&entry.trial.recipe)].concat().join(", "),
                entry.trial.seed.0.to_string(),
                last,
                format!("{:.1}", entry.provenance.seconds),
            ]
        });
        writeln!(out, "{}", terminal::table(&["record", "what", "seed", "accuracy %", "s"], rows))?;
        writeln!(out, "{} in {}", counted(entries.len(), "record"), ledger.folder().display())?;
        Ok(Outcome::Done)
    }

    /// Names that were asked for and that no record has, with the nearest that one has.
    fn unknown_names(&self, entries: &[Entry]) -> String {
        let names = |of: fn(&Recipe) -> &str| -> BTreeSet<&str> {
            entries.iter().map(|entry| of(&entry.trial.recipe)).collect()
        };
        let mut text = String::new();
        for (asked, known) in [
            (&self.world, names(|recipe| &recipe.world)),
            (&self.target, names(|recipe| &recipe.key.target)),
            (&self.source, names(|recipe| &recipe.key.source)),
        ] {
            let Some(asked) = asked else { continue };
            if !known.contains(&**asked) {
                let hint = did_you_mean(asked, known);
                let _ = write!(text, "; none has `{asked}`{hint}");
            }
        }
        text
    }

    fn wanted(&self, entry: &Entry) -> bool {
        fn is<T: PartialEq<U>, U>(asked: Option<&U>, found: &T) -> bool {
            asked.is_none_or(|asked| *found == *asked)
        }
        let key = &entry.trial.recipe.key;
        let world = &entry.trial.recipe.world;
        is(self.world.as_deref().map(str::to_owned).as_ref(), &world.to_string())
            && is(self.target.as_deref().map(str::to_owned).as_ref(), &key.target.to_string())
            && is(self.source.as_deref().map(str::to_owned).as_ref(), &key.source.to_string())
            && is(self.blocks.as_ref(), &key.blocks)
            && is(self.images.as_ref(), &key.images)
            && (!self.failed || matches!(entry.outcome, Ended::Failed { .. }))
    }
}

/// The one entry whose name begins so.
pub(super) fn one(ledger: &Ledger, record: &str) -> Result<Entry, Failure> {
    only(ledger, record)?.ok_or_else(|| {
        Failure::usage(
            format!("no record `{record}` in {}", ledger.folder().display()),
            "`repro runs` lists them",
        )
    })
}

/// The same; `None` where there is none.
pub(super) fn only(ledger: &Ledger, record: &str) -> Result<Option<Entry>, Failure> {
    let mut damaged = Vec::new();
    let mut found = ledger.beginning(record, &mut |file| damaged.push(file)).map_err(unusable)?;
    tell(&damaged);
    match found.len() {
        0 | 1 => Ok(found.pop()),
        count => Err(Failure::usage(
            format!("{count} records begin with `{record}`"),
            "give more of its digits",
        )),
    }
}

fn json(out: &mut impl Write, value: &impl serde::Serialize) -> Result<(), Failure> {
    serde_json::to_writer_pretty(&mut *out, value).map_err(std::io::Error::from)?;
    Ok(writeln!(out)?)
}

/// As many digits of a name as tell it from all others in any ledger of a lifetime.
pub(super) fn shortest(id: &str) -> &str {
    &id[..id.len().min(16)]
}

/// One record in words, with its curve.
pub(super) fn details(entry: &Entry) -> String {
    let Entry { trial, provenance, .. } = entry;
    let mut text = String::new();
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{name:<12} {value}");
    };
    line("record", &shortest(&entry.id));
    line("what", &trial.recipe.key);
    for unlike in World::unusual(&trial.recipe) {
        line("but with", &unlike);
    }
    line("seed", &trial.seed.0);
    line("by", &format!("repro {}, {}", provenance.program, provenance.engine));
    line("on", &provenance.processor);
    line("took", &format!("{:.2} s", provenance.seconds));
    match &entry.outcome {
        Ended::Failed { reason } => line("failed", reason),
        Ended::Finished(outcome) => {
            let first = outcome.first_losses.first().copied().unwrap_or(f64::NAN);
            line("first loss", &format!("{first:.4}"));
            let after = outcome.test_loss_after_first_step;
            line("then", &format!("{after:.4} on the test set after one step"));
            let rows = outcome.evaluations.iter().map(|evaluation| {
                vec![
                    evaluation.epoch.to_string(),
                    format!("{:.2}", evaluation.test_accuracy),
                    format!("{:.4}", evaluation.test_loss),
                    format!("{:.2}", evaluation.train_accuracy),
                    format!("{:.4}", evaluation.train_loss),
                ]
            });
            let header = ["epoch", "test %", "test loss", "train %", "train loss"];
            let _ = writeln!(text, "{}", terminal::table(&header, rows));
        }
    }
    text
}
