//! Which parameters a fine-tune changes. All others are frozen, one tensor at a time, as the paper's
//! code does by matching names.

use serde::{Deserialize, Serialize};

use super::Architecture;

/// The numbers of fine-tuned blocks that the paper compares (its figure 4). For ResNet-50: the head
/// alone, the last block of `layer4`, `layer4`, and `layer3` with `layer4`.
pub const PAPER_BLOCKS: [u32; 4] = [0, 1, 3, 9];

/// What training changes. Weights and biases of a frozen batch norm stay; its running statistics
/// move all the same where the network runs in train mode (the paper's code trains so).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trainable {
    /// The head and this many residual blocks before it: all in them, projections included. Any
    /// number up to all; the stem stays frozen.
    Blocks(u32),
    /// All: how source models are made.
    Everything,
}

/// More blocks than the network has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "failed to fine-tune the last {asked} residual blocks of a network that has {there}: ask for {there} or fewer"
)]
pub struct TooManyBlocks {
    /// Asked for.
    pub asked: u32,
    /// In the network.
    pub there: u32,
}

impl Trainable {
    /// How many residual blocks from the first on are frozen with the stem; none where the stem is
    /// trained.
    ///
    /// # Errors
    /// If there are not as many blocks as should be trained.
    pub(crate) fn frozen_blocks(
        self,
        architecture: &Architecture,
    ) -> Result<Option<usize>, TooManyBlocks> {
        let there = architecture.residual_blocks();
        match self {
            Self::Everything => Ok(None),
            Self::Blocks(asked) => match there.checked_sub(asked) {
                Some(frozen) => Ok(Some(frozen as usize)),
                None => Err(TooManyBlocks { asked, there }),
            },
        }
    }

    /// Beginnings of the names of all that training changes, running statistics included: of the
    /// trained blocks and the head. None where everything is trained.
    pub(crate) fn parts(
        self,
        architecture: &Architecture,
    ) -> Result<Option<Vec<String>>, TooManyBlocks> {
        let parts = |frozen| {
            let blocks = architecture.residuals().into_iter().skip(frozen);
            blocks.map(|block| format!("{}.", block.name)).chain(["fc.".to_owned()]).collect()
        };
        Ok(self.frozen_blocks(architecture)?.map(parts))
    }

    /// Names of the parameters that are trained, in torchvision's order.
    ///
    /// # Errors
    /// If there are not as many blocks as should be trained.
    pub fn names(self, architecture: &Architecture) -> Result<Vec<String>, TooManyBlocks> {
        let mut names: Vec<String> =
            architecture.parameter_shapes().into_iter().map(|(name, _)| name).collect();
        if let Some(parts) = self.parts(architecture)? {
            names.retain(|name| is_of(&parts, name));
        }
        Ok(names)
    }
}

/// Whether a tensor is of one of these parts.
pub(crate) fn is_of(parts: &[String], name: &str) -> bool {
    parts.iter().any(|part| name.starts_with(part))
}
