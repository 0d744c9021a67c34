//! The network: its forward pass, whole or in parts, and its gradients.

use tch::{Kind, Tensor};

use super::block::{Convolution, Residual};
use super::{Implementation, Normaliser, Weights};
use crate::engine::no_grad;
use crate::experiment::{Architecture, BatchNorm, Normalisation, Stem, TooManyBlocks, Trainable};

/// Which statistics batch norms use, and whether they update the running ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The batch's own mean and variance; running statistics are moved a tenth of the way towards
    /// them (to the unbiased variance). Needs more than one value per channel: at the last stage, a
    /// batch of more than one image or an activation of more than one pixel.
    Train,
    /// The running statistics, unchanged.
    Evaluate,
}

impl BatchNorm {
    /// The mode to train in.
    #[must_use]
    pub const fn mode(self) -> Mode {
        match self {
            Self::Train => Mode::Train,
            Self::Frozen => Mode::Evaluate,
        }
    }
}

/// A residual network for images in [0, 1]. All of it is frozen at first.
#[derive(Debug)]
pub struct Network {
    weights: Weights,
    normalise: Normaliser,
    first: Convolution,
    blocks: Vec<Residual>,
    /// Names of the trained parameters, in torchvision's order.
    trainable: Vec<String>,
    /// The number of frozen blocks, counted from the first; `None` where the stem is trained.
    frozen: Option<usize>,
}

impl Network {
    /// A network with these weights. For tf32 call [`crate::engine::device::allow_tf32`] first.
    #[must_use]
    pub fn new(
        weights: Weights,
        normalisation: Normalisation,
        implementation: Implementation,
    ) -> Self {
        let architecture = weights.architecture();
        let block = |plan| Residual::new(plan, &weights, implementation);
        let blocks: Vec<_> = architecture.residuals().iter().map(block).collect();
        let first = Convolution::new(&architecture.first_convolution(), &weights, implementation);
        let frozen = Some(blocks.len());
        let normalise = normalisation.on(weights.device());
        Self { weights, normalise, first, blocks, trainable: Vec::new(), frozen }
    }

    /// The same network, sharing weights, for use in one mode while no weight changes (in train
    /// mode running statistics do). Kernels are prepared once, at first use. Gradients reach
    /// images, but no weights. Test passes, attacks and the frozen part of a fine-tune use it.
    ///
    /// It panics in another mode, and may panic for images of another size than the first ones.
    #[must_use]
    pub fn prepared(&self, mode: Mode) -> Self {
        Self {
            weights: self.weights.shared(),
            normalise: self.normalise.shallow_clone(),
            first: self.first.prepared(mode),
            blocks: self.blocks.iter().map(|block| block.prepared(mode)).collect(),
            trainable: self.trainable.clone(),
            frozen: self.frozen,
        }
    }

    /// The architecture.
    #[must_use]
    pub fn architecture(&self) -> &Architecture {
        self.weights.architecture()
    }

    /// The tensors that the network computes with; training changes them in place.
    #[must_use]
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Unfreezes the named parts and freezes all others.
    ///
    /// # Errors
    /// If the network has fewer blocks than are to be trained; nothing is changed then.
    pub fn train(&mut self, trainable: Trainable) -> Result<(), TooManyBlocks> {
        let names = trainable.names(self.architecture())?;
        self.frozen = trainable.frozen_blocks(self.architecture())?;
        for (name, parameter) in self.weights.parameters() {
            let _ = parameter.set_requires_grad(names.contains(name));
        }
        self.trainable = names;
        Ok(())
    }

    /// The trained parameters by name, in torchvision's order.
    pub fn trainable(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.trainable.iter().map(|name| (name.as_str(), self.weights.tensor(name)))
    }

    /// The gradients of a loss (one number) by the trained parameters, in the order of
    /// [`Network::trainable`]. None is stored in the parameters.
    ///
    /// # Panics
    /// If nothing is trained, or the loss was computed without gradients.
    #[must_use]
    pub fn gradients(&self, loss: &Tensor) -> Vec<Tensor> {
        let parameters: Vec<&Tensor> = self.trainable().map(|(_, parameter)| parameter).collect();
        Tensor::run_backward(&[loss], &parameters, false, false)
    }

    /// Images in [0, 1], `[N,3,H,W]` or grey `[N,1,H,W]`, to logits `[N, classes]`.
    ///
    /// # Panics
    /// If images are of another shape, kind or device than the weights.
    pub fn logits(&self, images: &Tensor, mode: Mode) -> Tensor {
        self.classify(&self.features(images, mode))
    }

    /// Images to the head's input, `[N, features]`: the last stage's output, averaged over pixels.
    ///
    /// # Panics
    /// As [`Network::logits`].
    pub fn features(&self, images: &Tensor, mode: Mode) -> Tensor {
        mean_pool(&apply_blocks(&self.blocks, self.stem(images, mode), mode))
    }

    /// The head alone: features to logits `[N, classes]`.
    ///
    /// # Panics
    /// If features are of another shape, kind or device than the head.
    pub fn classify(&self, features: &Tensor) -> Tensor {
        let bias = self.weights.tensor("fc.bias");
        let features = features.to_kind(bias.kind());
        features.linear(self.weights.tensor("fc.weight"), Some(bias))
    }

    /// [`Network::classify`] in double precision, whatever the kind of the weights.
    ///
    /// # Panics
    /// As [`Network::classify`].
    pub(crate) fn classify_in_double(&self, features: &Tensor) -> Tensor {
        let head = |name| self.weights.tensor(name).to_kind(Kind::Double);
        features.to_kind(Kind::Double).linear(&head("fc.weight"), Some(head("fc.bias")))
    }

    /// The number of frozen residual blocks; `None` where the stem is trained.
    #[must_use]
    pub(crate) fn frozen_blocks(&self) -> Option<usize> {
        self.frozen
    }

    /// The output of the frozen part for images; the images themselves where the stem is trained.
    /// With running statistics ([`Mode::Evaluate`]) it is the same at every step and can be
    /// computed once.
    ///
    /// # Panics
    /// As [`Network::logits`].
    pub fn frozen_part(&self, images: &Tensor, mode: Mode) -> Tensor {
        match self.frozen {
            None => images.shallow_clone(),
            Some(frozen) => self.frozen_parts(images, mode, &[frozen]).remove(0),
        }
    }

    /// The activations after each number of frozen blocks in `after`, in that order: one pass for
    /// all networks that share these blocks.
    ///
    /// # Panics
    /// As [`Network::logits`], and if fewer blocks are frozen.
    pub(crate) fn frozen_parts(&self, images: &Tensor, mode: Mode, after: &[usize]) -> Vec<Tensor> {
        let deepest = after.iter().copied().max().unwrap_or_default();
        assert!(self.frozen.is_some_and(|frozen| deepest <= frozen), "these blocks are not frozen");
        let mut parts: Vec<Tensor> = after.iter().map(|_| Tensor::new()).collect();
        no_grad::without(|| {
            let mut activations = self.stem(images, mode);
            for depth in 0..=deepest {
                if depth > 0 {
                    activations = self.blocks[depth - 1].forward(&activations, mode);
                }
                for (part, _) in parts.iter_mut().zip(after).filter(|(_, after)| **after == depth) {
                    *part = activations.shallow_clone();
                }
            }
        });
        parts
    }

    /// The frozen part's output to logits `[N, classes]`.
    ///
    /// # Panics
    /// If the input does not have the shape of this network's frozen part's output.
    pub fn trained_part(&self, fixed: &Tensor, mode: Mode) -> Tensor {
        match self.frozen {
            None => self.logits(fixed, mode),
            Some(frozen) => {
                let last = apply_blocks(&self.blocks[frozen..], fixed.shallow_clone(), mode);
                self.classify(&mean_pool(&last))
            }
        }
    }

    fn stem(&self, images: &Tensor, mode: Mode) -> Tensor {
        let first = self.first.forward(&self.normalise.apply(images), mode).relu_();
        match self.architecture().stem {
            Stem::Imagenet => first.max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false),
            Stem::Small { .. } => first,
        }
    }
}

fn apply_blocks(blocks: &[Residual], input: Tensor, mode: Mode) -> Tensor {
    blocks.iter().fold(input, |input, block| block.forward(&input, mode))
}

/// The mean over pixels: `[N,C,H,W]` to `[N,C]`.
fn mean_pool(activations: &Tensor) -> Tensor {
    activations.adaptive_avg_pool2d([1, 1]).flatten(1, -1)
}
