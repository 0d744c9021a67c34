//! Rows of a study's files, grouped into runs.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
    sync::Arc,
};

use super::{
    Factor, Length, Metric, Study, StudyError,
    pattern::Matched,
    raw::Scale,
    table::{self, Row},
};
use sha2::{Digest, Sha256};

use crate::{
    experiment::Value,
    util::{
        digits::{decimals as decimals_of, step_of},
        hexadecimal,
    },
};

/// How a run ended, as far as its own rows and the study say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its last row is its end: the study says so, or it reached its planned length.
    Reached,
    /// It stopped before its planned length, or its status says that it failed.
    Stopped,
    /// Its status says that it never ran.
    NeverRan,
    /// Nothing says whether its last row is its end.
    Unstated,
}

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Values of the factors, in their order in the study.
    pub point: Arc<[Value]>,
    /// The replicate.
    pub replicate: Arc<str>,
    /// The unit that it is nested in.
    pub unit: Option<Arc<str>>,
    /// How it ended.
    pub end: End,
    /// The planned end of its progress, where the study or the run states it.
    pub planned: Option<f64>,
    /// Evaluations by increasing progress.
    pub evaluations: Vec<Evaluation>,
}

impl Run {
    /// The index of its first row's file, and the row's line.
    #[must_use]
    pub fn place(&self) -> Option<(usize, u64)> {
        self.evaluations.iter().map(|evaluation| evaluation.place).min()
    }
}

/// One row of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// How far the run was; 0 where a run has one row.
    pub progress: f64,
    /// Values of the metrics in their units, in their order in the study; NaN where there is none.
    pub values: Box<[f64]>,
    /// The file's index and the row's line.
    place: (usize, u64),
}

/// The runs of a study's files.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    /// The files that were read.
    pub files: Vec<String>,
    /// Runs in the order of their first rows.
    pub runs: Vec<Run>,
    /// Columns that the study does not name.
    pub unused: BTreeSet<String>,
    /// SHA-256, in hexadecimal: of the file's bytes, or of the digests of several files.
    pub sha256: String,
    /// The smallest step of each metric as it is printed, in its unit.
    pub digits: Vec<f64>,
}

impl Study {
    /// Reads the files below the folder of `log.toml`.
    ///
    /// # Errors
    /// The first error, with its file and line.
    pub fn read(&self, folder: &Path) -> Result<Runs, StudyError> {
        let mut files = Vec::new();
        for pattern in &self.files {
            if pattern.is_standard_input() {
                let path = super::pattern::STANDARD_INPUT.into();
                files.push(Matched { path, values: BTreeMap::new() });
                continue;
            }
            let found = pattern.files(folder).map_err(|cause| StudyError::Unreadable {
                file: folder.display().to_string(),
                cause,
            })?;
            if found.is_empty() {
                return Err(StudyError::NoFile { pattern: pattern.to_string() });
            }
            files.extend(found);
        }
        self.read_files(&files)
    }

    /// Reads one file in place of the study's, or the study's from another folder.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_log(&self, log: &Path) -> Result<Runs, StudyError> {
        if log.is_dir() {
            return self.read(log);
        }
        self.read_files(&[Matched { path: log.to_owned(), values: BTreeMap::new() }])
    }

    fn read_files(&self, files: &[Matched]) -> Result<Runs, StudyError> {
        let columns = Columns::of(self);
        let mut reader = Reader::new(self, &columns);
        let mut unused = BTreeSet::new();
        let mut digests = Vec::new();
        for (index, file) in files.iter().enumerate() {
            let bytes = table::bytes(&file.path)?;
            digests.push(hexadecimal(&Sha256::digest(&bytes)));
            let wanted: Vec<&str> = columns.names.clone();
            let mut sink = |row: &Row<'_>| reader.push(index, row);
            unused.extend(table::read(&self.layout(), file, &bytes, &wanted, &mut sink)?);
        }
        let names: Vec<String> = files.iter().map(|file| file.path.display().to_string()).collect();
        if self.strict && !unused.is_empty() {
            let columns: Vec<String> = unused.iter().map(|name| format!("`{name}`")).collect();
            return Err(StudyError::Runs {
                file: names.first().cloned().unwrap_or_default(),
                what: format!("log.toml is strict, and names no use of {}", columns.join(", ")),
            });
        }
        let digits = reader.digits();
        if let Some(error) = reader.shares(&names) {
            return Err(error);
        }
        let runs = reader.finish(&names)?;
        let sha256 = match digests.as_slice() {
            [one] => one.clone(),
            several => hexadecimal(&Sha256::digest(several.join("\n"))),
        };
        Ok(Runs { files: names, runs, unused, sha256, digits })
    }
}

/// The columns that a study wants, and where each thing is among them.
struct Columns<'a> {
    names: Vec<&'a str>,
    replicate: usize,
    unit: Option<usize>,
    progress: Option<usize>,
    planned: Option<usize>,
    status: Option<usize>,
    metrics: usize,
}

impl<'a> Columns<'a> {
    fn of(study: &'a Study) -> Self {
        let mut names: Vec<&str> =
            study.factors.iter().map(|factor| factor.column.as_str()).collect();
        let mut place = |name: &'a str| {
            names.push(name);
            names.len() - 1
        };
        let replicate = place(&study.replicate.column);
        let unit = study.replicate.nested_in.as_deref().map(&mut place);
        let progress = study.progress.as_ref().map(|progress| place(&progress.column));
        let planned = study.progress.as_ref().and_then(|progress| match &progress.planned {
            Some(Length::Column(column)) => Some(place(column)),
            Some(Length::Everywhere(_) | Length::By(_)) | None => None,
        });
        let status = study.status.as_ref().map(|status| place(&status.column));
        let metrics = names.len();
        names.extend(study.metrics.iter().map(|metric| metric.column.as_str()));
        Self { names, replicate, unit, progress, planned, status, metrics }
    }
}

/// What a run is known by: values of factors, the replicate and its unit.
type Identity = (Arc<[Value]>, Arc<str>, Option<Arc<str>>);

/// Groups rows. Most logs have the rows of one run together, so the texts of the row before are
/// compared first.
struct Reader<'a> {
    study: &'a Study,
    columns: &'a Columns<'a>,
    runs: Vec<Run>,
    /// The planned end of each run, where a row states it.
    planned: Vec<Option<f64>>,
    places: HashMap<Identity, usize>,
    texts: HashMap<String, Arc<str>>,
    before: Vec<Option<String>>,
    last: usize,
    /// The most decimals of each metric so far; `None` before its first value.
    decimals: Vec<Option<u32>>,
}

impl<'a> Reader<'a> {
    fn new(study: &'a Study, columns: &'a Columns<'a>) -> Self {
        Self {
            study,
            columns,
            runs: Vec::new(),
            planned: Vec::new(),
            places: HashMap::new(),
            texts: HashMap::new(),
            before: Vec::new(),
            last: 0,
            decimals: vec![None; study.metrics.len()],
        }
    }

    /// The smallest step of each metric as it is printed, in its unit.
    fn digits(&self) -> Vec<f64> {
        let of = |(metric, decimals): (&Metric, &Option<u32>)| {
            let unit = if metric.scale == Scale::Share { 100.0 } else { 1.0 };
            decimals.map_or(0.0, |decimals| unit * step_of(decimals))
        };
        self.study.metrics.iter().zip(&self.decimals).map(of).collect()
    }

    fn push(&mut self, file: usize, row: &Row<'_>) -> Result<(), String> {
        let identity = self.columns.progress.unwrap_or(self.columns.metrics);
        let identity = identity.min(self.columns.status.unwrap_or(identity));
        let same = self.before.len() == identity
            && self
                .before
                .iter()
                .zip(row.fields)
                .all(|(one, other)| one.as_deref() == other.as_deref());
        if !same {
            self.last = self.place(row)?;
            self.before.clear();
            let texts = row.fields[..identity].iter();
            self.before.extend(texts.map(|text| text.as_ref().map(ToString::to_string)));
        }
        let progress = match (self.columns.progress, &self.study.progress) {
            (Some(at), Some(progress)) => number(row, at, &progress.column)?
                .filter(|value| value.is_finite())
                .ok_or_else(|| format!("`{}` is empty or not finite", progress.column))?,
            _ => 0.0,
        };
        let values = self.study.metrics.iter().enumerate().map(|(index, metric)| {
            let value = number(row, self.columns.metrics + index, &metric.column)?;
            let Some(value) = value else { return Ok(f64::NAN) };
            if let Some(text) = &row.fields[self.columns.metrics + index] {
                let decimals = &mut self.decimals[index];
                *decimals = (*decimals).max(Some(decimals_of(text.as_bytes())));
            }
            let value = match metric.scale {
                Scale::Share if !(0.0..=1.0).contains(&value) && !value.is_nan() => {
                    return Err(format!(
                        "{} is {value}, and a share of 1 lies between 0 and 1",
                        metric.column
                    ));
                }
                Scale::Share => 100.0 * value,
                Scale::AsIs | Scale::Percent | Scale::PercentBelowOne => value,
            };
            metric.check(value).map(|()| value)
        });
        let values = values.collect::<Result<Box<[f64]>, String>>()?;
        let stated = self.stated_end(row);
        let planned = self.planned(row)?;
        let run = &mut self.runs[self.last];
        if let Some(end) = stated {
            run.end = end;
        }
        if planned.is_some() {
            self.planned[self.last] = planned;
        }
        run.evaluations.push(Evaluation { progress, values, place: (file, row.line) });
        Ok(())
    }

    /// The index of a row's run.
    fn place(&mut self, row: &Row<'_>) -> Result<usize, String> {
        let mut point = Vec::with_capacity(self.study.factors.len());
        for (factor, text) in self.study.factors.iter().zip(row.fields) {
            let own = |text: &str| intern(&mut self.texts, text);
            point.push(factor_value(factor, text.as_deref(), own)?);
        }
        let mut text = |at: usize| {
            let column = self.columns.names[at];
            let text = row.fields[at].as_ref().ok_or_else(|| format!("{column} is empty"))?;
            Ok::<_, String>(intern(&mut self.texts, whole(name(column, text)?)))
        };
        let replicate = text(self.columns.replicate)?;
        let unit = self.columns.unit.map(text).transpose()?;
        let point: Arc<[Value]> = point.into();
        let key = (point.clone(), replicate.clone(), unit.clone());
        Ok(*self.places.entry(key).or_insert_with(|| {
            let evaluations = Vec::with_capacity(1);
            self.planned.push(None);
            let end = End::Unstated;
            self.runs.push(Run { point, replicate, unit, end, planned: None, evaluations });
            self.runs.len() - 1
        }))
    }

    /// What a row's status says of its run's end.
    fn stated_end(&self, row: &Row<'_>) -> Option<End> {
        let (at, status) = (self.columns.status?, self.study.status.as_ref()?);
        let text = row.fields[at].as_deref().unwrap_or_default();
        let is = |of: &[String]| of.iter().any(|known| known == text);
        if is(&status.never_ran) {
            Some(End::NeverRan)
        } else if is(&status.failed) {
            Some(End::Stopped)
        } else {
            is(&status.ended).then_some(End::Reached)
        }
    }

    /// The planned end of a row's run, where a column has it.
    fn planned(&self, row: &Row<'_>) -> Result<Option<f64>, String> {
        match self.columns.planned {
            Some(at) => number(row, at, self.columns.names[at]),
            None => Ok(None),
        }
    }

    /// The first row of an arm all of whose values of a percent lie at or below 1, as shares do.
    fn shares(&self, files: &[String]) -> Option<StudyError> {
        let percent = self.study.metrics.iter().enumerate();
        for (index, metric) in percent.filter(|(_, metric)| metric.scale == Scale::Percent) {
            let mut arms: HashMap<&[Value], (f64, (usize, u64))> = HashMap::new();
            for run in &self.runs {
                for row in &run.evaluations {
                    let value = row.values[index];
                    if !value.is_nan() {
                        let arm = arms.entry(&run.point).or_insert((value, row.place));
                        *arm = (arm.0.max(value), arm.1.min(row.place));
                    }
                }
            }
            let shares = arms.into_iter().filter(|(_, (largest, _))| *largest <= 1.0);
            if let Some((point, (_, (file, line)))) = shares.min_by_key(|(_, (_, place))| *place) {
                let point: Vec<String> = point.iter().map(ToString::to_string).collect();
                return Some(StudyError::Row {
                    file: files[file].clone(),
                    line,
                    what: format!(
                        "no value of {} of {} is above 1: are they shares? Say scale = \"share\", \
                         or \"percent_below_one\" if they are percent",
                        metric.column,
                        point.join(", ")
                    ),
                });
            }
        }
        None
    }

    /// Runs with their evaluations in order. A progress twice in one run is an error.
    fn finish(mut self, files: &[String]) -> Result<Vec<Run>, StudyError> {
        let length = self.study.progress.as_ref().and_then(|progress| progress.planned.as_ref());
        for (run, planned) in self.runs.iter_mut().zip(&self.planned) {
            let planned = planned.or_else(|| length?.of(&run.point));
            run.evaluations.sort_by(|one, other| one.progress.total_cmp(&other.progress));
            let twice =
                run.evaluations.windows(2).find(|pair| pair[0].progress >= pair[1].progress);
            if let Some([one, other]) = twice {
                let (later, earlier) = (one.place.max(other.place), one.place.min(other.place));
                let at = |(file, line): (usize, u64)| {
                    if file == later.0 {
                        format!("line {line}")
                    } else {
                        format!("{}, line {line}", files[file])
                    }
                };
                return Err(StudyError::Row {
                    file: files[later.0].clone(),
                    line: later.1,
                    what: format!(
                        "a run has two rows with the same factors, {} and progress; the other is {}",
                        self.study.replicate.name,
                        at(earlier)
                    ),
                });
            }
            let last = run.evaluations.last().map(|last| last.progress);
            run.planned = planned;
            run.end = match (run.end, planned, last) {
                (End::Unstated, _, _) if self.columns.progress.is_none() => End::Reached,
                (End::Unstated, Some(planned), Some(last)) if last >= planned => End::Reached,
                (End::Unstated, Some(_), _) => End::Stopped,
                (end, ..) => end,
            };
        }
        Ok(self.runs)
    }
}

/// The value of a factor from its text, which `own` keeps.
pub(super) fn factor_value(
    factor: &Factor,
    text: Option<&str>,
    own: impl FnOnce(&str) -> Arc<str>,
) -> Result<Value, String> {
    let value = match text {
        None => factor.default.clone(),
        Some(text) if factor.number => Some(Value::parse_number(text).ok_or_else(|| {
            format!("{} is `{}`, which is no number", factor.column, shown(text))
        })?),
        Some(text) => Some(Value::Text(own(name(&factor.column, text)?))),
    };
    let value = value.ok_or_else(|| format!("{} is empty", factor.column))?;
    if factor.allows(&value) { Ok(value) } else { Err(factor.unknown(&value)) }
}

fn intern(texts: &mut HashMap<String, Arc<str>>, text: &str) -> Arc<str> {
    if let Some(known) = texts.get(text) {
        return known.clone();
    }
    let new: Arc<str> = text.into();
    texts.insert(text.to_owned(), new.clone());
    new
}

/// A whole number without the `.0` that some programs write: replicates are paired by their texts.
fn whole(text: &str) -> &str {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('.') {
        Some((whole, zeros)) if digits(whole) && zeros.bytes().all(|byte| byte == b'0') => whole,
        _ => text,
    }
}

/// A printable name: not empty, without control characters and without spaces around it.
fn name<'a>(column: &str, text: &'a str) -> Result<&'a str, String> {
    if text.chars().any(char::is_control) {
        return Err(format!("{column} is `{}`, which has a control character", shown(text)));
    }
    if text.trim() != text || text.is_empty() {
        return Err(format!("{column} is `{}`, which begins or ends with a space", shown(text)));
    }
    Ok(text)
}

/// A number; `None` where the row has none.
pub(super) fn number(row: &Row<'_>, at: usize, column: &str) -> Result<Option<f64>, String> {
    let Some(text) = &row.fields[at] else { return Ok(None) };
    match text.parse::<f64>() {
        Ok(value) => Ok(Some(value)),
        Err(_) if text.contains(['±', '(']) || text.contains("+-") => Err(format!(
            "{column} is `{}`: a mean and a spread in one cell; a run a row is needed",
            shown(text)
        )),
        Err(_) => Err(format!("{column} is `{}`, which is no number", shown(text))),
    }
}

/// The beginning of a text, with control characters and odd spaces escaped.
fn shown(text: &str) -> String {
    const LONGEST: usize = 40;
    let escaped = |c: char| {
        if c.is_control() || (c.is_whitespace() && c != ' ') {
            c.escape_unicode().to_string()
        } else {
            c.to_string()
        }
    };
    let start: String = text.chars().take(LONGEST).map(escaped).collect();
    if text.chars().nth(LONGEST).is_some() { start + "…" } else { start }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn study(text: &str) -> Study {
        Study::parse(Path::new("log.toml"), text).unwrap_or_else(|error| panic!("{error}"))
    }

    fn table(more: &str) -> Study {
        study(&format!(
            r#"
format = 1
files = "runs.*"
{more}
[[factor]]
name = "method"
[replicate]
name = "seed"
[[metric]]
name = "f1"
better = "higher"
scale = "share"
"#
        ))
    }

    fn read_as(study: &Study, file: &str, text: &[u8]) -> Result<Runs, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(file), text).unwrap();
        study.read(folder.path()).map_err(|error| error.to_string())
    }

    /// Method, replicate and values of the metric.
    fn seen(runs: &Runs) -> Vec<(String, String, Vec<f64>)> {
        let values = |run: &Run| run.evaluations.iter().map(|of| of.values[0]).collect();
        let run = |run: &Run| (run.point[0].to_string(), run.replicate.to_string(), values(run));
        runs.runs.iter().map(run).collect()
    }

    #[test]
    fn forms_of_one_log_give_the_same_runs() {
        let expected = [
            ("a".to_owned(), "1".to_owned(), vec![50.0]),
            ("méthode".to_owned(), "1".to_owned(), vec![75.0]),
        ];
        let csv = "method,seed,f1\na,1,.5\nméthode,1,0.75\n";
        let lines = r#"{"method": "a", "seed": 1, "f1": 0.5}
{"method": "méthode", "seed": 1, "f1": 0.75}
"#;
        let document = format!("[{}]", lines.trim().replace('\n', ","));
        let crlf = csv.replace('\n', "\r\n");
        let cr = csv.replace('\n', "\r");
        let bom = format!("\u{feff}{csv}");
        let twice = csv.replace("méth", "method,seed,f1\nméth");
        let blank = csv.replace('\n', "\n\n");
        let tabs = csv.replace(',', "\t");
        let decimals = csv.replace(",1,", ",1.0,");
        for (file, text) in [
            ("runs.csv", csv),
            ("runs.csv", &crlf),
            ("runs.csv", &cr),
            ("runs.csv", &bom),
            ("runs.csv", &twice),
            ("runs.csv", &blank),
            ("runs.csv", &decimals),
            ("runs.tsv", &tabs),
            ("runs.jsonl", lines),
            ("runs.json", &document),
            ("runs.json", &format!("\u{feff}{document}")),
        ] {
            let runs = read_as(&table(""), file, text.as_bytes())
                .unwrap_or_else(|why| panic!("{file}: {why}"));
            assert_eq!(seen(&runs), expected, "{file}");
            assert!(runs.runs.iter().all(|run| run.end == End::Reached));
        }
        let semicolons = csv.replace(',', ";");
        let runs = read_as(&table("separator = \";\""), "runs.csv", semicolons.as_bytes()).unwrap();
        assert_eq!(seen(&runs), expected);
    }

    #[test]
    fn a_folder_of_documents_has_factors_in_paths_and_metrics_below_keys() {
        let folder = tempfile::tempdir().unwrap();
        for (path, score) in
            [("adult/mlp/0", "0.85"), ("adult/mlp/1", "0.86"), ("yahoo/mlp/0", "null")]
        {
            let path = folder.path().join(path);
            fs::create_dir_all(&path).unwrap();
            let text = format!(r#"{{"metrics": {{"test": {{"score": {score}}}}}}}"#);
            fs::write(path.join("stats.json"), text).unwrap();
        }
        let study = study(
            r#"
format = 1
files = "{dataset}/{method}/{seed}/stats.json"
[[factor]]
name = "dataset"
[[factor]]
name = "method"
[replicate]
name = "seed"
[[metric]]
name = "score"
column = "metrics.test.score"
better = "higher"
"#,
        );
        let runs = study.read(folder.path()).unwrap();
        let of: Vec<String> = runs
            .runs
            .iter()
            .map(|run| {
                format!("{} {} {}", run.point[0], run.replicate, run.evaluations[0].values[0])
            })
            .collect();
        assert_eq!(of, ["adult 0 0.85", "adult 1 0.86", "yahoo 0 NaN"]);
    }

    #[test]
    fn faults_are_errors_with_their_line() {
        for (text, says) in [
            ("method,seed,f1\na,1,1.2\n", "line 2: f1 is 1.2, and a share of 1 lies between"),
            ("method,seed,f1\na,1,.5\na,1,.5\n", "line 3: a run has two rows"),
            ("method,seed,f1\na,1,.5 ± .1\n", "a mean and a spread in one cell"),
            ("method,seed,f1\na,1,n/a\n", "`n/a`, which is no number"),
            ("method,seed,f1\n,1,.5\n", "line 2: method is empty"),
            ("method,seed,f1\n\"a\nb\",1,.5\n", "`a\\u{a}b`, which has a control character"),
            ("method,seed,f1\na\u{a0},1,.5\n", "`a\\u{a0}`, which begins or ends with a space"),
            ("method,seed,f1\na,1\n", "line 2: the row has 2 fields, the header has 3"),
            ("method,seed,f1,f1\na,1,1,1\n", "line 1: column `f1` is given twice"),
            ("version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
            ("<!DOCTYPE html>", "a web page"),
        ] {
            let error = read_as(&table(""), "runs.csv", text.as_bytes()).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
        let error = table("").read(tempfile::tempdir().unwrap().path()).unwrap_err();
        assert!(error.to_string().contains("no file matches runs.*"), "{error}");
    }

    #[test]
    fn status_and_planned_length_say_how_runs_ended() {
        let study = table(
            r#"
progress = { name = "epoch", planned = 3.0 }
status = { column = "state", failed = ["crashed"], never_ran = ["skipped"] }
"#,
        );
        let text = "method,seed,epoch,state,f1
a,1,3,ok,.5
a,1,1,ok,.4
a,2,1,ok,.4
a,3,3,crashed,.4
a,4,0,skipped,
";
        let runs = read_as(&study, "runs.csv", text.as_bytes()).unwrap();
        let ends: Vec<End> = runs.runs.iter().map(|run| run.end).collect();
        assert_eq!(ends, [End::Reached, End::Stopped, End::Stopped, End::NeverRan]);
        let epochs: Vec<f64> = runs.runs[0].evaluations.iter().map(|of| of.progress).collect();
        assert_eq!(epochs, [1.0, 3.0]);
        assert!(runs.runs[3].evaluations[0].values[0].is_nan());
    }

    #[test]
    fn a_strict_study_refuses_columns_that_it_does_not_name() {
        let error = read_as(&table("strict = true"), "runs.csv", b"method,seed,f1,lr\na,1,.5,1\n");
        assert!(error.unwrap_err().contains("names no use of `lr`"));
        assert!(read_as(&table("strict = true"), "runs.csv", b"method,seed,f1\na,1,.5\n").is_ok());
    }

    #[test]
    fn columns_that_the_study_does_not_name_are_listed() {
        let runs = read_as(&table(""), "runs.csv", b",method,seed,f1,lr\n0,a,1,.5,1\n").unwrap();
        assert_eq!(runs.unused.iter().collect::<Vec<_>>(), ["(no name)", "lr"]);
    }
}
