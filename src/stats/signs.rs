//! What the signs of a few paired differences say: the exact sign-flip (randomisation) test of
//! their mean. Its only assumption is that, without an effect, each difference is as likely as its
//! negative. With k values its least p is 1/2^k, so five values can't fall below 1/32.

/// The most values that the exact test enumerates: 2^30 sign patterns, as two halves of 2^15.
pub const MOST_SIGNS: usize = 30;

/// The exact one-sided p of the sign-flip test (Fisher 1935) that the mean of `values` lies above
/// `null`: the share of the 2^k patterns of signs of value − null whose sum is at least the
/// observed one. Sums that differ by rounding count as equal.
///
/// `None` without values, with more than [`MOST_SIGNS`], or if a value is not finite.
#[must_use]
pub fn sign_flip_p(values: &[f64], null: f64) -> Option<f64> {
    let deviations: Vec<f64> = values.iter().map(|value| value - null).collect();
    let usable = (1..=MOST_SIGNS).contains(&values.len());
    if !usable || !deviations.iter().all(|value| value.is_finite()) {
        return None;
    }
    let total: f64 = deviations.iter().map(|value| value.abs()).sum();
    let least = deviations.iter().sum::<f64>() - 1e-9 * total;
    // Each pattern is a pair of patterns of the two halves; one half is sorted.
    let (left, right) = deviations.split_at(deviations.len() / 2);
    let (left, mut right) = (sums(left), sums(right));
    right.sort_by(f64::total_cmp);
    let reached = |first: &f64| right.len() - right.partition_point(|sum| first + sum < least);
    let count: usize = left.iter().map(reached).sum();
    Some(count as f64 / (left.len() * right.len()) as f64)
}

/// The sums of every pattern of signs.
fn sums(values: &[f64]) -> Vec<f64> {
    values.iter().fold(vec![0.0], |sums, value| {
        sums.iter().flat_map(|sum| [sum + value, sum - value]).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_p_of_k_values_is_one_of_all_patterns() {
        assert_eq!(sign_flip_p(&[2.0, 3.0, 1.0, 4.0, 2.5], 0.0), Some(1.0 / 32.0));
        assert_eq!(sign_flip_p(&[2.0; 10], 0.0), Some(1.0 / 1024.0));
        assert_eq!(sign_flip_p(&[2.0; 30], 0.0), Some(0.5_f64.powi(30)));
        assert_eq!(sign_flip_p(&[-2.0, -3.0, -1.0], 0.0), Some(1.0));
        assert_eq!(sign_flip_p(&[0.0; 4], 0.0), Some(1.0));
    }

    #[test]
    fn what_cannot_be_enumerated_has_no_p() {
        assert_eq!(sign_flip_p(&[], 0.0), None);
        assert_eq!(sign_flip_p(&[1.0; MOST_SIGNS + 1], 0.0), None);
        assert_eq!(sign_flip_p(&[1.0, f64::NAN], 0.0), None);
    }

    #[test]
    fn the_p_is_that_of_scipy() {
        // scipy.stats.permutation_test((x,), mean, permutation_type="samples",
        // alternative="greater") on R's `sleep` (first minus second drug, negated).
        let sleep = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4];
        assert_eq!(sign_flip_p(&sleep, 0.0), Some(SLEEP));
        assert_eq!(sign_flip_p(&sleep, 1.0), Some(SLEEP_ABOVE_ONE));
    }

    const SLEEP: f64 = 2.0 / 1024.0;
    const SLEEP_ABOVE_ONE: f64 = 82.0 / 1024.0;
}
