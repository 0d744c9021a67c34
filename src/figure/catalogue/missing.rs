//! The missing records of a figure on some evidence, and the commands that provide them.

use std::collections::BTreeSet;

use super::{Figure, FigureCatalogue};
use crate::{
    evidence::Evidence,
    experiment::{EvidenceKind, Key},
    fetch::{Catalogue, default_folder},
    util::{Command, Folders},
    world::World,
};

/// Why a figure can't be drawn, or only in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingRecords {
    /// The reason, without a full stop.
    pub why: String,
    /// Commands that provide the records, in order.
    pub commands: Vec<Command>,
}

/// The missing records of a figure on evidence; `None` if none are missing. Commands name
/// `folders`.
#[must_use]
pub fn missing(figure: &Figure, evidence: &Evidence, folders: &Folders) -> Option<MissingRecords> {
    let keys = figure.keys();
    let absent: BTreeSet<&Key> =
        keys.iter().filter(|key| evidence.records.seeds(key).is_none()).collect();
    let world = &evidence.world;
    if absent.is_empty() {
        return None;
    }
    let count = match keys.len() - absent.len() {
        0 => format!("all {} fine-tunes", keys.len()),
        _ => format!("{} of {} fine-tunes", absent.len(), keys.len()),
    };
    let local = evidence.kind.is_local();
    let possible = absent.iter().any(|key| world.unavailable(key).is_none());
    if local && possible {
        let why = format!("missing records of {count} in the ledger");
        return Some(MissingRecords {
            why,
            commands: commands(figure, evidence.kind, &absent, world, folders),
        });
    }
    let why = match absent.iter().find_map(|key| world.unavailable(key)).filter(|_| local) {
        Some(unavailable) => unavailable,
        None => format!("missing records of {count} in the {} evidence", evidence.kind),
    };
    // Neither a log nor this world can have the records: fine-tunes in the paper's world provide
    // them.
    let world = World::paper();
    let catalogue = FigureCatalogue::new(&world);
    let paper = catalogue.figures.iter().find(|other| other.name == figure.name)?;
    let keys = paper.keys();
    let commands = commands(paper, EvidenceKind::Paper, &keys.iter().collect(), &world, folders);
    Some(MissingRecords { why, commands })
}

/// The commands that download or prepare assets, then run the fine-tunes.
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
        let catalogue = Catalogue::embedded();
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
