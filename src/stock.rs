//! What a world's names stand for on this machine: its source models and its targets' images, those
//! that ship with the project or those that `repro fetch`, `repro pretrain` and a packer's script brought.

use std::{
    collections::HashMap,
    fmt::Display,
    path::{Path, PathBuf},
    sync::Mutex,
};

use miette::Diagnostic as _;

use crate::{
    checkpoint::{Checkpoint, ReadError},
    data::{
        Target,
        official::{Format, OFFICIAL, Official},
        packed,
    },
    fetch::default_folder,
    ledger::Key,
    model::{Architecture, Weights},
    pretrain::{Card, Cost},
    shell::{option, quoted},
    shipped,
    trial::Trial,
    world::{World, ZOOS},
};

/// Where source models and images are.
#[derive(Debug)]
pub enum Stock {
    /// In the program.
    Shipped,
    /// In the data folder.
    Fetched(Box<Fetched>),
}

/// A world's data folder: `zoos/ZOO/FILE` and a folder for each target.
#[derive(Debug)]
pub struct Fetched {
    data: PathBuf,
    world: World,
    /// What was found out, once for the process: digests by names of sources and targets.
    digests: Mutex<HashMap<String, Result<String, Lacking>>>,
    reading: Reading,
}

/// Is told how reading many files goes on: what is done to which images, and how many of how many are
/// done. From any thread, often.
pub type Reading = fn(what: &str, done: usize, in_all: usize);

/// What is not here, or not what it should be, and what would mend it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{what}: {mend}")]
pub struct Lacking {
    /// What is missing or wrong.
    pub what: String,
    /// What to do about it.
    pub mend: String,
}

/// A trial with the name of its record.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// The trial.
    pub trial: Trial,
    /// Digest of the source's weights.
    pub weights: String,
    /// Digest of the target's files.
    pub data: String,
    /// The record's name.
    pub id: String,
}

impl Stock {
    /// A world's: what ships, or, for a world with checkpoints of its own, what lies in a data folder.
    #[must_use]
    pub fn of(world: &World, data: &Path) -> Self {
        match &world.zoo {
            None => Self::Shipped,
            Some(_) => Self::Fetched(Box::new(Fetched {
                data: data.to_owned(),
                world: world.clone(),
                digests: Mutex::default(),
                reading: |_, _, _| (),
            })),
        }
    }

    /// The same, which tells how reading its images goes on.
    #[must_use]
    pub fn told(mut self, reading: Reading) -> Self {
        if let Self::Fetched(fetched) = &mut self {
            fetched.reading = reading;
        }
        self
    }

    /// What is told while images are read; of those that ship, nothing.
    pub(crate) fn reading(&self) -> Reading {
        match self {
            Self::Shipped => |_, _, _| (),
            Self::Fetched(fetched) => fetched.reading,
        }
    }

    /// Names a trial.
    ///
    /// # Errors
    /// If its source or its target is not here, or can't be read.
    pub fn named(&self, trial: Trial) -> Result<Named, Lacking> {
        let key = &trial.recipe.key;
        let weights = self.digest_of_weights(&key.source)?;
        let data = self.digest_of_images(&key.target)?;
        let id = trial.id(&weights, &data);
        Ok(Named { trial, weights, data, id })
    }

    fn digest_of_weights(&self, source: &str) -> Result<String, Lacking> {
        match self {
            Self::Shipped => shipped::card(source)
                .map(|card| card.weights.clone())
                .ok_or_else(|| does_not_ship(source)),
            Self::Fetched(fetched) => fetched.found_or_shipped(source, fetched.source(source)),
        }
    }

    fn digest_of_images(&self, target: &str) -> Result<String, Lacking> {
        match self {
            Self::Shipped => shipped::target_digest(target).ok_or_else(|| does_not_ship(target)),
            Self::Fetched(fetched) => fetched.found_or_shipped(target, fetched.images(target)),
        }
    }

    /// What keeps a trial from being run here; `None` where nothing does. Its record may be at hand all the
    /// same.
    #[must_use]
    pub fn lacks(&self, key: &Key) -> Option<Lacking> {
        match self {
            Self::Shipped => None,
            Self::Fetched(fetched) => {
                let source = fetched.source(&key.source).err();
                source.or_else(|| fetched.images(&key.target).err())
            }
        }
    }

    /// What a target's images are made from, in words, where that is not the official bytes or nobody
    /// knows better than their file.
    #[must_use]
    pub fn made_from(&self, target: &str) -> Option<String> {
        match self {
            Self::Shipped => None,
            Self::Fetched(fetched) => {
                let file = fetched.packed(target)?;
                let read = || {
                    let read = packed::made_from(&file);
                    read.map_err(|error| fetched.bring(target).damaged(&error))
                };
                fetched.once(&format!("making of {target}"), read).ok()
            }
        }
    }

    /// What it takes to make the source models, where they are the world's own, are not there, and what they are
    /// made from is.
    #[must_use]
    pub fn cost_of_zoo(&self) -> Option<Cost> {
        let Self::Fetched(fetched) = self else { return None };
        let Fetched { world, data, .. } = &**fetched;
        let (zoo, packed) = (world.zoo.as_ref()?, world.packed.as_ref()?);
        let mut pretraining = world.pretraining.clone()?;
        let folder = data.join(ZOOS).join(&zoo.name);
        if zoo.files.values().all(|file| folder.join(file).exists()) {
            return None;
        }
        let source = data.join(&packed.folder).join(&packed.source);
        let (train, test, classes) = packed::counts(&source).ok()?;
        // Of a packed source as many as somebody packed.
        pretraining.architecture.classes = classes;
        Some(pretraining.cost(train, test))
    }

    /// A source model.
    ///
    /// # Errors
    /// If it is not here, or can't be read.
    pub fn weights(&self, source: &str) -> Result<Weights, Lacking> {
        match self {
            Self::Shipped => match shipped::source(source) {
                Some(Ok((weights, _))) => Ok(weights),
                Some(Err(error)) => Err(Lacking {
                    what: error.to_string(),
                    mend: "the program is damaged: build it again".to_owned(),
                }),
                None => Err(does_not_ship(source)),
            },
            Self::Fetched(fetched) => fetched.weights(source),
        }
    }

    /// A target's images.
    ///
    /// # Errors
    /// If they are not here, or can't be read.
    pub fn target(&self, target: &str) -> Result<Target, Lacking> {
        match self {
            Self::Shipped => {
                shipped::target(target).map(Target::from).ok_or_else(|| does_not_ship(target))
            }
            Self::Fetched(fetched) => fetched.target(target),
        }
    }
}

impl Fetched {
    /// Digest of a source's weights, found out once.
    fn source(&self, source: &str) -> Result<String, Lacking> {
        self.once(&format!("source {source}"), || Ok(self.weights(source)?.digest()))
    }

    /// Digest of a target's images, found out once.
    fn images(&self, target: &str) -> Result<String, Lacking> {
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
    fn found_or_shipped(
        &self,
        name: &str,
        found: Result<String, Lacking>,
    ) -> Result<String, Lacking> {
        found.or_else(|lacking| self.world.digests.get(name).cloned().ok_or(lacking))
    }

    fn weights(&self, source: &str) -> Result<Weights, Lacking> {
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
        let bring = match (own, trained_here) {
            (true, _) => Bring::Hand("a checkpoint of the zoo's network".to_owned()),
            (false, true) => self.command(&format!("pretrain --world {}", self.world.id)),
            (false, false) => self.command(&format!("fetch --world {}", self.world.id)),
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
                checkpoint.weights(&architecture)
            });
            weights.map_err(|error| bring.unread(&error))
        };
        if !trained_here {
            return read(&zoo.architecture);
        }
        // How many classes its source had, the card knows.
        let card =
            Card::read(&path.with_extension("json")).map_err(|error| bring.damaged(&error))?;
        let weights = read(&card.architecture)?;
        match weights.digest() == card.weights {
            true => Ok(weights),
            false => {
                let what = format!("{} is not what its card is of", path.display());
                Err(bring.damaged(&what))
            }
        }
    }

    fn target(&self, name: &str) -> Result<Target, Lacking> {
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
    fn bring(&self, target: &str) -> Bring {
        match &self.world.packed {
            _ if self.world.own.has(target) => {
                Bring::Hand("its images, as {train,test}/CLASS/*.{jpg,jpeg,png}".to_owned())
            }
            Some(packed) => Bring::Command(format!(
                "python3 scripts/pack_lab.py --out {} --{target} PATH",
                quoted(&self.data.join(&packed.folder).display().to_string())
            )),
            None => self.command(&format!("fetch {target}")),
        }
    }

    /// A command of this program that finds this data folder.
    fn command(&self, arguments: &str) -> Bring {
        Bring::Command(format!("repro {arguments}{}", self.option()))
    }

    /// The data folder as an option, for commands that would take another one without it.
    fn option(&self) -> String {
        match self.data == default_folder() {
            true => String::new(),
            false => option("--data", &self.data),
        }
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

/// How what is missing comes here.
enum Bring {
    /// By a command.
    Command(String),
    /// By its owner, in words.
    Hand(String),
}

impl Bring {
    fn missing(&self, path: &Path) -> Lacking {
        let mend = match self {
            Self::Command(command) => format!("run `{command}`"),
            Self::Hand(what) => format!("put there {what}"),
        };
        Lacking { what: format!("{} is not there", path.display()), mend }
    }

    /// A checkpoint that can't be read; what its reader advises is of use where nothing else brings it.
    fn unread(&self, error: &ReadError) -> Lacking {
        let mut lacking = self.damaged(error);
        if let (Self::Hand(_), Some(help)) = (self, error.help()) {
            lacking.mend = format!("{help}; or {}", lacking.mend);
        }
        lacking
    }

    fn damaged(&self, error: &dyn Display) -> Lacking {
        let mend = match self {
            Self::Command(command) => format!("delete it and run `{command}`"),
            Self::Hand(_) => "mend it, or what `worlds/own.toml` says of it".to_owned(),
        };
        Lacking { what: error.to_string(), mend }
    }
}

/// A source of a user's own without a file in this zoo.
fn unnamed(source: &str, world: &World) -> Lacking {
    Lacking {
        what: format!("no checkpoint of `{source}` is named for the {} world", world.id),
        mend: format!("name one in `worlds/own.toml`: files = {{ {} = \"FILE\" }}", world.id),
    }
}

fn unknown(name: &str, world: &World) -> Lacking {
    Lacking {
        what: format!("the {} world has no `{name}`", world.id),
        mend: format!(
            "`claims/worlds/{}.toml` says what it has; names of your own are found with --claims",
            world.id
        ),
    }
}

fn does_not_ship(name: &str) -> Lacking {
    Lacking {
        what: format!("`{name}` does not ship with the project"),
        mend: "the smoke world's sources and targets do".to_owned(),
    }
}
