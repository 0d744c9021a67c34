//! Numbers as text: rounded, with a true minus sign, never `NaN`.

use crate::{judge::CellVerdict, util::decimals};

/// A true minus sign, as wide as a plus.
const MINUS: &str = "\u{2212}";
/// The text of a missing number.
pub const NONE: &str = "\u{2013}";

/// A coordinate of a drawing in pixels, with one decimal; 0 if it is not finite.
#[must_use]
pub fn place(value: f64) -> String {
    let value = if value.is_finite() { (value * 10.0).round() / 10.0 + 0.0 } else { 0.0 };
    value.to_string()
}

/// A count with thousands separators: `25,600`.
#[must_use]
pub(crate) fn grouped(count: u32) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count of fine-tuned blocks: `1 block`, `3 blocks`.
#[must_use]
pub fn blocks(count: u32) -> String {
    counted(count as usize, "block")
}

/// A count with its noun: `1 record`, `2 records`.
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// A number with two decimals, always signed: `+22.02`; with three significant digits where it is
/// too small for that.
#[must_use]
pub(crate) fn signed(value: Option<f64>) -> String {
    signed_to(value, 2)
}

/// The same with other decimals, for numbers that are read together.
#[must_use]
pub(crate) fn signed_to(value: Option<f64>, places: usize) -> String {
    match value {
        Some(value) if value.is_finite() => decimals::signed(value, places).replace('-', MINUS),
        _ => NONE.to_owned(),
    }
}

/// An interval of differences: `+20.01 to +24.04`; an unbounded end is a dash.
#[must_use]
pub fn interval(low: Option<f64>, high: Option<f64>) -> String {
    match (low, high) {
        (None, None) => NONE.to_owned(),
        (low, high) => {
            let places = decimals::decimals([low, high].into_iter().flatten());
            format!("{} to {}", signed_to(low, places), signed_to(high, places))
        }
    }
}

/// The confidence of the cells' intervals, `98.3 %`; `None` if they differ or there is none.
#[must_use]
pub fn confidence<'a>(cells: impl IntoIterator<Item = &'a CellVerdict>) -> Option<String> {
    let mut known = cells.into_iter().filter_map(|cell| cell.confidence);
    let first = known.next()?;
    let text = |percent: f64| format!("{} %", (percent * 10.0).round() / 10.0);
    known.all(|percent| text(percent) == text(first)).then(|| text(first))
}

/// A number with two decimals, signed only if negative.
#[must_use]
pub fn value(value: f64) -> String {
    signed(Some(value)).trim_start_matches('+').to_owned()
}

/// A probability with three decimals; below 0.001 in scientific notation.
#[must_use]
pub fn probability(p: Option<f64>) -> String {
    match p {
        Some(p) if p.is_finite() && p < 0.001 => format!("{p:.1e}").replace('-', MINUS),
        Some(p) if p.is_finite() => format!("{p:.3}"),
        _ => NONE.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_have_one_decimal_and_are_never_nan() {
        assert_eq!(place(12.345), "12.3");
        assert_eq!(place(-0.01), "0");
        assert_eq!(place(f64::NAN), "0");
    }

    #[test]
    fn a_missing_number_is_a_dash() {
        assert_eq!(signed(None), NONE);
        assert_eq!(signed(Some(f64::NAN)), NONE);
        assert_eq!(signed(Some(-0.001)), "\u{2212}0.00100");
        assert_eq!(signed(Some(-0.0)), "+0.00");
        assert_eq!(signed(Some(-1.0)), "\u{2212}1.00");
        assert_eq!(interval(Some(1.0), None), "+1.00 to \u{2013}");
        assert_eq!(probability(Some(0.000_012)), "1.2e\u{2212}5");
        assert_eq!(probability(None), NONE);
    }

    #[test]
    fn thousands_are_separated() {
        assert_eq!(grouped(800), "800");
        assert_eq!(grouped(25_600), "25,600");
        assert_eq!(grouped(1_000_000), "1,000,000");
    }
}
