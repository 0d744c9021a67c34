//! A table of published means for a study's log: the factors' columns, `mean`, `replicates`, and if
//! they are known `metric` and `standard_deviation`. Values are on the scale of the log. A column
//! `minus_` and a factor's name makes a row a published difference: the other arm has its value
//! there.

use std::{borrow::Cow, collections::BTreeMap, path::Path};

use super::{
    Factor, Study, StudyError,
    pattern::Matched,
    raw::Scale,
    runs::{factor_value, number},
    table::{self, Layout, Row},
};
use crate::{
    experiment::Factors,
    util::{shown, suggest::did_you_mean},
};

/// A published mean, or a difference between the means of two arms, in the metric's unit.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishedMean {
    /// The values of every factor.
    pub factors: Factors,
    /// Of a difference, those of the arm that is subtracted.
    pub minus: Option<Factors>,
    /// The metric's index.
    pub metric: usize,
    /// The mean.
    pub mean: f64,
    /// How many replicates it is over; `None` where the table does not say it.
    pub replicates: Option<usize>,
    /// The standard deviation of their values, or of their differences, if it was published.
    pub standard_deviation: Option<f64>,
}

/// Columns beside those of factors.
const COLUMNS: [&str; 4] = ["metric", "mean", "replicates", "standard_deviation"];

impl Study {
    /// Reads a table of published means, in any form that a log may have by its name.
    ///
    /// # Errors
    /// The first error, with its line; and if the table has no rows.
    pub fn read_means(&self, file: &Path) -> Result<Vec<PublishedMean>, StudyError> {
        let bytes = table::bytes(file)?;
        // A factor's name, and its column in the log: a table may have either.
        let of = |factor: &Factor| [factor.name.clone(), factor.column.clone()];
        let names: Vec<String> = self.factors.iter().flat_map(of).collect();
        let minus: Vec<String> = names.iter().map(|name| format!("minus_{name}")).collect();
        let of_factors = names.iter().chain(&minus).map(String::as_str);
        let wanted: Vec<&str> = of_factors.chain(COLUMNS).collect();
        let mut means: Vec<PublishedMean> = Vec::new();
        let mut sink = |row: &Row<'_>| {
            let mean = self.published_mean(row)?;
            let is = |other: &PublishedMean| {
                other.metric == mean.metric
                    && (&other.factors, &other.minus) == (&mean.factors, &mean.minus)
            };
            if means.iter().any(is) {
                return Err("a mean of the same factors and metric stands above".to_owned());
            }
            means.push(mean);
            Ok(())
        };
        let matched = Matched { path: file.to_owned(), values: BTreeMap::new() };
        let layout = Layout { separator: self.separator, ..Layout::default() };
        table::read(&layout, &matched, &bytes, &wanted, &mut sink)?;
        if means.is_empty() {
            let what = "it has no rows".to_owned();
            return Err(StudyError::Row { file: shown::path(file), line: 1, what });
        }
        Ok(means)
    }

    fn published_mean(&self, row: &Row<'_>) -> Result<PublishedMean, String> {
        let first = 4 * self.factors.len();
        let (own, other) = row.fields[..first].split_at(2 * self.factors.len());
        let mut factors = Factors::new();
        for (factor, texts) in self.factors.iter().zip(own.chunks(2)) {
            let text = texts.iter().flatten().next().map(AsRef::as_ref);
            if text.is_none() && factor.default.is_none() {
                return Err(format!("`{}` is missing or empty", factor.name));
            }
            let value = factor_value(factor, text, |text| text.into())?;
            factors.insert(factor.name.as_str().into(), value);
        }
        let minus = self.minus(&factors, other)?;
        let metric = match (row.fields[first].as_deref(), self.metrics.as_slice()) {
            (None, [_]) => 0,
            (None, _) => return Err("metric is empty, and log.toml has several".to_owned()),
            (Some(name), metrics) => {
                let names = metrics.iter().map(|metric| metric.name.as_str());
                let found = metrics.iter().position(|metric| metric.name == name);
                found.ok_or_else(|| {
                    format!(
                        "unknown metric `{}`{}",
                        name.escape_default(),
                        did_you_mean(name, names)
                    )
                })?
            }
        };
        let of = &self.metrics[metric];
        let finite = |value: f64, column| {
            if value.is_finite() { Ok(value) } else { Err(format!("{column} is not finite")) }
        };
        let at = |index: usize| {
            let value = number(row, first + index, COLUMNS[index])?;
            value.map(|value| finite(value, COLUMNS[index])).transpose()
        };
        let mean = at(1)?.ok_or_else(|| "mean is empty".to_owned())?;
        let factor = if of.scale == Scale::Share { 100.0 } else { 1.0 };
        if minus.is_none() {
            of.check(factor * mean)?;
        }
        let replicates = match at(2)? {
            None => None,
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
            Some(count) if count >= 1.0 && count.fract() == 0.0 && count < 1e9 => {
                Some(count as usize)
            }
            Some(count) => return Err(format!("replicates is {count}, which is no count")),
        };
        let standard_deviation = match at(3)? {
            Some(spread) if spread < 0.0 => {
                return Err(format!("standard_deviation is {spread}, below 0"));
            }
            spread => spread.map(|spread| factor * spread),
        };
        let mean = factor * mean;
        Ok(PublishedMean { factors, minus, metric, mean, replicates, standard_deviation })
    }

    /// The arm that is subtracted: that of the row, with other values where its columns have some.
    fn minus(
        &self,
        factors: &Factors,
        fields: &[Option<Cow<'_, str>>],
    ) -> Result<Option<Factors>, String> {
        if fields.iter().all(Option::is_none) {
            return Ok(None);
        }
        let mut minus = factors.clone();
        for (factor, texts) in self.factors.iter().zip(fields.chunks(2)) {
            if let Some(text) = texts.iter().flatten().next() {
                let value = factor_value(factor, Some(text), |text| text.into())?;
                minus.insert(factor.name.as_str().into(), value);
            }
        }
        if minus == *factors {
            return Err("the two arms of the difference are the same".to_owned());
        }
        Ok(Some(minus))
    }
}
