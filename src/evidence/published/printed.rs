//! The smallest step between two numbers of a log, as they are printed: a value to one decimal says
//! nothing about a hundredth.

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
        let step = |decimals: u32| 0.1_f64.powi(decimals.min(15).cast_signed());
        Printed { accuracy: step(self.accuracy), loss: step(self.loss) }
    }
}

/// Digits after the decimal point: 2 of `91.25`, 6 of `1.2e-5`.
fn decimals(field: &[u8]) -> u32 {
    let text = std::str::from_utf8(field).unwrap_or_default();
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let after = digits.split_once('.').map_or(0, |(_, after)| after.len());
    let exponent: i64 = exponent.parse().unwrap_or(0);
    u32::try_from((after as i64).saturating_sub(exponent)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_those_that_are_printed() {
        for (text, expected) in [
            ("91", 0),
            ("91.25", 2),
            ("91.00", 2),
            ("1.2e-5", 6),
            ("1.25E1", 1),
            ("9e1", 0),
            ("nan", 0),
            ("inf", 0),
            ("", 0),
        ] {
            assert_eq!(decimals(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn the_finest_number_of_a_column_is_its_step() {
        let mut decimals = Decimals::default();
        decimals.add(b"91", b"0.5");
        decimals.add(b"91.25", b"0.123");
        let printed = decimals.printed();
        assert!((printed.accuracy - 0.01).abs() < 1e-12 && (printed.loss - 0.001).abs() < 1e-12);
    }
}
