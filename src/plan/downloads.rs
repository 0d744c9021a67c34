//! The files that fine-tunes need from the network, by the catalogue of downloads, and the disk
//! space that these and the records take.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    experiment::Key,
    fetch::{Catalogue, Item, ItemKind, Zoo},
    world::World,
};

/// What a record takes on a disk, rounded up to its blocks: a fine-tune of the paper's scale with
/// 10,000 test images has 2 kB of them.
const RECORD: u64 = 8_192;

/// Files from the network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Downloads {
    /// Items of `repro fetch --list`.
    pub items: BTreeSet<String>,
    /// Bytes of the files whose size the catalogue states.
    pub known_bytes: u64,
    /// Files of unknown size.
    pub files_of_unknown_size: usize,
    /// Bytes of what archives unpack to, at most.
    pub unpacked_bytes_at_most: u64,
}

impl Downloads {
    /// What fine-tunes of these keys need in a world, whether it is on this machine or not. Nothing
    /// for what ships with the program, and for what a user added.
    #[must_use]
    pub fn new<'a>(
        keys: impl IntoIterator<Item = &'a Key>,
        world: &World,
        catalogue: &Catalogue,
    ) -> Self {
        if world.zoo.is_none() {
            return Self::default();
        }
        let (mut targets, mut sources) = (BTreeSet::new(), BTreeSet::new());
        for key in keys {
            targets.insert(&*key.target);
            sources.insert(&*key.source);
        }
        let zoo = Zoo::for_world(world);
        let needed = |item: &&Item| match &item.kind {
            ItemKind::Target { target } => targets.contains(&**target),
            ItemKind::Checkpoint { zoo: of, role } => Some(*of) == zoo && sources.contains(&**role),
        };
        let mut downloads = Self::default();
        for item in catalogue.items.iter().filter(needed) {
            downloads.items.insert(item.id.clone());
            for file in &item.files {
                match file.bytes {
                    Some(bytes) => downloads.known_bytes += bytes,
                    None => downloads.files_of_unknown_size += 1,
                }
                let unpacked = file.unpack.as_ref().map_or(0, |unpack| unpack.max_bytes);
                downloads.unpacked_bytes_at_most += unpacked;
            }
        }
        downloads
    }

    /// Disk space at most, with this many records; `None` where a file's size is unknown.
    #[must_use]
    pub fn disk(&self, records: usize) -> Option<u64> {
        (self.files_of_unknown_size == 0).then(|| self.disk_of_known(records))
    }

    /// The same without the files of unknown size.
    #[must_use]
    pub fn disk_of_known(&self, records: usize) -> u64 {
        self.known_bytes + self.unpacked_bytes_at_most + RECORD * records as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn downloads(keys: &[Key], world: &World) -> Downloads {
        Downloads::new(keys, world, &Catalogue::embedded())
    }

    #[test]
    fn each_item_is_downloaded_once_and_only_where_it_does_not_ship() {
        let key = |target: &str, source: &str| Key::new(target, source, 3, 100);
        let paper = World::paper();
        let one = downloads(&[key("kmnist", "natural")], &paper);
        // KMNIST's four files, and torchvision's ResNet-50.
        assert_eq!(one.known_bytes, 18_165_135 + 29_497 + 3_041_136 + 5_120 + 102_502_400);
        assert_eq!((one.items.len(), one.unpacked_bytes_at_most), (2, 0));
        assert_eq!(one.disk(2), Some(one.known_bytes + 2 * 8_192));
        assert_eq!(one, downloads(&[key("kmnist", "natural"), key("kmnist", "natural")], &paper));
        let archive = downloads(&[key("cifar10", "natural")], &paper);
        assert_eq!(archive.unpacked_bytes_at_most, 400_000_000);
        // The robust checkpoints state no size.
        let robust = downloads(&[key("kmnist", "l2_3")], &paper);
        assert_eq!((robust.files_of_unknown_size, robust.disk(1)), (1, None));
        assert_eq!(downloads(&[key("kmnist", "natural")], &World::smoke()), Downloads::default());
    }
}
