//! Source models and images in a data folder, which `fetch`, `pretrain` or a packing script filled:
//! `zoos/ZOO/FILE`, and a folder or a packed file for each target.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Mutex,
};

use super::{Assets, Missing, ReadProgress, ZooToMake, card::read_card, remedy::Remedy};
use crate::{
    checkpoint::{Checkpoint, FittedTensors, Unwrapped, printable},
    data::{
        Target,
        official::{Format, OFFICIAL, Official},
        packed,
        picture::EXTENSIONS,
    },
    experiment::{Architecture, Key, Normalisation},
    fetch::{Catalogue, ItemKind, default_folder},
    util::{Command, Hint},
    world::{FIRST_ZOO, World, ZOOS},
};

/// The data folder of a world.
#[derive(Debug)]
pub struct DataFolder {
    data: PathBuf,
    world: World,
    /// Digests that were computed before, by the names of sources and targets: each is computed
    /// once.
    digests: Mutex<HashMap<String, Result<String, Missing>>>,
    /// What was taken off the names of the tensors of a user's source models.
    notes: Mutex<HashMap<String, Vec<String>>>,
    progress: ReadProgress,
}

/// How far a stated mean or standard deviation may be from the expected one: more than the rounding
/// of half precision, less than the difference between the statistics of two data sets.
const SAME_NORMALISATION: f32 = 5e-4;

impl DataFolder {
    /// A world's assets in the folder `data`.
    #[must_use]
    pub fn new(world: &World, data: &Path, progress: ReadProgress) -> Self {
        let (data, world) = (data.to_owned(), world.clone());
        Self { data, world, digests: Mutex::default(), notes: Mutex::default(), progress }
    }

    /// The digest of a source's weights on disk.
    fn weights_on_disk(&self, source: &str) -> Result<String, Missing> {
        self.once(&format!("source {source}"), || Ok(self.weights(source, FIRST_ZOO)?.digest()))
    }

    /// The digest of a target's images on disk.
    fn images_on_disk(&self, target: &str) -> Result<String, Missing> {
        self.once(&format!("target {target}"), || {
            // Cached beside the images with a stamp of the files, since reading a large folder is
            // slow.
            let cache = self.folder(target).join(".digest");
            let images = self.target(target)?;
            let (what, total) =
                (format!("{target}: digest"), images.train.len() + images.test.len());
            let digest = images.cached_digest(&cache, &|done| (self.progress)(&what, done, total));
            digest.map_err(|error| self.remedy(target).images(&error))
        })
    }

    /// Decodes every image of a target once, here or in an earlier process.
    ///
    /// # Errors
    /// If some can't be decoded; the error lists them.
    fn check_images(&self, target: &str) -> Result<(), Missing> {
        let check = || {
            let cache = self.folder(target).join(".checked");
            let images = self.target(target)?;
            let (what, total) =
                (format!("{target}: check of images"), images.train.len() + images.test.len());
            let remedy = self.remedy(target);
            let found = images
                .undecodable(&cache, &|done| (self.progress)(&what, done, total))
                .map_err(|error| remedy.images(&error))?;
            match found.len() {
                0 => Ok(String::new()),
                _ => Err(remedy.undecodable(target, total, &found, &cache)),
            }
        };
        self.once(&format!("images of {target}"), check).map(drop)
    }

    /// A world in a data folder has one zoo.
    fn is_first(&self, zoo: u32) -> Result<(), Missing> {
        if zoo == FIRST_ZOO {
            return Ok(());
        }
        let what = format!("the {} set-up has no zoo {zoo}", self.world.id);
        Err(Missing { what, help: Hint::Manual("leave `zoo` out".to_owned()) })
    }

    /// The digest on disk, else the one that bundled records were computed with.
    fn or_recorded(&self, name: &str, on_disk: Result<String, Missing>) -> Result<String, Missing> {
        on_disk.or_else(|missing| self.world.digests.get(name).cloned().ok_or(missing))
    }

    /// The folder of a target's images, unless they are packed in one file.
    fn folder(&self, target: &str) -> PathBuf {
        match &self.world.packed {
            Some(packed) if !self.world.user_names.has(target) => {
                self.data.join(&packed.folder).join(target)
            }
            _ => self.data.join(folder_name(target)),
        }
    }

    /// The file that a target's images are packed in, if it exists.
    fn packed(&self, target: &str) -> Option<PathBuf> {
        let packed = self.world.packed.as_ref().filter(|_| !self.world.user_names.has(target))?;
        let file = self.data.join(&packed.folder).join(format!("{target}.safetensors"));
        file.exists().then_some(file)
    }

    /// How a target's images can be provided.
    fn remedy(&self, target: &str) -> Remedy {
        match &self.world.packed {
            _ if self.world.user_names.has(target) => Remedy::Manual(format!(
                "copy its images to this path, as {{train,test}}/CLASS/*.{{{}}}",
                EXTENSIONS.join(",")
            )),
            Some(packed) => Remedy::Run(Command::Pack {
                folder: self.data.join(&packed.folder),
                names: vec![target.to_owned()],
            }),
            None => {
                let data = self.custom_folder();
                let by_hand = Catalogue::embedded().items.into_iter().find(|item| {
                    matches!(&item.kind, ItemKind::Target { target: of } if of == target)
                        && item.by_hand.is_some()
                });
                match by_hand {
                    Some(item) => Remedy::ByHand {
                        page: item.page,
                        command: Command::Import { item: item.id, data },
                    },
                    None => Remedy::Run(Command::Fetch { items: vec![target.to_owned()], data }),
                }
            }
        }
    }

    /// The data folder, if it is not the default one: commands in help need it as an option.
    fn custom_folder(&self) -> Option<PathBuf> {
        (self.data != default_folder()).then(|| self.data.clone())
    }

    /// Computes a value once for each name.
    fn once(
        &self,
        name: &str,
        compute: impl FnOnce() -> Result<String, Missing>,
    ) -> Result<String, Missing> {
        let mut digests = self.digests.lock().expect("lock is not poisoned");
        digests.entry(name.to_owned()).or_insert_with(compute).clone()
    }
}

/// The name of a target's folder: the target's, with each character that has a meaning in a path
/// written as `%` and its number, so that no name leads out of the data folder.
fn folder_name(target: &str) -> String {
    let mut name = String::new();
    for (index, c) in target.chars().enumerate() {
        let is_plain = !c.is_ascii() || c.is_ascii_alphanumeric() || "_-.".contains(c);
        if is_plain && (index, c) != (0, '.') {
            name.push(c);
        } else {
            name.push_str(&format!("%{:02X}", u32::from(c)));
        }
    }
    name
}

impl DataFolder {
    /// A source model's tensors.
    ///
    /// # Errors
    /// If they are missing, or can't be read.
    pub(super) fn weights(&self, source: &str, number: u32) -> Result<FittedTensors, Missing> {
        self.is_first(number)?;
        let zoo = self.world.zoo.as_ref().expect("a world in a data folder has a zoo");
        let user_defined = self.world.user_names.has(source);
        let Some(file) = zoo.files.get(source) else {
            return Err(if user_defined {
                without_checkpoint(source, &self.world)
            } else {
                unknown(source, &self.world)
            });
        };
        let path = self.data.join(ZOOS).join(&zoo.name).join(file);
        let trained_here = self.world.pretraining.is_some() && !user_defined;
        let (world, data) = (self.world.id.clone(), self.custom_folder());
        let remedy = match (user_defined, trained_here) {
            (true, _) => {
                Remedy::Manual("copy a checkpoint of the zoo's network to this path".to_owned())
            }
            (false, true) => Remedy::Run(Command::Pretrain { world, data }),
            (false, false) => Remedy::Run(Command::FetchWorld { world, data }),
        };
        if !path.exists() {
            return Err(remedy.missing(&path));
        }
        let read = |architecture: &Architecture| {
            let checkpoint = Checkpoint::open_with(&path, &self.world.user_names.choice(source))
                .map_err(|error| remedy.unreadable(&error))?;
            self.check_normaliser(source, &checkpoint, &path)?;
            let weights = {
                let mut architecture = architecture.clone();
                // The head of a user's checkpoint may have another number of classes; every
                // fine-tune replaces it.
                let mut tensors = checkpoint.tensors().filter(|_| user_defined);
                let head = tensors.find(|tensor| tensor.name() == "fc.weight");
                if let Some(&[classes, _]) = head.map(|head| head.shape()) {
                    architecture.classes = u32::try_from(classes).unwrap_or(u32::MAX);
                }
                checkpoint.fitted(&architecture)
            };
            let weights = weights.map_err(|error| remedy.unreadable(&error))?;
            if user_defined {
                let mut notes = self.notes.lock().expect("lock is not poisoned");
                notes.entry(source.to_owned()).or_insert_with(|| taken_off(source, &checkpoint));
            }
            Ok(weights)
        };
        if !trained_here {
            return read(&zoo.architecture);
        }
        // The card states the number of classes that the model was trained on.
        let card = path.with_extension("json");
        if !card.exists() {
            return Err(remedy.missing(&card));
        }
        let card = read_card(&card).map_err(|error| remedy.damaged(&error))?;
        let weights = read(&card.architecture)?;
        if weights.digest() == card.weights {
            Ok(weights)
        } else {
            let path = path.display();
            let what =
                format!("failed to verify {path}: its weights differ from its card's digest");
            Err(remedy.damaged(&what))
        }
    }

    /// Refuses a checkpoint that states another normalisation of its images than that of its
    /// fine-tunes: the same weights would compute something else.
    fn check_normaliser(
        &self,
        source: &str,
        checkpoint: &Checkpoint,
        path: &Path,
    ) -> Result<(), Missing> {
        let Some(stated) = checkpoint.normaliser() else { return Ok(()) };
        let Normalisation { mean, std } = self.world.normalisation(source);
        let close = |stated: &[f32; 3], expected: &[f32; 3]| {
            let mut pairs = stated.iter().zip(expected);
            pairs.all(|(stated, expected)| (stated - expected).abs() <= SAME_NORMALISATION)
        };
        let usable = stated.of_colours();
        if usable.is_some_and(|stated| close(&stated.mean, &mean) && close(&stated.std, &std)) {
            return Ok(());
        }
        let what = format!(
            "failed to use {}: it states that its images were normalised by mean {:?} and standard \
             deviation {:?}, but fine-tunes from `{source}` use {mean:?} and {std:?}",
            path.display(),
            stated.mean,
            stated.std
        );
        let help = match usable {
            _ if !self.world.user_names.has(source) => {
                "use the zoo's own file, or add this one as a source".to_owned()
            }
            Some(Normalisation { mean, std }) => format!(
                "set in [sources.{source}] of `worlds/own.toml`: normalisation = {{ mean = \
                 {mean:?}, std = {std:?} }}"
            ),
            None => {
                "no image in three channels can be normalised so: check the file; converted to \
                     safetensors it states nothing"
                    .to_owned()
            }
        };
        let help = Hint::Manual(help);
        Err(Missing { what, help })
    }

    /// A target's training and test images.
    ///
    /// # Errors
    /// If they are missing, or can't be read.
    pub(super) fn target(&self, name: &str) -> Result<Target, Missing> {
        let Some(counts) = self.world.targets.get(name) else {
            return Err(unknown(name, &self.world));
        };
        let (folder, remedy) = (self.folder(name), self.remedy(name));
        let official = OFFICIAL.iter().find(|official| official.name == name);
        let (path, target) = match (official, self.packed(name), &self.world.packed) {
            (None, ..) if !self.world.user_names.has(name) => {
                return Err(unknown(name, &self.world));
            }
            (_, Some(file), _) => (file.clone(), packed::read(&file).map(|packed| packed.target)),
            _ if !folder.exists() => return Err(remedy.missing(&folder)),
            (None, ..) => (folder.clone(), Format::Folder.read(&folder)),
            // Grey images are kept in IDX files, the format that they are published in.
            (Some(official), None, Some(_)) => {
                (folder.clone(), Format::Idx { classes: official.classes }.read(&folder))
            }
            (Some(official), None, None) => (folder.clone(), official.format.read(&folder)),
        };
        let target = target.map_err(|error| remedy.images(&error))?;
        // The world states how many images there are: the official numbers for published data sets.
        let (train, test) = (counts.train as usize, counts.test as usize);
        let expected = match official {
            Some(official) => Official { train, test, ..*official },
            None => Official::folder((train, test), target.train.classes()),
        };
        expected.check(&path, &target).map_err(|error| remedy.images(&error))?;
        Ok(target)
    }

    /// A target's images, each of which can be decoded.
    ///
    /// # Errors
    /// If they are missing, or can't be read or decoded.
    pub(super) fn checked_target(&self, name: &str) -> Result<Target, Missing> {
        self.check_images(name)?;
        self.target(name)
    }
}

impl Assets for DataFolder {
    fn data_folder(&self) -> Option<&DataFolder> {
        Some(self)
    }

    fn weights_digest(&self, source: &str, zoo: u32) -> Result<String, Missing> {
        self.is_first(zoo)?;
        self.or_recorded(source, self.weights_on_disk(source))
    }

    fn images_digest(&self, target: &str) -> Result<String, Missing> {
        self.or_recorded(target, self.images_on_disk(target))
    }

    fn unavailable(&self, key: &Key, zoo: u32) -> Option<Missing> {
        let source = self.is_first(zoo).and_then(|()| self.weights_on_disk(&key.source)).err();
        source
            .or_else(|| self.images_on_disk(&key.target).err())
            .or_else(|| self.check_images(&key.target).err())
    }

    fn made_from(&self, target: &str) -> Option<String> {
        let file = self.packed(target)?;
        let read = || packed::made_from(&file).map_err(|error| self.remedy(target).images(&error));
        self.once(&format!("making of {target}"), read).ok()
    }

    fn zoo_to_make(&self) -> Option<ZooToMake> {
        let (zoo, packed) = (self.world.zoo.as_ref()?, self.world.packed.as_ref()?);
        let mut pretraining = self.world.pretraining.clone()?;
        let folder = self.data.join(ZOOS).join(&zoo.name);
        if zoo.files.values().all(|file| folder.join(file).exists()) {
            return None;
        }
        let source = self.data.join(&packed.folder).join(&packed.source);
        let (train, test, classes) = packed::counts(&source).ok()?;
        // The number of classes depends on the images that were packed.
        pretraining.architecture.classes = classes;
        Some(ZooToMake { pretraining, train, test })
    }

    fn about_source(&self, source: &str) -> Vec<String> {
        // Reading the weights says what was taken off; an error is reported where they are needed.
        let _ = self.weights_on_disk(source);
        let mut notes = self.notes.lock().expect("lock is not poisoned");
        notes.get_mut(source).map(std::mem::take).unwrap_or_default()
    }

    fn progress(&self) -> ReadProgress {
        self.progress
    }
}

/// What was taken off the names of a user's source model, and what of its file is not used.
fn taken_off(source: &str, checkpoint: &Checkpoint) -> Vec<String> {
    let Unwrapped { key, prefix, .. } = checkpoint.unwrapped();
    let key = key.as_ref().map(|key| format!("`{}` of its file is used", printable(key)));
    let prefix = Some(prefix).filter(|prefix| !prefix.is_empty());
    let prefix = prefix.map(|prefix| format!("`{}` is taken off every name", printable(prefix)));
    let strays = checkpoint.strays();
    let strays: Vec<String> = strays.iter().map(|name| format!("`{}`", printable(name))).collect();
    let strays = Some(strays).filter(|strays| !strays.is_empty());
    let strays = strays.map(|strays| format!("not used: {}", strays.join(", ")));
    let parts = [key, prefix, strays].into_iter().flatten();
    parts.map(|part| format!("source `{source}`: {part}")).collect()
}

/// The error for a user-defined source without a checkpoint in this world.
fn without_checkpoint(source: &str, world: &World) -> Missing {
    Missing {
        what: format!("`{source}` has no checkpoint in the {} set-up", world.id),
        help: Hint::Manual(format!(
            "add it to `worlds/own.toml`: files = {{ {} = \"FILE\" }}",
            world.id
        )),
    }
}

/// The error for a name that the world does not have.
fn unknown(name: &str, world: &World) -> Missing {
    Missing {
        what: format!("`{name}` is not available in the {} set-up", world.id),
        help: Hint::UserNames { world: world.id.clone() },
    }
}

#[cfg(test)]
mod tests {
    use super::folder_name;

    #[test]
    fn no_name_of_a_target_leads_out_of_the_data_folder() {
        assert_eq!(folder_name("flowers-102_v1.0"), "flowers-102_v1.0");
        assert_eq!(folder_name("facebook/opt-125m"), "facebook%2Fopt-125m");
        assert_eq!(folder_name("../x"), "%2E.%2Fx");
        assert_eq!(folder_name(".."), "%2E.");
        assert_eq!(folder_name("méthode"), "méthode");
    }
}
