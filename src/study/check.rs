//! From `log.toml` as written to what it means; contradictions and open questions are errors.

use std::{collections::BTreeMap, path::Path};

use super::{
    StudyError,
    pattern::Pattern,
    raw::{
        Better, Form, RawFiles, RawLength, RawMetric, RawPlanned, RawStatus, RawStudy, RawValue,
        Scale,
    },
};
use crate::{
    experiment::{Factors, Value},
    util::{files, suggest::did_you_mean},
};

/// The name of a study's file in a folder of claims.
pub(crate) const FILE: &str = "log.toml";

/// Size limit of it.
const LARGEST_BYTES: u64 = 1 << 20;

/// What `repro init` writes where a person must decide.
pub(crate) const TODO: &str = "TODO";

/// A study, as far as its log is concerned.
#[derive(Clone, Debug)]
pub struct Study {
    /// Title, authors and link, as far as they are stated.
    pub title: Option<String>,
    /// Authors.
    pub authors: Vec<String>,
    /// Link.
    pub link: Option<String>,
    /// Files, from the folder of `log.toml`.
    pub files: Vec<Pattern>,
    /// Their form, where it is stated.
    pub form: Option<Form>,
    /// What separates columns of a table, where it is stated.
    pub separator: Option<u8>,
    /// The path of the rows in a JSON document.
    pub rows: Option<String>,
    /// Whether an unused column is an error.
    pub strict: bool,
    /// Factors, in the order of the file.
    pub factors: Vec<Factor>,
    /// The replicate.
    pub replicate: Replicate,
    /// Metrics, in the order of the file.
    pub metrics: Vec<Metric>,
    /// Progress; `None` where a run has one row.
    pub progress: Option<Progress>,
    /// How runs ended, where a column says it.
    pub status: Option<RawStatus>,
    /// Lists of a factor's values: the factor's index, and the values.
    pub groups: BTreeMap<String, (usize, Vec<Value>)>,
}

/// A factor.
#[derive(Clone, Debug, PartialEq)]
pub struct Factor {
    /// Its name in claims.
    pub name: String,
    /// Its column, JSON path or name in the files' path.
    pub column: String,
    /// Whether its values are numbers.
    pub number: bool,
    /// Its name as people write it.
    pub title: String,
    /// All its values, in the order of tables; empty where the study does not state them.
    pub values: Vec<Value>,
    /// Its value where a row has none.
    pub default: Option<Value>,
}

/// The replicate.
#[derive(Clone, Debug, PartialEq)]
pub struct Replicate {
    /// Its name.
    pub name: String,
    /// Its column, JSON path or name in the files' path.
    pub column: String,
    /// How many were planned; the first whose values match counts.
    pub planned: Vec<Planned>,
    /// Whether runs of the same replicate in two arms belong together.
    pub paired: bool,
    /// The column of the unit that replicates are nested in.
    pub nested_in: Option<String>,
    /// Test items by training items of cross-validation.
    pub test_to_train: Option<f64>,
}

/// Planned replicates.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// Values of factors, by their index.
    pub of: Vec<(usize, Value)>,
    /// How many.
    pub count: usize,
}

/// A metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its name in claims.
    pub name: String,
    /// Its column or JSON path.
    pub column: String,
    /// Its name as people write it.
    pub title: String,
    /// Which direction is better.
    pub better: Better,
    /// Its unit; empty where it has none.
    pub unit: String,
    /// The scale of the file's values.
    pub scale: Scale,
    /// Its least and largest value, in its unit.
    pub range: Option<[f64; 2]>,
    /// The smallest step between two values, in its unit.
    pub step: Option<f64>,
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Its name.
    pub name: String,
    /// Its column or JSON path.
    pub column: String,
    /// The value at which nothing has been trained.
    pub from: f64,
    /// The planned end of runs, where it is stated.
    pub planned: Option<Length>,
    /// Factors for each combination of which all arms share one length, where the study says so.
    pub same_for: Option<Vec<String>>,
}

/// The planned end of runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Length {
    /// The same for every run.
    Everywhere(f64),
    /// The column that has it.
    Column(String),
    /// By values of factors, by their index; the first that matches counts.
    By(Vec<(Vec<(usize, Value)>, f64)>),
}

impl Length {
    /// The end that a combination of factors has by their values alone.
    #[must_use]
    pub(super) fn of(&self, point: &[Value]) -> Option<f64> {
        match self {
            Self::Everywhere(end) => Some(*end),
            Self::Column(_) => None,
            Self::By(list) => {
                let matches = |of: &[(usize, Value)]| {
                    of.iter().all(|(factor, value)| point[*factor] == *value)
                };
                list.iter().find(|(of, _)| matches(of)).map(|(_, end)| *end)
            }
        }
    }
}

/// What claims write for all values of a factor.
pub(crate) const EVERY: &str = "every";

impl Factor {
    /// Whether a run may have this value.
    #[must_use]
    pub fn allows(&self, value: &Value) -> bool {
        self.values.is_empty() || self.values.contains(value)
    }

    /// What is wrong with a value that it does not allow.
    #[must_use]
    pub fn unknown(&self, value: &Value) -> String {
        let known: Vec<String> = self.values.iter().map(ToString::to_string).collect();
        let hint = did_you_mean(&value.to_string(), known.iter().map(String::as_str));
        format!("{} has no value `{value}` in log.toml{hint}", self.name)
    }
}

impl Metric {
    /// 1, or -1 where lower values are better: a value times this is better the higher it is.
    #[must_use]
    pub fn sign(&self) -> f64 {
        match self.better {
            Better::Higher => 1.0,
            Better::Lower => -1.0,
        }
    }

    /// Checks a value, in its unit, against its range. Those of a run that diverged, NaN and the
    /// infinities, lie in no range and stay.
    pub(super) fn check(&self, value: f64) -> Result<(), String> {
        match self.range {
            Some([least, largest]) if value.is_finite() && !(least..=largest).contains(&value) => {
                let unit = if self.unit.is_empty() { "" } else { &format!(" {}", self.unit) };
                // A share times 100 has digits that its file has not.
                let value = (value * 1e9).round() / 1e9;
                Err(format!(
                    "{} is {value}{unit}, outside its range in log.toml, {least} to {largest}{unit}",
                    self.column,
                ))
            }
            _ => Ok(()),
        }
    }
}

impl Study {
    /// Its title, or what stands in its place.
    #[must_use]
    pub fn title(&self) -> &str {
        self.title.as_deref().unwrap_or("study")
    }

    /// Numbers of planned runs by values of factors; the first that matches counts.
    #[must_use]
    pub fn planned(&self) -> Vec<(Factors, usize)> {
        let value = |(index, value): &(usize, Value)| {
            (self.factors[*index].name.as_str().into(), value.clone())
        };
        let rule = |of: &Planned| (of.of.iter().map(value).collect(), of.count);
        self.replicate.planned.iter().map(rule).collect()
    }

    /// Planned ends of runs by values of factors; the first that matches counts.
    #[must_use]
    pub(crate) fn planned_ends(&self) -> Vec<(Factors, f64)> {
        let name = |index: usize| self.factors[index].name.as_str().into();
        let named = |of: &[(usize, Value)]| {
            of.iter().map(|(index, value)| (name(*index), value.clone())).collect::<Factors>()
        };
        match self.progress.as_ref().and_then(|progress| progress.planned.as_ref()) {
            None | Some(Length::Column(_)) => Vec::new(),
            Some(Length::Everywhere(end)) => vec![(Factors::new(), *end)],
            Some(Length::By(list)) => list.iter().map(|(of, end)| (named(of), *end)).collect(),
        }
    }

    /// The study of a folder of claims; `None` if it has no `log.toml`.
    ///
    /// # Errors
    /// If the file can't be read, and as [`Self::parse`].
    pub fn of_folder(folder: &Path) -> Result<Option<Self>, StudyError> {
        let file = folder.join(FILE);
        match files::text(&file, LARGEST_BYTES) {
            Ok(text) => Self::parse(&file, &text).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(StudyError::Unreadable { file: file.display().to_string(), cause }),
        }
    }

    /// Reads `log.toml`.
    ///
    /// # Errors
    /// If it is malformed, contradicts itself, or still has a TODO.
    pub fn parse(file: &Path, text: &str) -> Result<Self, StudyError> {
        let error = |what: String| StudyError::Spec { file: file.display().to_string(), what };
        if let Some(line) = open_line(text) {
            return Err(error(format!("line {line} has a {TODO}: decide it")));
        }
        let raw: RawStudy = toml::from_str(text).map_err(|cause| error(cause.to_string()))?;
        checked(raw).map_err(error)
    }
}

/// The first line, counted from 1, that has a TODO outside a comment.
pub(crate) fn open_line(text: &str) -> Option<usize> {
    text.lines().position(is_open).map(|line| line + 1)
}

/// Whether a line has a TODO outside a comment.
fn is_open(line: &str) -> bool {
    let at = line.find(TODO);
    at.is_some_and(|at| !line[..at].contains('#'))
}

fn checked(raw: RawStudy) -> Result<Study, String> {
    if raw.format != 1 {
        return Err(format!("format is {}: this version reads format 1", raw.format));
    }
    let own = |name: &str, column: Option<String>| column.unwrap_or_else(|| name.to_owned());
    let factors: Vec<Factor> = raw
        .factors
        .into_iter()
        .map(|factor| {
            let default = factor.default.map(|value| of_kind(&factor.name, factor.number, value));
            let values = factor.values.into_iter();
            let values = values.map(|value| of_kind(&factor.name, factor.number, value));
            Ok(Factor {
                values: values.collect::<Result<_, _>>()?,
                column: own(&factor.name, factor.column),
                number: factor.number,
                title: factor.title.unwrap_or_else(|| factor.name.clone()),
                default: default.transpose()?,
                name: factor.name,
            })
        })
        .collect::<Result<_, String>>()?;
    let metrics: Vec<Metric> = raw.metrics.into_iter().map(metric).collect::<Result<_, _>>()?;
    if metrics.is_empty() {
        return Err("it has no [[metric]]".into());
    }
    let values = |of: BTreeMap<String, RawValue>| -> Result<Vec<(usize, Value)>, String> {
        of.into_iter()
            .map(|(name, value)| {
                let index = index(&factors, &name)?;
                Ok((index, of_kind(&name, factors[index].number, value)?))
            })
            .collect()
    };
    let planned = match raw.replicate.planned {
        None => Vec::new(),
        Some(RawPlanned::Everywhere(count)) => vec![Planned { of: Vec::new(), count }],
        Some(RawPlanned::By(list)) => list
            .into_iter()
            .map(|of| Ok(Planned { of: values(of.of)?, count: of.count }))
            .collect::<Result<_, String>>()?,
    };
    if raw.replicate.test_to_train.is_some_and(|share| !(share > 0.0 && share.is_finite())) {
        return Err("test_to_train must be above 0: test items by training items".into());
    }
    if raw.replicate.nested_in.is_some() && raw.replicate.test_to_train.is_some() {
        return Err(
            "replicates are nested in a unit, or folds with `test_to_train`: not both".into()
        );
    }
    let progress = raw.progress.map(|progress| {
        let planned = progress.planned.map(|planned| match planned {
            RawLength::Everywhere(end) => Ok(Length::Everywhere(end)),
            RawLength::Column(column) => Ok(Length::Column(column)),
            RawLength::By(list) => {
                let each = list.into_iter().map(|of| Ok((values(of.of)?, of.end)));
                each.collect::<Result<_, String>>().map(Length::By)
            }
        });
        let same_for = progress.same_for.map(|names| {
            let known = |name: String| index(&factors, &name).map(|_| name);
            names.into_iter().map(known).collect::<Result<Vec<String>, String>>()
        });
        Ok::<_, String>(Progress {
            column: own(&progress.name, progress.column),
            name: progress.name,
            from: progress.from,
            planned: planned.transpose()?,
            same_for: same_for.transpose()?,
        })
    });
    let progress = progress.transpose()?;
    let groups = raw
        .groups
        .into_iter()
        .map(|(name, group)| {
            let index = index(&factors, &group.factor)?;
            let values = group.values.into_iter();
            let values = values.map(|value| of_kind(&group.factor, factors[index].number, value));
            Ok((name, (index, values.collect::<Result<Vec<_>, _>>()?)))
        })
        .collect::<Result<BTreeMap<_, _>, String>>()?;
    let study = Study {
        title: raw.title,
        authors: raw.authors,
        link: raw.link,
        files: match raw.files {
            RawFiles::One(file) => vec![Pattern::parse(&file)?],
            RawFiles::Many(files) => {
                files.iter().map(|file| Pattern::parse(file)).collect::<Result<_, _>>()?
            }
        },
        form: raw.form,
        separator: raw.separator.map(separator).transpose()?,
        rows: raw.rows,
        strict: raw.strict,
        replicate: Replicate {
            column: own(&raw.replicate.name, raw.replicate.column),
            name: raw.replicate.name,
            planned,
            paired: raw.replicate.paired,
            nested_in: raw.replicate.nested_in,
            test_to_train: raw.replicate.test_to_train,
        },
        metrics,
        progress,
        status: raw.status,
        groups,
        factors,
    };
    names(&study)?;
    Ok(study)
}

fn index(factors: &[Factor], name: &str) -> Result<usize, String> {
    let known = factors.iter().map(|factor| factor.name.as_str());
    factors
        .iter()
        .position(|factor| factor.name == name)
        .ok_or_else(|| format!("unknown factor `{name}`{}", did_you_mean(name, known)))
}

fn of_kind(name: &str, number: bool, value: RawValue) -> Result<Value, String> {
    match (number, value) {
        (true, RawValue::Number(value)) => {
            Value::number(value).ok_or_else(|| format!("a value of {name} is not finite"))
        }
        (false, RawValue::Text(text)) => Ok(Value::Text(text.into())),
        (true, RawValue::Text(text)) => {
            Err(format!("`{text}` is no number, and {name} has `number = true`"))
        }
        (false, RawValue::Number(value)) => {
            Err(format!("{value} is a number: write it in quotes, or give {name} `number = true`"))
        }
    }
}

fn metric(raw: RawMetric) -> Result<Metric, String> {
    let RawMetric { name, column, title, better, unit, scale, range, step, items } = raw;
    let share = scale == Scale::Share;
    let unit = if share && unit.is_empty() { "points".to_owned() } else { unit };
    if range.is_some_and(|[low, high]| low >= high || low.is_nan() || high.is_nan()) {
        return Err(format!("the range of {name} must begin below its end"));
    }
    if step.is_some_and(|step| !(step > 0.0 && step.is_finite())) || items == Some(0) {
        return Err(format!("the step and the items of {name} must be above 0"));
    }
    let range = range.or(match scale {
        Scale::AsIs => None,
        Scale::Share | Scale::Percent | Scale::PercentBelowOne => Some([0.0, 100.0]),
    });
    let step = match (step, items, scale) {
        (Some(_), Some(_), _) => return Err(format!("{name} has `step` and `items`: give one")),
        (None, Some(_), Scale::AsIs) => {
            return Err(format!(
                "{name} has `items`, which need `scale = \"share\"` or `\"percent\"`"
            ));
        }
        (None, Some(items), _) => Some(100.0 / f64::from(items)),
        (step, None, _) => step,
    };
    let (title, column) =
        (title.unwrap_or_else(|| name.clone()), column.unwrap_or_else(|| name.clone()));
    Ok(Metric { name, column, title, better, unit, scale, range, step })
}

fn separator(separator: char) -> Result<u8, String> {
    u8::try_from(separator)
        .ok()
        .filter(|byte| {
            byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"\"\n\r".contains(byte)
        })
        .ok_or_else(|| format!("`{}` can't separate columns", separator.escape_default()))
}

/// Names of claims are lower-case words; each stands for one thing.
fn names(study: &Study) -> Result<(), String> {
    let factors = study.factors.iter().map(|factor| &factor.name);
    let metrics = study.metrics.iter().map(|metric| &metric.name);
    let progress = study.progress.iter().map(|progress| &progress.name);
    let mut seen: Vec<&str> = Vec::new();
    for name in factors.chain(metrics).chain(progress).chain([&study.replicate.name]) {
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(word) {
            return Err(format!(
                "`{}` is no name: use a-z, 0-9 and _, and give the column as `column`",
                name.escape_default()
            ));
        }
        if seen.contains(&name.as_str()) {
            return Err(format!("`{name}` is the name of two things"));
        }
        seen.push(name);
    }
    for (name, (factor, values)) in &study.groups {
        let factor = &study.factors[*factor];
        if name == EVERY || factor.values.iter().any(|value| value.to_string() == *name) {
            return Err(format!("group `{name}` has the name of a value of {}", factor.name));
        }
        let other = values.iter().find(|value| !factor.allows(value));
        if let Some(other) = other {
            return Err(format!("group `{name}`: {}", factor.unknown(other)));
        }
    }
    let columns = study.factors.iter().map(|factor| factor.column.as_str());
    let columns: Vec<&str> = columns
        .chain([study.replicate.column.as_str()])
        .chain(study.replicate.nested_in.as_deref())
        .collect();
    let unused = study.files.iter().flat_map(Pattern::names).find(|name| !columns.contains(name));
    match unused {
        Some(name) => Err(format!("`{{{name}}}` in `files` is no factor and not the replicate")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STUDY: &str = r#"
format = 1
files = "runs/{dataset}/{method}/{seed}.json"
[[factor]]
name = "dataset"
[[factor]]
name = "method"
title = "Method"
[[factor]]
name = "width"
number = true
default = 1
[replicate]
name = "seed"
planned = [{ where = { dataset = "yahoo" }, count = 5 }, { count = 15 }]
[[metric]]
name = "accuracy"
column = "metrics.test.accuracy"
better = "higher"
scale = "share"
items = 2000
[groups]
small = { factor = "dataset", values = ["adult", "helena"] }
"#;

    fn parse(text: &str) -> Result<Study, String> {
        Study::parse(Path::new("log.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_study_states_its_log() {
        let study = parse(STUDY).unwrap();
        assert_eq!(study.factors[2].default, Some(Value::Number(1.0)));
        let metric = &study.metrics[0];
        assert_eq!(
            (metric.unit.as_str(), metric.step, metric.range),
            ("points", Some(0.05), Some([0.0, 100.0]))
        );
        assert_eq!(study.replicate.planned[0].of, [(0, Value::Text("yahoo".into()))]);
        assert_eq!(study.groups["small"].0, 0);
        assert!(study.replicate.paired);
    }

    #[test]
    fn contradictions_and_open_questions_are_errors() {
        for (from, to, says) in [
            ("format = 1", "format = 2", "format 1"),
            ("better = \"higher\"", "better = \"TODO\"", "line 19 has a TODO"),
            ("better = \"higher\"", "", "missing field `better`"),
            ("name = \"width\"", "name = \"seed\"", "two things"),
            ("name = \"width\"", "name = \"Width\"", "no name"),
            ("default = 1", "default = \"one\"", "no number"),
            ("dataset = \"yahoo\"", "datset = \"yahoo\"", "did you mean `dataset`"),
            ("items = 2000", "items = 0", "above 0"),
            ("scale = \"share\"", "scale = \"as_is\"", "need `scale"),
            ("{seed}.json", "{fold}.json", "`{fold}` in `files`"),
            ("runs/{dataset}", "../{dataset}", "must not leave"),
        ] {
            let error = parse(&STUDY.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(says), "{to}: {error}");
        }
        assert!(parse(&STUDY.replacen("better =", "# TODO: which?\nbetter =", 1)).is_ok());
    }
}
