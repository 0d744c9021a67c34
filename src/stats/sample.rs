//! A valid sample: at least two finite values, with mean and standard deviation.
//!
//! Sums are exact and rounded once, so that the order of the seeds and the direction of a contrast
//! can't change a verdict by a last bit. The judge joins records into values and handles samples
//! that are too small.

/// The largest magnitude of a value in a [`Sample`]: its square, and sums of squares, are finite.
const LARGEST_MAGNITUDE: f64 = 1e100;

/// Why numbers don't make a [`Sample`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SampleError {
    /// Fewer than two values have no standard deviation.
    #[error(
        "failed to make a sample of {found} value(s): a standard deviation needs at least 2, run \
         more seeds"
    )]
    TooFew {
        /// The number of values.
        found: usize,
    },
    /// A value is NaN, infinite, or beyond 1e100 in magnitude, so that its square could overflow.
    #[error(
        "failed to make a sample: value {index} (counted from 0) is not a finite number \
         below 1e100 in magnitude, check its record"
    )]
    NotFinite {
        /// The value's position, counted from 0.
        index: usize,
    },
}

/// At least two finite values in their given order, in the units of the metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    values: Vec<f64>,
    mean: f64,
    standard_deviation: f64,
    left_out: usize,
    test_to_train: f64,
}

impl Sample {
    /// Checks the values and computes their mean and standard deviation.
    ///
    /// # Errors
    /// [`SampleError::NotFinite`] for the first value that is NaN, infinite or beyond 1e100;
    /// [`SampleError::TooFew`] for fewer than two values.
    pub fn new(values: Vec<f64>) -> Result<Sample, SampleError> {
        if let Some(index) = values.iter().position(|value| !Sample::accepts(*value)) {
            return Err(SampleError::NotFinite { index });
        }
        if values.len() < 2 {
            return Err(SampleError::TooFew { found: values.len() });
        }
        let mean = mean_of(&values);
        let squares = values.iter().map(|value| (value - mean).powi(2));
        let variance = exact_sum(squares) / (values.len() - 1) as f64;
        let standard_deviation = variance.sqrt();
        Ok(Sample { mean, standard_deviation, left_out: 0, test_to_train: 0.0, values })
    }

    /// Whether a value may be in a sample: it is finite and at most 1e100 in magnitude.
    #[must_use]
    pub fn accepts(value: f64) -> bool {
        // Not `value.abs() > LARGEST_MAGNITUDE`, which is false for NaN.
        value.abs() <= LARGEST_MAGNITUDE
    }

    /// Raises the standard deviation to at least half the metric's resolution, in the metric's
    /// units: agreement to the last test image may be rounding and does not prove zero variance.
    ///
    /// A floor, and not only a substitute for zero: differences that are equal in decimals, such as
    /// 85.3 − 80.1 and 75.3 − 70.1, differ by a rounding error in binary. A resolution of zero,
    /// below zero or NaN changes nothing.
    #[must_use]
    pub fn with_resolution(mut self, resolution: f64) -> Sample {
        // `f64::max` ignores a NaN.
        self.standard_deviation = self.standard_deviation.max(resolution / 2.0);
        self
    }

    /// The sample with the degrees of freedom of all its seeds, `seeds` of which are left out: to
    /// ask whether a result hinges on them, judged with the critical t of all.
    #[must_use]
    pub fn leaving_out(mut self, seeds: usize) -> Sample {
        self.left_out = seeds;
        self
    }

    /// The sample as folds of cross-validation, which share training items: the variance of their
    /// mean is s²·(1/k + `test_to_train`) in place of s²/k (the corrected resampled t; Nadeau and
    /// Bengio 2003). `test_to_train` is the number of test items by that of training items, 1/9 for
    /// ten folds; for repeated cross-validation k counts all folds (Bouckaert and Frank 2004).
    ///
    /// A ratio of zero, below zero or NaN changes nothing.
    #[must_use]
    pub fn as_folds(mut self, test_to_train: f64) -> Sample {
        self.test_to_train = test_to_train.max(0.0);
        self
    }

    /// The values in their given order.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The number of values: k, at least 2.
    #[allow(clippy::len_without_is_empty)] // a sample is never empty
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// The arithmetic mean, within the smallest and the largest value; of equal values, that value
    /// exactly.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The standard deviation with k − 1 in the denominator, or the floor of
    /// [`Sample::with_resolution`] if that is larger.
    pub fn standard_deviation(&self) -> f64 {
        self.standard_deviation
    }

    /// The variance of the mean of `k` such values, in squared standard deviations: 1/k, or that of
    /// folds ([`Sample::as_folds`]). Infinite for a `k` of 0.
    pub fn variance_of_mean(&self, k: usize) -> f64 {
        1.0 / k as f64 + self.test_to_train
    }

    /// The standard error of the mean: s/√k, or that of folds ([`Sample::as_folds`]).
    pub fn standard_error(&self) -> f64 {
        let k = self.len() as f64;
        if self.test_to_train > 0.0 {
            return self.standard_deviation * self.variance_of_mean(self.len()).sqrt();
        }
        self.standard_deviation / k.sqrt()
    }

    /// k − 1, the degrees of freedom of the standard deviation; k counts seeds that are left out
    /// ([`Sample::leaving_out`]).
    pub fn degrees_of_freedom(&self) -> f64 {
        (self.len() + self.left_out - 1) as f64
    }
}

/// The mean of finite values, clamped to their range, which rounding may exceed.
fn mean_of(values: &[f64]) -> f64 {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (exact_sum(values.iter().copied()) / values.len() as f64).clamp(low, high)
}

/// The sum of finite values, rounded once (Shewchuk 1997, Adaptive precision floating-point
/// arithmetic).
///
/// The partials are non-overlapping and grow in magnitude, and their sum is exact throughout.
fn exact_sum(values: impl Iterator<Item = f64>) -> f64 {
    let mut partials: Vec<f64> = Vec::new();
    for value in values {
        let mut carried = value;
        let mut kept = 0;
        for index in 0..partials.len() {
            let (sum, error) = two_sum(carried, partials[index]);
            if error != 0.0 {
                partials[kept] = error;
                kept += 1;
            }
            carried = sum;
        }
        partials.truncate(kept);
        partials.push(carried);
    }
    round_once(&partials)
}

/// a + b as a rounded sum and the exact error of that rounding (Knuth's TwoSum).
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_rounded = sum - a;
    let a_rounded = sum - b_rounded;
    (sum, (a - a_rounded) + (b - b_rounded))
}

/// The nearest number to the exact sum of non-overlapping partials that grow in magnitude.
fn round_once(partials: &[f64]) -> f64 {
    let mut partials = partials.iter().rev().copied();
    let mut total = partials.next().unwrap_or(0.0);
    while let Some(partial) = partials.next() {
        let (sum, error) = two_sum(total, partial);
        total = sum;
        if error != 0.0 {
            // Halfway between two numbers, the next smaller partial decides the direction.
            let next = partials.next().unwrap_or(0.0);
            let rounded = sum + 2.0 * error;
            if error * next > 0.0 && rounded - sum == 2.0 * error {
                total = rounded;
            }
            break;
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_loses_nothing_to_cancellation() {
        assert_eq!(exact_sum([1e16, 1.0, -1e16].into_iter()), 1.0);
        assert_eq!(exact_sum([1e100, 1.0, -1e100, 1e-100].into_iter()), 1.0);
        assert_eq!(exact_sum([0.1; 10].into_iter()), 1.0);
        assert_eq!(exact_sum(std::iter::empty()), 0.0);
        // Just above half way between 1 and the next number, and just below it.
        let half = f64::EPSILON / 2.0;
        assert_eq!(exact_sum([1.0, half, half * half].into_iter()), 1.0 + f64::EPSILON);
        assert_eq!(exact_sum([1.0, half, -half * half].into_iter()), 1.0);
    }

    #[test]
    fn smaller_partials_break_a_tie_between_two_numbers() {
        let half_a_bit = f64::EPSILON / 2.0;
        assert_eq!(exact_sum([1.0, half_a_bit].into_iter()), 1.0);
        assert_eq!(exact_sum([1.0, half_a_bit, 1e-30].into_iter()), 1.0 + f64::EPSILON);
        assert_eq!(exact_sum([1.0, half_a_bit, -1e-30].into_iter()), 1.0);
    }
}
