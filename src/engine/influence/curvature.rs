//! A last layer's inputs and outputs for images, and the curvature of its loss over them.

use rand_chacha::ChaCha8Rng;
use tch::{Kind, Tensor};

use super::{Eigenpairs, InfluenceError, Operator, top};

/// Images whose gradients are projected at once: enough for fast products, few enough for memory.
const BATCH: i64 = 500;

/// The minimum number of columns that are multiplied at once: enough for fast products.
const MIN_BLOCK: i64 = 16;

/// Labelled images at a network's last layer: everything that influence needs of the network.
#[derive(Debug)]
pub struct LastLayer {
    /// Features, then a one for the bias, `[N, features + 1]`.
    inputs: Tensor,
    /// `[N, classes]`.
    probabilities: Tensor,
    /// Gradients of each image's loss by its logits, `[N, classes]`.
    residuals: Tensor,
    /// `[N]`.
    labels: Tensor,
}

impl LastLayer {
    /// From features `[N, features]`, logits `[N, classes]` and labels `[N]`, on one device, of any
    /// kind.
    ///
    /// # Errors
    /// If there are no images, there is one class, a label is out of range, or a value is not
    /// finite.
    ///
    /// # Panics
    /// If shapes do not fit together.
    pub fn new(
        features: &Tensor,
        logits: &Tensor,
        labels: &Tensor,
    ) -> Result<Self, InfluenceError> {
        let (images, classes) = logits.size2().expect("logits are a matrix");
        if images == 0 {
            return Err(InfluenceError::Empty);
        }
        if classes < 2 {
            return Err(InfluenceError::OneClass);
        }
        let [features, logits] = [features, logits].map(|each| each.detach().to_kind(Kind::Double));
        let finite = |each: &Tensor| each.isfinite().all().int64_value(&[]) == 1;
        if !finite(&features) || !finite(&logits) {
            return Err(InfluenceError::NotFinite);
        }
        let outside = |label: &i64| !(0..classes).contains(label);
        if let Some(label) =
            [labels.min(), labels.max()].map(|end| end.int64_value(&[])).into_iter().find(outside)
        {
            return Err(InfluenceError::Label { label, classes });
        }
        let probabilities = logits.softmax(1, Kind::Double);
        let ones = Tensor::ones([images, 1], (Kind::Double, features.device()));
        Ok(Self {
            inputs: Tensor::cat(&[features, ones], 1),
            residuals: residuals(&probabilities, labels),
            probabilities,
            labels: labels.shallow_clone(),
        })
    }

    /// The same images with the classes that the network predicts as their labels.
    #[must_use]
    pub fn as_predicted(&self) -> Self {
        let labels = self.predicted();
        Self {
            inputs: self.inputs.shallow_clone(),
            residuals: residuals(&self.probabilities, &labels),
            probabilities: self.probabilities.shallow_clone(),
            labels,
        }
    }

    /// Features of length 1, `[N, features]`; an image without features keeps zeros.
    pub(super) fn directions(&self) -> Tensor {
        let features = self.inputs.narrow(1, 0, self.inputs.size()[1] - 1);
        let lengths = features.norm_scalaropt_dim(2.0, [1].as_slice(), true);
        &features / lengths.clamp_min(f64::MIN_POSITIVE)
    }

    /// The number of images.
    #[must_use]
    pub fn images(&self) -> i64 {
        self.labels.size()[0]
    }

    /// Labels, `[N]`.
    pub fn labels(&self) -> &Tensor {
        &self.labels
    }

    /// The predicted class of each image, `[N]`.
    pub fn predicted(&self) -> Tensor {
        self.probabilities.argmax(1, false)
    }

    /// The number of parameters: weights and biases.
    #[must_use]
    pub fn parameters(&self) -> i64 {
        self.inputs.size()[1] * self.probabilities.size()[1]
    }

    /// Each image's gradient in a subspace: its products with the columns of `[parameters, R]`,
    /// `[N, R]`.
    ///
    /// # Panics
    /// If there are not as many rows as parameters.
    pub fn gradients_in(&self, subspace: &Tensor) -> Tensor {
        let classes = self.probabilities.size()[1];
        let columns = subspace.size()[1];
        let by_feature = subspace.reshape([self.inputs.size()[1], classes * columns]);
        let parts: Vec<Tensor> = (0..self.images())
            .step_by(BATCH as usize)
            .map(|start| {
                let length = BATCH.min(self.images() - start);
                let part = |whole: &Tensor| whole.narrow(0, start, length);
                let logits = part(&self.inputs).matmul(&by_feature);
                let logits = logits.view([length, classes, columns]);
                let sums = part(&self.residuals).unsqueeze(1).matmul(&logits);
                sums.squeeze_dim(1)
            })
            .collect();
        Tensor::cat(&parts, 0)
    }
}

/// Gradients of each image's loss by its logits. For the label's class it is minus the sum of the
/// other probabilities, which keeps all its digits. The probability minus one would be zero for an
/// image that is fitted to the last digit.
fn residuals(probabilities: &Tensor, labels: &Tensor) -> Tensor {
    let index = labels.unsqueeze(1);
    let others = probabilities.scatter_value(1, &index, 0.0);
    let of_label = -others.sum_dim_intlist([1].as_slice(), true, Kind::Double);
    others.scatter(1, &index, &of_label)
}

/// The Hessian of the images' summed cross-entropy by the last layer's parameters: the sum over
/// images of `(diag p - p p^T) x [f; 1] [f; 1]^T`. It is never formed: for 20,490 parameters it
/// would take 3.4 GB.
#[derive(Debug)]
pub struct Curvature<'a> {
    images: &'a LastLayer,
    /// Each image's likeliest class, `[N, 1, 1]`.
    likeliest: Tensor,
}

impl<'a> Curvature<'a> {
    /// The curvature over these images.
    #[must_use]
    pub fn new(images: &'a LastLayer) -> Self {
        Self { images, likeliest: images.predicted().view([-1, 1, 1]) }
    }

    /// Its product with the columns of `[parameters, B]`, of the same shape.
    ///
    /// # Panics
    /// If there are not as many rows as parameters.
    pub fn times(&self, columns: &Tensor) -> Tensor {
        let LastLayer { inputs, probabilities, .. } = self.images;
        let (images, classes) = probabilities.size2().expect("a matrix");
        let count = columns.size()[1];
        let by_feature = columns.reshape([inputs.size()[1], classes * count]);
        // The change of each image's logits along the columns.
        let change = inputs.matmul(&by_feature).view([images, classes, count]);
        // Relative to the likeliest class. A shift that all classes share changes no probability,
        // and without it the next difference would lose all digits for an image that is fitted.
        let likeliest = self.likeliest.expand([-1, 1, count], false);
        let change = &change - change.gather(1, &likeliest, false);
        let probabilities = probabilities.unsqueeze(2);
        let mean = (&probabilities * &change).sum_dim_intlist([1].as_slice(), true, Kind::Double);
        let weighted = probabilities * (change - mean);
        inputs.tr().matmul(&weighted.view([images, classes * count])).view([-1, count])
    }

    /// Its eigenpairs above `truncation` times the largest eigenvalue ([`top`]).
    ///
    /// # Errors
    /// As [`top`].
    pub fn top(
        &self,
        truncation: f64,
        generator: &mut ChaCha8Rng,
    ) -> Result<Eigenpairs, InfluenceError> {
        let probabilities = &self.images.probabilities;
        let operator = Operator {
            times: &|columns| self.times(columns),
            parameters: self.images.parameters(),
            // Where all classes are equally likely, each eigenvalue occurs `classes - 1` times.
            block: probabilities.size()[1].max(MIN_BLOCK),
            device: probabilities.device(),
        };
        top(&operator, truncation, generator)
    }
}
