//! What a figure lacks on some evidence, and the commands that bring it.

use std::{collections::BTreeSet, path::PathBuf};

use super::{Figure, Gallery};
use crate::{
    evidence::{Evidence, EvidenceKind},
    fetch::{Catalogue, default_folder},
    ledger::Key,
    shell::{option, quoted},
    world::World,
};

/// Why a figure can't be drawn, or not whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Why, without a full stop.
    pub why: String,
    /// Commands that bring it, in their order.
    pub commands: Vec<String>,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: run `{}`", self.why, self.commands.join("`, then `"))
    }
}

/// Folders of our own evidence that were named, each with its option: `--ledger` or `--data`.
pub type Folders = [(&'static str, PathBuf)];

/// What keeps a figure from being whole on evidence; `None` where nothing does. Commands find these folders
/// again.
#[must_use]
pub fn missing(figure: &Figure, evidence: &Evidence, folders: &Folders) -> Option<Missing> {
    let keys = figure.keys();
    let absent: BTreeSet<&Key> =
        keys.iter().filter(|key| evidence.records.seeds(key).is_none()).collect();
    let world = &evidence.world;
    if absent.is_empty() {
        return None;
    }
    let count = match keys.len() - absent.len() {
        0 => format!("any of the {} fine-tunes that it draws", keys.len()),
        _ => format!("{} of the {} fine-tunes that it draws", absent.len(), keys.len()),
    };
    let own = evidence.kind.is_own();
    let possible = absent.iter().any(|key| world.lacks(key).is_none());
    if own && possible {
        let why = format!("the ledger has no record of {count}");
        return Some(Missing {
            why,
            commands: commands(figure, evidence.kind, &absent, world, folders),
        });
    }
    let why = match absent.iter().find_map(|key| world.lacks(key)).filter(|_| own) {
        Some(lacks) => lacks,
        None => format!("the {} evidence has no record of {count}", evidence.kind),
    };
    // What neither a log nor this world has is brought by fine-tunes at the paper's own scale.
    let world = World::paper();
    let gallery = Gallery::of(&world);
    let paper = gallery.figures.iter().find(|other| other.name == figure.name)?;
    let keys = paper.keys();
    let commands = commands(paper, EvidenceKind::Paper, &keys.iter().collect(), &world, folders);
    Some(Missing { why, commands })
}

/// What is fetched first, and then run.
fn commands(
    figure: &Figure,
    kind: EvidenceKind,
    keys: &BTreeSet<&Key>,
    world: &World,
    folders: &Folders,
) -> Vec<String> {
    let mut commands = Vec::new();
    let data = folders.iter().find(|(option, _)| *option == "--data");
    let at = data.map(|(name, folder)| option(name, folder)).unwrap_or_default();
    let everywhere: String = folders.iter().map(|(name, folder)| option(name, folder)).collect();
    if let Some(packed) = &world.packed {
        let targets: BTreeSet<&str> = keys.iter().map(|key| &*key.target).collect();
        let targets: String = targets.iter().map(|target| format!(" --{target} PATH")).collect();
        let out = data.map_or_else(default_folder, |(_, folder)| folder.clone());
        let out = quoted(&out.join(&packed.folder).display().to_string());
        commands
            .push(format!("python3 scripts/pack_lab.py --out {out} --tiny-imagenet PATH{targets}"));
        commands.push(format!("repro pretrain --world {}{at}", world.id));
    } else if let Some(zoo) = &world.zoo {
        let catalogue = Catalogue::shipped();
        let targets: BTreeSet<String> = keys.iter().map(|key| key.target.to_string()).collect();
        let sources: BTreeSet<&str> = keys.iter().map(|key| &*key.source).collect();
        let by_hand = |name: &String| {
            catalogue.items.iter().any(|item| item.id == *name && item.by_hand.is_some())
        };
        let (brought, mut fetched): (Vec<String>, Vec<String>) =
            targets.into_iter().partition(by_hand);
        fetched.extend(sources.into_iter().map(|source| format!("{}/{source}", zoo.name)));
        commands.extend(brought.iter().map(|name| format!("repro fetch {name} --from DIR{at}")));
        commands.push(format!("repro fetch {}{at}", fetched.join(" ")));
    }
    commands.push(format!("repro figure {} --evidence {kind} --run{everywhere}", figure.name));
    commands
}
