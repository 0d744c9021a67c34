//! The inputs of training and testing: images, or, if they never change, the features that the frozen
//! part computes from them, which are then computed once. Siblings share a frozen prefix, and images
//! pass through it once for all of them.

use tch::Tensor;

use super::{
    FineTuneError, Material,
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

/// The inputs from a subset and a test set.
pub(super) struct Features {
    /// The subset, or its fixed features.
    pub train: OnDevice,
    test: OnDevice,
    /// Whether the inputs are features in place of images.
    fixed: bool,
    /// The mode of batch norms in training.
    mode: Mode,
    /// The number of frozen blocks of each sibling.
    frozen: Vec<usize>,
    /// The sibling with the deepest_prefix frozen prefix.
    deepest_prefix: usize,
    /// Its network, prepared for training: its frozen part does not change.
    prefix: Network,
}

impl Features {
    /// # Panics
    /// If a network has no frozen part, or features are fixed and there are several siblings.
    pub fn new(networks: &[&Network], protocol: &Protocol, material: &Material<'_>) -> Self {
        let Material { train, test, test_features, .. } = material;
        let fixed = protocol.frozen_part_is_fixed();
        assert!(!fixed || networks.len() == 1, "fixed features are of one fine-tune");
        let frozen = networks
            .iter()
            .map(|network| network.frozen_blocks().expect("a fine-tune has a frozen part"));
        let frozen: Vec<usize> = frozen.collect();
        let deepest_prefix =
            (0..frozen.len()).max_by_key(|&at| frozen[at]).expect("there is a sibling");
        let (train, test) = match (fixed, test_features) {
            (false, _) => (train.shallow_clone(), test.shallow_clone()),
            (true, Some(features)) => (shared_prefix(networks[0], train), features.shallow_clone()),
            (true, None) => (shared_prefix(networks[0], train), shared_prefix(networks[0], test)),
        };
        let mode = protocol.batch_norm.mode();
        Self {
            train,
            test,
            fixed,
            mode,
            frozen,
            deepest_prefix,
            prefix: networks[deepest_prefix].prepared(mode),
        }
    }

    /// The input of each sibling's trained part for these pixels (or features) of the subset.
    pub fn train_inputs(&self, pixels: &Tensor, draws: &Draws) -> Vec<Tensor> {
        if self.fixed {
            vec![pixels.shallow_clone()]
        } else {
            self.frozen_parts(&self.prefix, &draws.apply(pixels), self.mode)
        }
    }

    fn frozen_parts(&self, network: &Network, pixels: &Tensor, mode: Mode) -> Vec<Tensor> {
        network.frozen_parts(&transform::to_unit(pixels), mode, &self.frozen)
    }

    /// One test of each sibling.
    pub fn evaluate(&self, networks: &[&Network]) -> Vec<Test> {
        let networks = networks.iter().map(|network| network.prepared(Mode::Evaluate));
        let networks: Vec<Network> = networks.collect();
        evaluate_with(&self.test, |pixels| {
            let inputs = if self.fixed {
                vec![pixels.shallow_clone()]
            } else {
                self.frozen_parts(&networks[self.deepest_prefix], pixels, Mode::Evaluate)
            };
            let logits =
                |(network, input): (&Network, Tensor)| network.trained_part(&input, Mode::Evaluate);
            networks.iter().zip(inputs).map(logits).collect()
        })
    }
}

/// The features that the frozen part of a source computes from images, if the protocol keeps them the same
/// for every seed and step: [`Material::test_features`], for callers that run several fine-tunes.
///
/// # Errors
/// If the network has fewer blocks, or the device does not support the precision.
pub fn fixed_features(
    source: &Weights,
    images: &OnDevice,
    blocks: u32,
    protocol: &Protocol,
) -> Result<Option<OnDevice>, FineTuneError> {
    if !protocol.frozen_part_is_fixed() {
        return Ok(None);
    }
    let mut network = protocol.network(source.copy_to(source.device()))?;
    network.train(Trainable::Blocks(blocks))?;
    Ok(Some(shared_prefix(&network, images)))
}

fn shared_prefix(network: &Network, images: &OnDevice) -> OnDevice {
    images.mapped(|pixels| network.frozen_part(&transform::to_unit(pixels), Mode::Evaluate))
}
