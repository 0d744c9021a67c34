//! What a figure lacks on some evidence, and the commands that bring it.

use std::collections::BTreeSet;

use super::{Figure, Gallery};
use crate::{
    evidence::Evidence,
    experiment::{EvidenceKind, Key},
    fetch::{Catalogue, default_folder},
    util::{Command, Folders},
    world::World,
};

/// Why a figure can't be drawn, or not whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Why, without a full stop.
    pub why: String,
    /// Commands that bring it, in their order.
    pub commands: Vec<Command>,
}

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
) -> Vec<Command> {
    let mut commands = Vec::new();
    let data = || folders.data.clone();
    if let Some(packed) = &world.packed {
        let targets: BTreeSet<&str> = keys.iter().map(|key| &*key.target).collect();
        let folder = data().unwrap_or_else(default_folder).join(&packed.folder);
        let names = std::iter::once("tiny-imagenet").chain(targets);
        let names = names.map(str::to_owned).collect();
        commands.push(Command::Pack { folder, names });
        commands.push(Command::Pretrain { world: world.id.clone(), data: data() });
    } else if let Some(zoo) = &world.zoo {
        let catalogue = Catalogue::shipped();
        let targets: BTreeSet<String> = keys.iter().map(|key| key.target.to_string()).collect();
        let sources: BTreeSet<&str> = keys.iter().map(|key| &*key.source).collect();
        let by_hand = |name: &String| {
            catalogue.items.iter().any(|item| item.id == *name && item.by_hand.is_some())
        };
        let (imported, mut items): (Vec<String>, Vec<String>) =
            targets.into_iter().partition(by_hand);
        items.extend(sources.into_iter().map(|source| format!("{}/{source}", zoo.name)));
        commands.extend(imported.into_iter().map(|item| Command::Import { item, data: data() }));
        commands.push(Command::Fetch { items, data: data() });
    }
    let (name, evidence) = (figure.name.clone(), kind.name());
    commands.push(Command::Figure { name, evidence, folders: folders.clone() });
    commands
}
