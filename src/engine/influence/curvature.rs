//! What a last layer makes of images, and the curvature of its loss over them.

use rand_chacha::ChaCha8Rng;
use tch::{Kind, Tensor};

use super::{Eigenpairs, InfluenceError, Operator, top};

/// Images that gradients are projected for at once: enough for fast products, few enough for memory.
const AT_ONCE: i64 = 500;

/// Columns that are multiplied at once, at least: enough for fast products.
const BLOCK: i64 = 16;

/// Labelled images as a last layer sees them: all that influence needs of a network.
#[derive(Debug)]
pub struct LastLayer {
    /// Features with a one after the last, for the bias, `[N, features + 1]`.
    inputs: Tensor,
    /// `[N, classes]`.
    probabilities: Tensor,
    /// Gradients of each image's loss towards its logits, `[N, classes]`.
    residuals: Tensor,
    /// `[N]`.
    labels: Tensor,
}

impl LastLayer {
    /// Takes features `[N, features]`, logits `[N, classes]` and labels `[N]`, on one device, of any kind.
    ///
    /// # Errors
    /// If there are no images, there is one class, a label is no class, or something is not finite.
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
        let own = labels.unsqueeze(1);
        // Not the probability minus one, which is nothing once an image is fitted to the last digit:
        // minus the sum of the others, which keeps all of its digits.
        let others = probabilities.scatter_value(1, &own, 0.0);
        let rest = -others.sum_dim_intlist([1].as_slice(), true, Kind::Double);
        let residuals = others.scatter(1, &own, &rest);
        let ones = Tensor::ones([images, 1], (Kind::Double, features.device()));
        Ok(Self {
            inputs: Tensor::cat(&[features, ones], 1),
            probabilities,
            residuals,
            labels: labels.shallow_clone(),
        })
    }

    /// How many images.
    #[must_use]
    pub fn images(&self) -> i64 {
        self.labels.size()[0]
    }

    /// Labels, `[N]`.
    pub fn labels(&self) -> &Tensor {
        &self.labels
    }

    /// The class that each image is given, `[N]`.
    pub fn predicted(&self) -> Tensor {
        self.probabilities.argmax(1, false)
    }

    /// How many parameters there are: weights and biases.
    #[must_use]
    pub fn parameters(&self) -> i64 {
        self.inputs.size()[1] * self.probabilities.size()[1]
    }

    /// Each image's gradient in a subspace: its products with the columns of `[parameters, R]`, `[N, R]`.
    ///
    /// # Panics
    /// If there are not as many rows as parameters.
    pub fn gradients_in(&self, subspace: &Tensor) -> Tensor {
        let classes = self.probabilities.size()[1];
        let columns = subspace.size()[1];
        let by_feature = subspace.reshape([self.inputs.size()[1], classes * columns]);
        let parts: Vec<Tensor> = (0..self.images())
            .step_by(AT_ONCE as usize)
            .map(|start| {
                let length = AT_ONCE.min(self.images() - start);
                let part = |of: &Tensor| of.narrow(0, start, length);
                let along = part(&self.inputs).matmul(&by_feature).view([length, classes, columns]);
                let sums = part(&self.residuals).unsqueeze(1).matmul(&along);
                sums.squeeze_dim(1)
            })
            .collect();
        Tensor::cat(&parts, 0)
    }
}

/// The Hessian of images' summed cross-entropy towards the last layer's parameters: the sum over images of
/// `(diag p - p p^T) x [f; 1] [f; 1]^T`. It is never formed; `parameters` squared numbers would be
/// 3.4 GB at 20,490.
#[derive(Debug)]
pub struct Curvature<'a> {
    images: &'a LastLayer,
    /// Each image's likeliest class, `[N, 1, 1]`.
    likeliest: Tensor,
}

impl<'a> Curvature<'a> {
    /// Over these images.
    #[must_use]
    pub fn of(images: &'a LastLayer) -> Self {
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
        // What the columns do to each image's logits.
        let moved = inputs.matmul(&by_feature).view([images, classes, count]);
        // Measured from the likeliest class: a shift that all classes share changes no probability, and
        // without it the next difference would lose all digits where an image is fitted.
        let moved = &moved - moved.gather(1, &self.likeliest.expand([-1, 1, count], false), false);
        let probabilities = probabilities.unsqueeze(2);
        let mean = (&probabilities * &moved).sum_dim_intlist([1].as_slice(), true, Kind::Double);
        let pulled = probabilities * (moved - mean);
        inputs.tr().matmul(&pulled.view([images, classes * count])).view([-1, count])
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
            // Where all classes are equally likely, each eigenvalue occurs once a class but one.
            block: probabilities.size()[1].max(BLOCK),
            device: probabilities.device(),
        };
        top(&operator, truncation, generator)
    }
}
