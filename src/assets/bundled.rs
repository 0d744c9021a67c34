//! The images and source models of the smoke world (`goldens/smoke`), embedded in the program with
//! the feature `bundled`. Their digests and cards are always embedded, since record names contain
//! them.

#[cfg(feature = "bundled")]
mod embedded;

use std::sync::LazyLock;

use crate::{
    checkpoint::FittedTensors,
    data::{Dataset, Images, Target},
    experiment::Card,
    util::Hint,
};

use super::{Assets, Missing};

/// The bundled assets: those of the smoke world.
#[derive(Clone, Copy, Debug)]
pub struct Bundled;

impl Assets for Bundled {
    fn weights_digest(&self, source: &str) -> Result<String, Missing> {
        card(source).map(|card| card.weights.clone()).ok_or_else(|| missing(source))
    }

    fn images_digest(&self, target: &str) -> Result<String, Missing> {
        target_digest(target).map(str::to_owned).ok_or_else(|| missing(target))
    }
}

/// A source model or a target that is not bundled.
pub(super) fn missing(name: &str) -> Missing {
    Missing {
        what: format!("`{name}` is not bundled with the program"),
        help: Hint::Manual("use a source model or target of the smoke set-up".to_owned()),
    }
}

/// A source model's card by the model's name.
///
/// # Panics
/// Never: the cards are embedded, and a test parses them.
#[must_use]
pub fn card(role: &str) -> Option<&'static Card> {
    static PARSED: LazyLock<Vec<Card>> = LazyLock::new(|| {
        CARDS
            .iter()
            .map(|card| serde_json::from_str(card).expect("embedded cards are valid"))
            .collect()
    });
    PARSED.iter().find(|card| card.role == role)
}

/// The hexadecimal BLAKE3 digest of a target's files.
#[must_use]
pub(crate) fn target_digest(name: &str) -> Option<&'static str> {
    DIGESTS.iter().find(|(known, _)| *known == name).map(|(_, digest)| *digest)
}

/// Cards of source models.
const CARDS: [&str; 5] = [
    include_str!("../../goldens/smoke/zoo/natural.json"),
    include_str!("../../goldens/smoke/zoo/l2_3.json"),
    include_str!("../../goldens/smoke/zoo/linf_4.json"),
    include_str!("../../goldens/smoke/zoo/linf_8.json"),
    include_str!("../../goldens/smoke/zoo/gaussian.json"),
];

/// The BLAKE3 digest of each target's four files, which a test recomputes.
const DIGESTS: [(&str, &str); 3] = [
    ("kmnist", "cecd5a9488786dfc8793d0f66d10b67641eac7b07a588b49e7cc830faf6be1fd"),
    ("mnist", "c8db087670cbacedf9b3b3ee8bd47a72c96072f8b53c44dc06bc14e30a7c4008"),
    ("fmnist_held_out", "1a3b2e57013106953d03c67dcd927fbd85f0f94a490b009cc148a60f5765706d"),
];

/// A target's images.
#[derive(Clone, Debug)]
pub struct BundledImages {
    /// Training images, from which subsets are drawn.
    pub train: Dataset,
    /// Test images, on which accuracies are measured.
    pub test: Dataset,
}

impl From<BundledImages> for Target {
    fn from(bundled: BundledImages) -> Self {
        Self { train: Images::Bytes(bundled.train), test: Images::Bytes(bundled.test) }
    }
}

/// A target's images by its name; `None` if it is not bundled.
///
/// # Panics
/// Never: the files are embedded, and a test reads them.
#[must_use]
#[cfg(feature = "bundled")]
pub fn target(name: &str) -> Option<BundledImages> {
    embedded::target(name)
}

/// `None`: this build has no images (feature `bundled`).
#[must_use]
#[cfg(not(feature = "bundled"))]
pub fn target(_name: &str) -> Option<BundledImages> {
    None
}

/// A source model's tensors by its name; `None` if it is not bundled.
///
/// # Panics
/// Never: the files are embedded, and a test reads them.
#[must_use]
#[cfg(feature = "bundled")]
pub fn weights(role: &str) -> Option<FittedTensors> {
    embedded::weights(role)
}

/// `None`: this build has no weights (feature `bundled`).
#[must_use]
#[cfg(not(feature = "bundled"))]
pub fn weights(_role: &str) -> Option<FittedTensors> {
    None
}

#[cfg(feature = "bundled")]
pub use embedded::first_of_source;
