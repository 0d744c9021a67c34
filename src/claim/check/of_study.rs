//! Checks claims about a study's own log: its factors and their values, and its metrics by name.

use std::{ops::Range, sync::Arc};

use toml::Spanned;

use super::{
    Checked, Fault,
    coordinates::{MOST_CELLS, first_twice},
    fault,
};
use crate::{
    claim::{
        Arm, Axis, Cell, Metric, PlotAxis, Read, StudyMetric,
        of_study::{RawFactors, RawStudyMetric},
        one_or_many::OneOrMany,
        raw::{Name, RawArm, RawPlot},
    },
    experiment::{Factors, Moment, Value, every_combination},
    study::{EVERY, Factor, Study, raw::RawValue, raw::Scale},
    util::suggest::did_you_mean,
};

/// Help with what `log.toml` does not say.
const LOG: &str = "log.toml beside the claims names factors, their values, groups and metrics";

/// An error about something that `log.toml` does not say.
fn not_in_log<T>(at: Range<usize>, what: impl Into<String>) -> Checked<T> {
    Err(Fault { at, what: what.into(), help: LOG })
}

/// Refuses factors where there is no study.
pub(super) fn no_factors(factors: &RawFactors) -> Checked<()> {
    match factors.first_key_value() {
        None => Ok(()),
        Some((name, _)) => not_in_log(
            name.span(),
            format!("`{}` is a factor, and the folder has no log.toml", name.as_ref()),
        ),
    }
}

/// Every combination of the cells' values, in the order of the study's factors.
pub(super) fn cells(study: &Study, raw: &RawFactors, at: &Range<usize>) -> Checked<Vec<Cell>> {
    let lists = lists(study, raw)?;
    let count = lists.iter().fold(1_usize, |count, (_, list)| count.saturating_mul(list.len()));
    if count > MOST_CELLS {
        return fault(at.clone(), format!("{count} cells: the limit is {MOST_CELLS}"));
    }
    let lists = lists.iter().map(|(name, values)| (name, values.as_slice()));
    let all = every_combination(Factors::new(), lists);
    Ok(all.into_iter().map(|factors| Cell { factors, ..Cell::default() }).collect())
}

pub(super) fn arm(study: &Study, name: &Name, raw: &RawArm) -> Checked<Arm> {
    let factors = lists(study, &raw.factors)?.into_iter().collect();
    if raw.at.is_some() && study.progress.is_none() {
        let what = "a run has one row here: log.toml names no progress, such as an epoch";
        return not_in_log(name.span(), what);
    }
    if matches!(raw.at, Some(Moment::FromShare(share)) if !(share > 0.0 && share <= 1.0)) {
        return fault(
            name.span(),
            "from_share must be a share of the length, above 0 and at most 1",
        );
    }
    Ok(Arm { name: name.as_ref().clone(), factors, at: raw.at, ..Arm::default() })
}

/// Checks that the arm or the cells fix each factor: not both, not neither.
pub(super) fn fits(study: &Study, arm: &Arm, cell: &Cell, at: &Range<usize>) -> Checked<()> {
    for Factor { name, .. } in &study.factors {
        let name: &str = name;
        let what = match (arm.factors.contains_key(name), cell.factors.contains_key(name)) {
            (true, true) => {
                format!("both arm `{}` and the cells fix {name}: remove one of them", arm.name)
            }
            (false, false) => format!("neither arm `{}` nor the cells fix {name}", arm.name),
            _ => continue,
        };
        return fault(at.clone(), what);
    }
    Ok(())
}

/// The values of each named factor, in the order of the study.
fn lists(study: &Study, raw: &RawFactors) -> Checked<Vec<(Arc<str>, Vec<Value>)>> {
    let names = || study.factors.iter().map(|factor| factor.name.as_str());
    let unknown = raw.keys().find(|name| names().all(|known| known != name.as_ref()));
    if let Some(name) = unknown {
        let hint = did_you_mean(name.as_ref(), names());
        return not_in_log(name.span(), format!("unknown factor `{}`{hint}", name.as_ref()));
    }
    let mut lists = Vec::new();
    for (index, factor) in study.factors.iter().enumerate() {
        let Some((_, list)) = raw.iter().find(|(name, _)| *name.as_ref() == factor.name) else {
            continue;
        };
        lists.push((Arc::from(factor.name.as_str()), values(study, index, list)?));
    }
    Ok(lists)
}

fn values(study: &Study, index: usize, raw: &Spanned<OneOrMany<RawValue>>) -> Checked<Vec<Value>> {
    let (factor, at) = (&study.factors[index], raw.span());
    let mut values = Vec::new();
    for value in &raw.as_ref().0 {
        match value {
            RawValue::Text(name) if name == EVERY => {
                if factor.values.is_empty() {
                    let what = format!("`every` needs the values of {} in log.toml", factor.name);
                    return not_in_log(at, what);
                }
                values.extend(factor.values.iter().cloned());
            }
            RawValue::Text(name) if study.groups.contains_key(name) => {
                let (of, members) = &study.groups[name];
                if *of != index {
                    let other = &study.factors[*of].name;
                    return not_in_log(at, format!("group `{name}` is one of {other}"));
                }
                values.extend(members.iter().cloned());
            }
            RawValue::Text(text) if factor.number => {
                let hint = did_you_mean(text, study.groups.keys().map(String::as_str));
                return not_in_log(at, format!("`{text}` is neither a number nor a group{hint}"));
            }
            RawValue::Text(text) => values.push(Value::Text(text.as_str().into())),
            RawValue::Number(number) => match Value::number(*number).filter(|_| factor.number) {
                Some(number) => values.push(number),
                None => {
                    let what = format!("{number}: the values of {} are texts", factor.name);
                    return fault(at, what);
                }
            },
        }
    }
    if values.is_empty() {
        return fault(at, "the list is empty: remove the field or list a value");
    }
    if let Some(other) = values.iter().find(|value| !factor.allows(value)) {
        return not_in_log(at, factor.unknown(other));
    }
    match first_twice(&values) {
        Some(value) => fault(at, format!("`{value}` is given twice")),
        None => Ok(values),
    }
}

/// A metric of a study, by its name.
pub(super) fn metric(
    study: Option<&Study>,
    raw: &RawStudyMetric,
    at: Range<usize>,
) -> Checked<Metric> {
    let Some(study) = study else {
        let what = format!("`{}` is a metric of a study: the folder has no log.toml", raw.name);
        return not_in_log(at, what);
    };
    let Some(index) = study.metrics.iter().position(|metric| metric.name == raw.name) else {
        let names = study.metrics.iter().map(|metric| metric.name.as_str());
        let hint = did_you_mean(&raw.name, names);
        return not_in_log(at, format!("unknown metric `{}`{hint}", raw.name));
    };
    let metric = &study.metrics[index];
    let valid = match raw.read {
        Read::Last => true,
        _ if study.progress.is_none() => {
            let what = "a run has one row here: log.toml names no progress, such as an epoch";
            return not_in_log(at, what);
        }
        Read::Best => true,
        Read::Step(step) => step.is_finite(),
        Read::FromShare(share) => share > 0.0 && share <= 1.0,
        Read::StepsTo(value) => value.is_finite(),
    };
    if !valid {
        let what = "a step and a value must be numbers, a share above 0 and at most 1";
        return fault(at, what);
    }
    if raw.scale.is_some() {
        if metric.scale == Scale::AsIs || metric.step.is_none() {
            let what = format!(
                "a logarithmic scale needs a share: give {} a `scale` and `items`",
                metric.name
            );
            return not_in_log(at, what);
        }
        if matches!(raw.read, Read::StepsTo(_)) {
            return fault(at, "steps have no logarithmic scale of a share");
        }
    }
    let progress = study.progress.as_ref().map_or("row", |progress| &progress.name);
    Ok(Metric::Study(StudyMetric {
        index,
        metric: Arc::new(metric.clone()),
        read: raw.read,
        scale: raw.scale,
        progress: progress.into(),
        from: study.progress.as_ref().map_or(0.0, |progress| progress.from),
    }))
}

/// An axis by its name among the study's factors.
pub(super) fn axis(study: &Study, axis: &Axis, at: &Range<usize>) -> Checked<Axis> {
    let name = match axis {
        Axis::Target => "target",
        Axis::Images => "images",
        Axis::Blocks => "blocks",
        Axis::Resolution => "resolution",
        Axis::Factor(name) => name,
    };
    let names = study.factors.iter().map(|factor| factor.name.as_str());
    if names.clone().any(|factor| factor == name) {
        return Ok(Axis::Factor(name.into()));
    }
    let hint = did_you_mean(name, names);
    not_in_log(at.clone(), format!("unknown factor `{name}` in average_over{hint}"))
}

/// The horizontal axis and the metric of a plot. Along a run's progress the metric is that of each
/// step.
pub(super) fn plot(
    study: &Study,
    raw: &RawPlot,
    metric: Option<&Metric>,
    cells: &[Cell],
) -> Checked<(PlotAxis, StudyMetric)> {
    let (at, own) = (raw.id.span(), raw.metric.as_ref());
    let Some(Metric::Study(of)) = metric else {
        return not_in_log(at, "a plot needs a metric of log.toml");
    };
    let name: &str = match raw.x.as_ref() {
        PlotAxis::Images => "images",
        PlotAxis::Epoch => "epoch",
        PlotAxis::Blocks => "blocks",
        PlotAxis::Resolution => "resolution",
        PlotAxis::Rank => "rank",
        PlotAxis::Own(name) => name,
    };
    let x = PlotAxis::Own(name.into());
    let progress = study.progress.as_ref().map(|progress| progress.name.as_str());
    if progress == Some(name) {
        if let Some(own) = own.filter(|_| of.read != Read::Last) {
            let what = format!("along {name} a plot shows a metric at each: give its name alone");
            return fault(own.span(), what);
        }
        let scale = of.scale.filter(|_| own.is_some());
        return Ok((x, StudyMetric { read: Read::Last, scale, ..of.clone() }));
    }
    let factors = study.factors.iter().map(|factor| factor.name.as_str());
    if !factors.clone().any(|factor| factor == name) {
        let hint = did_you_mean(name, factors.chain(progress));
        return not_in_log(raw.x.span(), format!("unknown axis `{name}`{hint}"));
    }
    if cells.iter().any(|cell| !cell.factors.contains_key(name)) {
        return fault(at, format!("the cells of a plot must fix {name}, its axis"));
    }
    Ok((x, of.clone()))
}
