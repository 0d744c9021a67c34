//! Runs as they were read, as one table that the same `log.toml` reads in place of its files:
//! columns as it names them, values on the scale of the log with as many decimals as it prints. What
//! lies in the files' paths becomes columns, and columns that nothing names are left out.

use super::{
    Metric, Study,
    check::Length,
    raw::{Form, Scale},
    runs::{End, Evaluation, Run, Runs},
};
use crate::util::digits::{decimals, step_of};

impl Study {
    /// The form of a table that is written: as stated for the log, else CSV.
    #[must_use]
    pub fn form_of_export(&self) -> Form {
        self.form.filter(|form| *form != Form::Json).unwrap_or(Form::Csv)
    }

    /// Some of the runs as a table, in the order in which they were read.
    #[must_use]
    pub fn export(&self, runs: &Runs, keep: impl Fn(&Run) -> bool) -> Vec<u8> {
        let kept = runs.runs.iter().filter(|run| keep(run));
        let rows = kept.flat_map(|run| {
            run.evaluations.iter().map(|evaluation| self.row(run, evaluation, &runs.digits))
        });
        let columns = self.columns();
        match self.form_of_export() {
            Form::Jsonl | Form::Json => lines(&columns, rows),
            Form::Tsv => table(b'\t', &columns, rows),
            Form::Csv => table(self.separator.unwrap_or(b','), &columns, rows),
        }
    }

    /// Factors, replicate, unit, progress, planned length, status, metrics.
    fn columns(&self) -> Vec<&str> {
        let mut columns: Vec<&str> =
            self.factors.iter().map(|factor| factor.column.as_str()).collect();
        columns.push(&self.replicate.column);
        columns.extend(self.replicate.nested_in.as_deref());
        if let Some(progress) = &self.progress {
            columns.push(&progress.column);
            if let Some(Length::Column(column)) = &progress.planned {
                columns.push(column);
            }
        }
        columns.extend(self.status.iter().map(|status| status.column.as_str()));
        columns.extend(self.metrics.iter().map(|metric| metric.column.as_str()));
        columns
    }

    fn row(&self, run: &Run, evaluation: &Evaluation, digits: &[f64]) -> Vec<String> {
        let mut row: Vec<String> = run.point.iter().map(ToString::to_string).collect();
        row.push(run.replicate.to_string());
        row.extend(self.replicate.nested_in.iter().map(|_| text(run.unit.as_ref())));
        if let Some(progress) = &self.progress {
            row.push(evaluation.progress.to_string());
            if let Some(Length::Column(_)) = &progress.planned {
                row.push(text(run.planned.as_ref()));
            }
        }
        row.extend(self.status.iter().map(|status| {
            let of = match run.end {
                End::Reached => &status.ended,
                End::Stopped => &status.failed,
                End::NeverRan => &status.never_ran,
                End::Unstated => return String::new(),
            };
            text(of.first())
        }));
        let metrics = self.metrics.iter().zip(&evaluation.values).zip(digits);
        row.extend(metrics.map(|((metric, value), step)| as_logged(metric, *value, *step)));
        row
    }
}

fn text<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A value on the scale of the log, so that reading it gives the same bits, with the decimals of the
/// log's smallest step; empty for NaN, which a missing value is as well.
fn as_logged(metric: &Metric, value: f64, step: f64) -> String {
    if value.is_nan() {
        return String::new();
    }
    let unit = if metric.scale == Scale::Share { 100.0 } else { 1.0 };
    let share = value / unit;
    let near = [share, share.next_down(), share.next_up()];
    #[expect(clippy::float_cmp, reason = "the same bits are wanted")]
    let value = near.into_iter().find(|near| unit * near == value).unwrap_or(share);
    let shortest = value.to_string();
    let printed = (0..=15).find(|decimals| unit * step_of(*decimals) <= step).unwrap_or(0);
    if decimals(shortest.as_bytes()) < printed {
        return format!("{value:.*}", printed as usize);
    }
    shortest
}

fn table(separator: u8, columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().delimiter(separator).from_writer(Vec::new());
    let in_memory = "writing to memory succeeds";
    writer.write_record(columns).expect(in_memory);
    rows.for_each(|row| writer.write_record(row).expect(in_memory));
    writer.into_inner().expect(in_memory)
}

/// Texts are read as numbers where the study wants numbers.
fn lines(columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for row in rows {
        let fields = columns.iter().zip(row).filter(|(_, text)| !text.is_empty());
        let object: serde_json::Map<String, serde_json::Value> =
            fields.map(|(column, text)| ((*column).to_owned(), text.into())).collect();
        bytes.extend(serde_json::Value::from(object).to_string().into_bytes());
        bytes.push(b'\n');
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    const LOG: &str = r#"
format = 1
files = "runs/{method}.csv"
status = { column = "state", failed = ["crashed"], never_ran = ["skipped"] }
[[factor]]
name = "method"
[[factor]]
name = "size"
column = "n"
number = true
[replicate]
name = "seed"
nested_in = "subject"
[progress]
name = "epoch"
planned = "epochs"
[[metric]]
name = "f1"
column = "test.f1"
better = "higher"
scale = "share"
[[metric]]
name = "loss"
better = "lower"
"#;

    const RUNS: &str = "n,seed,subject,epoch,epochs,state,test.f1,loss,notes\n\
                        1.0,1.0,s1,1,2,,.57,inf,x\n1,1,s1,2,2,,0.290,1.2e-5,x\n\
                        1,2,s1,1,2,crashed,.3,nan,\n1,3,s2,1,2,skipped,,,\n1,4,s2,2,2,done,0.1,3,\n";

    /// What was exported is read as the same runs, in whichever form.
    #[test]
    fn an_export_is_read_as_the_same_runs() {
        for stated in ["", "form = \"jsonl\"", "form = \"tsv\"", "separator = \";\""] {
            let folder = tempfile::tempdir().unwrap();
            let path = |name: &str| folder.path().join(name);
            let study = |text: &str| Study::parse(Path::new("log.toml"), text).unwrap();
            fs::create_dir(path("runs")).unwrap();
            fs::write(path("runs/a,b.csv"), RUNS).unwrap();
            let read = study(LOG).read(folder.path()).unwrap();
            let again = study(&LOG.replace("status", &format!("{stated}\nstatus")));
            let bytes = again.export(&read, |_| true);
            fs::write(path("export"), &bytes).unwrap();
            let exported = again.read_log(&path("export")).unwrap();
            assert_eq!(exported.digits, read.digits, "{stated}");
            assert!(exported.unused.is_empty());
            let bits = |run: &Run| -> Vec<(u64, Vec<u64>)> {
                let values = |of: &Evaluation| of.values.iter().map(|v| v.to_bits()).collect();
                let of = |of: &Evaluation| (of.progress.to_bits(), values(of));
                run.evaluations.iter().map(of).collect()
            };
            let known = |runs: &Runs| {
                let of = |run: &Run| {
                    let Run { point, replicate, unit, end, planned, .. } = run.clone();
                    ((point, replicate, unit), end, planned, bits(run))
                };
                runs.runs.iter().map(of).collect::<Vec<_>>()
            };
            assert_eq!(known(&exported), known(&read), "{stated}");
            let some = again.export(&read, |run| &*run.replicate == "4");
            let rows = String::from_utf8(some).unwrap();
            assert!(rows.contains("0.100") && !rows.contains("0.57"), "{rows}");
        }
    }
}
