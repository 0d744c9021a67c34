//! How much arithmetic a network is, by counting: the price of a fine-tune before it is run, and the
//! floor under its time.

use super::{Architecture, Stem, layers};

/// Multiply-adds of one image's way through a network, by part. A convolution counts with the
/// products on its padding's zeros; norms, rectifiers and sums are not counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultiplyAdds {
    stem: u64,
    /// Each residual block's, from the first on.
    blocks: Vec<u64>,
    head: u64,
}

impl MultiplyAdds {
    /// Those of an architecture for images of `side` by `side` pixels.
    #[must_use]
    pub fn of(architecture: &Architecture, side: u32) -> Self {
        let mut side = u64::from(side);
        let first = convolution(&architecture.first_convolution(), &mut side);
        if let Stem::Imagenet = architecture.stem {
            side = side.div_ceil(2);
        }
        let block = |block: &layers::Residual, side: &mut u64| {
            let mut of_shortcut = *side;
            let shortcut = block.shortcut.as_ref();
            let shortcut = shortcut.map_or(0, |plan| convolution(plan, &mut of_shortcut));
            block.body.iter().map(|plan| convolution(plan, side)).sum::<u64>() + shortcut
        };
        let blocks = architecture.residuals().iter().map(|plan| block(plan, &mut side)).collect();
        let head = u64::from(architecture.features()) * u64::from(architecture.classes);
        Self { stem: first, blocks, head }
    }

    /// Of one forward pass.
    #[must_use]
    pub fn forward(&self) -> u64 {
        self.stem + self.blocks.iter().sum::<u64>() + self.head
    }

    /// Of one training step's share of an image: forward through all, and back through the last
    /// `blocks` with the head, where each product comes twice, towards inputs and towards weights.
    #[must_use]
    pub fn training(&self, blocks: u32) -> u64 {
        self.siblings_training(&[blocks])
    }

    /// The same of siblings that train so many blocks each: what all leave frozen is passed once.
    #[must_use]
    pub(crate) fn siblings_training(&self, blocks: &[u32]) -> u64 {
        self.shared(blocks) + blocks.iter().map(|&blocks| 3 * self.trained(blocks)).sum::<u64>()
    }

    /// Of one image's test by each of such siblings.
    #[must_use]
    pub(crate) fn siblings_testing(&self, blocks: &[u32]) -> u64 {
        self.shared(blocks) + blocks.iter().map(|&blocks| self.trained(blocks)).sum::<u64>()
    }

    /// Forward through what a fine-tune of the last `blocks` leaves frozen.
    #[must_use]
    pub fn frozen(&self, blocks: u32) -> u64 {
        self.shared(&[blocks])
    }

    /// Forward through the last `blocks` and the head.
    fn trained(&self, blocks: u32) -> u64 {
        self.blocks.iter().rev().take(blocks as usize).sum::<u64>() + self.head
    }

    /// Forward through what the sibling that trains least leaves frozen.
    fn shared(&self, blocks: &[u32]) -> u64 {
        let least = blocks.iter().min().map_or(0, |&blocks| self.trained(blocks));
        self.forward() - least
    }
}

/// Of one convolution, on pictures of `side` by `side` pixels, which become its output's.
fn convolution(plan: &layers::Convolution, side: &mut u64) -> u64 {
    let [input, output, kernel, stride] =
        [plan.input, plan.output, plan.kernel, plan.stride].map(|size| size.unsigned_abs());
    *side = side.div_ceil(stride);
    *side * *side * kernel * kernel * input * output
}

#[cfg(test)]
mod tests {
    use super::*;

    /// torchvision states 4.09 billion for its ResNet-50 and 1.81 for its ResNet-18 (its model
    /// tables' GFLOPS, which are multiply-adds).
    #[test]
    fn networks_cost_what_torchvision_says() {
        let forward = |architecture| MultiplyAdds::of(&architecture, 224).forward();
        assert_eq!(forward(Architecture::resnet50(1000)), 4_089_184_256);
        assert_eq!(forward(Architecture::resnet18(1000)), 1_814_073_344);
        // What the thin network's profile counts (benches/peer/peer.py, operations).
        assert_eq!(MultiplyAdds::of(&Architecture::thin(10), 28).forward(), 2_967_520);
    }

    /// Of a network with 4 blocks of the paper's numbers, whose head and frozen parts are counted by
    /// hand: siblings cost one way through what is frozen, and three through what each trains.
    #[test]
    fn siblings_pass_once_through_what_they_leave_frozen() {
        let counted = MultiplyAdds { stem: 100, blocks: vec![40, 30, 20, 10], head: 1 };
        assert_eq!(counted.training(0), 200 + 3);
        assert_eq!(counted.training(3), 140 + 3 * 61);
        assert_eq!(counted.siblings_training(&[3, 0, 1]), 200 + 3 * (61 + 1 + 11));
        assert_eq!(counted.siblings_testing(&[3, 1]), 190 + 61 + 11);
        assert_eq!(counted.siblings_testing(&[3]), counted.forward());
    }

    #[test]
    fn more_trained_blocks_cost_more_and_three_blocks_of_resnet_50_about_11_5_giga_operations() {
        let paper = MultiplyAdds::of(&Architecture::resnet50(10), 224);
        let giga = |blocks| 2.0 * paper.training(blocks) as f64 / 1e9;
        assert!((giga(3) - 11.4).abs() < 0.1, "{}", giga(3));
        assert!(giga(0) < giga(1) && giga(1) < giga(3) && giga(3) < giga(9));
    }
}
