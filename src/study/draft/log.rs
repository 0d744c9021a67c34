//! The text of `log.toml` for a log that was surveyed.

use std::fmt::Write;

use super::{TODO, columns, comment, list, quoted, value};
use crate::{
    study::{
        infer::{Factor, Metric, Named, Survey},
        raw::Form,
    },
    util::shown::shown,
};

/// Metrics beyond these are named in a comment.
const MOST_METRICS: usize = 6;
/// Metrics that are named in a comment.
const MOST_NAMED: usize = 40;
/// A factor with more values has none of them in the file.
const MOST_VALUES: usize = 1000;

/// The text of `log.toml`. `files` is where the log is from the folder of that file, if it lies
/// within.
#[must_use]
pub fn log(survey: &Survey, files: &str, is_within: bool) -> String {
    let mut text = comment(&format!(
        "What this log means. Its {} rows were surveyed; every {TODO} is yours to decide, and verify \
         refuses the file until then. The fields are described in docs/reference/study-spec.md.",
        survey.rows
    ));
    text += "format = 1\n# title = \"\"\n# authors = [\"\"]\n# link = \"https://\"\n";
    // Writing to a String can't fail, here and below.
    if !is_within {
        text += &comment(
            "The log is not in this folder: copy or link it here, or name it when you judge.",
        );
    }
    let _ = writeln!(text, "files = {}", quoted(files));
    if let Some(other) = &survey.shape.other_files {
        let folder = files.strip_suffix(survey.shape.files.as_str()).unwrap_or_default();
        text += &comment(&format!(
            "{TODO}: the files' names may have more factors, of which not every combination is \
             there. If they do, name them here and in [[factor]]:"
        ));
        let _ = writeln!(text, "# files = {}", quoted(&format!("{folder}{other}")));
    }
    if let Some(form) = survey.shape.form {
        let _ = writeln!(text, "form = \"{}\"", form_name(form));
    }
    if let Some(separator) = survey.shape.separator {
        let _ = writeln!(text, "separator = {}", quoted(&separator.to_string()));
    }
    if let Some(rows) = &survey.shape.rows {
        let _ = writeln!(text, "rows = {}", quoted(rows));
    }
    if let Some((named, values)) = &survey.status {
        text += &status(named, values);
    }
    text += &progress(survey);
    if survey.factors.is_empty() {
        text += "\n";
        text += &comment("No column looks like a factor: what do the runs differ in?");
        let _ = writeln!(text, "[[factor]]\nname = \"{TODO}\"");
    }
    for of in &survey.factors {
        text += &factor(of);
    }
    text += &replicate(survey);
    text += &metrics(&survey.metrics);
    text
}

fn form_name(form: Form) -> &'static str {
    match form {
        Form::Csv => "csv",
        Form::Tsv => "tsv",
        Form::Json => "json",
        Form::Jsonl => "jsonl",
    }
}

/// `name`, and `column` where it differs.
fn named(of: &Named) -> String {
    let Named { name, column } = of;
    if name == column {
        format!("name = \"{name}\"\n")
    } else {
        format!("name = \"{name}\"\ncolumn = {}\n", quoted(column))
    }
}

/// The same, with a column's name as the title where people could have written it so: a path in a
/// document is none.
fn titled(of: &Named) -> String {
    let is_written = |c: char| c.is_alphanumeric() || " _-%@()".contains(c);
    let mut text = named(of);
    if of.name != of.column && of.column.chars().all(is_written) {
        let _ = writeln!(text, "title = {}", quoted(&of.column));
    }
    text
}

fn factor(of: &Factor) -> String {
    let mut text = "\n[[factor]]\n".to_owned();
    if of.named.column.starts_with("part_") {
        text += &comment("A part of the files' path: give it a better name, here and in `files`.");
    }
    text += &titled(&of.named);
    if of.number {
        text += "number = true\n";
    }
    if of.values.len() <= MOST_VALUES {
        let values: Vec<String> = of.values.iter().map(|text| value(text, of.number)).collect();
        text += &list("values", &values);
        text += "\n";
    } else {
        text += &comment(&format!("values: {} of them, too many for this file", of.values.len()));
    }
    if of.empty > 0 {
        let _ = writeln!(
            text,
            "default = \"{TODO}\"    # {} rows have no value: what does that mean?",
            of.empty
        );
    }
    text
}

fn replicate(survey: &Survey) -> String {
    let mut text = "\n".to_owned();
    let candidates = columns(survey.replicates.iter().map(|of| of.column.as_str()));
    let decided = survey.replicates.len() == 1 && survey.replicate_by_name;
    if !decided {
        text += &comment(&match survey.replicates.len() {
            0 => "No column says which repetition of a combination a row is: add one, such as the \
                  seed."
                .to_owned(),
            1 => format!("What repeats a run: {candidates}? Its name does not say so."),
            _ => format!(
                "What repeats a run: one of {candidates}. Another one is a factor, or the unit that \
                 the replicate is nested in (nested_in)."
            ),
        });
    }
    text += "[replicate]\n";
    match &survey.replicates[..] {
        [only] if decided => text += &named(only),
        [only] => {
            let _ = writeln!(text, "name = \"{TODO}\"\ncolumn = {}", quoted(&only.column));
        }
        _ => {
            let _ = writeln!(text, "name = \"{TODO}\"\ncolumn = \"{TODO}\"");
        }
    }
    let _ = writeln!(
        text,
        "planned = \"{TODO}\"    # a number, or delete the line: {}",
        planned(survey)
    );
    text += &comment(
        "A planned run that is absent counts as one that may have had any result. Where runs of the \
         same replicate in two arms have nothing in common, say `paired = false`.",
    );
    text
}

/// What the log has of replicates.
fn planned(survey: &Survey) -> String {
    let of = |(count, combinations): &(usize, usize)| format!("{count} in {combinations}");
    let few: Vec<String> = survey.cells.replicates.iter().take(4).map(of).collect();
    let more = if survey.cells.replicates.len() > 4 { ", …" } else { "" };
    format!("the log has {}{more} combinations", few.join(", "))
}

fn status(of: &Named, values: &[(String, usize)]) -> String {
    let seen: Vec<String> =
        values.iter().take(8).map(|(value, count)| format!("{} ({count})", shown(value))).collect();
    let column = quoted(&of.column);
    format!(
        "\n{}status = {{ column = {column}, failed = [\"{TODO}\"], never_ran = [], ended = [] }}\n",
        comment(&format!(
            "How runs ended: {}. Which values say that a run failed, that it never ran, that it \
             stopped early as planned?",
            seen.join(", ")
        ))
    )
}

fn progress(survey: &Survey) -> String {
    let mut text = String::new();
    let (low, high) = match &survey.progress[..] {
        [] => return text,
        [only] => {
            text += "\n[progress]\n";
            text += &named(&only.named);
            (only.low, only.high)
        }
        [first, ..] => {
            text += "\n";
            let names = columns(survey.progress.iter().map(|of| of.named.column.as_str()));
            text += &comment(&format!("How far a run is: one of {names}."));
            let _ = writeln!(text, "[progress]\nname = \"{TODO}\"");
            (first.low, first.high)
        }
    };
    let _ = writeln!(
        text,
        "planned = \"{TODO}\"    # the last one of a complete run; the log has {low} to {high}"
    );
    text += &comment(
        "`planned` may be a column's name, or be deleted: then the longest run of the same \
         combination of factors says it. `from` is -1 where the first epoch is 0.",
    );
    text
}

/// The metrics that the file has, and the others: those with names of metrics; where there are
/// none, all.
pub(super) fn in_file(metrics: &[Metric]) -> (&[Metric], &[Metric]) {
    let known = metrics.iter().filter(|metric| metric.known).count();
    let count = if known == 0 { metrics.len() } else { known };
    metrics.split_at(count.min(MOST_METRICS))
}

fn metrics(metrics: &[Metric]) -> String {
    let (full, rest) = in_file(metrics);
    let mut text = String::new();
    for Metric { named: of, low, high, empty, share, .. } in full {
        text += "\n[[metric]]\n";
        text += &titled(of);
        let _ =
            writeln!(text, "better = \"{TODO}\"    # higher or lower; the log has {low} to {high}");
        if *empty > 0 {
            text += &comment(&format!("{empty} rows have no value of it."));
        }
        text += match (share, high) {
            (true, ..=1.0) => "# scale = \"share\"    # if it is a share of 1: shown as points\n",
            (true, ..=100.0) => "# scale = \"percent\"    # if it is percent\n",
            _ => "# range = [0, 1]    # its least and largest possible value, if it has them\n",
        };
    }
    if !rest.is_empty() {
        text += "\n";
        let names =
            columns(rest.iter().take(MOST_NAMED).map(|metric| metric.named.column.as_str()));
        let more = if rest.len() > MOST_NAMED { ", …" } else { "" };
        text += &comment(&format!("Columns that could be metrics too: {names}{more}"));
    }
    text
}
