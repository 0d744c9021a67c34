//! The convolutions of an architecture, with torchvision's names and in its order. Parameter lists,
//! freezing, the cost of a fine-tune and the network itself are all derived from this one list.

use super::architecture::{Architecture, Block, Stem};

/// A convolution without bias, and the batch norm after it.
pub(crate) struct Convolution {
    /// Its name: `layer3.0.conv1`.
    pub name: String,
    /// The batch norm's name: `layer3.0.bn1`.
    pub norm: String,
    pub input: i64,
    pub output: i64,
    /// Side of the kernel, odd; the padding is half of it, rounded down.
    pub kernel: i64,
    pub stride: i64,
}

/// A residual block.
pub(crate) struct Residual {
    /// Its name: `layer3.0`.
    pub name: String,
    pub body: Vec<Convolution>,
    /// The projection shortcut, if the body changes the shape.
    pub shortcut: Option<Convolution>,
}

/// A named tensor's shape.
pub(crate) type Shape = (String, Vec<i64>);

impl Architecture {
    /// The stem's convolution.
    pub(crate) fn first_convolution(&self) -> Convolution {
        let (kernel, stride) = match self.stem {
            Stem::Imagenet => (7, 2),
            Stem::Small { stride } => (3, stride.into()),
        };
        let (name, norm) = ("conv1".into(), "bn1".into());
        Convolution { name, norm, input: 3, output: self.width.into(), kernel, stride }
    }

    /// All residual blocks, from input to output.
    pub(crate) fn residuals(&self) -> Vec<Residual> {
        let mut residuals = Vec::new();
        let mut input = i64::from(self.width);
        for (stage, depth) in self.depths.into_iter().enumerate() {
            let width = i64::from(self.width) << stage;
            for at in 0..depth {
                let name = format!("layer{}.{at}", stage + 1);
                let stride = if stage > 0 && at == 0 { 2 } else { 1 };
                residuals.push(self.residual(name, input, width, stride));
                input = width * i64::from(self.block.expansion());
            }
        }
        residuals
    }

    fn residual(&self, name: String, input: i64, width: i64, stride: i64) -> Residual {
        let output = width * i64::from(self.block.expansion());
        let shapes = match self.block {
            Block::Basic => vec![(input, width, 3, stride), (width, width, 3, 1)],
            Block::Bottleneck => {
                vec![(input, width, 1, 1), (width, width, 3, stride), (width, output, 1, 1)]
            }
        };
        let body = (1..).zip(shapes).map(|(at, (input, output, kernel, stride))| Convolution {
            name: format!("{name}.conv{at}"),
            norm: format!("{name}.bn{at}"),
            input,
            output,
            kernel,
            stride,
        });
        let shortcut = (stride != 1 || input != output).then(|| Convolution {
            name: format!("{name}.downsample.0"),
            norm: format!("{name}.downsample.1"),
            input,
            output,
            kernel: 1,
            stride,
        });
        Residual { body: body.collect(), shortcut, name }
    }

    fn convolutions(&self) -> impl Iterator<Item = Convolution> {
        let residuals = self.residuals().into_iter();
        std::iter::once(self.first_convolution())
            .chain(residuals.flat_map(|block| block.body.into_iter().chain(block.shortcut)))
    }

    /// Every parameter, in torchvision's order.
    pub(crate) fn parameter_shapes(&self) -> Vec<Shape> {
        let head = [i64::from(self.classes), i64::from(self.features())];
        self.convolutions()
            .flat_map(|Convolution { name, norm, input, output, kernel, .. }| {
                [
                    (format!("{name}.weight"), vec![output, input, kernel, kernel]),
                    (format!("{norm}.weight"), vec![output]),
                    (format!("{norm}.bias"), vec![output]),
                ]
            })
            .chain([
                ("fc.weight".to_owned(), head.to_vec()),
                ("fc.bias".to_owned(), head[..1].to_vec()),
            ])
            .collect()
    }

    /// Every running statistic, in torchvision's order.
    pub(crate) fn buffer_shapes(&self) -> Vec<Shape> {
        self.convolutions()
            .flat_map(|Convolution { norm, output, .. }| {
                ["running_mean", "running_var"]
                    .map(|statistic| (format!("{norm}.{statistic}"), vec![output]))
            })
            .collect()
    }
}
