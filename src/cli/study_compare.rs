//! `repro compare` for claims about a log of the user's: the log beside a table of published means.

use std::io::Write;

use super::{
    Failure, Outcome, Suites,
    compare::Compare,
    format::{Format, json},
    messages::stdout,
    sources::{note_reading, print_sources},
};
use crate::{
    replication::of_study::compare_means,
    report::{study_comparison, study_comparison_cells},
    util::shown::inert,
};

/// Compares the log with the means of a table.
pub(super) fn run(compare: &Compare, suites: &Suites<'_>) -> Result<Outcome, Failure> {
    let (study, _) = suites.study().expect("the folder has a study");
    let Some(file) = &compare.means else {
        return Err(Failure::usage(
            "a log of your own is compared with published means, and no table of them is named",
            "--means FILE: columns of the factors, mean, replicates; if known metric and \
             standard_deviation; minus_FACTOR makes a row a difference",
        ));
    };
    if compare.figure.is_some() {
        return Err(Failure::usage(
            "--figure draws the published means of the project's own paper",
            "leave it out; `repro figure` draws claims about your log",
        ));
    }
    let evidence = suites.log(compare.log.as_deref())?.expect("the folder has a study");
    note_reading(&evidence);
    if compare.verbose {
        print_sources([&evidence]);
    }
    let found = compare_means(study, &evidence, &study.read_means(file)?);
    let mut out = stdout();
    match compare.format {
        Format::Text => {
            let text = study_comparison(&found, study, compare.brief);
            out.write_all(inert(&text).as_bytes())?;
        }
        Format::Csv => out.write_all(study_comparison_cells(&found, study).as_bytes())?,
        Format::Json => json(&mut out, &found)?,
        other => other.is_not_offered(),
    }
    out.flush()?;
    let compared = found.compatible + found.incompatible;
    Ok(Outcome::Compared((compared > 0).then_some(found.incompatible == 0)))
}
