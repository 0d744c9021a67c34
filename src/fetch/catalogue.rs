//! The catalogue of downloads (`claims/worlds/downloads.toml`): items, their files, and for each
//! file its addresses, its checksum and how to unpack it. It is checked when it is parsed
//! (`check`), so that no entry can write outside the data folder.

use std::{
    collections::HashSet,
    fmt,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::checksum::{Algorithm, Checksum};
use crate::{
    experiment::Architecture,
    util::{
        files,
        suggest::{did_you_mean, in_toml},
    },
    world::{World, ZOOS},
};

/// The project's catalogue.
const EMBEDDED: &str = include_str!("../../claims/worlds/downloads.toml");
/// Size limit of a catalogue, which is a short text file.
const LARGEST_BYTES: u64 = 1 << 20;

/// Items that can be downloaded or imported.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Version of the catalogue format: 1.
    pub format: u32,
    /// Items, in the order of the file, in which commands list them.
    #[serde(rename = "item")]
    pub items: Vec<Item>,
}

/// A data set, or a checkpoint.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its name on the command line.
    pub id: String,
    /// A description in words.
    pub what: String,
    /// Which part of a world it provides.
    #[serde(rename = "is")]
    pub kind: ItemKind,
    /// Licence or terms of use, in one sentence.
    pub terms: String,
    /// The provider's web page.
    pub page: String,
    /// Why a program can't download it. A person then downloads its files and imports them.
    #[serde(default)]
    pub by_hand: Option<String>,
    /// Its files.
    #[serde(rename = "file")]
    pub files: Vec<File>,
}

/// What an item provides.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum ItemKind {
    /// A target's data set.
    Target {
        /// The target's name.
        target: String,
    },
    /// A source model's checkpoint.
    Checkpoint {
        /// The zoo that it belongs to.
        zoo: Zoo,
        /// The source model's name in a world.
        role: String,
    },
}

/// Who trained a checkpoint. Both zoos have models with the same names but of different quality, so
/// every measurement names its zoo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Zoo {
    /// The paper's source models: torchvision's natural model and the robust models of Engstrom et
    /// al. (2019).
    Authors,
    /// The models of Salman et al. (2020), trained for more accuracy, with their own natural model.
    #[serde(rename = "sister")]
    Salman,
}

impl Zoo {
    /// Both zoos.
    pub const ALL: [Self; 2] = [Self::Authors, Self::Salman];

    /// Its name in the catalogue, which is also the name of its folder.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Authors => "authors",
            Self::Salman => "sister",
        }
    }

    /// The network of its checkpoints, as the world that fine-tunes them defines it.
    ///
    /// # Panics
    /// Never: both worlds are embedded, and tests parse them.
    #[must_use]
    pub fn architecture(self) -> Architecture {
        let world = match self {
            Self::Authors => World::paper(),
            Self::Salman => World::salman(),
        };
        world.zoo.expect("both worlds name a zoo").architecture
    }

    /// The zoo of a world's source models; `None` if they are of another one.
    #[must_use]
    pub fn for_world(world: &World) -> Option<Self> {
        let name = &world.zoo.as_ref()?.name;
        Self::ALL.into_iter().find(|zoo| zoo.name() == name)
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
    /// Its official name, which is also its name on disk.
    pub name: String,
    /// URLs, in the order in which they are tried.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// MD5 in hexadecimal, as the provider publishes it.
    #[serde(default)]
    pub(super) md5: Option<String>,
    /// SHA-256 in hexadecimal, as the provider publishes it.
    #[serde(default)]
    pub(super) sha256: Option<String>,
    /// Why the provider publishes no checksum.
    #[serde(default)]
    pub no_checksum: Option<String>,
    /// Its official size in bytes, if it is known.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// How to unpack it; a file without this is no archive.
    #[serde(default)]
    pub unpack: Option<Unpack>,
}

/// How to unpack an archive.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unpack {
    /// Its format.
    pub format: Format,
    /// The `.tar.gz` inside a zip that is unpacked in place of the zip.
    #[serde(default)]
    pub inner: Option<String>,
    /// The only folder of the archive that is unpacked.
    pub folder: String,
    /// Limit on the number of entries.
    #[serde(rename = "most_entries")]
    pub max_entries: u64,
    /// Limit on the number of unpacked bytes.
    #[serde(rename = "most_bytes")]
    pub max_bytes: u64,
}

/// An archive format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Format {
    /// A tar compressed with gzip.
    #[serde(rename = "tar.gz")]
    TarGz,
    /// A zip archive.
    #[serde(rename = "zip")]
    Zip,
}

/// An invalid catalogue, or a name that it does not have.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CatalogueError {
    /// The file is missing or can't be read.
    #[error("failed to read the catalogue {path}: {cause}")]
    #[diagnostic(code(fetch::catalogue))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        cause: std::io::Error,
    },
    /// The text is no valid catalogue.
    #[error("failed to parse the catalogue {file}: {reason}")]
    #[diagnostic(help(
        "correct the file; claims/worlds/downloads.toml is an example and explains each field"
    ))]
    Malformed {
        /// The file's name.
        file: String,
        /// What is wrong, with the line if there is one.
        reason: String,
    },
    /// No item or zoo has that name.
    #[error("failed to find the item `{name}`{suggestion}")]
    #[diagnostic(code(fetch::unknown))]
    Unknown {
        /// The name.
        name: String,
        /// `, did you mean ...?`, or nothing.
        suggestion: String,
    },
}

impl Catalogue {
    /// The project's catalogue.
    ///
    /// # Panics
    /// Never: it is embedded, and a test parses it.
    #[must_use]
    pub fn embedded() -> Self {
        let file = "claims/worlds/downloads.toml";
        Self::parse(file, EMBEDDED).expect("the embedded catalogue is valid")
    }

    /// Reads a user's catalogue.
    ///
    /// # Errors
    /// If the file can't be read, is larger than 1 MiB, or is invalid.
    pub fn read(path: &Path) -> Result<Self, CatalogueError> {
        let unreadable = |cause| CatalogueError::Unreadable { path: path.to_owned(), cause };
        if std::fs::metadata(path).map_err(unreadable)?.len() > LARGEST_BYTES {
            let reason = format!("it has more than {LARGEST_BYTES} bytes");
            return Err(CatalogueError::Malformed { file: path.display().to_string(), reason });
        }
        // A file of /dev has no length.
        let text = files::text(path, LARGEST_BYTES).map_err(unreadable)?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Parses a catalogue. `file` is its name in errors.
    ///
    /// # Errors
    /// If it is invalid; the error names the item and the file.
    pub fn parse(file: &str, text: &str) -> Result<Self, CatalogueError> {
        let malformed = |reason| CatalogueError::Malformed { file: file.to_owned(), reason };
        let catalogue: Self =
            toml::from_str(text).map_err(|error| malformed(in_toml(error, text)))?;
        if catalogue.format != 1 {
            return Err(malformed(format!("format is {}, but must be 1", catalogue.format)));
        }
        let mut ids = HashSet::new();
        let mut paths = HashSet::new();
        for item in &catalogue.items {
            let invalid = |what: String| malformed(format!("item `{}`: {what}", item.id));
            item.check().map_err(invalid)?;
            if !ids.insert(&item.id) {
                return Err(invalid("it is listed twice".to_owned()));
            }
            for file in &item.files {
                if !paths.insert(item.folder().join(&file.name)) {
                    return Err(invalid(format!("two files have the name {}", file.name)));
                }
            }
        }
        Ok(catalogue)
    }

    /// The item with a name, or all checkpoints of the zoo with that name.
    ///
    /// # Errors
    /// If there is none; the error suggests the nearest name.
    pub fn named(&self, name: &str) -> Result<Vec<&Item>, CatalogueError> {
        let in_zoo = |item: &Item| match &item.kind {
            ItemKind::Checkpoint { zoo, .. } => zoo.name() == name,
            ItemKind::Target { .. } => false,
        };
        let found: Vec<&Item> =
            self.items.iter().filter(|item| item.id == name || in_zoo(item)).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let zoos = Zoo::ALL.iter().map(|zoo| zoo.name());
        let known = self.items.iter().map(|item| item.id.as_str()).chain(zoos);
        let suggestion = did_you_mean(name, known);
        Err(CatalogueError::Unknown { name: name.to_owned(), suggestion })
    }

    /// All items that a world needs: the data set of each target, and the checkpoint of each source
    /// model in one zoo. Second, the names of those that are missing from the catalogue.
    #[must_use]
    pub fn for_world(&self, world: &World, zoo: Zoo) -> (Vec<&Item>, Vec<String>) {
        let needed =
            world.targets.keys().map(|target| ItemKind::Target { target: target.clone() }).chain(
                world.sources.keys().map(|role| ItemKind::Checkpoint { zoo, role: role.clone() }),
            );
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for kind in needed {
            match self.items.iter().find(|item| item.kind == kind) {
                Some(item) => found.push(item),
                None => missing.push(kind.name()),
            }
        }
        // The catalogue's order, in which commands list items.
        found.sort_by_key(|found| self.items.iter().position(|item| item.id == found.id));
        (found, missing)
    }
}

impl ItemKind {
    fn name(&self) -> String {
        match self {
            Self::Target { target } => target.clone(),
            Self::Checkpoint { zoo, role } => format!("{zoo}/{role}"),
        }
    }
}

impl Item {
    /// Its folder, relative to the data folder.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        match &self.kind {
            ItemKind::Target { target } => PathBuf::from(target),
            ItemKind::Checkpoint { zoo, .. } => Path::new(ZOOS).join(zoo.name()),
        }
    }

    /// The sum of the known sizes of its files in bytes, and whether all sizes are known.
    #[must_use]
    pub fn bytes(&self) -> (u64, bool) {
        let known = self.files.iter().filter_map(|file| file.bytes).sum();
        (known, self.files.iter().all(|file| file.bytes.is_some()))
    }
}

impl File {
    /// The official checksum: the SHA-256, else the MD5; `None` if the provider publishes none.
    #[must_use]
    pub fn checksum(&self) -> Option<Checksum> {
        let stated = |algorithm, hexadecimal: &Option<String>| {
            hexadecimal.clone().map(|hexadecimal| Checksum { algorithm, hexadecimal })
        };
        stated(Algorithm::Sha256, &self.sha256).or_else(|| stated(Algorithm::Md5, &self.md5))
    }
}
