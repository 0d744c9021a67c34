//! What claims say about a study's own log: values of its factors, and its metrics by name. In the
//! file they are written without a table of their own (`method = "mlp"`, `metric = "f1"`), so specs
//! are rewritten into the forms here before they are read.

use std::{borrow::Cow, collections::BTreeMap, ops::Range, sync::Arc};

use schemars::JsonSchema;
use serde::Deserialize;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Unit, one_or_many::OneOrMany, raw::Name};
use crate::{
    experiment::Moment,
    study::{
        Metric,
        raw::{Better, RawValue},
    },
};

/// Values of factors by name: a value, a list, a group of the study, or `every`.
pub type RawFactors = BTreeMap<Name, Spanned<OneOrMany<RawValue>>>;

/// A metric of a study as it is read off a run.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawStudyMetric {
    /// Its name in `log.toml`.
    pub name: String,
    /// What is read.
    #[serde(default)]
    pub read: Read,
    /// A logarithmic scale in place of points, for a share.
    pub scale: Option<LogScale>,
}

/// What is read off a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Read {
    /// The value at the run's end.
    #[default]
    Last,
    /// The best value of the run.
    Best,
    /// The value at this step (or epoch).
    Step(f64),
    /// The value at the first logged step from this share of the planned length on.
    FromShare(f64),
    /// The steps until this value is first reached; fewer are better.
    StepsTo(f64),
}

/// A logarithmic scale of a share a.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogScale {
    /// ln(a / (1 - a)).
    LogOdds,
    /// -ln(1 - a).
    LogError,
}

/// A metric of a study, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyMetric {
    /// Its place among the study's metrics.
    pub index: usize,
    /// What the study says about it.
    pub metric: Arc<Metric>,
    /// What is read.
    pub read: Read,
    /// A logarithmic scale in place of points.
    pub scale: Option<LogScale>,
    /// The name of a run's progress: epoch, step.
    pub progress: Arc<str>,
    /// The progress at which nothing has been trained.
    pub from: f64,
}

impl StudyMetric {
    /// The unit of its values: of a logarithmic scale, of its progress, or its own.
    #[must_use]
    pub fn unit(&self) -> Unit {
        match (self.scale, self.read) {
            (Some(LogScale::LogOdds), _) => Unit::LogOdds,
            (Some(LogScale::LogError), _) => Unit::LogError,
            (None, Read::StepsTo(_)) => Unit::Own(format!("{}s", self.progress).into()),
            (None, _) if self.metric.unit == "points" => Unit::Points,
            (None, _) => Unit::Own(self.metric.unit.as_str().into()),
        }
    }

    /// The smallest step that the study states; 0 where it states none, and the digits of the log
    /// decide.
    #[must_use]
    pub fn resolution(&self) -> f64 {
        let step = self.metric.step.unwrap_or(0.0);
        match (self.scale, self.read) {
            (Some(LogScale::LogOdds), _) => 4.0 * step / 100.0,
            (Some(LogScale::LogError), _) => step / 100.0,
            (None, Read::StepsTo(_)) => 1.0,
            (None, _) => step,
        }
    }

    /// The metric as an arm reads it that names an evaluation of its own.
    #[must_use]
    pub(crate) fn at(&self, at: Option<Moment>) -> Cow<'_, Self> {
        let Some(at) = at else { return Cow::Borrowed(self) };
        let read = match at {
            Moment::Last => Read::Last,
            Moment::Best => Read::Best,
            Moment::Epoch(step) => Read::Step(f64::from(step)),
            Moment::FromShare(share) => Read::FromShare(share),
        };
        Cow::Owned(Self { read, ..self.clone() })
    }

    /// Whether a value is read, and no number of steps.
    #[must_use]
    pub(crate) fn is_a_value(&self) -> bool {
        !matches!(self.read, Read::StepsTo(_))
    }

    /// In words, such as `F1 in points, at the end of a run`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let Self { metric, read, scale, progress, .. } = self;
        let of = match scale {
            None if metric.unit.is_empty() => metric.title.clone(),
            None => format!("{} in {}", metric.title, metric.unit),
            Some(LogScale::LogOdds) => format!("log-odds of {}", metric.title),
            Some(LogScale::LogError) => format!("minus the logarithm of 1 - {}", metric.title),
        };
        let better = match metric.better {
            Better::Higher => "higher is better",
            Better::Lower => "lower is better: a contrast above zero is an improvement",
        };
        match read {
            Read::Last if &**progress == "row" => format!("{of} ({better})"),
            Read::Last => format!("{of}, at the last {progress} ({better})"),
            Read::Best => format!("{of}, the best of a run's {progress}s ({better})"),
            Read::Step(step) => format!("{of}, at {progress} {step} ({better})"),
            Read::FromShare(share) => format!(
                "{of}, at the first logged {progress} from {:.0} % of the planned length on \
                 ({better})",
                100.0 * share
            ),
            Read::StepsTo(value) => format!(
                "{progress}s until {} reaches {value} (fewer is better: a contrast above zero is \
                 an improvement)",
                metric.title
            ),
        }
    }
}

/// Puts keys of arms and cells that are no part of the format of a study's claims into their
/// `factors`, and a metric by its name into its long form.
pub(super) fn rewrite(document: &mut DeTable<'_>) {
    if let Some(arms) = table(document, "arms") {
        for (_, arm) in arms.iter_mut() {
            if let DeValue::Table(arm) = arm.get_mut() {
                gather(arm, &["at"]);
            }
        }
    }
    if let Some(hypothesis) = table(document, "hypothesis") {
        in_hypothesis(hypothesis);
    }
    each(document, "reading", in_hypothesis);
    each(document, "plot", in_hypothesis);
}

fn in_hypothesis(hypothesis: &mut DeTable<'_>) {
    if let Some(cells) = table(hypothesis, "cells") {
        gather(cells, &[]);
    }
    each(hypothesis, "contrasts", |contrast| {
        if let Some(cells) = table(contrast, "cells") {
            gather(cells, &[]);
        }
    });
    if let Some(metric) = hypothesis.get_mut("metric") {
        long(metric);
    }
}

fn table<'t, 'a>(document: &'t mut DeTable<'a>, name: &str) -> Option<&'t mut DeTable<'a>> {
    match document.get_mut(name)?.get_mut() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

fn each<'a>(document: &mut DeTable<'a>, name: &str, mut of: impl FnMut(&mut DeTable<'a>)) {
    if let Some(DeValue::Array(list)) = document.get_mut(name).map(Spanned::get_mut) {
        for one in list.iter_mut() {
            if let DeValue::Table(table) = one.get_mut() {
                of(table);
            }
        }
    }
}

/// Moves every key but those of `kept` into `factors`.
fn gather(table: &mut DeTable<'_>, kept: &[&str]) {
    let (mut factors, mut rest) = (DeTable::new(), DeTable::new());
    let mut span = None::<Range<usize>>;
    for (key, value) in std::mem::take(table) {
        if kept.contains(&&**key.get_ref()) {
            rest.insert(key, value);
        } else {
            span.get_or_insert(key.span());
            factors.insert(key, value);
        }
    }
    if let Some(span) = span {
        let key = Spanned::new(span.clone(), Cow::Borrowed("factors"));
        rest.insert(key, Spanned::new(span, DeValue::Table(factors)));
    }
    *table = rest;
}

/// `"f1"` as `{ study = { name = "f1" } }`, and `{ f1 = "best" }` as
/// `{ study = { name = "f1", read = "best" } }`; a `scale` beside it is kept.
fn long(metric: &mut Spanned<DeValue<'_>>) {
    let span = metric.span();
    let key = |name: &'static str| Spanned::new(span.clone(), Cow::Borrowed(name));
    let mut of = DeTable::new();
    match std::mem::replace(metric.get_mut(), DeValue::Boolean(false)) {
        DeValue::String(name) => {
            of.insert(key("name"), Spanned::new(span.clone(), DeValue::String(name)));
        }
        DeValue::Table(table) => {
            for (name, value) in table {
                if *name.get_ref() == "scale" {
                    of.insert(name, value);
                } else if of.contains_key("name") {
                    // The second name, which is no field of the long form, is then an error.
                    of.insert(name, value);
                } else {
                    let at = name.span();
                    let name = DeValue::String(name.into_inner());
                    of.insert(key("name"), Spanned::new(at, name));
                    of.insert(key("read"), value);
                }
            }
        }
        other => {
            *metric.get_mut() = other;
            return;
        }
    }
    let mut study = DeTable::new();
    study.insert(key("study"), Spanned::new(span.clone(), DeValue::Table(of)));
    *metric.get_mut() = DeValue::Table(study);
}
