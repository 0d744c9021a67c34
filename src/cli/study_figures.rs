//! `repro figure` for claims about a log of the user's: the forest of each claim, bars and curves of
//! its arms, and the plots that it declares.

use std::io::Write;

use super::{
    Failure, Outcome, Suites, exit,
    figure::{Figure, unwritten},
    messages::{message, stdout},
    sources::{note_reading, print_sources},
};
use crate::{
    experiment::{EvidenceKind, Verdict},
    report::{StudyFigure, study_figures, terminal, write_study_figure},
    util::suggest::did_you_mean,
};

/// Draws the figures that were named, or lists all.
pub(super) fn run(figure: &Figure, suites: &Suites<'_>) -> Result<Outcome, Failure> {
    if figure.run || !figure.evidence.is_empty() {
        return Err(Failure::usage(
            "these claims are about the log that log.toml declares",
            "leave --evidence and --run out; --log FILE draws another file of the same study",
        ));
    }
    let (study, _) = suites.study().expect("the folder has a study");
    let suite = suites.suite(EvidenceKind::Log)?;
    let evidence = suites.log(figure.log.as_deref())?.expect("the folder has a study");
    note_reading(&evidence);
    if figure.verbose {
        print_sources([&evidence]);
    }
    let all: Vec<StudyFigure<'_>> =
        suite.claims().iter().flat_map(|claim| study_figures(claim, study)).collect();
    let mut out = stdout();
    if figure.names.is_empty() {
        let rows = all.iter().map(|of| vec![of.name.clone(), of.what()]);
        writeln!(out, "{}", terminal::table(&["figure", "what it shows"], rows))?;
        return Ok(Outcome::Done);
    }
    let is_named = |of: &&StudyFigure<'_>| {
        let is = |name: &String| name == "all" || *name == of.name || *name == of.claim.id;
        figure.names.iter().any(is)
    };
    for name in &figure.names {
        let known = all.iter().flat_map(|of| [of.name.as_str(), of.claim.id.as_str()]);
        if name != "all" && !known.clone().any(|known| known == name) {
            let hint = did_you_mean(name, known);
            return Err(Failure::new(
                exit::USAGE,
                miette::miette!("unknown figure `{name}`{hint}"),
            ));
        }
    }
    let (folder, existing) = figure.folder();
    let mut complete = true;
    for of in all.iter().filter(is_named) {
        let Some(drawn) = of.draw(&evidence) else {
            message!("note: figure {} can't be drawn: the log has none of its runs", of.name);
            complete = false;
            continue;
        };
        let files = write_study_figure(folder, of, &drawn, &figure.forms(), existing);
        for file in files.map_err(unwritten)? {
            writeln!(out, "{}", file.display())?;
        }
    }
    out.flush()?;
    Ok(if complete { Outcome::Done } else { Outcome::Judged(Verdict::Incomplete) })
}
