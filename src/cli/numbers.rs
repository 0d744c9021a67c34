//! Lists of whole numbers with ranges, as options take them: `1..3,7`.

use std::{fmt::Display, str::FromStr};

/// A number, or a range that includes both ends; clap splits a list at its commas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers<T> {
    first: T,
    last: T,
}

/// Largest count of numbers in one range: a typo should not ask for a billion fine-tunes.
const LARGEST_RANGE: u64 = 10_000;

impl<T: Copy + PartialOrd> Numbers<T> {
    /// Whether a number is in it.
    pub fn contains(&self, number: T) -> bool {
        self.first <= number && number <= self.last
    }
}

impl Numbers<u64> {
    /// Its numbers, in order.
    pub fn iter(self) -> impl Iterator<Item = u64> {
        self.first..=self.last
    }
}

impl<T> FromStr for Numbers<T>
where
    T: Copy + Display + FromStr + Into<u64> + PartialOrd,
{
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |part: &str| {
            part.trim()
                .parse::<T>()
                .map_err(|_| format!("`{part}` is not a number; examples: 5, or 1..3, or 1..3,7"))
        };
        let Some((first, last)) = text.split_once("..") else {
            let only = number(text)?;
            return Ok(Self { first: only, last: only });
        };
        // As in other languages, `1..=3` is the same.
        let last = last.strip_prefix('=').unwrap_or(last);
        let (first, last) = (number(first)?, number(last)?);
        if last < first {
            return Err(format!("the range {first}..{last} is empty: write {last}..{first}"));
        }
        if last.into() - first.into() >= LARGEST_RANGE {
            return Err(format!("a range has at most {LARGEST_RANGE} numbers"));
        }
        Ok(Self { first, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_range_with_both_ends_are_read() {
        let numbers = |text: &str| text.parse::<Numbers<u64>>().map(|of| of.iter().collect());
        assert_eq!(numbers("7"), Ok(vec![7]));
        assert_eq!(numbers("1..3"), Ok(vec![1, 2, 3]));
        assert_eq!(numbers("1..=3"), Ok(vec![1, 2, 3]));
        assert_eq!(numbers("5..5"), Ok(vec![5]));
        let few: Numbers<u32> = "100..400".parse().unwrap();
        assert!(few.contains(100) && few.contains(400) && !few.contains(401));
    }

    #[test]
    fn a_wrong_list_says_what_is_wrong() {
        let error = |text: &str| text.parse::<Numbers<u64>>().unwrap_err();
        assert_eq!(error("3..1"), "the range 3..1 is empty: write 1..3");
        assert!(error("1-3").contains("`1-3` is not a number") && error("1-3").contains("1..3"));
        assert!(error("1..").contains("`` is not a number"));
        assert_eq!(error("0..18446744073709551615"), "a range has at most 10000 numbers");
        assert!("4294967296".parse::<Numbers<u32>>().is_err());
    }
}
