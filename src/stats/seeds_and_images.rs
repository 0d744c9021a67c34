//! The variance of a mean over seeds, with a second source of variance beside the seeds: test
//! images, or checkpoints with a known deviation.
//!
//! Seeds and test images are crossed: every seed is tested on the same images. The judge builds the
//! tables of images and decides which of the two intervals a hypothesis asks for.

use super::sample::Sample;
use super::ttest::TTest;

/// What a second source adds to the variance s²/k of a mean over k seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AddedVariance {
    /// The added variance of the mean, in squared units of the metric.
    pub variance: f64,
    /// Its sum of squared mean squares, each divided by its degrees of freedom, for Satterthwaite's
    /// formula; 0 for a variance that is known.
    pub over_freedom: f64,
}

impl AddedVariance {
    /// Seeds alone.
    pub const NONE: AddedVariance = AddedVariance { variance: 0.0, over_freedom: 0.0 };

    /// The variance of a standard deviation that is known, in the metric's units.
    #[must_use]
    pub fn known(standard_deviation: f64) -> AddedVariance {
        AddedVariance { variance: standard_deviation.powi(2), over_freedom: 0.0 }
    }

    /// What test images add: max(0, Σ (v/n − r/(kn))) over independent test sets of n images each.
    /// v is the variance over images of the mean over seeds, r the residual mean square of the
    /// k × n table. So images that all seeds classify alike count, and the noise of single seeds,
    /// which s² has already, does not count twice.
    ///
    /// `tables[set][seed][image]` is the contribution of an image to the seed's contrast, in the
    /// metric's units; the mean of a row is that test set's part of the contrast. `None` with fewer
    /// than two seeds or images, with rows of different lengths, or if a value is not finite.
    #[must_use]
    pub fn of_images<Row: AsRef<[f64]>>(tables: &[&[Row]]) -> Option<AddedVariance> {
        let mut sum = AddedVariance::NONE;
        for table in tables {
            let of_set = of_one_set(table)?;
            sum.variance += of_set.variance;
            sum.over_freedom += of_set.over_freedom;
        }
        let finite = sum.variance.is_finite() && sum.over_freedom.is_finite();
        finite.then(|| sum.or_none())
    }

    /// The same for one test set from the mean squares of its table: the variance over images of
    /// the mean over seeds, and the residual mean square.
    #[must_use]
    pub fn of_mean_squares(seeds: usize, images: f64, between: f64, residual: f64) -> Self {
        term(seeds as f64, images, between, residual).or_none()
    }

    /// An estimate below zero counts as none.
    fn or_none(self) -> Self {
        if self.variance > 0.0 { self } else { Self::NONE }
    }
}

fn of_one_set<Row: AsRef<[f64]>>(table: &[Row]) -> Option<AddedVariance> {
    let seeds = table.len();
    let images = table.first()?.as_ref().len();
    if seeds < 2 || images < 2 || table.iter().any(|row| row.as_ref().len() != images) {
        return None;
    }
    let (k, n) = (seeds as f64, images as f64);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / n;
    let mut of_image = vec![0.0; images];
    for row in table {
        for (sum, value) in of_image.iter_mut().zip(row.as_ref()) {
            *sum += value / k;
        }
    }
    let whole = mean(&of_image);
    let between = of_image.iter().map(|image| (image - whole).powi(2)).sum::<f64>() / (n - 1.0);
    let residual = |row: &Row| {
        let of_seed = mean(row.as_ref());
        let cells = row.as_ref().iter().zip(&of_image);
        cells.map(|(value, image)| (value - of_seed - image + whole).powi(2)).sum::<f64>()
    };
    let residual = table.iter().map(residual).sum::<f64>() / ((k - 1.0) * (n - 1.0));
    Some(term(k, n, between, residual))
}

/// The term of one test set, which may be below zero.
fn term(k: f64, n: f64, between: f64, residual: f64) -> AddedVariance {
    let (images, noise) = (between / n, residual / (k * n));
    AddedVariance {
        variance: images - noise,
        over_freedom: images.powi(2) / (n - 1.0) + noise.powi(2) / ((k - 1.0) * (n - 1.0)),
    }
}

/// The t test of a mean over seeds against `null` with the variance V = s²/k + `added`, at
/// V² / ((s²/k)²/(k − 1) + over_freedom) degrees of freedom (Satterthwaite 1946). Without an added
/// variance it is [`paired_t`](super::paired_t).
#[must_use]
pub fn t_with_added(differences: &Sample, null: f64, added: AddedVariance) -> TTest {
    let own = differences.standard_error();
    if added == AddedVariance::NONE {
        return TTest::new(differences.mean(), own, differences.degrees_of_freedom(), null);
    }
    let seeds = own.powi(2);
    let variance = seeds + added.variance;
    let divisor = seeds.powi(2) / differences.degrees_of_freedom() + added.over_freedom;
    TTest::new(differences.mean(), variance.sqrt(), variance.powi(2) / divisor, null)
}
