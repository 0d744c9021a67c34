//! Which parameters a fine-tune trains. All other tensors are frozen by name, as in the paper's
//! code.

use serde::{Deserialize, Serialize};

use super::Architecture;

/// The numbers of fine-tuned blocks that the paper compares (figure 4). For ResNet-50: the head
/// alone, the last block of `layer4`, `layer4`, and `layer3` with `layer4`.
pub const PAPER_BLOCKS: [u32; 4] = [0, 1, 3, 9];

/// What is trained. Weights and biases of a frozen batch norm do not change, but its running
/// statistics do if the network runs in train mode, as in the paper's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trainable {
    /// The head and this many residual blocks before it, from 0 to all, with their projections; the
    /// stem stays frozen.
    Blocks(u32),
    /// Every parameter, as when source models are trained.
    Everything,
}

/// More blocks than the network has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to fine-tune the last {requested} residual blocks: the network has {available}")]
pub struct TooManyBlocks {
    /// The number that was asked for.
    pub requested: u32,
    /// The number in the network.
    pub available: u32,
}

impl Trainable {
    /// The number of residual blocks, from the first on, that are frozen together with the stem;
    /// `None` if the stem is trained.
    ///
    /// # Errors
    /// If the network has fewer blocks than are to be trained.
    pub(crate) fn frozen_blocks(
        self,
        architecture: &Architecture,
    ) -> Result<Option<usize>, TooManyBlocks> {
        let available = architecture.residual_blocks();
        match self {
            Self::Everything => Ok(None),
            Self::Blocks(requested) => match available.checked_sub(requested) {
                Some(frozen) => Ok(Some(frozen as usize)),
                None => Err(TooManyBlocks { requested, available }),
            },
        }
    }

    /// Prefixes of the names of trained tensors, running statistics included: those of the trained
    /// blocks and of the head. `None` if everything is trained.
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

    /// Names of the trained parameters, in torchvision's order.
    ///
    /// # Errors
    /// If the network has fewer blocks than are to be trained.
    pub fn names(self, architecture: &Architecture) -> Result<Vec<String>, TooManyBlocks> {
        let mut names: Vec<String> =
            architecture.parameter_shapes().into_iter().map(|(name, _)| name).collect();
        if let Some(parts) = self.parts(architecture)? {
            names.retain(|name| is_of(&parts, name));
        }
        Ok(names)
    }
}

/// Whether a tensor belongs to one of these parts.
pub(crate) fn is_of(parts: &[String], name: &str) -> bool {
    parts.iter().any(|part| name.starts_with(part))
}
