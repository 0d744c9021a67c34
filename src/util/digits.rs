//! Decimals of a printed number: a value to one decimal says nothing about a hundredth.

/// The step of the last of so many decimals.
pub(crate) fn step_of(decimals: u32) -> f64 {
    0.1_f64.powi(decimals.min(15).cast_signed())
}

/// Digits after the decimal point: 2 of `91.25`, 6 of `1.2e-5`.
pub(crate) fn decimals(field: &[u8]) -> u32 {
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
}
