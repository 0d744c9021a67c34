//! Counts the multiply-adds of a network: the cost of a fine-tune before it runs, and a lower bound
//! of its time.

use super::{Architecture, Stem, layers};

/// Multiply-adds of one image's forward pass, by part of the network. A convolution includes the
/// products with the zeros of its padding; norms, ReLUs and sums are not counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultiplyAdds {
    stem: u64,
    /// Of each residual block, from the first one on.
    blocks: Vec<u64>,
    head: u64,
}

impl MultiplyAdds {
    /// Counts the multiply-adds of an architecture for images of `side` by `side` pixels.
    #[must_use]
    pub fn new(architecture: &Architecture, side: u32) -> Self {
        let mut side = u64::from(side);
        let first = convolution(&architecture.first_convolution(), &mut side);
        if let Stem::Imagenet = architecture.stem {
            side = side.div_ceil(2);
        }
        let block = |block: &layers::Residual, side: &mut u64| {
            let mut shortcut_side = *side;
            let shortcut = block.shortcut.as_ref();
            let shortcut = shortcut.map_or(0, |layer| convolution(layer, &mut shortcut_side));
            block.body.iter().map(|layer| convolution(layer, side)).sum::<u64>() + shortcut
        };
        let blocks =
            architecture.residuals().iter().map(|residual| block(residual, &mut side)).collect();
        let head = u64::from(architecture.features()) * u64::from(architecture.classes);
        Self { stem: first, blocks, head }
    }

    /// Of one forward pass.
    #[must_use]
    pub fn forward(&self) -> u64 {
        self.stem + self.blocks.iter().sum::<u64>() + self.head
    }

    /// Of one image in one training step: forward through the whole network, and backward through
    /// the last `blocks` and the head, where each product occurs twice: for inputs and for weights.
    #[must_use]
    pub fn training(&self, blocks: u32) -> u64 {
        self.siblings_training(&[blocks])
    }

    /// The same for siblings, which train these numbers of blocks and share one pass through the
    /// part that all of them leave frozen.
    #[must_use]
    pub(crate) fn siblings_training(&self, blocks: &[u32]) -> u64 {
        self.shared(blocks) + blocks.iter().map(|&blocks| 3 * self.trained(blocks)).sum::<u64>()
    }

    /// Of testing one image with each of these siblings.
    #[must_use]
    pub(crate) fn siblings_testing(&self, blocks: &[u32]) -> u64 {
        self.shared(blocks) + blocks.iter().map(|&blocks| self.trained(blocks)).sum::<u64>()
    }

    /// Of a forward pass through the part that is frozen if the last `blocks` are trained.
    #[must_use]
    pub fn frozen(&self, blocks: u32) -> u64 {
        self.shared(&[blocks])
    }

    /// Of a forward pass through the last `blocks` and the head.
    fn trained(&self, blocks: u32) -> u64 {
        self.blocks.iter().rev().take(blocks as usize).sum::<u64>() + self.head
    }

    /// Of a forward pass through the part that all siblings leave frozen.
    fn shared(&self, blocks: &[u32]) -> u64 {
        let least = blocks.iter().min().map_or(0, |&blocks| self.trained(blocks));
        self.forward() - least
    }
}

/// Of one convolution on feature maps of `side` by `side` values; `side` becomes that of its
/// output.
fn convolution(layer: &layers::Convolution, side: &mut u64) -> u64 {
    let [input, output, kernel, stride] =
        [layer.input, layer.output, layer.kernel, layer.stride].map(|size| size.unsigned_abs());
    *side = side.div_ceil(stride);
    *side * *side * kernel * kernel * input * output
}

#[cfg(test)]
mod tests {
    use super::*;

    /// torchvision states 4.09 billion for ResNet-50 and 1.81 billion for ResNet-18 (GFLOPS in its
    /// table of models, which are multiply-adds).
    #[test]
    fn counts_of_resnets_are_those_of_torchvision() {
        let forward = |architecture| MultiplyAdds::new(&architecture, 224).forward();
        assert_eq!(forward(Architecture::resnet50(1000)), 4_089_184_256);
        assert_eq!(forward(Architecture::resnet18(1000)), 1_814_073_344);
        // The count of the thin network's profile (benches/peer/peer.py, operations).
        assert_eq!(MultiplyAdds::new(&Architecture::thin(10), 28).forward(), 2_967_520);
    }

    /// A network of 4 blocks with simple numbers: siblings cost one pass through the frozen part,
    /// and three passes through the part that each of them trains.
    #[test]
    fn siblings_share_one_pass_through_their_common_frozen_part() {
        let counted = MultiplyAdds { stem: 100, blocks: vec![40, 30, 20, 10], head: 1 };
        assert_eq!(counted.training(0), 200 + 3);
        assert_eq!(counted.training(3), 140 + 3 * 61);
        assert_eq!(counted.siblings_training(&[3, 0, 1]), 200 + 3 * (61 + 1 + 11));
        assert_eq!(counted.siblings_testing(&[3, 1]), 190 + 61 + 11);
        assert_eq!(counted.siblings_testing(&[3]), counted.forward());
    }

    #[test]
    fn more_trained_blocks_cost_more_and_three_blocks_of_resnet_50_cost_11_4_gflop() {
        let paper = MultiplyAdds::new(&Architecture::resnet50(10), 224);
        let giga = |blocks| 2.0 * paper.training(blocks) as f64 / 1e9;
        assert!((giga(3) - 11.4).abs() < 0.1, "{}", giga(3));
        assert!(giga(0) < giga(1) && giga(1) < giga(3) && giga(3) < giga(9));
    }
}
