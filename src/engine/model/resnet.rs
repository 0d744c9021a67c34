//! The network: weights that compute.

use crate::experiment::BatchNorm;
use tch::{Kind, Tensor};

use super::block::{Convolution, Residual};
use super::{Implementation, Normaliser, Weights};
use crate::engine::no_grad;
use crate::experiment::{Architecture, Normalisation, Stem, TooManyBlocks, Trainable};

/// What batch norms use, and whether they learn from what they see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The batch's own mean and variance; running statistics are moved a tenth of the way towards
    /// them (to the unbiased variance). Needs more than one value a channel: at the last stage, a
    /// batch of more than one image or a picture of more than one pixel.
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

/// A residual network on images in [0, 1]. Begins frozen.
#[derive(Debug)]
pub struct Network {
    weights: Weights,
    normalise: Normaliser,
    first: Convolution,
    blocks: Vec<Residual>,
    /// Names of what is trained, in torchvision's order.
    trainable: Vec<String>,
    /// How many blocks are frozen from the first on; none where the stem is trained.
    frozen: Option<usize>,
}

impl Network {
    /// Takes over weights. For tf32 it is the device's to be told ([`crate::engine::device::allow_tf32`]).
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

    /// The same network, sharing weights, to be used in one mode and while no weight changes (in train mode
    /// running statistics do): what kernels are made into is then made once, at first use, and passes gradients
    /// on to images and none to weights. A test pass is made with one, so are the steps of an attack, and what
    /// is frozen goes through one for a whole fine-tune.
    ///
    /// It panics in another mode, and may where pictures have another size than at first.
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

    /// What it is built of.
    #[must_use]
    pub fn architecture(&self) -> &Architecture {
        self.weights.architecture()
    }

    /// The tensors that it computes with; training changes them where they are.
    #[must_use]
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Unfreezes what is named, and freezes all else.
    ///
    /// # Errors
    /// If there are not as many blocks as should be trained; then nothing has changed.
    pub fn train(&mut self, trainable: Trainable) -> Result<(), TooManyBlocks> {
        let names = trainable.names(self.architecture())?;
        self.frozen = trainable.frozen_blocks(self.architecture())?;
        for (name, parameter) in self.weights.parameters() {
            let _ = parameter.set_requires_grad(names.contains(name));
        }
        self.trainable = names;
        Ok(())
    }

    /// What is trained, by name, in torchvision's order.
    pub fn trainable(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.trainable.iter().map(|name| (name.as_str(), self.weights.tensor(name)))
    }

    /// The gradients of a loss (one number) towards what is trained, in the order of
    /// [`Network::trainable`]. None is left with the parameters.
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

    /// Images to what the head sees, `[N, features]`: the last stage's output, averaged over each
    /// picture.
    ///
    /// # Panics
    /// As [`Network::logits`].
    pub fn features(&self, images: &Tensor, mode: Mode) -> Tensor {
        average(&through(&self.blocks, self.stem(images, mode), mode))
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

    /// [`Network::classify`] in double precision, whatever the weights are in.
    ///
    /// # Panics
    /// As [`Network::classify`].
    pub(crate) fn classify_in_double(&self, features: &Tensor) -> Tensor {
        let head = |name| self.weights.tensor(name).to_kind(Kind::Double);
        features.to_kind(Kind::Double).linear(&head("fc.weight"), Some(head("fc.bias")))
    }

    /// How many residual blocks the frozen part has, beside the stem; none where the stem is trained.
    #[must_use]
    pub(crate) fn frozen_blocks(&self) -> Option<usize> {
        self.frozen
    }

    /// What the frozen part makes of images. With running statistics ([`Mode::Evaluate`]) it is the
    /// same at every step and can be computed once. The images themselves where the stem is trained.
    ///
    /// # Panics
    /// As [`Network::logits`].
    pub fn frozen_part(&self, images: &Tensor, mode: Mode) -> Tensor {
        match self.frozen {
            None => images.shallow_clone(),
            Some(frozen) => self.frozen_parts(images, mode, &[frozen]).remove(0),
        }
    }

    /// What is there after each of these numbers of blocks of the frozen part, in the order in which
    /// they are given: one pass for all networks that share these blocks.
    ///
    /// # Panics
    /// As [`Network::logits`], and if that many blocks are not frozen.
    pub(crate) fn frozen_parts(&self, images: &Tensor, mode: Mode, after: &[usize]) -> Vec<Tensor> {
        let deepest = after.iter().copied().max().unwrap_or_default();
        assert!(self.frozen.is_some_and(|frozen| deepest <= frozen), "these blocks are not frozen");
        let mut parts: Vec<Tensor> = after.iter().map(|_| Tensor::new()).collect();
        no_grad::without(|| {
            let mut here = self.stem(images, mode);
            for depth in 0..=deepest {
                if depth > 0 {
                    here = self.blocks[depth - 1].forward(&here, mode);
                }
                for (part, _) in parts.iter_mut().zip(after).filter(|(_, after)| **after == depth) {
                    *part = here.shallow_clone();
                }
            }
        });
        parts
    }

    /// From the frozen part's output to logits `[N, classes]`.
    ///
    /// # Panics
    /// If it is not this network's frozen part's.
    pub fn trained_part(&self, fixed: &Tensor, mode: Mode) -> Tensor {
        match self.frozen {
            None => self.logits(fixed, mode),
            Some(frozen) => {
                let last = through(&self.blocks[frozen..], fixed.shallow_clone(), mode);
                self.classify(&average(&last))
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

fn through(blocks: &[Residual], input: Tensor, mode: Mode) -> Tensor {
    blocks.iter().fold(input, |input, block| block.forward(&input, mode))
}

/// The mean over each picture: `[N,C,H,W]` to `[N,C]`.
fn average(pictures: &Tensor) -> Tensor {
    pictures.adaptive_avg_pool2d([1, 1]).flatten(1, -1)
}
