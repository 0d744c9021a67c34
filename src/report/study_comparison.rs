//! A study's log beside published means, as text and as CSV.

use std::sync::Arc;

use super::{
    spreadsheet::csv_text,
    terminal::{prose, table},
};
use crate::{
    claim::label::with_number,
    experiment::{Factors, Value},
    replication::of_study::{ComparedMean, StudyComparison},
    study::Study,
    util::decimals::{decimals, signed, whole},
};

/// The comparison as text; with `brief`, without its table.
#[must_use]
pub(crate) fn study_comparison(found: &StudyComparison, study: &Study, brief: bool) -> String {
    let mut text = prose(&format!("{} beside published means", found.title));
    text.push('\n');
    if !brief {
        let one = study.replicate.nested_in.as_ref().unwrap_or(&study.replicate.name);
        let several = format!("{one}s");
        let header = ["runs", "metric", "published", "log", &*several, "within", "p", "compatible"];
        text += &table(&header, found.means.iter().map(row));
        text += "\n\n";
        text += &prose(&within(study));
        text.push('\n');
    }
    let compared = found.compatible + found.incompatible;
    text.push('\n');
    text += &prose(&match compared {
        0 => "No mean could be compared.".to_owned(),
        _ => format!(
            "{} of {compared} published means lie in their 95 % prediction interval, {} outside. If \
             all replicate, {:.1} are expected outside by chance; after Holm over the {compared}, \
             {} remain outside.",
            found.compatible,
            found.incompatible,
            found.expected_by_chance,
            found.incompatible_after_holm,
        ),
    });
    text.push('\n');
    for mean in found.means.iter().filter(|mean| !mean.reason.is_empty()) {
        text += &prose(&format!("not compared: {}: {}", runs(mean), mean.reason));
        text.push('\n');
    }
    text
}

/// How wide the interval is, in words.
fn within(study: &Study) -> String {
    let half = "within: half-width of the 95 % prediction interval, t * s * ";
    match (study.replicate.test_to_train, study.replicate.paired) {
        (Some(share), _) => format!(
            "{half}sqrt(1/k + r + 1/k_published + r) with r = {}, the test items by the training \
             items that folds share: that of folds of other data, and too wide for other folds of \
             the same data",
            whole(share)
        ),
        (None, false) => format!(
            "{half}sqrt(1/k + 1/k_published); of a difference, whose arms share nothing, by Welch's t"
        ),
        (None, true) => format!("{half}sqrt(1/k + 1/k_published)"),
    }
}

/// The factors of a mean; of a difference, then the values of the other arm that differ.
fn runs(mean: &ComparedMean) -> String {
    let list = |of: &mut dyn Iterator<Item = (&Arc<str>, &Value)>| -> String {
        of.map(|(name, value)| with_number(name, value)).collect::<Vec<_>>().join(", ")
    };
    let first = match list(&mut mean.factors.iter()) {
        text if text.is_empty() => "all runs".to_owned(),
        text => text,
    };
    match &mean.minus {
        None => first,
        Some(minus) => {
            let differs =
                |(name, value): &(&Arc<str>, &Value)| mean.factors.get(*name) != Some(value);
            format!("{first} minus {}", list(&mut minus.iter().filter(differs)))
        }
    }
}

fn row(mean: &ComparedMean) -> Vec<String> {
    let half = mean.predicted.map(|ends| (ends.high - ends.low) / 2.0);
    let own = mean.log.as_ref().map(|log| log.mean);
    // As many decimals as the interval takes.
    let number = |value: Option<f64>| {
        let text = |value| match half {
            Some(half) => signed(value, decimals([half])).trim_start_matches('+').to_owned(),
            None => whole(value),
        };
        value.map_or_else(|| "-".to_owned(), text)
    };
    let replicates = mean.log.as_ref().and_then(|log| log.replicates);
    vec![
        runs(mean),
        mean.metric.clone(),
        number(Some(mean.published.mean)),
        number(own),
        replicates.map_or_else(|| "-".to_owned(), |count| count.to_string()),
        number(half),
        super::terminal::probability(mean.p),
        match mean.compatible {
            Some(true) => "yes",
            Some(false) => "no",
            None => "-",
        }
        .to_owned(),
    ]
}

/// The means as CSV, a line each: factors, then what stands in the JSON form.
#[must_use]
pub(crate) fn study_comparison_cells(found: &StudyComparison, study: &Study) -> String {
    let factors = study.factors.iter().map(|factor| factor.name.as_str());
    let minus: Vec<String> = factors.clone().map(|name| format!("minus_{name}")).collect();
    let rest = [
        "metric",
        "unit",
        "published",
        "published_replicates",
        "published_standard_deviation",
        "log",
        "replicates",
        "standard_deviation",
        "low",
        "high",
        "t",
        "p",
        "p_adjusted",
        "compatible",
        "reason",
    ];
    let columns: Vec<&str> =
        factors.clone().chain(minus.iter().map(String::as_str)).chain(rest).collect();
    let optional = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let count = |value: Option<usize>| value.map_or_else(String::new, |value| value.to_string());
    let lines = found.means.iter().map(|mean| {
        let of = |factors: &Factors, name: &str| {
            factors.get(name).map(ToString::to_string).unwrap_or_default()
        };
        let value = |name: &str| of(&mean.factors, name);
        let subtracted =
            |name: &str| mean.minus.as_ref().map_or_else(String::new, |minus| of(minus, name));
        let log = mean.log.as_ref();
        let own: Vec<String> = vec![
            mean.metric.clone(),
            mean.unit.clone(),
            mean.published.mean.to_string(),
            count(mean.published.replicates),
            optional(mean.published.standard_deviation),
            optional(log.map(|log| log.mean)),
            count(log.and_then(|log| log.replicates)),
            optional(log.and_then(|log| log.standard_deviation)),
            optional(mean.predicted.map(|ends| ends.low)),
            optional(mean.predicted.map(|ends| ends.high)),
            optional(mean.t),
            optional(mean.p),
            optional(mean.p_adjusted),
            mean.compatible.map_or_else(String::new, |is| is.to_string()),
            mean.reason.clone(),
        ];
        let names = factors.clone().map(value).chain(factors.clone().map(subtracted));
        names.chain(own).collect::<Vec<String>>()
    });
    csv_text(&columns, lines)
}
