//! The evidence of a study's own log: its runs as records. Where a run ends is the study's to say;
//! where it says nothing, a run has ended where the longest run of the same combination of factors
//! has.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
    sync::Arc,
};

use super::copies::{Copies, copies};
use super::{
    Evidence, Logged, Planned, Record, Records, Replicates, SamplingDesign, Status, Structure,
};
use crate::{
    experiment::{EvidenceKind, Factors, Key, Seed, Value},
    study::{
        Study, StudyError,
        runs::{End, Run, Runs},
    },
    util::shown::few,
    world::World,
};

impl Evidence {
    /// The runs of a study, from the files of its folder, or from `log` in their place: a file, or
    /// another folder with such files.
    ///
    /// # Errors
    /// As [`Study::read`].
    pub fn of_study(
        study: &Arc<Study>,
        folder: &Path,
        log: Option<&Path>,
    ) -> Result<Self, StudyError> {
        let Runs { files, runs, unused, sha256, digits } = match log {
            Some(log) => study.read_log(log)?,
            None => study.read(folder)?,
        };
        let places: Vec<Arc<str>> = files.iter().map(|file| file.as_str().into()).collect();
        let (file, in_errors) = match files.as_slice() {
            [one] => (one.clone(), one.clone()),
            several => {
                let (count, folder) = (several.len(), log.unwrap_or(folder).display());
                (format!("{count} files in {folder}"), format!("{folder} ({count} files)"))
            }
        };
        let mut notes = Vec::new();
        if !unused.is_empty() {
            let columns = few(unused.iter().map(String::as_str), |_| String::new());
            notes.push(format!("log.toml names no use of {columns}"));
        }
        notes.extend(unmeasured(study, &runs));
        let names = names(study, &runs);
        let replicates = replicates(study, &runs, &names);
        let (records, assumed) = records(study, runs, &names, &places);
        notes.extend(assumed);
        let records = records.with_digits(digits);
        if let Some(Copies { key, seeds, evaluations }) = copies(&records) {
            let [one, other] = seeds.map(|seed| replicates.name_of(seed));
            return Err(StudyError::Runs {
                file: in_errors,
                what: format!(
                    "runs {one} and {other} of {key} are copies: they have the same numbers in all \
                     {evaluations} rows"
                ),
            });
        }
        let title = match &study.title {
            Some(title) => format!("runs of {title}, logged in {file}"),
            None => format!("runs logged in {file}"),
        };
        Ok(Self {
            kind: EvidenceKind::Log,
            title,
            file: Some(file),
            sha256,
            spared: None,
            world: World::of_study(study.clone()),
            design: SamplingDesign::FixedSample,
            records,
            replicates,
            means: Vec::new(),
            notes,
        })
    }
}

/// A note for each metric that no row has a value of, as where its column is missing.
fn unmeasured(study: &Study, runs: &[Run]) -> Vec<String> {
    let has_rows = runs.iter().any(|run| !run.evaluations.is_empty());
    let metrics = study.metrics.iter().enumerate().filter(|(index, _)| {
        let mut rows = runs.iter().flat_map(|run| &run.evaluations);
        has_rows && rows.all(|row| row.values[*index].is_nan())
    });
    let notes = metrics.map(|(_, metric)| {
        format!("no row has a value of {}, whose column is `{}`", metric.name, metric.column)
    });
    notes.collect()
}

/// A number for each replicate: its own where all of them are whole numbers, else its place in the
/// order of names. Of nested replicates, the name is that of the unit and of the replicate.
fn names(study: &Study, runs: &[Run]) -> BTreeMap<Arc<str>, Seed> {
    let all: BTreeSet<Arc<str>> = runs.iter().map(|run| name(study, run)).collect();
    let whole: Option<Vec<u64>> = all.iter().map(|name| name.parse().ok()).collect();
    // `1` and `01` are two names of one number.
    let distinct = |numbers: &Vec<u64>| numbers.iter().collect::<BTreeSet<_>>().len() == all.len();
    let numbers = whole.filter(distinct).unwrap_or_else(|| (0..all.len() as u64).collect());
    all.iter().cloned().zip(numbers.into_iter().map(Seed)).collect()
}

/// What replicates share, and which were planned.
fn replicates(study: &Study, runs: &[Run], names: &BTreeMap<Arc<str>, Seed>) -> Replicates {
    let of = &study.replicate;
    let structure = match (&of.nested_in, of.test_to_train) {
        (Some(_), _) => {
            let all: BTreeSet<&Arc<str>> =
                runs.iter().filter_map(|run| run.unit.as_ref()).collect();
            let numbers: BTreeMap<&Arc<str>, Seed> = all.into_iter().zip((0..).map(Seed)).collect();
            let unit = |run: &Run| Some((names[&name(study, run)], numbers[run.unit.as_ref()?]));
            Structure::Nested { units: runs.iter().filter_map(unit).collect() }
        }
        (None, Some(test_to_train)) => Structure::Folds { test_to_train },
        (None, None) => Structure::Independent,
    };
    let mut never_ran: BTreeMap<Key, BTreeSet<Seed>> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.end == End::NeverRan) {
        never_ran.entry(key(study, run)).or_default().insert(names[&name(study, run)]);
    }
    Replicates {
        name: of.name.clone(),
        paired: of.paired,
        structure,
        planned: Some(Planned { counts: study.planned(), never_ran }),
        names: names.iter().map(|(name, seed)| (*seed, name.clone())).collect(),
    }
}

fn key(study: &Study, run: &Run) -> Key {
    let names = study.factors.iter().map(|factor| Arc::from(factor.name.as_str()));
    Key::of_study(names.zip(run.point.iter().cloned()).collect::<Factors>())
}

fn name(study: &Study, run: &Run) -> Arc<str> {
    match (&study.replicate.nested_in, &run.unit) {
        (Some(_), Some(unit)) => format!("{unit}/{}", run.replicate).into(),
        _ => run.replicate.clone(),
    }
}

/// Records, and what was assumed about their ends, a sentence each.
fn records(
    study: &Study,
    runs: Vec<Run>,
    names: &BTreeMap<Arc<str>, Seed>,
    files: &[Arc<str>],
) -> (Records, Vec<String>) {
    let mut keys: HashMap<Arc<[Value]>, Key> = HashMap::new();
    let mut longest: HashMap<Arc<[Value]>, f64> = HashMap::new();
    for run in &runs {
        let last = run.evaluations.last().map_or(0.0, |last| last.progress);
        let end = longest.entry(run.point.clone()).or_insert(last);
        *end = end.max(last);
    }
    let mut assumed = 0_usize;
    let mut records = Vec::with_capacity(runs.len());
    for run in runs {
        let key = keys.entry(run.point.clone()).or_insert_with(|| key(study, &run));
        let end = longest[&run.point];
        let last = run.evaluations.last().map_or(0.0, |last| last.progress);
        let status = match run.end {
            End::NeverRan => continue,
            End::Reached => Status::Finished,
            End::Stopped => Status::Stopped,
            End::Unstated if last < end => {
                assumed += 1;
                Status::Stopped
            }
            End::Unstated => Status::Finished,
        };
        let seed = names[&name(study, &run)];
        let from = run.place().map(|(file, line)| (files[file].clone(), line));
        let mut logged = Logged { end: run.planned.unwrap_or(end), from, ..Logged::default() };
        for evaluation in run.evaluations {
            logged.progress.push(evaluation.progress);
            logged.values.extend_from_slice(&evaluation.values);
        }
        records.push(Record::of_study(key.clone(), seed, status, logged));
    }
    let note = (assumed > 0).then(|| {
        format!(
            "{assumed} of {} runs end before other runs of the same factors and are assumed to \
             have stopped: `planned` or `status` in log.toml would say it",
            records.len()
        )
    });
    // The reader has refused a run that is there twice.
    (Records::new(records).unwrap_or_default(), note.into_iter().collect())
}
