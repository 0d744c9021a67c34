//! `repro records` of a log: its runs, each in a line or in full.

use std::io::Write;

use super::{
    super::{
        Failure, Outcome, Suites,
        format::{Format, json},
        messages::{message, stdout},
        sources::note_reading,
    },
    logged::{LoggedRuns, in_full, logged, status, titled},
};
use crate::{
    evidence::{Evidence, Record},
    experiment::{Key, Value},
    figure::numbers::counted,
    report::terminal,
    study::Study,
    util::{decimals, shown::inert, suggest::did_you_mean},
};

/// Which runs are meant, and how they are shown.
pub(super) struct Selection<'a> {
    /// `FACTOR=VALUE`, all of which must hold.
    pub wanted: &'a [String],
    /// Whether every row of a run is shown, or a line for each run.
    pub in_full: bool,
    pub format: Format,
}

/// Prints the runs of a log that have some values of factors.
pub(super) fn print(
    evidence: &Evidence,
    selection: &Selection<'_>,
    suites: &Suites<'_>,
) -> Result<Outcome, Failure> {
    note_reading(evidence);
    let study = suites.study.as_deref();
    let wanted = parsed(selection.wanted, study)?;
    let mut runs: Vec<&Record> = evidence.records.iter().collect();
    let all = runs.len();
    runs.retain(|run| wanted.iter().all(|(name, value)| has(evidence, run, name, value)));
    runs.sort_by_key(|run| (&run.key, run.seed));
    if runs.is_empty() && all > 0 {
        message!("note: none of the {} matches", counted(all, "run"));
    }
    let mut out = stdout();
    if let Format::Json = selection.format {
        let runs = runs.iter().map(|run| logged(evidence, run)).collect();
        let (title, sha256) = (evidence.title.clone(), evidence.sha256.clone());
        json(&mut out, &LoggedRuns { format_version: 1, title, sha256, runs })?;
        return Ok(Outcome::Done);
    }
    if selection.in_full {
        let texts: Vec<String> =
            runs.iter().map(|run| in_full(&logged(evidence, run), suites)).collect();
        write!(out, "{}", inert(&texts.join("\n")))?;
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
    terminal::write_table(&mut out, &header, &runs, &|run: &&Record| {
        row(evidence, study, run).iter().map(|cell| inert(cell).into_owned()).collect()
    })?;
    let file = evidence.file.as_deref().unwrap_or_default();
    writeln!(out, "{} in {}", counted(runs.len(), "run"), inert(file))?;
    Ok(Outcome::Done)
}

/// Options of a ledger beside a log.
pub(super) fn other_options() -> Failure {
    Failure::usage(
        "the options that select records of a ledger do not select runs of a log",
        "select them by --where FACTOR=VALUE",
    )
}

/// `--where` without a log.
pub(super) fn no_log() -> Failure {
    Failure::usage(
        "--where selects runs of a log",
        "name a log by --log FILE, or a folder of claims with a log.toml by --claims",
    )
}

/// Each `NAME=VALUE`.
pub(super) fn parsed(
    wanted: &[String],
    study: Option<&Study>,
) -> Result<Vec<(String, String)>, Failure> {
    wanted.iter().map(|text| one(text, study)).collect()
}

fn one(text: &str, study: Option<&Study>) -> Result<(String, String), Failure> {
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
        return is(own, value);
    }
    match name {
        "target" => **target == *value,
        "source" => **source == *value,
        "blocks" => blocks.to_string() == value,
        "images" => images.to_string() == value,
        _ => evidence.replicates.name_of(run.seed) == value,
    }
}

/// Whether a factor's value is the one that was typed.
pub(super) fn is(own: &Value, typed: &str) -> bool {
    own.to_string() == typed || Value::parse_number(typed).as_ref() == Some(own)
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
