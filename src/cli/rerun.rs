//! `repro rerun`: runs a record's fine-tune again, from the ledger alone, and says whether it gave the same bits.

use std::io::Write;

use clap::Args;

use super::{
    Failure, Outcome, Suites, exit, handoff,
    local::{Ours, RunContext, unusable},
    runs::{details, one, shortest},
    stdout,
};
use crate::{
    assets::Named,
    experiment::EvidenceKind,
    plan::cost::Speeds,
    store::{Ended, Entry, Ledger},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro rerun 3f9c01ab
  repro rerun 3f9c01ab --within 2      on a GPU, where bits differ from run to run

Exit code 0 when recipe, seed, weights and data give the same bits again, or, with --within, when the first \
loss is the same within a thousandth and the last accuracy within so many points; else 1.";

#[derive(Args)]
pub(super) struct Rerun {
    /// The first digits of the record's name, as `repro runs` has it
    #[arg(value_name = "RECORD")]
    record: String,
    /// Points by which the last accuracy may differ where bits do
    #[arg(long, value_name = "POINTS", value_parser = points)]
    within: Option<f64>,
    #[command(flatten)]
    ours: Ours,
}

/// By how much of itself the first loss may differ where bits do: another order of the same sums.
const FIRST_LOSS: f64 = 1e-3;

impl Rerun {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        handoff::rather(suites.engine)?;
        let ledger = self.ours.ledger();
        let recorded = one(&ledger, &self.record)?;
        let (workshop, named) = again(&self.ours, suites, &recorded)?;
        // Run where nothing is looked up: into a ledger that is empty.
        let above = ledger.folder().join("rerun");
        let scratch = std::fs::create_dir_all(&above).and_then(|()| tempfile::tempdir_in(&above));
        let scratch = scratch.map_err(|cause| {
            let what = format!("failed to write into {}: {cause}", above.display());
            let help = "take the record into a ledger of your own: `repro runs --export FILE`, then `repro runs \
                        --import FILE --ledger DIR` and `repro rerun RECORD --ledger DIR`";
            Failure::new(exit::OUTPUT, miette::miette!(help = help, "{what}"))
        })?;
        let fresh = Ledger::new(scratch.path().to_owned());
        let speeds = Speeds::by_records(std::slice::from_ref(&recorded), &workshop.world);
        let speed = speeds.of(&workshop.machine()?.processor());
        workshop.run_into(&fresh, std::slice::from_ref(&named), speed)?;
        let again = fresh.get(&recorded.id, &mut |_| ()).map_err(unusable)?;
        let again = again.ok_or_else(|| {
            Failure::new(exit::INPUT, miette::miette!("the rerun left no record"))
        })?;
        if let Ended::Failed { reason } = &again.outcome {
            let said = miette::miette!("the rerun failed: {reason}");
            return Err(Failure::new(exit::FAILED, said));
        }
        let mut out = stdout();
        if recorded.agrees_with(&again) {
            writeln!(out, "the same bits: {}", recorded.trial.recipe.key)?;
            return Ok(Outcome::Done);
        }
        writeln!(out, "other bits: {}", recorded.trial.recipe.key)?;
        let apart = apart(&recorded, &again);
        if let Some((first_loss, points)) = apart {
            writeln!(
                out,
                "the first loss differs by {first_loss:.1e} of itself, the last accuracy by {points:.2} points"
            )?;
        }
        if let (Some((first_loss, points)), Some(within)) = (apart, self.within)
            && first_loss <= FIRST_LOSS
            && points <= within
        {
            writeln!(out, "within {FIRST_LOSS:.0e} and {within} points")?;
            return Ok(Outcome::Done);
        }
        for (name, entry) in [("recorded", &recorded), ("now", &again)] {
            let place = &entry.provenance;
            writeln!(out, "\n{name}, on {} with {}", place.processor, place.engine)?;
            write!(out, "{}", details(entry))?;
        }
        Err(Failure::silent(exit::FAILED))
    }
}

/// How far two runs of a trial are apart: the first loss, relative, and the last accuracy, in points.
/// `None` where one did not finish.
fn apart(one: &Entry, other: &Entry) -> Option<(f64, f64)> {
    let ends = |entry: &Entry| match &entry.outcome {
        Ended::Finished(outcome) => {
            let last = outcome.evaluations.last()?.test_accuracy;
            Some((*outcome.first_losses.first()?, last))
        }
        Ended::Failed { .. } => None,
    };
    let ((first, last), (other_first, other_last)) = (ends(one)?, ends(other)?);
    Some(((first - other_first).abs() / first.abs(), (last - other_last).abs()))
}

/// What runs an entry's trial once more: where, and the trial by its name.
pub(super) fn again(
    ours: &Ours,
    suites: &Suites<'_>,
    recorded: &Entry,
) -> Result<(RunContext, Named), Failure> {
    let other = |what: &str| {
        Failure::usage(
            format!("{} was run {what}", shortest(&recorded.id)),
            "build the version of the program that ran it (`repro runs RECORD` names it)",
        )
    };
    let kind = EvidenceKind::named(&recorded.trial.recipe.world)
        .ok_or_else(|| other("in a world that this program does not have"))?;
    let workshop = ours.context(kind, suites);
    let named = workshop.named(recorded.trial.clone())?;
    if named.id == recorded.id {
        Ok((workshop, named))
    } else {
        Err(other("with other weights, images or another engine than are here"))
    }
}

/// A number of accuracy points.
fn points(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(points) if (0.0..=100.0).contains(&points) => Ok(points),
        _ => Err("points lie from 0 to 100".to_owned()),
    }
}
