//! What was seen of a log, in words for a terminal.

use std::fmt::Write;

use crate::{
    study::infer::{Cells, Survey, Unused},
    util::shown::shown,
};

/// The number of values of a factor, of metrics and of columns that are listed.
const LISTED: usize = 12;

/// What was seen: factors with values, replicates, missing combinations, duplicates, metrics,
/// progress, unused columns, notes.
#[must_use]
pub fn in_words(survey: &Survey) -> String {
    let mut text = String::new();
    // Writing to a String can't fail, here and below.
    let _ = writeln!(text, "{} in {}", counted(survey.rows, "row"), counted(survey.files, "file"));
    let factors = survey.factors.iter().map(|factor| {
        let values = listed(factor.values.iter().map(String::as_str));
        let empty =
            if factor.empty > 0 { format!("; {} empty", factor.empty) } else { String::new() };
        let count = factor.values.len();
        (factor.named.column.as_str(), format!("{}: {values}{empty}", counted(count, "value")))
    });
    section(&mut text, "factors", factors.collect());
    let replicates = survey.replicates.iter();
    let candidates: Vec<&str> = replicates.map(|named| named.column.as_str()).collect();
    let replicate = match (&candidates[..], survey.replicate_by_name) {
        ([], _) => "none found".to_owned(),
        ([only], true) => shown(only),
        (several, _) => format!("to be decided: {}", listed(several.iter().copied())),
    };
    let _ = writeln!(text, "replicate: {replicate}");
    text += &cells(&survey.cells, !survey.replicates.is_empty());
    let progress = survey
        .progress
        .iter()
        .map(|of| (of.named.column.as_str(), format!("{} to {}", of.low, of.high)));
    section(&mut text, "progress", progress.collect());
    if let Some((named, values)) = &survey.status {
        let values: Vec<String> = values.iter().map(|(value, _)| value.clone()).collect();
        let values = listed(values.iter().map(String::as_str));
        let _ = writeln!(text, "status: {} ({values})", shown(&named.column));
    }
    let metrics = survey.metrics.iter().take(LISTED).map(|metric| {
        let empty =
            if metric.empty > 0 { format!("; {} empty", metric.empty) } else { String::new() };
        (metric.named.column.as_str(), format!("{} to {}{empty}", metric.low, metric.high))
    });
    section(&mut text, "could be metrics", metrics.collect());
    if survey.metrics.len() > LISTED {
        let _ = writeln!(text, "  and {} more", survey.metrics.len() - LISTED);
    }
    text += &unused(&survey.unused);
    for note in &survey.notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// The first of some names.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    joined(&names.map(shown).collect::<Vec<_>>())
}

fn joined(names: &[String]) -> String {
    let first = names[..names.len().min(LISTED)].join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// Names, one a line, with what is said of each.
fn section(text: &mut String, title: &str, lines: Vec<(&str, String)>) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "{title}:");
    let names: Vec<String> = lines.iter().map(|(name, _)| shown(name)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    for (name, (_, what)) in names.iter().zip(&lines) {
        let _ = writeln!(text, "  {name:width$}  {what}");
    }
}

fn cells(cells: &Cells, has_replicate: bool) -> String {
    let mut text = String::new();
    let of = |(count, combinations): &(usize, usize)| format!("{count} in {combinations}");
    let counts = joined(&cells.replicates.iter().map(of).collect::<Vec<_>>());
    let fewest = cells.fewest.as_ref();
    let fewest = fewest.map_or_else(String::new, |point| format!("; fewest in ({point})"));
    let _ = writeln!(
        text,
        "replicates: {counts} of {}{fewest}",
        counted(cells.points.len(), "combination")
    );
    let missing = cells.possible.map(|possible| possible - cells.points.len());
    match missing {
        None => text += "missing: not searched, the factors have too many combinations\n",
        Some(0) => text += "missing: no combination\n",
        Some(missing) => {
            let such: Vec<String> =
                cells.missing.iter().map(|point| format!("({point})")).collect();
            let _ = writeln!(
                text,
                "missing: {}, such as {}",
                counted(missing, "combination"),
                such.join(", ")
            );
        }
    }
    match &cells.first_duplicate {
        None if !has_replicate => text += "duplicates: not known without a replicate\n",
        None => text += "duplicates: none\n",
        Some((row, earlier)) => {
            let _ = writeln!(
                text,
                "duplicates: {}, such as {row} ({earlier} has the same run): verify refuses them",
                counted(cells.duplicates, "row")
            );
        }
    }
    text
}

/// Columns without a meaning, by reason.
fn unused(unused: &[(String, Unused)]) -> String {
    let mut text = String::new();
    let mut line = |title: &str, names: Vec<String>| {
        if !names.is_empty() {
            let _ = writeln!(text, "{title}: {}", joined(&names));
        }
    };
    let of = |wanted: &dyn Fn(&Unused) -> Option<String>| -> Vec<String> {
        let with = |(name, why): &(String, Unused)| {
            wanted(why).map(|more| format!("{}{more}", shown(name)))
        };
        unused.iter().filter_map(with).collect()
    };
    let plain = |is: bool| is.then(String::new);
    line(
        "constant",
        of(&|why| match why {
            Unused::Constant(value) => Some(format!(" = {}", shown(value))),
            _ => None,
        }),
    );
    line("different in every run", of(&|why| plain(*why == Unused::Identifier)));
    line(
        "follow from another column",
        of(&|why| match why {
            Unused::SameAs(other) | Unused::FollowsFrom(other) => {
                Some(format!(" ({})", shown(other)))
            }
            _ => None,
        }),
    );
    line("not needed to identify runs", of(&|why| plain(*why == Unused::Unneeded)));
    line("one value in each combination", of(&|why| plain(*why == Unused::OfCombinations)));
    line(
        "partly numbers",
        of(&|why| match why {
            Unused::Mixed(text) => Some(format!(" (has `{}`)", shown(text))),
            _ => None,
        }),
    );
    line("empty", of(&|why| plain(*why == Unused::Empty)));
    if unused.iter().any(|(_, why)| *why == Unused::Unnamed) {
        text += "without a name: a column, as an index has\n";
    }
    text
}
