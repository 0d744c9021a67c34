//! The value of a factor: a text, or a number where the study says so.

use std::{cmp::Ordering, collections::BTreeMap, fmt, hash, sync::Arc};

use serde::{Deserialize, Serialize};

/// Values of factors by their names.
pub type Factors = BTreeMap<Arc<str>, Value>;

/// `first` with every combination of values of further factors.
pub(crate) fn every_combination<'a>(
    first: Factors,
    lists: impl IntoIterator<Item = (&'a Arc<str>, &'a [Value])>,
) -> Vec<Factors> {
    lists.into_iter().fold(vec![first], |all, (name, values)| {
        let with = |before: &Factors, value: &Value| {
            let mut factors = before.clone();
            factors.insert(name.clone(), value.clone());
            factors
        };
        let each =
            all.iter().flat_map(|before| values.iter().map(move |value| with(before, value)));
        each.collect()
    })
}

/// The value of a factor.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Value {
    /// A finite number.
    Number(f64),
    /// A text: any printable name.
    Text(Arc<str>),
}

impl Value {
    /// A number; `None` if it is not finite. Minus zero is zero.
    #[must_use]
    pub fn number(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self::Number(value + 0.0))
    }

    /// A number from its text, such as `400`, `400.0` or `1e-3`.
    #[must_use]
    pub fn parse_number(text: &str) -> Option<Self> {
        Self::number(text.trim().parse().ok()?)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => formatter.write_str(text),
            Self::Number(number) => write!(formatter, "{number}"),
        }
    }
}

impl Ord for Value {
    /// Numbers come before texts.
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => one.total_cmp(other),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl hash::Hash for Value {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        match self {
            Self::Text(text) => text.hash(state),
            Self::Number(number) => number.to_bits().hash(state),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_equal_however_they_are_written() {
        for text in ["400", "400.0", " 4e2 ", "+400"] {
            let value = Value::parse_number(text).unwrap();
            assert_eq!((&value, value.to_string().as_str()), (&Value::Number(400.0), "400"));
        }
        assert_eq!(Value::parse_number("-0"), Value::parse_number("0"));
        for text in ["", "nan", "inf", "four", "1,000"] {
            assert_eq!(Value::parse_number(text), None, "{text}");
        }
        assert!(Value::Number(2.0) < Value::Number(10.0));
        assert!(Value::Number(2.0) < Value::Text("10".into()));
    }
}
