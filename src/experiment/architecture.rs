//! The architecture of a residual network, as plain data. `layers` lists the tensors that it has.

use serde::{Deserialize, Serialize};

/// A residual network (He et al. 2016, arXiv 1512.03385) in torchvision's form: four stages of
/// residual blocks. Each stage has twice the width of the one before it and, from the second on,
/// half its side.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// The kind of residual block.
    pub block: Block,
    /// Residual blocks in `layer1` to `layer4`.
    pub depths: [u32; 4],
    /// Channels of the stem, and of the first stage's inner convolutions; at least 1.
    pub width: u32,
    /// The layers before the first stage.
    pub stem: Stem,
    /// Outputs of the head; at least 1.
    pub classes: u32,
}

/// The kind of residual block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// Two 3x3 convolutions, the first with the block's stride.
    Basic,
    /// 1x1, 3x3 with the block's stride (torchvision's, not the original paper's), and 1x1 to four
    /// times the width.
    Bottleneck,
}

/// The layers before the first stage. Each stem has a batch norm and a ReLU after its convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stem {
    /// For images of 224x224 pixels: a 7x7 convolution of stride 2, then a 3x3 max pooling of
    /// stride 2.
    Imagenet,
    /// For images of 32x32 pixels: a 3x3 convolution and no pooling.
    Small {
        /// The convolution's stride; at least 1.
        stride: u32,
    },
}

impl Architecture {
    /// ResNet-18.
    #[must_use]
    pub const fn resnet18(classes: u32) -> Self {
        let (block, depths) = (Block::Basic, [2, 2, 2, 2]);
        Self { block, depths, width: 64, stem: Stem::Imagenet, classes }
    }

    /// ResNet-50, the paper's.
    #[must_use]
    pub const fn resnet50(classes: u32) -> Self {
        let (block, depths) = (Block::Bottleneck, [3, 4, 6, 3]);
        Self { block, depths, width: 64, stem: Stem::Imagenet, classes }
    }

    /// The smoke world's network, for images of about 32x32 pixels: channels from 8 to 64, and as
    /// many blocks in `layer3` and `layer4` as ResNet-50 has, so that "0, 1, 3, 9 fine-tuned
    /// blocks" have the paper's meaning.
    #[must_use]
    pub const fn thin(classes: u32) -> Self {
        let (block, depths) = (Block::Basic, [1, 1, 6, 3]);
        Self { block, depths, width: 8, stem: Stem::Small { stride: 2 }, classes }
    }

    /// The number of residual blocks in all stages.
    #[must_use]
    pub(crate) fn residual_blocks(&self) -> u32 {
        self.depths.iter().sum()
    }

    /// Length of the head's input vector: 2048 for ResNet-50.
    #[must_use]
    pub fn features(&self) -> u32 {
        8 * self.width * self.block.expansion()
    }
}

impl Block {
    /// A block's output channels, divided by its width.
    pub(crate) const fn expansion(self) -> u32 {
        match self {
            Self::Basic => 1,
            Self::Bottleneck => 4,
        }
    }
}
