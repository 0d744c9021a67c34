//! Reads the official data sets from a folder: the paper's targets by name, whose numbers of images
//! must be the official ones, and Fashion-MNIST for source models, whose SHA-256 must be the
//! official one.

use std::{
    io::ErrorKind::NotFound,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{
    DataError, Dataset, Images, Problem, Target, caltech101, celeba,
    cifar::{self, Cifar},
    folder, foreign, idx,
    image_files::contents,
    svhn, tiny_imagenet,
};
use crate::util::hexadecimal;

/// The format of a data set on disk, with file names relative to its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// That of MNIST: `{train,t10k}-{images-idx3,labels-idx1}-ubyte`, plain or `.gz`.
    Idx {
        /// Number of classes.
        classes: u32,
    },
    /// `cifar-10-batches-bin/{data_batch_1 .. data_batch_5,test_batch}.bin`.
    Cifar10,
    /// `cifar-100-binary/{train,test}.bin`; fine labels.
    Cifar100,
    /// `{train,test}_32x32.mat`.
    Svhn,
    /// See [`celeba`].
    Celeba,
    /// See [`caltech101`].
    Caltech101,
    /// See `tiny_imagenet`.
    TinyImagenet,
    /// See [`folder`].
    Folder,
}

/// The properties of an official data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Official {
    /// The target's name in the paper world.
    pub name: &'static str,
    /// Its format on disk.
    pub format: Format,
    /// Number of training images.
    pub train: usize,
    /// Number of test images.
    pub test: usize,
    /// Number of classes.
    pub classes: u32,
    /// Channels, rows and columns, if all images have one size.
    pub shape: Option<(usize, usize, usize)>,
}

const fn official(
    name: &'static str,
    format: Format,
    (train, test): (usize, usize),
    classes: u32,
    shape: Option<(usize, usize, usize)>,
) -> Official {
    Official { name, format, train, test, classes, shape }
}

const IDX: Format = Format::Idx { classes: 10 };
const GREY: Option<(usize, usize, usize)> = Some((1, 28, 28));
const COLOUR: Option<(usize, usize, usize)> = Some(cifar::SHAPE);

/// The official data sets.
pub const OFFICIAL: [Official; 9] = [
    official("cifar10", Format::Cifar10, (50_000, 10_000), 10, COLOUR),
    official("cifar100", Format::Cifar100, (50_000, 10_000), 100, COLOUR),
    official("svhn", Format::Svhn, (73_257, 26_032), 10, COLOUR),
    official("kmnist", IDX, (60_000, 10_000), 10, GREY),
    official("fmnist", IDX, (60_000, 10_000), 10, GREY),
    official("mnist", IDX, (60_000, 10_000), 10, GREY),
    official("celeba", Format::Celeba, (162_770, 19_962), 2, None),
    official("caltech101", Format::Caltech101, (3_030, 5_647), 101, None),
    official("tiny-imagenet", Format::TinyImagenet, (100_000, 10_000), 200, None),
];

/// Names of the official data sets.
pub fn names() -> impl Iterator<Item = &'static str> {
    OFFICIAL.iter().map(|official| official.name)
}

/// Reads an official data set from the folder with its name in `data`.
///
/// # Errors
/// If the name is unknown, or the data set is missing, damaged or incomplete.
pub fn target(name: &str, data: &Path) -> Result<Target, DataError> {
    let official = OFFICIAL.iter().find(|official| official.name == name);
    let official = official.ok_or_else(|| DataError::Unknown { name: name.to_owned() })?;
    let folder = data.join(name);
    let target = official.format.read(&folder)?;
    official.check(&folder, &target)?;
    Ok(target)
}

impl Official {
    /// The properties of a user's image folder, with its numbers of training and test images.
    #[must_use]
    pub const fn folder(images: (usize, usize), classes: u32) -> Self {
        official("a folder", Format::Folder, images, classes, None)
    }

    /// Compares a data set with these properties.
    ///
    /// # Errors
    /// If numbers of images or classes, or the sizes of images, differ.
    pub fn check(&self, path: &Path, target: &Target) -> Result<(), DataError> {
        let classes = target.train.classes() as usize;
        for (what, split, found, expected) in [
            ("training images", &target.train, target.train.len(), self.train),
            ("test images", &target.test, target.test.len(), self.test),
            ("classes", &target.train, classes, self.classes as usize),
        ] {
            if found != expected {
                let hidden = match split {
                    Images::Files(files) => files.hidden(),
                    Images::Bytes(_) => 0,
                };
                let path = path.to_owned();
                return Err(DataError::Count { path, what, found, expected, hidden });
            }
        }
        for split in [&target.train, &target.test] {
            if let (Images::Bytes(dataset), Some(expected)) = (split, self.shape)
                && dataset.shape() != expected
            {
                let found = dataset.shape();
                return Err(DataError::Shape { path: path.to_owned(), found, expected });
            }
        }
        Ok(())
    }
}

impl Format {
    /// Reads a data set in this format, with any number of images.
    ///
    /// # Errors
    /// Each [`DataError`]; [`DataError::Foreign`] if the folder has it in another form.
    pub fn read(self, folder: &Path) -> Result<Target, DataError> {
        self.read_as_published(folder).map_err(|error| match error.problem() {
            Problem::Missing | Problem::Foreign { .. } => match foreign::recognise(self, folder) {
                Some((found, expected)) => {
                    DataError::Foreign { path: folder.to_owned(), found, expected }
                }
                None => error,
            },
            Problem::Unreadable | Problem::Damaged => error,
        })
    }

    fn read_as_published(self, folder: &Path) -> Result<Target, DataError> {
        let both = |read: &dyn Fn(bool) -> Result<Dataset, DataError>| {
            Ok(Target { train: Images::Bytes(read(true)?), test: Images::Bytes(read(false)?) })
        };
        match self {
            Self::Idx { classes } => both(&|train| {
                let name = if train { "train" } else { "t10k" };
                let images = format!("{name}-images-idx3-ubyte");
                let labels = format!("{name}-labels-idx1-ubyte");
                let (_, image_bytes) = plain_or_gzip(folder, &images)?;
                let (_, label_bytes) = plain_or_gzip(folder, &labels)?;
                Ok(idx::read((&images, &image_bytes), (&labels, &label_bytes), classes)?)
            }),
            Self::Cifar10 => both(&|train| {
                let folder = folder.join("cifar-10-batches-bin");
                let batch = |batch| folder.join(format!("data_batch_{batch}.bin"));
                let test = vec![folder.join("test_batch.bin")];
                cifar(Cifar::Ten, &if train { (1..=5).map(batch).collect() } else { test })
            }),
            Self::Cifar100 => both(&|train| {
                let name = if train { "train.bin" } else { "test.bin" };
                cifar(Cifar::Hundred, &[folder.join("cifar-100-binary").join(name)])
            }),
            Self::Svhn => both(&|train| {
                let name = if train { "train_32x32.mat" } else { "test_32x32.mat" };
                let path = folder.join(name);
                svhn::read(&path, &contents(&path, idx::LARGEST_BYTES)?)
            }),
            Self::Celeba => celeba::read(folder),
            Self::Caltech101 => caltech101::read(folder, caltech101::TRAIN_PER_CLASS),
            Self::TinyImagenet => tiny_imagenet::read(folder),
            Self::Folder => folder::read(folder),
        }
    }
}

fn cifar(kind: Cifar, paths: &[PathBuf]) -> Result<Dataset, DataError> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for path in paths {
        let bytes = contents(path, idx::LARGEST_BYTES)?;
        kind.append(path, &bytes, (&mut pixels, &mut labels))?;
    }
    Dataset::new(pixels, cifar::SHAPE, labels, kind.classes())
        .map_err(|cause| DataError::Dataset { path: paths[0].clone(), cause })
}

/// A split of a data set of the MNIST family.
#[derive(Clone, Copy, Debug)]
pub struct Split {
    /// Official name of the file of images, without `.gz`.
    pub images: &'static str,
    /// The SHA-256 of its unpacked contents.
    pub images_sha256: &'static str,
    /// Official name of the file of labels, without `.gz`.
    pub labels: &'static str,
    /// The SHA-256 of its unpacked contents.
    pub labels_sha256: &'static str,
    /// Number of classes.
    pub classes: u32,
}

/// The 60,000 training images of Fashion-MNIST (Xiao et al. 2017, arXiv 1708.07747).
pub const FASHION_TRAIN: Split = Split {
    images: "train-images-idx3-ubyte",
    images_sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    labels: "train-labels-idx1-ubyte",
    labels_sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    classes: 10,
};

/// The 10,000 test images of Fashion-MNIST.
pub const FASHION_TEST: Split = Split {
    images: "t10k-images-idx3-ubyte",
    images_sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    labels: "t10k-labels-idx1-ubyte",
    labels_sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    classes: 10,
};

impl Split {
    /// Reads this split from a folder.
    ///
    /// # Errors
    /// If a file is missing, damaged, or not the official one.
    pub fn read(&self, folder: &Path) -> Result<Dataset, DataError> {
        let images = verified(folder, self.images, self.images_sha256)?;
        let labels = verified(folder, self.labels, self.labels_sha256)?;
        Ok(idx::read((self.images, &images), (self.labels, &labels), self.classes)?)
    }
}

/// A file's unpacked contents, after their checksum is verified.
fn verified(folder: &Path, name: &str, expected: &'static str) -> Result<Vec<u8>, DataError> {
    let (path, bytes) = plain_or_gzip(folder, name)?;
    let found = hexadecimal(&Sha256::digest(&bytes));
    if found != expected {
        return Err(DataError::Checksum { path, found, expected });
    }
    Ok(bytes)
}

/// The path of the plain or gzip file that exists, and its unpacked contents.
fn plain_or_gzip(folder: &Path, name: &str) -> Result<(PathBuf, Vec<u8>), DataError> {
    let plain = folder.join(name);
    let packed = folder.join(format!("{name}.gz"));
    let path = if plain.exists() || !packed.exists() { plain } else { packed };
    let bytes = contents(&path, idx::LARGEST_BYTES).map_err(|error| match error {
        DataError::Unreadable { path, cause } if cause.kind() == NotFound => {
            DataError::NeitherPlainNorGzip { path, cause }
        }
        error => error,
    })?;
    let bytes = idx::unpacked(name, &bytes)?;
    Ok((path, bytes))
}
