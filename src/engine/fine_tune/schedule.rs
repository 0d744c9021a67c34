//! When the learning rate drops and when a run is evaluated.

/// The paper drops the rate by this factor (`robustness` library, `step_lr_gamma`'s default).
pub(crate) const DROP: f64 = 0.1;

/// The learning rate of an epoch, counted from 0: a tenfold drop after every third of the schedule,
/// in whole epochs rounded down (the paper's code: `step_lr = epochs // 3`), so that 100 epochs end
/// with one at a thousandth of the first rate. A schedule of fewer than three epochs drops after
/// every one.
#[must_use]
pub fn learning_rate(first: f64, epochs: u32, epoch: u32) -> f64 {
    let third = (epochs / 3).max(1);
    first * DROP.powi((epoch / third) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_epochs_have_three_thirds_of_33_and_one_more() {
        let drops: Vec<u32> = (1..100)
            .filter(|&epoch| learning_rate(0.1, 100, epoch) < learning_rate(0.1, 100, epoch - 1))
            .collect();
        assert_eq!(drops, [33, 66, 99]);
        assert_eq!(learning_rate(0.1, 100, 0), 0.1);
        assert!((learning_rate(0.1, 100, 99) - 1e-4).abs() < 1e-12);
    }

    #[test]
    fn thirty_epochs_have_three_equal_thirds_and_two_epochs_drop_once() {
        let rates = |epochs: u32| {
            (0..epochs).map(|epoch| learning_rate(1.0, epochs, epoch)).collect::<Vec<_>>()
        };
        assert_eq!(rates(30).iter().filter(|rate| **rate > 0.5).count(), 10);
        assert_eq!(rates(30).iter().filter(|rate| **rate < 0.05).count(), 10);
        assert_eq!(rates(2).len(), 2);
        assert!(rates(2)[1] < 0.5);
    }
}
