//! `repro records` of a log: a line for each of its runs.

use std::{collections::BTreeMap, io::Write, sync::Arc};

use schemars::JsonSchema;
use serde::Serialize;

use super::super::{
    Failure, Outcome, Suites,
    format::{Format, json},
    messages::{message, stdout},
    sources::note_reading,
};
use crate::{
    evidence::{Evidence, Record, Status},
    experiment::{Key, Value},
    figure::numbers::counted,
    report::terminal,
    study::Study,
    util::{decimals, shown::inert, suggest::did_you_mean},
};

/// What `repro records --format json` prints for a log.
#[derive(Serialize, JsonSchema)]
pub(in super::super) struct LoggedRuns {
    /// Version of this form: 1. Within a version, fields are added and none is changed.
    format_version: u32,
    /// What the log is.
    title: String,
    /// SHA-256 of its file, or of the digests of its files.
    sha256: String,
    /// The runs, ordered by factors and replicate.
    runs: Vec<LoggedRun>,
}

/// A run. A value that is not finite is null.
#[derive(Serialize, JsonSchema)]
struct LoggedRun {
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
}

/// Prints the runs of a log that have some values of factors.
pub(super) fn print(
    evidence: &Evidence,
    wanted: &[String],
    format: Format,
    suites: &Suites<'_>,
) -> Result<Outcome, Failure> {
    note_reading(evidence);
    let study = suites.study.as_deref();
    let wanted = wanted.iter().map(|text| parsed(text, study)).collect::<Result<Vec<_>, _>>()?;
    let mut runs: Vec<&Record> = evidence.records.iter().collect();
    let all = runs.len();
    runs.retain(|run| wanted.iter().all(|(name, value)| has(evidence, run, name, value)));
    runs.sort_by_key(|run| (&run.key, run.seed));
    if runs.is_empty() && all > 0 {
        message!("note: none of the {} matches", counted(all, "run"));
    }
    let mut out = stdout();
    if let Format::Json = format {
        let runs = runs.iter().map(|run| logged(evidence, run)).collect();
        let (title, sha256) = (evidence.title.clone(), evidence.sha256.clone());
        json(&mut out, &LoggedRuns { format_version: 1, title, sha256, runs })?;
        return Ok(Outcome::Done);
    }
    let replicate = suites.replicate();
    let (first, metrics): (Vec<&str>, Vec<String>) = match study {
        Some(study) => (
            study.factors.iter().map(|factor| factor.title.as_str()).collect(),
            study.metrics.iter().map(titled).collect(),
        ),
        None => (vec!["fine-tune"], vec!["accuracy %".to_owned()]),
    };
    let end = study.map_or(Some("epoch"), |study| Some(study.progress.as_ref()?.name.as_str()));
    let header: Vec<&str> = first
        .into_iter()
        .chain([replicate, "end"])
        .chain(end)
        .chain(metrics.iter().map(String::as_str))
        .collect();
    let rows = runs.iter().map(|run| row(evidence, study, run));
    let text = terminal::table(&header, rows);
    writeln!(out, "{}", inert(&text))?;
    let file = evidence.file.as_deref().unwrap_or_default();
    writeln!(out, "{} in {}", counted(runs.len(), "run"), inert(file))?;
    Ok(Outcome::Done)
}

fn titled(metric: &crate::study::Metric) -> String {
    match metric.unit.as_str() {
        "" => metric.title.clone(),
        unit => format!("{}, {unit}", metric.title),
    }
}

/// `NAME=VALUE`.
fn parsed(text: &str, study: Option<&Study>) -> Result<(String, String), Failure> {
    let Some((name, value)) = text.split_once('=') else {
        return Err(Failure::usage(
            format!("--where {text} has no `=`"),
            "give a factor and its value, such as --where dataset=adult",
        ));
    };
    let known: Vec<&str> = match study {
        Some(study) => study
            .factors
            .iter()
            .map(|factor| factor.name.as_str())
            .chain([study.replicate.name.as_str()])
            .collect(),
        None => vec!["target", "source", "blocks", "images", "seed"],
    };
    if !known.contains(&name) {
        let hint = did_you_mean(name, known.iter().copied());
        return Err(Failure::usage(
            format!("unknown factor `{name}`{hint}"),
            &format!("the log has {}", known.join(", ")),
        ));
    }
    Ok((name.to_owned(), value.to_owned()))
}

fn has(evidence: &Evidence, run: &Record, name: &str, value: &str) -> bool {
    let Key { target, source, blocks, images, factors, .. } = &run.key;
    if let Some(own) = factors.get(name) {
        let number = Value::parse_number(value);
        return own.to_string() == value || number.as_ref() == Some(own);
    }
    match name {
        "target" => **target == *value,
        "source" => **source == *value,
        "blocks" => blocks.to_string() == value,
        "images" => images.to_string() == value,
        _ => evidence.replicates.name_of(run.seed) == value,
    }
}

fn status(run: &Record) -> &'static str {
    match run.status {
        Status::Finished => "finished",
        Status::Stopped => "stopped",
    }
}

fn row(evidence: &Evidence, study: Option<&Study>, run: &Record) -> Vec<String> {
    let replicate = evidence.replicates.name_of(run.seed);
    let number = |value: Option<f64>| match value {
        Some(value) if !value.is_nan() => decimals::whole(value),
        _ => "-".to_owned(),
    };
    let Some(study) = study else {
        let last = run.last();
        return vec![
            run.key.to_string(),
            replicate,
            status(run).to_owned(),
            last.map_or_else(|| "-".to_owned(), |last| last.epoch.to_string()),
            number(last.map(|last| last.test_accuracy)),
        ];
    };
    let value = |factor: &crate::study::Factor| {
        run.key.factors.get(factor.name.as_str()).map(ToString::to_string).unwrap_or_default()
    };
    let logged = run.logged.as_ref();
    let progress = study.progress.as_ref().map(|_| {
        let last = logged.and_then(|logged| logged.progress.last());
        last.map_or_else(|| "-".to_owned(), ToString::to_string)
    });
    let last = |metric: usize| {
        number(logged.and_then(|logged| logged.of(metric).next_back()).map(|(_, value)| value))
    };
    study
        .factors
        .iter()
        .map(value)
        .chain([replicate, status(run).to_owned()])
        .chain(progress)
        .chain((0..study.metrics.len()).map(last))
        .collect()
}

fn finite(value: f64) -> Option<f64> {
    Some(value).filter(|value| value.is_finite())
}

fn logged(evidence: &Evidence, run: &Record) -> LoggedRun {
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
            let of = |(index, metric): (usize, &crate::study::Metric)| {
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
    LoggedRun {
        factors,
        replicate: evidence.replicates.name_of(run.seed),
        status: status(run).to_owned(),
        progress,
        metrics,
    }
}
