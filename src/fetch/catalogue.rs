//! What can be fetched, as data (`claims/worlds/downloads.toml`): items, their files, and for each
//! file its addresses, its checksum and how it is unpacked. Checked when it is read, so that nothing
//! in it leads out of the data folder.

use std::{
    collections::HashSet,
    fmt,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::checksum::{Algorithm, Checksum};
use crate::{
    experiment::Architecture,
    util::suggest::did_you_mean,
    world::{World, ZOOS},
};

/// The catalogue as it ships with the project.
const SHIPPED: &str = include_str!("../../claims/worlds/downloads.toml");
/// A catalogue is a text that people write; a larger file is none.
const LARGEST_BYTES: u64 = 1 << 20;

/// Items that can be fetched.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Version of this grammar: 1.
    pub format: u32,
    /// Items, in the order in which they are listed.
    #[serde(rename = "item")]
    pub items: Vec<Item>,
}

/// A data set, or a checkpoint.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The name it is asked for by.
    pub id: String,
    /// What it is, in words.
    pub what: String,
    /// What it is to the program.
    pub is: Is,
    /// Licence or terms, in a sentence.
    pub terms: String,
    /// Its maker's page.
    pub page: String,
    /// Why no program can fetch it; then its files are brought by hand.
    #[serde(default)]
    pub by_hand: Option<String>,
    /// Its files.
    #[serde(rename = "file")]
    pub files: Vec<File>,
}

/// What an item is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Is {
    /// A target's data set.
    Target {
        /// The target's name.
        target: String,
    },
    /// A checkpoint.
    Checkpoint {
        /// The zoo it belongs to.
        zoo: Zoo,
        /// The source model it is, as worlds call it.
        role: String,
    },
}

/// Who trained a checkpoint. The two zoos have models of the same roles and of different quality, so
/// whatever is measured on one is named by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Zoo {
    /// What the paper's authors fine-tuned: torchvision's natural model and Engstrom's robust ones.
    Authors,
    /// The sister paper's (Salman et al. 2020), better trained, with a natural model of their own.
    Sister,
}

impl Zoo {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Authors, Self::Sister];

    /// Its name, which is its folder's as well.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Authors => "authors",
            Self::Sister => "sister",
        }
    }

    /// What its checkpoints are of, in the world that fine-tunes them.
    ///
    /// # Panics
    /// Never in a built project: both worlds are embedded, and tests read them.
    #[must_use]
    pub fn architecture(self) -> Architecture {
        let world = match self {
            Self::Authors => World::paper(),
            Self::Sister => World::sister(),
        };
        world.zoo.expect("it has the zoo").architecture
    }

    /// The one that a world's source models are of, if they are of one of these.
    #[must_use]
    pub fn of(world: &World) -> Option<Self> {
        let own = world.zoo.as_ref()?;
        Self::ALL.into_iter().find(|zoo| zoo.name() == own.name)
    }
}

impl fmt::Display for Zoo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// One file of an item.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its official name, which is its name on disk as well.
    pub name: String,
    /// Where it is to be had, in the order in which addresses are tried.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// MD5 in hexadecimal, as its maker states it.
    #[serde(default)]
    pub(super) md5: Option<String>,
    /// SHA-256 likewise.
    #[serde(default)]
    pub(super) sha256: Option<String>,
    /// Why there is neither.
    #[serde(default)]
    pub no_checksum: Option<String>,
    /// Its size, where it is known.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// How it is unpacked; a file without this is used as it is.
    #[serde(default)]
    pub unpack: Option<Unpack>,
}

/// How an archive is unpacked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unpack {
    /// What kind of archive it is.
    pub format: Format,
    /// The archive inside it that is unpacked in its place, a `.tar.gz`; only in a zip.
    #[serde(default)]
    pub inner: Option<String>,
    /// The one folder of the archive that is taken.
    pub folder: String,
    /// More entries than this are not unpacked.
    pub most_entries: u64,
    /// More bytes than this are not unpacked.
    pub most_bytes: u64,
}

/// Kinds of archives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Format {
    /// A tar in gzip.
    #[serde(rename = "tar.gz")]
    TarGz,
    /// A zip.
    #[serde(rename = "zip")]
    Zip,
}

/// What is wrong with a catalogue, or with a name that is not in it.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CatalogueError {
    /// The file can't be read.
    #[error("failed to read the catalogue {path}: {cause}")]
    #[diagnostic(code(fetch::catalogue))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// It is no catalogue.
    #[error("{file} is no catalogue: {reason}")]
    #[diagnostic(help("claims/worlds/downloads.toml is one, and says what each field means"))]
    Malformed {
        /// The file's name.
        file: String,
        /// What is wrong, with the line where it is one's.
        reason: String,
    },
    /// Nothing has that name.
    #[error("nothing to fetch is called `{name}`{nearest}")]
    #[diagnostic(code(fetch::unknown))]
    Unknown {
        /// The name.
        name: String,
        /// What was probably meant, in words, or nothing.
        nearest: String,
    },
}

impl Catalogue {
    /// The project's own.
    ///
    /// # Panics
    /// Never in a built project: it is embedded, and a test reads it.
    #[must_use]
    pub fn shipped() -> Self {
        Self::parse("claims/worlds/downloads.toml", SHIPPED).expect("the embedded catalogue reads")
    }

    /// One that somebody wrote.
    ///
    /// # Errors
    /// Where the file can't be read or is no catalogue.
    pub fn read(path: &Path) -> Result<Self, CatalogueError> {
        let unreadable = |cause| CatalogueError::Unreadable { path: path.to_owned(), cause };
        if std::fs::metadata(path).map_err(unreadable)?.len() > LARGEST_BYTES {
            let reason = format!("it has more than {LARGEST_BYTES} bytes");
            return Err(CatalogueError::Malformed { file: path.display().to_string(), reason });
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Reads a catalogue's text.
    ///
    /// # Errors
    /// Where it is malformed, naming the item and the file.
    pub fn parse(file: &str, text: &str) -> Result<Self, CatalogueError> {
        let malformed = |reason| CatalogueError::Malformed { file: file.to_owned(), reason };
        let catalogue: Self = toml::from_str(text).map_err(|error| malformed(error.to_string()))?;
        if catalogue.format != 1 {
            return Err(malformed(format!("its format is {}, not 1", catalogue.format)));
        }
        let mut ids = HashSet::new();
        let mut places = HashSet::new();
        for item in &catalogue.items {
            let wrong = |what: String| malformed(format!("item `{}`: {what}", item.id));
            item.check().map_err(wrong)?;
            if !ids.insert(&item.id) {
                return Err(wrong("it is listed twice".to_owned()));
            }
            for file in &item.files {
                if !places.insert(item.folder().join(&file.name)) {
                    return Err(wrong(format!("two files land on {}", file.name)));
                }
            }
        }
        Ok(catalogue)
    }

    /// The items of a name: an item's own, or a zoo's, which is all of its checkpoints.
    ///
    /// # Errors
    /// If there is none; the error names the nearest.
    pub fn named(&self, name: &str) -> Result<Vec<&Item>, CatalogueError> {
        let of_zoo =
            |item: &Item| matches!(&item.is, Is::Checkpoint { zoo, .. } if zoo.name() == name);
        let found: Vec<&Item> =
            self.items.iter().filter(|item| item.id == name || of_zoo(item)).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let zoos = Zoo::ALL.iter().map(|zoo| zoo.name());
        let known = self.items.iter().map(|item| item.id.as_str()).chain(zoos);
        Err(CatalogueError::Unknown { name: name.to_owned(), nearest: did_you_mean(name, known) })
    }

    /// All that a world needs: the data set of each of its targets, and the checkpoints of its source
    /// models in one zoo; with the names of those that the catalogue lacks.
    #[must_use]
    pub fn of_world(&self, world: &World, zoo: Zoo) -> (Vec<&Item>, Vec<String>) {
        let needed = world
            .targets
            .keys()
            .map(|target| Is::Target { target: target.clone() })
            .chain(world.sources.keys().map(|role| Is::Checkpoint { zoo, role: role.clone() }));
        let (mut found, mut absent) = (Vec::new(), Vec::new());
        for is in needed {
            match self.items.iter().find(|item| item.is == is) {
                Some(item) => found.push(item),
                None => absent.push(is.name()),
            }
        }
        // In the catalogue's order, which is the order in which they are listed.
        found.sort_by_key(|found| self.items.iter().position(|item| item.id == found.id));
        (found, absent)
    }
}

impl Is {
    fn name(&self) -> String {
        match self {
            Self::Target { target } => target.clone(),
            Self::Checkpoint { zoo, role } => format!("{zoo}/{role}"),
        }
    }
}

impl Item {
    /// The folder it lands in, below the data folder.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        match &self.is {
            Is::Target { target } => PathBuf::from(target),
            Is::Checkpoint { zoo, .. } => Path::new(ZOOS).join(zoo.name()),
        }
    }

    /// Its size, where each file's is known; else the known part of it.
    #[must_use]
    pub fn bytes(&self) -> (u64, bool) {
        let known = self.files.iter().filter_map(|file| file.bytes).sum();
        (known, self.files.iter().all(|file| file.bytes.is_some()))
    }
}

impl File {
    /// The checksum that its maker states; `None` where there is none.
    #[must_use]
    pub fn checksum(&self) -> Option<Checksum> {
        let of = |algorithm, hexadecimal: &Option<String>| {
            hexadecimal.clone().map(|hexadecimal| Checksum { algorithm, hexadecimal })
        };
        of(Algorithm::Sha256, &self.sha256).or_else(|| of(Algorithm::Md5, &self.md5))
    }
}
