//! The table of verdicts for a document: n, mean and interval of each, in Markdown and in LaTeX.
//! Titles are other people's text, so that everything in them that the form would interpret is
//! escaped.

mod latex;
mod markdown;

pub(super) use latex::escaped as latex_escaped;
pub use latex::latex;
pub use markdown::markdown;

use super::{
    Judged,
    summary::{Remark, numbers},
};
use crate::{
    figure::numbers::confidence,
    judge::ClaimVerdict,
    util::{
        decimals::{decimals, signed},
        shown::visible,
    },
};

/// What the columns hold; replicates have the name that the log gives them.
fn caption(judged: &[Judged<'_>]) -> String {
    let study = judged.first().and_then(|one| one.evidence.world.study.as_ref());
    let replicate = study.map_or("seed", |study| study.replicate.name.as_str());
    format!(
        "cells: supported after Holm, of all; n: replicates ({replicate}s); mean and interval: of \
         one cell; of several, the lowest to the highest mean, and the lowest to the highest end of \
         their confidence intervals"
    )
}

/// The headings of the columns.
const HEADER: [&str; 8] =
    ["claim", "evidence", "verdict", "cells", "n", "mean", "interval", "unit"];

/// A row, plain text in every field; empty where there is no number.
struct Row {
    title: String,
    evidence: String,
    verdict: String,
    cells: String,
    n: String,
    mean: String,
    interval: String,
    unit: String,
}

impl Row {
    fn new(verdict: &ClaimVerdict) -> Self {
        let units = numbers::units(verdict);
        let to =
            |low: String, high: String| if low == high { low } else { format!("{low} to {high}") };
        let seeds = || units.iter().filter(|unit| unit.mean.is_some()).map(|unit| unit.seeds);
        let n = seeds().min().zip(seeds().max());
        let means = numbers::range(units.iter().filter_map(|unit| unit.mean));
        let low = numbers::range(units.iter().filter_map(|unit| unit.low)).map(|(low, _)| low);
        let high = numbers::range(units.iter().filter_map(|unit| unit.high)).map(|(_, high)| high);
        let all = means.iter().flat_map(|(low, high)| [*low, *high]).chain(low).chain(high);
        let places = decimals(all);
        let level = confidence(units).map_or_else(String::new, |level| format!(" ({level})"));
        Self {
            title: visible(&verdict.title),
            evidence: verdict.evidence.to_string(),
            verdict: words(verdict),
            cells: format!("{} of {}", numbers::supported_after_holm(verdict), units.len()),
            n: n.map_or_else(String::new, |(low, high)| to(low.to_string(), high.to_string())),
            mean: means.map_or_else(String::new, |(low, high)| {
                to(signed(low, places), signed(high, places))
            }),
            interval: numbers::interval(low, high, places)
                .map_or_else(String::new, |interval| interval + &level),
            unit: visible(verdict.unit.name()),
        }
    }

    fn fields(&self) -> [&str; 8] {
        let Self { title, evidence, verdict, cells, n, mean, interval, unit } = self;
        [title, evidence, verdict, cells, n, mean, interval, unit].map(String::as_str)
    }
}

fn rows(judged: &[Judged<'_>]) -> Vec<Row> {
    judged.iter().map(|one| Row::new(&one.verdict)).collect()
}

/// `inconclusive (borderline)`.
fn words(verdict: &ClaimVerdict) -> String {
    let word = match verdict.undecided {
        Some(open) => open.to_string(),
        None => verdict.verdict.to_string(),
    };
    let remarks: Vec<&str> = Remark::of(verdict).into_iter().map(Remark::name).collect();
    if remarks.is_empty() { word } else { format!("{word} ({})", remarks.join(", ")) }
}
