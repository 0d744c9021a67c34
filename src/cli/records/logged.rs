//! A run of a log with every row, as text and as JSON.

use std::{collections::BTreeMap, sync::Arc};

use schemars::JsonSchema;
use serde::Serialize;

use super::super::Suites;
use crate::{
    evidence::{Evidence, Record, Status},
    experiment::{Key, Value},
    report::terminal,
    study::Metric,
    util::decimals,
};

/// What `repro records --format json` prints for a log.
#[derive(Serialize, JsonSchema)]
pub(in super::super) struct LoggedRuns {
    /// Version of this form: 1. Within a version, fields are added and none is changed.
    pub(super) format_version: u32,
    /// What the log is.
    pub(super) title: String,
    /// SHA-256 of its file, or of the digests of its files.
    pub(super) sha256: String,
    /// The runs, ordered by factors and replicate.
    pub(super) runs: Vec<LoggedRun>,
}

/// A run. A value that is not finite is null.
#[derive(Serialize, JsonSchema)]
pub(super) struct LoggedRun {
    /// The values of a study's factors; of a log in the published log's columns `target`, `source`,
    /// `blocks` and `images`.
    factors: BTreeMap<String, Value>,
    /// The replicate, as the log has it: a seed, a fold.
    replicate: String,
    /// Whether it reached its end: `finished` or `stopped`.
    status: String,
    /// The progress of each row; 0 where a run has one row.
    progress: Vec<f64>,
    /// The metrics, by name, row by row.
    metrics: BTreeMap<String, Vec<Option<f64>>>,
    /// The file of its first row; null for a log in the published log's columns.
    file: Option<String>,
    /// The line of its first row; in a JSON document the number of the row.
    line: Option<u64>,
}

/// A run with every row.
pub(super) fn in_full(run: &LoggedRun, suites: &Suites<'_>) -> String {
    let study = suites.study.as_deref();
    let names = study.map_or_else(
        || ["target", "source", "blocks", "images"].map(str::to_owned).to_vec(),
        |study| study.factors.iter().map(|factor| factor.name.clone()).collect(),
    );
    let mut lines: Vec<(String, String)> = Vec::new();
    lines.extend(names.into_iter().filter_map(|name| {
        let value = run.factors.get(&name)?.to_string();
        Some((name, value))
    }));
    lines.push((suites.replicate().to_owned(), run.replicate.clone()));
    lines.push(("end".to_owned(), run.status.clone()));
    if let (Some(file), Some(line)) = (&run.file, run.line) {
        lines.push(("from".to_owned(), format!("{file}, line {line}")));
    }
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in lines {
        text += &format!("{name:width$}  {value}\n");
    }
    let metrics: Vec<(String, &Vec<Option<f64>>)> = match study {
        Some(study) => {
            let of = |metric: &Metric| Some((titled(metric), run.metrics.get(&metric.name)?));
            study.metrics.iter().filter_map(of).collect()
        }
        None => run.metrics.iter().map(|(name, values)| (name.clone(), values)).collect(),
    };
    let progress = match study {
        Some(study) => study.progress.as_ref().map(|progress| progress.name.as_str()),
        None => Some("epoch"),
    };
    let titles = metrics.iter().map(|(title, _)| title.as_str());
    let header: Vec<&str> = progress.into_iter().chain(titles).collect();
    let rows = run.progress.iter().enumerate().map(|(row, at)| {
        let value = |(_, values): &(String, &Vec<Option<f64>>)| {
            values[row].map_or_else(|| "-".to_owned(), decimals::whole)
        };
        progress.map(|_| at.to_string()).into_iter().chain(metrics.iter().map(value)).collect()
    });
    text + &terminal::table(&header, rows) + "\n"
}

/// A metric's title with its unit.
pub(super) fn titled(metric: &Metric) -> String {
    match metric.unit.as_str() {
        "" => metric.title.clone(),
        unit => format!("{}, {unit}", metric.title),
    }
}

/// Whether a run reached its end, in a word.
pub(super) fn status(run: &Record) -> &'static str {
    match run.status {
        Status::Finished => "finished",
        Status::Stopped => "stopped",
    }
}

fn finite(value: f64) -> Option<f64> {
    Some(value).filter(|value| value.is_finite())
}

/// A run as it is printed.
pub(super) fn logged(evidence: &Evidence, run: &Record) -> LoggedRun {
    let Key { target, source, blocks, images, factors, .. } = &run.key;
    let text = |name: &str, text: &Arc<str>| (name.to_owned(), Value::Text(text.clone()));
    let number = |name: &str, number: u32| (name.to_owned(), Value::Number(number.into()));
    let factors = match &run.logged {
        Some(_) => factors.iter().map(|(name, value)| (name.to_string(), value.clone())).collect(),
        None => BTreeMap::from([
            text("target", target),
            text("source", source),
            number("blocks", *blocks),
            number("images", *images),
        ]),
    };
    let (progress, metrics) = match (&run.logged, &evidence.world.study) {
        (Some(logged), Some(study)) => {
            let of = |(index, metric): (usize, &Metric)| {
                (metric.name.clone(), logged.of(index).map(|(_, value)| finite(value)).collect())
            };
            (logged.progress.clone(), study.metrics.iter().enumerate().map(of).collect())
        }
        _ => {
            let rows = run.evaluations();
            let of = |name: &str, of: fn(&crate::experiment::Evaluation) -> f64| {
                (name.to_owned(), rows.iter().map(of).map(finite).collect())
            };
            (
                rows.iter().map(|row| f64::from(row.epoch)).collect(),
                BTreeMap::from([
                    of("test_accuracy_percent", |row| row.test_accuracy),
                    of("test_loss", |row| row.test_loss),
                    of("train_accuracy_percent", |row| row.train_accuracy),
                    of("train_loss", |row| row.train_loss),
                ]),
            )
        }
    };
    let from = run.logged.as_ref().and_then(|logged| logged.from.as_ref());
    LoggedRun {
        factors,
        replicate: evidence.replicates.name_of(run.seed),
        status: status(run).to_owned(),
        progress,
        metrics,
        file: from.map(|(file, _)| file.to_string()),
        line: from.map(|(_, line)| *line),
    }
}
