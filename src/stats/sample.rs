//! A sample that every statistic can trust: at least two finite values, with their mean and spread.
//!
//! Sums are exact and rounded once, so that the order of the seeds and the direction of a contrast
//! can't change a verdict by a last bit. Joining records into values, and what to do when too few
//! are left, is the judge's.

/// The largest magnitude that a [`Sample`] takes: its square, and sums of squares, are still
/// finite.
const LARGEST_MAGNITUDE: f64 = 1e100;

/// Why numbers don't make a [`Sample`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SampleError {
    /// Fewer than two values have no spread.
    #[error(
        "failed to make a sample of {found} value(s): a spread needs at least 2, run more seeds"
    )]
    TooFew {
        /// How many values there were.
        found: usize,
    },
    /// A value is NaN, infinite, or beyond 1e100 in magnitude, so that its square could overflow.
    #[error(
        "failed to make a sample: value {index} (counted from 0) is not a finite number \
         below 1e100 in magnitude, look at the record that it comes from"
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
}

impl Sample {
    /// Checks the values and takes their mean and standard deviation.
    ///
    /// # Errors
    /// [`SampleError::NotFinite`] names the first value that is NaN, infinite or beyond 1e100;
    /// [`SampleError::TooFew`] says how many values there were when that is fewer than two.
    pub fn new(values: Vec<f64>) -> Result<Sample, SampleError> {
        // `!(a <= b)` and not `a > b`: a NaN must be caught too.
        #[allow(clippy::neg_cmp_op_on_partial_ord)]
        let unusable = |value: &f64| !(value.abs() <= LARGEST_MAGNITUDE);
        if let Some(index) = values.iter().position(unusable) {
            return Err(SampleError::NotFinite { index });
        }
        if values.len() < 2 {
            return Err(SampleError::TooFew { found: values.len() });
        }
        let mean = mean_of(&values);
        let squares = values.iter().map(|value| (value - mean).powi(2));
        let variance = exact_sum(squares) / (values.len() - 1) as f64;
        Ok(Sample { mean, standard_deviation: variance.sqrt(), values })
    }

    /// Floors the standard deviation at half the metric's resolution, in the metric's units: seeds
    /// that agree to the last test image are as likely as not a rounding, not proof of no spread.
    ///
    /// A floor and not only a substitute for zero: differences that are equal on paper, such as
    /// 85.3 − 80.1 and 75.3 − 70.1, differ by a rounding error in binary. A resolution of zero,
    /// below zero or NaN changes nothing.
    #[must_use]
    pub fn with_resolution(mut self, resolution: f64) -> Sample {
        // `f64::max` passes over a NaN.
        self.standard_deviation = self.standard_deviation.max(resolution / 2.0);
        self
    }

    /// The values in the order in which they were given.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// How many values there are: k, at least 2.
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
    /// [`Sample::with_resolution`] where that is larger.
    pub fn standard_deviation(&self) -> f64 {
        self.standard_deviation
    }

    /// The standard error of the mean, s/√k.
    pub fn standard_error(&self) -> f64 {
        self.standard_deviation / (self.len() as f64).sqrt()
    }

    /// k − 1, the degrees of freedom of the standard deviation.
    pub fn degrees_of_freedom(&self) -> f64 {
        (self.len() - 1) as f64
    }
}

/// The mean of finite values, held within their range: dividing may round past it.
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
    let mut below = partials.iter().rev().copied();
    let mut total = below.next().unwrap_or(0.0);
    while let Some(partial) = below.next() {
        let (sum, error) = two_sum(total, partial);
        total = sum;
        if error != 0.0 {
            // Halfway between two numbers, what lies further below decides the direction.
            let decides = below.next().unwrap_or(0.0);
            let nudged = sum + 2.0 * error;
            if error * decides > 0.0 && nudged - sum == 2.0 * error {
                total = nudged;
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
    }

    #[test]
    fn a_sum_halfway_between_two_numbers_is_decided_by_what_lies_below() {
        let half_a_bit = f64::EPSILON / 2.0;
        assert_eq!(exact_sum([1.0, half_a_bit].into_iter()), 1.0);
        assert_eq!(exact_sum([1.0, half_a_bit, 1e-30].into_iter()), 1.0 + f64::EPSILON);
        assert_eq!(exact_sum([1.0, half_a_bit, -1e-30].into_iter()), 1.0);
    }
}
