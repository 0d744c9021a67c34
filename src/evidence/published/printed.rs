//! The smallest step between two numbers of a log, as they are printed: a value to one decimal says
//! nothing about a hundredth.

use crate::util::digits::{decimals, step_of};

/// The smallest steps of a log's test accuracies (in points) and test losses (in nats).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Printed {
    /// Of test accuracies, in points.
    pub accuracy: f64,
    /// Of test losses, in nats.
    pub loss: f64,
}

/// The most decimals of each column so far.
#[derive(Default)]
pub(super) struct Decimals {
    accuracy: u32,
    loss: u32,
}

impl Decimals {
    /// Adds a row's fields.
    pub(super) fn add(&mut self, accuracy: &[u8], loss: &[u8]) {
        self.accuracy = self.accuracy.max(decimals(accuracy));
        self.loss = self.loss.max(decimals(loss));
    }

    /// The steps of the last digits.
    pub(super) fn printed(&self) -> Printed {
        Printed { accuracy: step_of(self.accuracy), loss: step_of(self.loss) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_finest_number_of_a_column_is_its_step() {
        let mut decimals = Decimals::default();
        decimals.add(b"91", b"0.5");
        decimals.add(b"91.25", b"0.123");
        let printed = decimals.printed();
        assert!((printed.accuracy - 0.01).abs() < 1e-12 && (printed.loss - 0.001).abs() < 1e-12);
    }
}
