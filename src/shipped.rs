//! What ships with the project: the smoke world's images and source models (`goldens/smoke`), embedded
//! so that the program works from any folder.

use std::{path::Path, sync::OnceLock};

use crate::{
    data::{Dataset, idx},
    model::Weights,
    pretrain::{Card, CheckpointError, read_weights},
};

/// The four files of a target: training images and labels, test images and labels.
type Files = [&'static [u8]; 4];

macro_rules! images {
    ($name:literal) => {
        (
            $name,
            [
                include_bytes!(concat!(
                    "../goldens/smoke/images/",
                    $name,
                    "-train-images-idx3-ubyte.gz"
                )),
                include_bytes!(concat!(
                    "../goldens/smoke/images/",
                    $name,
                    "-train-labels-idx1-ubyte.gz"
                )),
                include_bytes!(concat!(
                    "../goldens/smoke/images/",
                    $name,
                    "-test-images-idx3-ubyte.gz"
                )),
                include_bytes!(concat!(
                    "../goldens/smoke/images/",
                    $name,
                    "-test-labels-idx1-ubyte.gz"
                )),
            ],
        )
    };
}

macro_rules! source {
    ($role:literal) => {
        (
            $role,
            include_bytes!(concat!("../goldens/smoke/zoo/", $role, ".safetensors")),
            include_str!(concat!("../goldens/smoke/zoo/", $role, ".json")),
        )
    };
}

const TARGETS: [(&str, Files); 3] =
    [images!("kmnist"), images!("mnist"), images!("fmnist_held_out")];
const SOURCES: [(&str, &[u8], &str); 5] = [
    source!("natural"),
    source!("l2_3"),
    source!("linf_4"),
    source!("linf_8"),
    source!("gaussian"),
];
/// The first images that source models are trained on, and their labels.
const FIRST_OF_SOURCE: [&[u8]; 2] = [
    include_bytes!("../goldens/smoke/images/fmnist_source-first-images-idx3-ubyte.gz"),
    include_bytes!("../goldens/smoke/images/fmnist_source-first-labels-idx1-ubyte.gz"),
];

/// A target's images.
#[derive(Clone, Debug)]
pub struct Target {
    /// Those that subsets are drawn from.
    pub train: Dataset,
    /// Those that accuracies are of.
    pub test: Dataset,
}

/// A target's images by its name.
///
/// # Panics
/// Never in a built project: the files are embedded, and a test reads them.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    let (_, [train, train_labels, test, test_labels]) = find(name)?;
    let read = |images, labels| -> Result<Dataset, idx::IdxError> {
        let images = (name, images);
        idx::read(images, (name, labels), classes(labels))
    };
    Some(Target {
        train: read(train, train_labels).expect("embedded images read"),
        test: read(test, test_labels).expect("embedded images read"),
    })
}

/// BLAKE3 of a target's files, in hexadecimal.
#[must_use]
pub fn target_digest(name: &str) -> Option<String> {
    static DIGESTS: OnceLock<Vec<(&str, String)>> = OnceLock::new();
    let digest = |files: &Files| {
        let mut hasher = blake3::Hasher::new();
        for file in files {
            hasher.update(&(file.len() as u64).to_le_bytes()).update(file);
        }
        hasher.finalize().to_hex().to_string()
    };
    let digests = DIGESTS
        .get_or_init(|| TARGETS.iter().map(|(known, files)| (*known, digest(files))).collect());
    digests.iter().find(|(known, _)| *known == name).map(|(_, digest)| digest.clone())
}

fn find(name: &str) -> Option<&'static (&'static str, Files)> {
    TARGETS.iter().find(|(known, _)| *known == name)
}

/// How many classes there are: one more than the largest label.
fn classes(labels: &[u8]) -> u32 {
    idx::labels("labels", labels).expect("embedded labels read").into_iter().max().unwrap_or(0) + 1
}

/// The first images of the source, as its models saw them.
///
/// # Errors
/// Never in a built project.
pub fn first_of_source() -> Result<Dataset, idx::IdxError> {
    let [images, labels] = FIRST_OF_SOURCE;
    idx::read(("the source's first images", images), ("their labels", labels), classes(labels))
}

/// A source model's card by its role.
///
/// # Panics
/// Never in a built project: the cards are embedded, and a test reads them.
#[must_use]
pub fn card(role: &str) -> Option<&'static Card> {
    static CARDS: OnceLock<Vec<Card>> = OnceLock::new();
    let read = |text: &str| serde_json::from_str(text).expect("embedded cards read");
    let cards = CARDS.get_or_init(|| SOURCES.iter().map(|(_, _, card)| read(card)).collect());
    cards.iter().find(|card| card.role == role)
}

/// A source model's weights, and its card.
///
/// # Errors
/// Never in a built project.
pub fn source(role: &str) -> Option<Result<(Weights, &'static Card), CheckpointError>> {
    let (_, bytes, _) = SOURCES.iter().find(|(known, _, _)| *known == role)?;
    let card = card(role)?;
    let path = Path::new(role);
    Some(read_weights(path, bytes, &card.architecture).map(|weights| (weights, card)))
}
