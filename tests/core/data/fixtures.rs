//! The small data sets of goldens/data, their reference values, and copies to damage.

use std::{
    fs,
    path::{Path, PathBuf},
};

use repro::{
    data::{DataError, Images, Target, caltech101, official::Format},
    experiment::Resolution,
    util::hexadecimal,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Each fixture with its format. [`read`] reads that of Caltech101 with three training images per
/// class.
pub const FIXTURES: [(&str, Format); 8] = [
    ("mnist", Format::Idx { classes: 10 }),
    ("cifar10", Format::Cifar10),
    ("cifar100", Format::Cifar100),
    ("svhn", Format::Svhn),
    ("celeba", Format::Celeba),
    ("caltech101", Format::Caltech101),
    ("tiny-imagenet", Format::TinyImagenet),
    ("folder", Format::Folder),
];

pub fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/data")
}

pub fn reference() -> Value {
    serde_json::from_slice(&fs::read(goldens().join("reference.json")).unwrap()).unwrap()
}

pub fn read(format: Format, folder: &Path) -> Result<Target, DataError> {
    match format {
        Format::Caltech101 => caltech101::read(folder, 3),
        format => format.read(folder),
    }
}

pub fn fixture(name: &str) -> Target {
    let (_, format) = FIXTURES.into_iter().find(|(known, _)| *known == name).unwrap();
    read(format, &goldens().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// The side and the resolution of `40 through 7` or `24 through None`.
pub fn size(words: &str) -> (u32, Resolution) {
    let (side, through) = words.split_once(" through ").unwrap();
    (side.parse().unwrap(), through.parse().map_or(Resolution::Native, Resolution::Pixels))
}

/// A copy of a fixture, to damage.
pub struct Copy(tempfile::TempDir);

impl Copy {
    pub fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(&goldens().join(name), folder.path());
        Self(folder)
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    pub fn root(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, below: &str, contents: impl AsRef<[u8]>) -> &Self {
        fs::create_dir_all(self.path(below).parent().unwrap()).unwrap();
        fs::write(self.path(below), contents).unwrap();
        self
    }

    /// Replaces the first occurrence of a text in a file, which must have it.
    pub fn replace(&self, below: &str, from: &str, to: &str) -> &Self {
        let text = fs::read_to_string(self.path(below)).unwrap();
        assert!(text.contains(from), "{below} has no {from:?}");
        self.write(below, text.replacen(from, to, 1))
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, to).unwrap();
        }
    }
}

/// The images of a split that consists of files.
pub fn files(images: &Images) -> &repro::data::ImageFiles {
    match images {
        Images::Files(files) => files,
        Images::Bytes(_) => panic!("these are bytes"),
    }
}
