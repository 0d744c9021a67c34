//! Names that a user adds to every world: targets, each a folder of images, and source models. They lie
//! with the claims that name them, in `worlds/own.toml` of a folder of claims, and are added only:
//! nothing that a world has is changed by them, so that no verdict on it is.

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{TargetInfo, World, ZOOS};
use crate::{
    data::official,
    util::{files, suggest::did_you_mean},
};

/// Where they lie in a folder of claims.
const FILE: &str = "worlds/own.toml";
/// A larger file is refused.
const LARGEST_BYTES: u64 = 1 << 20;

/// Targets and sources of a user's own, checked: no world has one of that name.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnNames {
    /// Version of this grammar: 1.
    format: u32,
    /// Targets by name, which is that of their folder in the data folder too.
    #[serde(default)]
    targets: BTreeMap<String, TargetInfo>,
    /// Source models by name.
    #[serde(default)]
    sources: BTreeMap<String, Source>,
}

/// A source model of a user's own.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    /// What it is, in words.
    words: String,
    /// Its file in the zoo of each world that has one; logs need none.
    #[serde(default)]
    files: BTreeMap<String, String>,
}

/// A file of own names that can't be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{path}: {what}")]
#[diagnostic(code(world::own_names))]
pub struct OwnNamesError {
    /// The file.
    path: PathBuf,
    /// What is wrong with it.
    what: String,
}

impl OwnNames {
    /// Those of a folder of claims; none where it has no such file.
    ///
    /// # Errors
    /// If the file can't be read, is malformed, or gives a name that means something already.
    pub fn read(claims: &Path) -> Result<Self, OwnNamesError> {
        let path = claims.join(FILE);
        match files::text(&path, LARGEST_BYTES) {
            Ok(text) => Self::parse(&text).map_err(|what| OwnNamesError { path, what }),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(cause) => Err(OwnNamesError { path, what: format!("failed to read it: {cause}") }),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let own: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if own.format != 1 {
            return Err(format!("format is {}, this version reads 1", own.format));
        }
        let worlds = World::all();
        for (name, target) in &own.targets {
            plain("target", name)?;
            let folder = |world: &World| {
                name == ZOOS || world.packed.as_ref().is_some_and(|packed| packed.folder == *name)
            };
            let official = official::names().any(|official| official == name);
            if official || worlds.iter().any(|world| known(world, name) || folder(world)) {
                return Err(taken(name));
            }
            if target.train == 0 || target.test == 0 {
                return Err(format!("target `{name}` needs images to train and to test on"));
            }
        }
        for (name, source) in &own.sources {
            plain("source", name)?;
            if own.targets.contains_key(name) || worlds.iter().any(|world| known(world, name)) {
                return Err(taken(name));
            }
            for (world, file) in &source.files {
                let zoos = worlds.iter().filter(|world| world.zoo.is_some());
                let mut zoos = zoos.map(|world| world.id.as_str());
                if !zoos.clone().any(|known| known == world) {
                    let hint = did_you_mean(world, zoos.clone());
                    let all = zoos.by_ref().collect::<Vec<_>>().join(", ");
                    return Err(format!(
                        "source `{name}`: no world `{world}` takes checkpoints ({all} do){hint}"
                    ));
                }
                plain("file", file)?;
            }
        }
        Ok(own)
    }

    /// Adds them to a world. One without a data folder has none of them, and says so.
    pub(super) fn add_to(&self, world: &mut World) {
        let Some(zoo) = &mut world.zoo else {
            let names = self.targets.keys().chain(self.sources.keys());
            let reason = || "it takes the images and source models that ship alone".to_owned();
            world.absent.extend(names.map(|name| (name.clone(), reason())));
            return;
        };
        for (name, source) in &self.sources {
            world.sources.insert(name.clone(), source.words.clone());
            if let Some(file) = source.files.get(&world.id) {
                zoo.files.insert(name.clone(), file.clone());
            }
        }
        for (name, target) in &self.targets {
            world.targets.insert(name.clone(), target.clone());
        }
        world.own = self.clone();
    }

    /// Whether a target or a source is one of these.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.targets.contains_key(name) || self.sources.contains_key(name)
    }
}

/// Whether a world has a use for a name.
fn known(world: &World, name: &str) -> bool {
    world.expand(name).is_some() || world.sources.contains_key(name)
}

fn taken(name: &str) -> String {
    format!("`{name}` is the name of something already: call yours another")
}

/// Names become those of files and folders: none leads out of its folder or hides in it.
fn plain(what: &str, name: &str) -> Result<(), String> {
    let known = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if name.starts_with(|first: char| first.is_ascii_alphanumeric()) && name.chars().all(known) {
        Ok(())
    } else {
        Err(format!(
            "{what} `{name}`: a name is made of letters, digits, `_`, `-` and `.`, a letter or digit first"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{EvidenceKind, Key};

    const OWN: &str = r#"
        format = 1
        [targets.flowers]
        title = "Flowers"
        train = 1020
        test = 6149
        [sources.l2_5]
        words = "trained adversarially, L2 eps 5"
        files = { paper = "imagenet_l2_5.pt" }
    "#;

    fn with(kind: EvidenceKind) -> World {
        kind.world().with(&OwnNames::parse(OWN).unwrap())
    }

    #[test]
    fn they_are_known_wherever_images_come_from_a_folder_and_absent_elsewhere() {
        let key = |source: &str, images| Key {
            target: "flowers".into(),
            ..Key::new("kmnist", source, 3, images)
        };
        for kind in [EvidenceKind::Paper, EvidenceKind::Log, EvidenceKind::Lab] {
            let world = with(kind);
            assert_eq!(world.title("flowers"), "Flowers");
            assert_eq!(world.lacks(&key("l2_5", 1020)), None);
            assert!(world.lacks(&key("l2_5", 1021)).unwrap().contains("1020 training images"));
            assert!(world.subset_over_pool("flowers", 256));
        }
        assert_eq!(with(EvidenceKind::Paper).zoo.unwrap().files["l2_5"], "imagenet_l2_5.pt");
        assert!(!with(EvidenceKind::Sister).zoo.unwrap().files.contains_key("l2_5"));
        let smoke = with(EvidenceKind::Smoke);
        assert!(smoke.expand("flowers").is_some() && !smoke.sources.contains_key("l2_5"));
        assert!(smoke.lacks(&key("natural", 100)).unwrap().contains("that ship alone"));
    }

    #[test]
    fn what_is_there_is_not_changed() {
        for kind in [EvidenceKind::Paper, EvidenceKind::Lab, EvidenceKind::Smoke] {
            let (before, after) = (kind.world(), with(kind));
            assert_eq!(before.groups, after.groups);
            for (name, target) in &before.targets {
                assert_eq!(&after.targets[name], target);
            }
            for (name, words) in &before.sources {
                assert_eq!(&after.sources[name], words);
            }
        }
    }

    #[test]
    fn a_huge_file_is_refused_and_not_cut() {
        let claims = tempfile::tempdir().unwrap();
        std::fs::create_dir(claims.path().join("worlds")).unwrap();
        let huge = OWN.to_owned() + &"# more\n".repeat(200_000);
        std::fs::write(claims.path().join(FILE), huge).unwrap();
        let said = OwnNames::read(claims.path()).unwrap_err().to_string();
        assert!(said.contains("larger than 1048576 bytes"), "{said}");
    }

    #[test]
    fn names_that_mean_something_or_lead_elsewhere_are_refused_with_the_reason() {
        let refused = |from: &str, to: &str| {
            assert!(OWN.contains(from), "{from}");
            OwnNames::parse(&OWN.replace(from, to)).unwrap_err()
        };
        for taken in
            ["mnist", "similar", "tiny-imagenet", "fmnist_held_out", "natural", "zoos", "lab"]
        {
            let said = refused("targets.flowers", &format!("targets.{taken}"));
            assert!(said.contains(taken) && said.contains("already"), "{said}");
        }
        for taken in ["l2_3", "gaussian", "flowers", "svhn"] {
            let said = refused("sources.l2_5", &format!("sources.{taken}"));
            assert!(said.contains(taken) && said.contains("already"), "{said}");
        }
        for leading in ["../flowers", ".flowers", "a/b", "", "a b"] {
            assert!(
                refused("targets.flowers", &format!("targets.\"{leading}\""))
                    .contains("a name is made of")
            );
            assert!(refused("imagenet_l2_5.pt", leading).contains("a name is made of"));
        }
        assert!(refused("format = 1", "format = 2").contains("this version reads 1"));
        assert!(refused("train = 1020", "train = 0").contains("needs images"));
        assert!(refused("train = 1020", "").contains("train"));
        assert!(refused("words", "word").contains("words"));
        assert!(refused("paper =", "papier =").contains("did you mean `paper`?"));
        assert!(refused("paper =", "smoke =").contains("lab, paper, sister do"));
    }
}
