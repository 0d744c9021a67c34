//! A data folder: what `repro fetch`, `repro pretrain` and a packer's script brought.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Mutex,
};

use super::{Lacking, Reading, ZooToMake, card::read_card, remedy::Remedy};
use crate::{
    checkpoint::{Checkpoint, FittedTensors},
    data::{
        Target,
        official::{Format, OFFICIAL, Official},
        packed,
    },
    experiment::Architecture,
    fetch::default_folder,
    util::{Command, Hint},
    world::{World, ZOOS},
};

/// A world's data folder: `zoos/ZOO/FILE` and a folder for each target.
#[derive(Debug)]
pub struct DataFolder {
    data: PathBuf,
    world: World,
    /// What was found out, once for the process: digests by names of sources and targets.
    digests: Mutex<HashMap<String, Result<String, Lacking>>>,
    pub(super) reading: Reading,
}

impl DataFolder {
    pub(super) fn new(world: &World, data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            world: world.clone(),
            digests: Mutex::default(),
            reading: |_, _, _| (),
        }
    }

    /// What a target's images are made from, in words, where they are packed.
    pub(super) fn made_from(&self, target: &str) -> Option<String> {
        let file = self.packed(target)?;
        let read = || {
            let read = packed::made_from(&file);
            read.map_err(|error| self.bring(target).damaged(&error))
        };
        self.once(&format!("making of {target}"), read).ok()
    }

    /// The source models that have to be made first, unless they are there.
    pub(super) fn zoo_to_make(&self) -> Option<ZooToMake> {
        let (zoo, packed) = (self.world.zoo.as_ref()?, self.world.packed.as_ref()?);
        let mut pretraining = self.world.pretraining.clone()?;
        let folder = self.data.join(ZOOS).join(&zoo.name);
        if zoo.files.values().all(|file| folder.join(file).exists()) {
            return None;
        }
        let source = self.data.join(&packed.folder).join(&packed.source);
        let (train, test, classes) = packed::counts(&source).ok()?;
        // Of a packed source as many as somebody packed.
        pretraining.architecture.classes = classes;
        Some(ZooToMake { pretraining, train, test })
    }

    /// Digest of a source's weights, found out once.
    pub(super) fn source(&self, source: &str) -> Result<String, Lacking> {
        self.once(&format!("source {source}"), || Ok(self.weights(source)?.digest()))
    }

    /// Digest of a target's images, found out once.
    pub(super) fn images(&self, target: &str) -> Result<String, Lacking> {
        self.once(&format!("target {target}"), || {
            // Kept beside the images with the stamp of what it is of: large folders are read once.
            let kept = self.folder(target).join(".digest");
            let images = self.target(target)?;
            let (what, count) =
                (format!("{target}: digest"), images.train.len() + images.test.len());
            let found = images.digest_kept(&kept, &|done| (self.reading)(&what, done, count));
            found.map_err(|error| self.bring(target).damaged(&error))
        })
    }

    /// What was found; where nothing is, what records that ship are of.
    pub(super) fn found_or_shipped(
        &self,
        name: &str,
        found: Result<String, Lacking>,
    ) -> Result<String, Lacking> {
        found.or_else(|lacking| self.world.digests.get(name).cloned().ok_or(lacking))
    }

    pub(super) fn weights(&self, source: &str) -> Result<FittedTensors, Lacking> {
        let zoo = self.world.zoo.as_ref().expect("a fetched world has a zoo");
        let own = self.world.own.has(source);
        let Some(file) = zoo.files.get(source) else {
            return Err(if own {
                unnamed(source, &self.world)
            } else {
                unknown(source, &self.world)
            });
        };
        let path = self.data.join(ZOOS).join(&zoo.name).join(file);
        let trained_here = self.world.pretraining.is_some() && !own;
        let (world, data) = (self.world.id.clone(), self.named_folder());
        let bring = match (own, trained_here) {
            (true, _) => Remedy::Manual("a checkpoint of the zoo's network".to_owned()),
            (false, true) => Remedy::Run(Command::Pretrain { world, data }),
            (false, false) => Remedy::Run(Command::FetchWorld { world, data }),
        };
        if !path.exists() {
            return Err(bring.missing(&path));
        }
        let read = |architecture: &Architecture| {
            let weights = Checkpoint::open(&path).and_then(|checkpoint| {
                let mut architecture = architecture.clone();
                // Its head, which no fine-tune keeps, may have been for other classes.
                let mut tensors = checkpoint.tensors().filter(|_| own);
                let head = tensors.find(|tensor| tensor.name() == "fc.weight");
                if let Some(&[classes, _]) = head.map(|head| head.shape()) {
                    architecture.classes = u32::try_from(classes).unwrap_or(u32::MAX);
                }
                checkpoint.fitted(&architecture)
            });
            weights.map_err(|error| bring.unread(&error))
        };
        if !trained_here {
            return read(&zoo.architecture);
        }
        // How many classes its source had, the card knows.
        let card =
            read_card(&path.with_extension("json")).map_err(|error| bring.damaged(&error))?;
        let weights = read(&card.architecture)?;
        if weights.digest() == card.weights {
            Ok(weights)
        } else {
            let what = format!("{} is not what its card is of", path.display());
            Err(bring.damaged(&what))
        }
    }

    pub(super) fn target(&self, name: &str) -> Result<Target, Lacking> {
        let Some(counts) = self.world.targets.get(name) else {
            return Err(unknown(name, &self.world));
        };
        let (folder, bring) = (self.folder(name), self.bring(name));
        let official = OFFICIAL.iter().find(|official| official.name == name);
        let (path, target) = match (official, self.packed(name), &self.world.packed) {
            (None, ..) if !self.world.own.has(name) => return Err(unknown(name, &self.world)),
            (_, Some(file), _) => (file.clone(), packed::read(&file).map(|packed| packed.target)),
            _ if !folder.exists() => return Err(bring.missing(&folder)),
            (None, ..) => (folder.clone(), Format::Folder.read(&folder)),
            // Grey images are packed in the form that they are published in.
            (Some(official), None, Some(_)) => {
                (folder.clone(), Format::Idx { classes: official.classes }.read(&folder))
            }
            (Some(official), None, None) => (folder.clone(), official.format.read(&folder)),
        };
        let target = target.map_err(|error| bring.damaged(&error))?;
        // As many as the world says, which for published checkpoints are the official numbers.
        let (train, test) = (counts.train as usize, counts.test as usize);
        let whole = match official {
            Some(official) => Official { train, test, ..*official },
            None => Official::folder((train, test), target.train.classes()),
        };
        whole.check(&path, &target).map_err(|error| bring.damaged(&error))?;
        Ok(target)
    }

    /// Where a target's images lie, or would lie, unless they are packed in one file.
    fn folder(&self, target: &str) -> PathBuf {
        match &self.world.packed {
            Some(packed) if !self.world.own.has(target) => {
                self.data.join(&packed.folder).join(target)
            }
            _ => self.data.join(target),
        }
    }

    /// The file that a target's images are packed in, if there is one.
    fn packed(&self, target: &str) -> Option<PathBuf> {
        let packed = self.world.packed.as_ref().filter(|_| !self.world.own.has(target))?;
        let file = self.data.join(&packed.folder).join(format!("{target}.safetensors"));
        file.exists().then_some(file)
    }

    /// What brings a target's images.
    fn bring(&self, target: &str) -> Remedy {
        match &self.world.packed {
            _ if self.world.own.has(target) => {
                Remedy::Manual("its images, as {train,test}/CLASS/*.{jpg,jpeg,png}".to_owned())
            }
            Some(packed) => Remedy::Run(Command::Pack {
                folder: self.data.join(&packed.folder),
                names: vec![target.to_owned()],
            }),
            None => Remedy::Run(Command::Fetch {
                items: vec![target.to_owned()],
                data: self.named_folder(),
            }),
        }
    }

    /// The data folder, for commands that would take another one without it.
    fn named_folder(&self) -> Option<PathBuf> {
        (self.data != default_folder()).then(|| self.data.clone())
    }

    /// What was found out before, or is now.
    fn once(
        &self,
        name: &str,
        find: impl FnOnce() -> Result<String, Lacking>,
    ) -> Result<String, Lacking> {
        let mut digests = self.digests.lock().expect("no panic holds it");
        digests.entry(name.to_owned()).or_insert_with(find).clone()
    }
}

/// A source of a user's own without a file in this zoo.
fn unnamed(source: &str, world: &World) -> Lacking {
    Lacking {
        what: format!("no checkpoint of `{source}` is named for the {} world", world.id),
        help: Hint::Manual(format!(
            "name one in `worlds/own.toml`: files = {{ {} = \"FILE\" }}",
            world.id
        )),
    }
}

fn unknown(name: &str, world: &World) -> Lacking {
    Lacking {
        what: format!("the {} world has no `{name}`", world.id),
        help: Hint::OwnNames { world: world.id.clone() },
    }
}
