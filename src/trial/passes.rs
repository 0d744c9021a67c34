//! What training and testing go over: images, or, where that never changes, what the frozen part
//! makes of them, which is then computed once.

use super::{
    Material, Protocol, Unfinished,
    evaluate::{Test, evaluate, evaluate_with},
};
use crate::{
    data::OnDevice,
    model::{Mode, Network, Trainable, Weights},
    transform,
};

/// A subset and a test set.
pub(super) struct Passes {
    /// The subset, or its fixed features.
    pub train: OnDevice,
    test: OnDevice,
    /// Whether features stand in the images' place.
    pub fixed: bool,
}

impl Passes {
    pub fn new(network: &Network, protocol: &Protocol, material: &Material<'_>) -> Self {
        let Material { train, test, test_features, .. } = material;
        let fixed = protocol.frozen_part_is_fixed();
        let (train, test) = match (fixed, test_features) {
            (false, _) => (train.shallow_clone(), test.shallow_clone()),
            (true, Some(features)) => (through(network, train), features.shallow_clone()),
            (true, None) => (through(network, train), through(network, test)),
        };
        Self { train, test, fixed }
    }

    pub fn evaluate(&self, network: &Network) -> Test {
        match self.fixed {
            true => {
                evaluate_with(&self.test, |features| network.trained_part(features, Mode::Evaluate))
            }
            false => evaluate(network, &self.test),
        }
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
    images.mapped(|pixels| network.frozen_part(&transform::to_unit(pixels)))
}
