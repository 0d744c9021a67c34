//! An association: whether an effect follows how similar a target is to the source, where the
//! similarity is measured. Reported beside a claim; it never changes a verdict.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::{
    Arm, Cell, Contrast, Metric,
    raw::{Name, RawCells},
};
use crate::experiment::{Key, Moment};

/// Test accuracy at the last epoch, of effect and similarity.
pub(crate) const ACCURACY: Metric = Metric::Accuracy(Moment::Last);

/// Whether an effect follows a measured similarity of targets.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAssociation {
    /// The association's name within the claim.
    #[schemars(with = "String")]
    pub id: Name,
    /// What is asked, in one sentence.
    pub statement: String,
    /// The effect by target: the weight of each arm, in test accuracy at the last epoch; the
    /// weights sum to zero.
    #[schemars(with = "BTreeMap<String, f64>")]
    pub effect: Spanned<BTreeMap<Name, f64>>,
    /// Targets and numbers of images.
    pub cells: RawCells,
    /// How similarity to the source is measured.
    #[schemars(with = "RawSimilarity")]
    pub similarity: Spanned<RawSimilarity>,
    /// The group of targets that are taken to be similar; the other targets of the cells are not.
    #[schemars(with = "String")]
    pub similar: Name,
    /// Where the effect is expected to be larger.
    pub larger_on: Larger,
}

/// How the similarity of a target to the source is measured.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawSimilarity {
    /// The accuracy of the head alone (0 blocks) as a share of that of the best number of blocks at
    /// the same size.
    HeadOnlyShare(RawHeadOnlyShare),
    /// The Fréchet distance between a source model's penultimate features on the source's and on
    /// the target's test images: the smaller, the more similar. Read from the distances that ship
    /// with a world; unavailable in a world without.
    FrechetDistance(RawFrechetDistance),
}

/// Of which source model, among which numbers of blocks.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawHeadOnlyShare {
    /// The source model.
    pub source: String,
    /// Numbers of blocks, 0 among them; those without records on some target are left out, which is
    /// said.
    pub blocks: Vec<u32>,
}

/// Between the features of which source model.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawFrechetDistance {
    /// The source model; that of zoo 1, whatever zoos the seeds start from.
    pub source: String,
}

/// Where an effect is expected to be larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Larger {
    /// On targets that are like the source.
    Similar,
    /// On targets that are not.
    Dissimilar,
}

/// A checked association.
#[derive(Clone, Debug)]
pub struct Association {
    /// Name within the claim.
    pub id: String,
    /// What is asked, in one sentence.
    pub statement: String,
    /// The effect, with a cell for each target and size.
    pub effect: Contrast,
    /// How similarity is measured.
    pub similarity: Similarity,
    /// The targets that are taken to be similar.
    pub similar: BTreeSet<Arc<str>>,
    /// Where the effect is expected to be larger.
    pub larger_on: Larger,
}

/// How similarity is measured.
#[derive(Clone, Debug, PartialEq)]
pub enum Similarity {
    /// The head's accuracy alone as a share of that of the best of these numbers of blocks.
    HeadOnlyShare {
        /// The source model.
        source: Arc<str>,
        /// Numbers of blocks in increasing order, 0 first.
        blocks: Vec<u32>,
    },
    /// Minus the Fréchet distance between features on the source's and on the target's test images.
    FrechetDistance {
        /// The source model, of zoo 1.
        source: Arc<str>,
    },
}

impl Similarity {
    /// What it is called in JSON: its key in a claim.
    #[must_use]
    pub fn measure(&self) -> &'static str {
        match self {
            Self::HeadOnlyShare { .. } => "head_only_share",
            Self::FrechetDistance { .. } => "frechet_distance",
        }
    }

    /// What it is, in words.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::HeadOnlyShare { source, blocks } => {
                let blocks: Vec<String> = blocks.iter().map(u32::to_string).collect();
                let blocks = blocks.join(", ");
                format!(
                    "accuracy of {source} with 0 blocks as a share of that with the best of \
                     {blocks} blocks"
                )
            }
            Self::FrechetDistance { source } => format!(
                "minus the Fréchet distance between features of {source} (zoo 1) on the source's \
                 and on the target's test images, so that more is more similar"
            ),
        }
    }

    /// The keys of a cell that it reads, each with its number of blocks; none for a distance.
    #[must_use]
    pub fn keys(&self, cell: &Cell) -> Vec<(u32, Key)> {
        let Self::HeadOnlyShare { source, blocks } = self else { return Vec::new() };
        let of = |blocks: &u32| {
            let (source, blocks) = (vec![source.clone()], vec![*blocks]);
            let number = blocks[0];
            let arm = Arm { source, blocks, ..Arm::default() };
            arm.keys(&Cell { blocks: None, ..cell.clone() }, &ACCURACY)
                .into_iter()
                .map(move |key| (number, key))
        };
        blocks.iter().flat_map(of).collect()
    }
}

impl Association {
    /// Every key that it reads.
    #[must_use]
    pub fn keys(&self) -> BTreeSet<Key> {
        let effect = super::keys(&self.effect.terms, &self.effect.cells, &ACCURACY);
        let cells = self.effect.cells.iter();
        let similarity = cells.flat_map(|cell| self.similarity.keys(cell)).map(|(_, key)| key);
        effect.into_iter().chain(similarity).collect()
    }
}
