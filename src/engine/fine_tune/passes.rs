//! What training and testing go over: images, or, where that never changes, what the frozen part
//! makes of them, which is then computed once. Siblings share a frozen part, which is passed through
//! once for all of them.

use tch::Tensor;

use super::{
    Material, Unfinished,
    evaluate::{Test, evaluate_with},
};
use crate::experiment::Protocol;
use crate::{
    engine::{
        OnDevice,
        model::{Mode, Network, Weights},
        transform::{self, Draws},
    },
    experiment::Trainable,
};

/// A subset and a test set.
pub(super) struct Passes {
    /// The subset, or its fixed features.
    pub train: OnDevice,
    test: OnDevice,
    /// Whether features stand in the images' place.
    fixed: bool,
    /// How batch norms are used while training.
    mode: Mode,
    /// Blocks that each sibling leaves frozen.
    frozen: Vec<usize>,
    /// The sibling that leaves most frozen: what it freezes, all freeze.
    deepest: usize,
    /// Its network, for training: what is frozen of it stays what it is.
    through: Network,
}

impl Passes {
    /// # Panics
    /// If a sibling's network leaves nothing frozen, or features are fixed and there are several
    /// siblings.
    pub fn new(networks: &[&Network], protocol: &Protocol, material: &Material<'_>) -> Self {
        let Material { train, test, test_features, .. } = material;
        let fixed = protocol.frozen_part_is_fixed();
        assert!(!fixed || networks.len() == 1, "fixed features are of one fine-tune");
        let frozen = networks.iter().map(|network| network.frozen_blocks().expect("it fine-tunes"));
        let frozen: Vec<usize> = frozen.collect();
        let deepest = (0..frozen.len()).max_by_key(|&at| frozen[at]).expect("there is a sibling");
        let (train, test) = match (fixed, test_features) {
            (false, _) => (train.shallow_clone(), test.shallow_clone()),
            (true, Some(features)) => (through(networks[0], train), features.shallow_clone()),
            (true, None) => (through(networks[0], train), through(networks[0], test)),
        };
        let mode = protocol.batch_norm.mode();
        Self {
            train,
            test,
            fixed,
            mode,
            frozen,
            deepest,
            through: networks[deepest].prepared(mode),
        }
    }

    /// What each sibling's trained part gets for these pixels (or features) of the subset.
    pub fn train_inputs(&self, pixels: &Tensor, draws: &Draws) -> Vec<Tensor> {
        if self.fixed {
            vec![pixels.shallow_clone()]
        } else {
            self.frozen_parts(&self.through, &draws.apply(pixels), self.mode)
        }
    }

    fn frozen_parts(&self, through: &Network, pixels: &Tensor, mode: Mode) -> Vec<Tensor> {
        through.frozen_parts(&transform::to_unit(pixels), mode, &self.frozen)
    }

    /// One test of each sibling.
    pub fn evaluate(&self, networks: &[&Network]) -> Vec<Test> {
        let networks = networks.iter().map(|network| network.prepared(Mode::Evaluate));
        let networks: Vec<Network> = networks.collect();
        evaluate_with(&self.test, |pixels| {
            let inputs = if self.fixed {
                vec![pixels.shallow_clone()]
            } else {
                self.frozen_parts(&networks[self.deepest], pixels, Mode::Evaluate)
            };
            let logits =
                |(network, input): (&Network, Tensor)| network.trained_part(&input, Mode::Evaluate);
            networks.iter().zip(inputs).map(logits).collect()
        })
    }
}

/// What the frozen part of a source makes of images, if a protocol leaves that the same for every
/// seed and step: [`Material::test_features`], for whoever runs several fine-tunes.
///
/// # Errors
/// If the network has fewer blocks, or the device lacks the precision.
pub fn fixed_features(
    source: &Weights,
    images: &OnDevice,
    blocks: u32,
    protocol: &Protocol,
) -> Result<Option<OnDevice>, Unfinished> {
    if !protocol.frozen_part_is_fixed() {
        return Ok(None);
    }
    let mut network = protocol.network(source.copy_to(source.device()))?;
    network.train(Trainable::Blocks(blocks))?;
    Ok(Some(through(&network, images)))
}

fn through(network: &Network, images: &OnDevice) -> OnDevice {
    images.mapped(|pixels| network.frozen_part(&transform::to_unit(pixels), Mode::Evaluate))
}
