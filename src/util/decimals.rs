//! Numbers with as many decimals as they take: two, or three significant digits where two decimals
//! would print a small number as zero; powers of ten where a number has too many digits to be read.

/// Numbers that are read together have two decimals if the largest has at least this size.
const SMALL: f64 = 0.05;
/// From this size on, a number is written with a power of ten.
const LARGE: f64 = 1e7;
/// Below this size a number is the rounding of the arithmetic, and prints as zero.
const DUST: f64 = 1e-12;
/// The largest number of decimals; a smaller number is written with a power of ten.
const MOST: usize = 8;

/// The decimals of numbers that are read together, such as a mean and its interval.
#[must_use]
pub(crate) fn decimals(together: impl IntoIterator<Item = f64>) -> usize {
    let sizes = together.into_iter().filter(|value| value.is_finite()).map(f64::abs);
    let largest = sizes.fold(0.0, f64::max);
    if largest < SMALL && largest > DUST { three_digits(largest).min(MOST) } else { 2 }
}

/// A signed number with this many decimals, or more where it would print as zero.
#[must_use]
pub(crate) fn signed(value: f64, decimals: usize) -> String {
    let size = value.abs();
    let is_zero = |text: &str| text.trim_matches(['+', '-', '0', '.']).is_empty();
    if size >= LARGE {
        return format!("{value:+.2e}");
    }
    match format!("{value:+.decimals$}") {
        text if is_zero(&text) && size > DUST => match three_digits(size) {
            more if more > MOST => format!("{value:+.2e}"),
            more => format!("{value:+.more$}"),
        },
        text if is_zero(&text) => text.replace('-', "+"),
        text => text,
    }
}

/// The same without a plus.
#[must_use]
pub(crate) fn plain(value: f64) -> String {
    signed(value, 2).trim_start_matches('+').to_owned()
}

/// A value by itself, such as a run's: with six significant digits, without zeros at its end.
#[must_use]
pub(crate) fn whole(value: f64) -> String {
    let size = value.abs();
    if !(value == 0.0 || (1e-5..LARGE).contains(&size)) {
        return if value.is_finite() { format!("{value:.5e}") } else { value.to_string() };
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 10")]
    let places = (5.0 - size.max(1e-5).log10().floor()).clamp(0.0, 10.0) as usize;
    let text = format!("{value:.places$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// The decimals that give a number below 1 three significant digits.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 12")]
fn three_digits(size: f64) -> usize {
    (2.0 - size.log10().floor()) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_number_is_not_printed_as_zero() {
        let [mean, low, high] = [0.002_05, 0.001_75, 0.002_35];
        let places = decimals([mean, low, high]);
        assert_eq!(
            [mean, low, high].map(|it| signed(it, places)),
            ["+0.00205", "+0.00175", "+0.00235"]
        );
        assert_eq!(signed(-0.003, 2), "-0.00300");
        assert_eq!(signed(2.5e-10, 2), "+2.50e-10");
        assert_eq!(plain(0.001_75), "0.00175");
    }

    #[test]
    fn a_value_by_itself_has_six_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.870_512_3, "0.870512"),
            (-8.85, "-8.85"),
            (123_456.78, "123457"),
            (41.0, "41"),
            (2.5e-7, "2.50000e-7"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(whole(value), text);
        }
    }

    #[test]
    fn usual_numbers_have_two_decimals() {
        assert_eq!(decimals([0.001, 22.0]), 2);
        assert_eq!(decimals([0.0, f64::NAN]), 2);
        assert_eq!(signed(22.018, 2), "+22.02");
        assert_eq!(signed(0.0, 2), "+0.00");
        assert_eq!(signed(-0.0, 2), "+0.00");
        // What is left of a difference between equal percentages.
        assert_eq!(signed(-7.1e-15, 2), "+0.00");
    }

    #[test]
    fn a_huge_number_has_a_power_of_ten() {
        assert_eq!(signed(1e99, 2), "+1.00e99");
        assert_eq!(plain(123_456.789), "123456.79");
        assert_eq!(signed(f64::INFINITY, 2), "+inf");
    }
}
