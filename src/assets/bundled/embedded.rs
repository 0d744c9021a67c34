//! The embedded files of images and source models.

use super::{BundledImages, card_of};
use crate::{
    checkpoint::{Checkpoint, FittedTensors},
    data::{Dataset, idx},
    world::FIRST_ZOO,
};

/// The four files of a target: training images and labels, test images and labels.
type Files = [&'static [u8]; 4];

macro_rules! images {
    ($name:literal) => {
        (
            $name,
            [
                include_bytes!(concat!(
                    "../../../goldens/smoke/images/",
                    $name,
                    "-train-images-idx3-ubyte.gz"
                )),
                include_bytes!(concat!(
                    "../../../goldens/smoke/images/",
                    $name,
                    "-train-labels-idx1-ubyte.gz"
                )),
                include_bytes!(concat!(
                    "../../../goldens/smoke/images/",
                    $name,
                    "-test-images-idx3-ubyte.gz"
                )),
                include_bytes!(concat!(
                    "../../../goldens/smoke/images/",
                    $name,
                    "-test-labels-idx1-ubyte.gz"
                )),
            ],
        )
    };
}

macro_rules! source {
    ($role:literal) => {
        ($role, include_bytes!(concat!("../../../goldens/smoke/zoo/", $role, ".safetensors")))
    };
}

const TARGETS: [(&str, Files); 3] =
    [images!("kmnist"), images!("mnist"), images!("fmnist_held_out")];
const SOURCES: [(&str, &[u8]); 5] = [
    source!("natural"),
    source!("l2_3"),
    source!("linf_4"),
    source!("linf_8"),
    source!("gaussian"),
];
/// Source models of further zoos: the zoo's number, the model's name, and the file.
const FURTHER_SOURCES: &[(u32, &str, &[u8])] =
    include!(concat!(env!("OUT_DIR"), "/zoo_weights.rs"));
/// The first images that the source models were trained on, and their labels.
const FIRST_OF_SOURCE: [&[u8]; 2] = [
    include_bytes!("../../../goldens/smoke/images/fmnist_source-first-images-idx3-ubyte.gz"),
    include_bytes!("../../../goldens/smoke/images/fmnist_source-first-labels-idx1-ubyte.gz"),
];

pub(super) fn target(name: &str) -> Option<BundledImages> {
    let (_, [train, train_labels, test, test_labels]) =
        TARGETS.iter().find(|(known, _)| *known == name)?;
    let read = |images, labels| -> Result<Dataset, idx::IdxError> {
        let images = (name, images);
        idx::read(images, (name, labels), classes(labels))
    };
    Some(BundledImages {
        train: read(train, train_labels).expect("embedded images are valid"),
        test: read(test, test_labels).expect("embedded images are valid"),
    })
}

pub(super) fn weights(role: &str, zoo: u32) -> Option<FittedTensors> {
    let first = SOURCES.iter().map(|&(known, bytes)| (FIRST_ZOO, known, bytes));
    let mut all = first.chain(FURTHER_SOURCES.iter().copied());
    let (.., bytes) = all.find(|&(of, known, _)| (of, known) == (zoo, role))?;
    let checkpoint = Checkpoint::read(role, bytes.to_vec()).expect("embedded weights are valid");
    Some(checkpoint.fitted(&card_of(role, zoo)?.architecture).expect("embedded weights fit"))
}

/// The number of classes: one more than the largest label.
fn classes(labels: &[u8]) -> u32 {
    idx::labels("labels", labels).expect("embedded labels are valid").into_iter().max().unwrap_or(0)
        + 1
}

/// The first images that the source models were trained on.
///
/// # Errors
/// Never: the files are embedded.
pub fn first_of_source() -> Result<Dataset, idx::IdxError> {
    let [images, labels] = FIRST_OF_SOURCE;
    idx::read(("the source's first images", images), ("their labels", labels), classes(labels))
}

#[cfg(test)]
mod tests {
    use super::{super::target_digest, *};

    #[test]
    fn digests_are_those_of_the_embedded_files() {
        for (name, files) in TARGETS {
            let mut hasher = blake3::Hasher::new();
            for file in files {
                hasher.update(&(file.len() as u64).to_le_bytes()).update(file);
            }
            let digest = hasher.finalize().to_hex().to_string();
            assert_eq!(target_digest(name), Some(digest.as_str()), "{name}");
        }
        let further = FURTHER_SOURCES.iter().map(|&(zoo, role, _)| (zoo, role));
        for (zoo, role) in SOURCES.map(|(role, _)| (FIRST_ZOO, role)).into_iter().chain(further) {
            let digest = weights(role, zoo).unwrap().digest();
            assert_eq!(digest, card_of(role, zoo).unwrap().weights, "{role} {zoo}");
        }
        assert_eq!(SOURCES.len() + FURTHER_SOURCES.len(), super::super::cards().len());
    }
}
