//! What ships with the project: the smoke world's images and source models (`goldens/smoke`), embedded
//! with the feature `bundled` so that the program works from any folder. Their digests and cards are there
//! without it, since records are named by them.

#[cfg(feature = "bundled")]
mod embedded;

use std::sync::LazyLock;

use crate::{
    checkpoint::FittedTensors,
    data::{Dataset, Images, Target},
    experiment::Card,
};

/// A source model's card by its role.
///
/// # Panics
/// Never in a built project: the cards are embedded, and a test reads them.
#[must_use]
pub fn card(role: &str) -> Option<&'static Card> {
    static CARDS_READ: LazyLock<Vec<Card>> = LazyLock::new(|| {
        CARDS.iter().map(|card| serde_json::from_str(card).expect("embedded cards read")).collect()
    });
    CARDS_READ.iter().find(|card| card.role == role)
}

/// BLAKE3 of a target's files, in hexadecimal.
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

/// BLAKE3 of each target's four files, as a test computes it.
const DIGESTS: [(&str, &str); 3] = [
    ("kmnist", "cecd5a9488786dfc8793d0f66d10b67641eac7b07a588b49e7cc830faf6be1fd"),
    ("mnist", "c8db087670cbacedf9b3b3ee8bd47a72c96072f8b53c44dc06bc14e30a7c4008"),
    ("fmnist_held_out", "1a3b2e57013106953d03c67dcd927fbd85f0f94a490b009cc148a60f5765706d"),
];

/// A target's images.
#[derive(Clone, Debug)]
pub struct BundledImages {
    /// Those that subsets are drawn from.
    pub train: Dataset,
    /// Those that accuracies are of.
    pub test: Dataset,
}

impl From<BundledImages> for Target {
    fn from(bundled: BundledImages) -> Self {
        Self { train: Images::Bytes(bundled.train), test: Images::Bytes(bundled.test) }
    }
}

/// A target's images by its name; `None` where it does not ship, or this build has no images.
///
/// # Panics
/// Never in a built project: the files are embedded, and a test reads them.
#[must_use]
#[cfg(feature = "bundled")]
pub fn target(name: &str) -> Option<BundledImages> {
    embedded::target(name)
}

/// A target's images by its name: this build has none.
#[must_use]
#[cfg(not(feature = "bundled"))]
pub fn target(_name: &str) -> Option<BundledImages> {
    None
}

/// A source model's tensors by its role; `None` where it does not ship, or this build has none.
///
/// # Panics
/// Never in a built project: the files are embedded, and a test reads them.
#[must_use]
#[cfg(feature = "bundled")]
pub fn weights(role: &str) -> Option<FittedTensors> {
    embedded::weights(role)
}

/// A source model's tensors by its role: this build has none.
#[must_use]
#[cfg(not(feature = "bundled"))]
pub fn weights(_role: &str) -> Option<FittedTensors> {
    None
}

#[cfg(feature = "bundled")]
pub use embedded::first_of_source;
