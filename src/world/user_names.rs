//! User-defined names: targets, each a folder of images, and source models, which a user adds to
//! every world in `worlds/own.toml` of a folder of claims. A file can only add names. It can't
//! change what a world has, so it can't change a verdict on that.

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use toml::de::{DeTable, Deserializer};

use super::{TargetInfo, World, ZOOS};
use crate::{
    checkpoint::Choice,
    data::official,
    experiment::Normalisation,
    util::{
        OldSpelling, files,
        shown::{fault_of_name, shown},
        spelling::{self, HIDDEN, Renamed},
        suggest::{did_you_mean, in_toml},
    },
};

/// The file in a folder of claims.
const FILE: &str = "worlds/own.toml";
/// Size limit of the file.
const LARGEST_BYTES: u64 = 1 << 20;

/// Spellings of older versions.
const RENAMED: [Renamed; 3] = [
    Renamed::Key { at: &["targets", "*"], old: "most", new: "max_images" },
    Renamed::Key { at: &["sources", "*"], old: "words", new: "description" },
    Renamed::Key { at: &["sources", "*", "files"], old: "sister", new: "salman" },
];

/// User-defined targets and source models, checked: no world has one of these names.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserNames {
    /// Version of this format: 1.
    format: u32,
    /// Whether the accuracies of a log are stated to be percent; `false` can't be stated.
    percent: Option<bool>,
    /// The title of the paper that claims and log are about, if it is not the project's.
    title: Option<String>,
    /// Its authors.
    #[serde(default)]
    authors: Vec<String>,
    /// Targets by name, which is also the name of their folder in the data folder.
    #[serde(default)]
    targets: BTreeMap<String, TargetInfo>,
    /// Source models by name.
    #[serde(default)]
    sources: BTreeMap<String, UserSource>,
    /// Old spellings in the file.
    #[serde(skip)]
    notes: Vec<OldSpelling>,
}

/// A user-defined source model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct UserSource {
    /// What it is, in a few words.
    description: String,
    /// Its file in the zoo of each world; a log needs no file.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// The keys that lead to its state dict, if a file has several.
    #[serde(default)]
    key: Option<String>,
    /// What the names of its tensors begin with, if the names leave it open.
    #[serde(default)]
    prefix: Option<String>,
    /// The normalisation of its images, if it is not the world's.
    #[serde(default)]
    normalisation: Option<Normalisation>,
}

/// An error in the file of user-defined names.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("failed to read {path}: {what}")]
#[diagnostic(code(world::own_names))]
pub struct UserNamesError {
    /// The file.
    path: PathBuf,
    /// What is wrong with it.
    what: String,
}

impl UserNames {
    /// The names in a folder of claims; none if it has no such file.
    ///
    /// # Errors
    /// If the file can't be read, is malformed, or has a name that is already in use.
    pub fn read(claims: &Path) -> Result<Self, UserNamesError> {
        let path = claims.join(FILE);
        match files::text(&path, LARGEST_BYTES) {
            Ok(text) => Self::parse(&path.display().to_string(), &text)
                .map_err(|what| UserNamesError { path, what }),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(cause) => Err(UserNamesError { path, what: cause.to_string() }),
        }
    }

    fn parse(file: &str, text: &str) -> Result<Self, String> {
        let malformed = |error: toml::de::Error| in_toml(error, text);
        let mut document = DeTable::parse(text).map_err(malformed)?;
        let found =
            spelling::modernise(document.get_mut(), &RENAMED).map_err(|both| both.to_string())?;
        let hidden = spelling::hidden(document.get_ref());
        let mut own = Self::deserialize(Deserializer::from(document)).map_err(malformed)?;
        own.notes = found.notes(file, text);
        if let Some(at) = hidden {
            return Err(format!("line {}: {HIDDEN}", spelling::line(text, at.start)));
        }
        if own.format != 1 {
            return Err(format!("format is {}: this version reads format 1", own.format));
        }
        if own.title.is_none() && !own.authors.is_empty() {
            return Err("authors need the title of their paper".to_owned());
        }
        if own.percent == Some(false) {
            let what = "percent is false: the accuracies of a log must be percent, from 0 to 100";
            return Err(what.to_owned());
        }
        let worlds = World::all();
        for (name, target) in &own.targets {
            printable("target", name)?;
            let folder = |world: &World| {
                name == ZOOS || world.packed.as_ref().is_some_and(|packed| packed.folder == *name)
            };
            let official = official::names().any(|official| official == name);
            if official || worlds.iter().any(|world| known(world, name) || folder(world)) {
                return Err(taken(name));
            }
            if target.train == 0 || target.test == 0 {
                return Err(format!("target `{name}`: train and test must be at least 1"));
            }
        }
        for (name, source) in &own.sources {
            printable("source", name)?;
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
                        "source `{name}`: `{world}` is not a world with a zoo ({all}){hint}"
                    ));
                }
                plain("file", file)?;
            }
            if let Some(Normalisation { mean, std }) = source.normalisation {
                let valid = mean.iter().all(|mean| mean.is_finite())
                    && std.iter().all(|std| std.is_finite() && *std > 0.0);
                if !valid {
                    return Err(format!(
                        "source `{name}`: normalisation has finite numbers, and `std` is above 0"
                    ));
                }
            }
        }
        Ok(own)
    }

    /// Adds the names to a world. In a world without a data folder they are absent, with the
    /// reason.
    pub(super) fn add_to(&self, world: &mut World) {
        let Some(zoo) = &mut world.zoo else {
            let names = self.targets.keys().chain(self.sources.keys());
            let reason = || {
                "this set-up has only the images and source models that ship with the program"
                    .to_owned()
            };
            world.absent.extend(names.map(|name| (name.clone(), reason())));
            return;
        };
        for (name, source) in &self.sources {
            world.sources.insert(name.clone(), source.description.clone());
            if let Some(file) = source.files.get(&world.id) {
                zoo.files.insert(name.clone(), file.clone());
            }
            if let Some(normalisation) = source.normalisation {
                world.normalisations.insert(name.clone(), normalisation);
            }
        }
        for (name, target) in &self.targets {
            world.targets.insert(name.clone(), target.clone());
        }
        world.user_names = self.clone();
    }

    /// Whether the user states that the accuracies of a log are percent, even where all those of a
    /// source model on a target lie at or below 1.
    #[must_use]
    pub fn percent(&self) -> bool {
        self.percent == Some(true)
    }

    /// The title of the paper that claims and log are about, and its authors.
    #[must_use]
    pub(crate) fn paper(&self) -> Option<(&str, &[String])> {
        self.title.as_deref().map(|title| (title, self.authors.as_slice()))
    }

    /// Old spellings in the file.
    #[must_use]
    pub fn notes(&self) -> &[OldSpelling] {
        &self.notes
    }

    /// What to take of the file of a source model.
    #[must_use]
    pub(crate) fn choice(&self, source: &str) -> Choice {
        let source = self.sources.get(source);
        source.map_or_else(Choice::default, |source| Choice {
            key: source.key.clone(),
            prefix: source.prefix.clone(),
        })
    }

    /// Whether a target or a source model is user-defined.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.targets.contains_key(name) || self.sources.contains_key(name)
    }
}

/// Whether a world uses a name.
fn known(world: &World, name: &str) -> bool {
    world.expand(name).is_some() || world.sources.contains_key(name)
}

fn taken(name: &str) -> String {
    format!("the name `{name}` is already in use: choose another one")
}

/// Checks the name of a target or a source model, which may be any that a log has.
fn printable(what: &str, name: &str) -> Result<(), String> {
    /// The limit of characters: a target's folder is named after it.
    const LONGEST: usize = 100;
    match fault_of_name(name) {
        Some(fault) => Err(format!("{what} `{}` {fault}", shown(name))),
        None if name.chars().count() > LONGEST => {
            Err(format!("{what} `{}` has more than {LONGEST} characters", shown(name)))
        }
        None => Ok(()),
    }
}

/// Checks the name of a file: it must not lead out of its folder or be hidden in it.
fn plain(what: &str, name: &str) -> Result<(), String> {
    let known = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if name.starts_with(|first: char| first.is_ascii_alphanumeric()) && name.chars().all(known) {
        Ok(())
    } else {
        Err(format!(
            "{what} `{name}`: a name has letters, digits, `_`, `-` and `.`, and begins with a \
             letter or digit"
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
        description = "trained adversarially, L2 eps 5"
        files = { paper = "imagenet_l2_5.pt" }
    "#;

    fn with(kind: EvidenceKind) -> World {
        kind.world().with(&UserNames::parse("own.toml", OWN).unwrap())
    }

    #[test]
    fn names_are_known_in_worlds_with_a_data_folder_and_absent_in_others() {
        let key = |source: &str, images| Key {
            target: "flowers".into(),
            ..Key::new("kmnist", source, 3, images)
        };
        for kind in [EvidenceKind::Paper, EvidenceKind::Log, EvidenceKind::Lab] {
            let world = with(kind);
            assert_eq!(world.title("flowers"), "Flowers");
            assert_eq!(world.unavailable(&key("l2_5", 1020)), None);
            assert!(
                world
                    .unavailable(&key("l2_5", 1021))
                    .unwrap()
                    .contains("only 1020 training images")
            );
            assert!(world.subset_over_pool("flowers", 256));
        }
        assert_eq!(with(EvidenceKind::Paper).zoo.unwrap().files["l2_5"], "imagenet_l2_5.pt");
        assert!(!with(EvidenceKind::Salman).zoo.unwrap().files.contains_key("l2_5"));
        let smoke = with(EvidenceKind::Smoke);
        assert!(smoke.expand("flowers").is_some() && !smoke.sources.contains_key("l2_5"));
        assert!(
            smoke.unavailable(&key("natural", 100)).unwrap().contains("that ship with the program")
        );
    }

    #[test]
    fn a_source_has_its_own_normalisation_and_says_what_to_take_of_its_file() {
        let text = OWN.replace(
            "files = {",
            "key = \"state_dict_ema\"\nprefix = \"backbone\"\n\
             normalisation = { mean = [0.5, 0.5, 0.5], std = [0.25, 0.25, 0.25] }\nfiles = {",
        );
        let (names, plain) =
            [&text[..], OWN].map(|text| UserNames::parse("own.toml", text).unwrap()).into();
        let world = EvidenceKind::Paper.world().with(&names);
        let recipe = world.recipe(Key::new("flowers", "l2_5", 3, 100));
        assert_eq!(recipe.protocol.normalisation.mean, [0.5; 3]);
        // It is the arm's, so that arms stay comparable.
        let other = world.recipe(Key::new("flowers", "natural", 3, 100));
        assert_eq!(other.protocol.normalisation, Normalisation::IMAGENET);
        assert_eq!(world.digest(&recipe), world.digest(&other));
        let choice = names.choice("l2_5");
        assert_eq!(choice.key.as_deref(), Some("state_dict_ema"));
        assert_eq!(choice.prefix.as_deref(), Some("backbone"));
        assert_eq!(plain.choice("l2_5"), Choice::default());
        let world = EvidenceKind::Paper.world().with(&plain);
        let recipe = world.recipe(Key::new("flowers", "l2_5", 3, 100));
        assert_eq!(recipe.protocol.normalisation, Normalisation::IMAGENET);
    }

    #[test]
    fn names_that_a_world_has_keep_their_meaning() {
        for kind in [EvidenceKind::Paper, EvidenceKind::Lab, EvidenceKind::Smoke] {
            let (before, after) = (kind.world(), with(kind));
            assert_eq!(before.groups, after.groups);
            for (name, target) in &before.targets {
                assert_eq!(&after.targets[name], target);
            }
            for (name, description) in &before.sources {
                assert_eq!(&after.sources[name], description);
            }
        }
    }

    #[test]
    fn percent_can_be_stated() {
        let stated = OWN.replace("format = 1", "format = 1\npercent = true");
        assert!(UserNames::parse("own.toml", &stated).unwrap().percent());
        assert!(!UserNames::parse("own.toml", OWN).unwrap().percent());
    }

    #[test]
    fn a_file_above_the_size_limit_is_an_error() {
        let claims = tempfile::tempdir().unwrap();
        std::fs::create_dir(claims.path().join("worlds")).unwrap();
        let huge = OWN.to_owned() + &"# more\n".repeat(200_000);
        std::fs::write(claims.path().join(FILE), huge).unwrap();
        let error = UserNames::read(claims.path()).unwrap_err().to_string();
        assert!(error.contains("larger than the limit of 1048576 bytes"), "{error}");
    }

    #[test]
    fn names_in_use_and_names_with_a_path_are_errors() {
        let error = |from: &str, to: &str| {
            assert!(OWN.contains(from), "{from}");
            UserNames::parse("own.toml", &OWN.replace(from, to)).unwrap_err()
        };
        for taken in
            ["mnist", "similar", "tiny-imagenet", "fmnist_held_out", "natural", "zoos", "lab"]
        {
            let found = error("targets.flowers", &format!("targets.{taken}"));
            assert!(found.contains(taken) && found.contains("already"), "{found}");
        }
        for taken in ["l2_3", "gaussian", "flowers", "svhn"] {
            let found = error("sources.l2_5", &format!("sources.{taken}"));
            assert!(found.contains(taken) && found.contains("already"), "{found}");
        }
        for invalid in ["../flowers", ".flowers", "a/b", "", "a b"] {
            assert!(error("imagenet_l2_5.pt", invalid).contains("a name has"));
        }
        for (invalid, what) in [("", "not a name"), (" a", "a space"), ("a\\u001b", "be seen")] {
            let found = error("targets.flowers", &format!("targets.\"{invalid}\""));
            assert!(found.contains(what), "{found}");
        }
        for name in ["facebook/opt-125m", "BNG(breast-w)", "méthode", "../flowers", "=1+1"] {
            let text = OWN.replace("targets.flowers", &format!("targets.\"{name}\""));
            assert!(UserNames::parse("own.toml", &text).unwrap().has(name));
        }
        assert!(error("format = 1", "format = 2").contains("this version reads format 1"));
        assert!(error("format = 1", "format = 1\npercent = false").contains("from 0 to 100"));
        assert!(error("train = 1020", "train = 0").contains("must be at least 1"));
        assert!(error("train = 1020", "").contains("train"));
        assert!(error("description", "descriptive").contains("description"));
        assert!(error("paper =", "papier =").contains("did you mean `paper`?"));
        assert!(error("paper =", "smoke =").contains("(lab, paper, salman)"));
        for std in ["[1, 1, 0.0]", "[1, 1, nan]", "[1, 1, inf]"] {
            let normalisation = format!("\nnormalisation = {{ mean = [0, 0, 0], std = {std} }}");
            let found = error("\n        files =", &format!("{normalisation}\nfiles ="));
            assert!(found.contains("`std` is above 0"), "{found}");
        }
    }

    #[test]
    fn old_spellings_mean_the_same_and_have_notes() {
        let new = OWN
            .replace("test = 6149", "test = 6149\n        max_images = 100")
            .replace("paper =", "salman =");
        let old = new
            .replace("max_images", "most")
            .replace("description", "words")
            .replace("salman =", "sister =");
        let [new, mut old] = [new, old].map(|text| UserNames::parse("own.toml", &text).unwrap());
        let notes: Vec<String> = old.notes.drain(..).map(|note| note.to_string()).collect();
        assert_eq!(new, old);
        assert_eq!(
            notes,
            [
                "own.toml, line 7: `most` is now called `max_images`",
                "own.toml, line 9: `words` is now called `description`",
                "own.toml, line 10: `sister` is now called `salman`",
            ]
        );
    }
}
