//! `repro rerun`: runs a record's fine-tune again and checks that it gives the same bits.

use std::io::Write;

use clap::Args;

use super::{
    Failure, Outcome, Suites, exit, handoff,
    local::{LocalArguments, RunContext, unusable},
    messages::{old_spelling, stdout},
    records::{details, one, shortest},
};
use crate::{
    assets::IdentifiedTrial,
    experiment::{EvidenceKind, RecipeError},
    plan::cost::Throughputs,
    store::{Ended, Entry, Ledger},
    util::files,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro rerun 3f9c01ab
  repro rerun 3f9c01ab --tolerance 2   on a GPU, where bits differ from run to run

The exit code is 0 if recipe, seed, weights and data give the same bits again or, with \
--tolerance, if the first loss is the same within a thousandth and the last accuracy within that \
many points. Otherwise it is 70.";

#[derive(Args)]
pub(super) struct Rerun {
    /// The record, by the first digits of its name in `repro records list`
    #[arg(value_name = "RECORD")]
    record: String,
    /// Accept other bits if the last accuracy differs by at most this many points
    #[arg(long, value_name = "POINTS", value_parser = points)]
    tolerance: Option<f64>,
    /// The old spelling of --tolerance
    #[arg(
        long,
        hide = true,
        value_name = "POINTS",
        value_parser = points,
        conflicts_with = "tolerance"
    )]
    within: Option<f64>,
    #[command(flatten)]
    local: LocalArguments,
}

/// Largest relative difference of the first loss with `--tolerance`: another order of the same
/// sums.
const FIRST_LOSS: f64 = 1e-3;

impl Rerun {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        // Before another program takes over: it prints no notes on the command line.
        let tolerance = self.tolerance();
        handoff::rather(suites.engine)?;
        let ledger = self.local.ledger();
        let recorded = one(&ledger, &self.record)?;
        let (context, trial) = again(&self.local, suites, &recorded)?;
        // Into an empty ledger, so that no record is reused.
        let above = ledger.scratch();
        let scratch = std::fs::create_dir_all(&above).and_then(|()| tempfile::tempdir_in(&above));
        let scratch = scratch.map_err(|cause| {
            let cause = files::without_temporary_name(cause);
            let what = format!("failed to write into {}: {cause}", above.display());
            let help = "copy the record into a ledger of your own: `repro records export FILE`, \
                        then `repro records import FILE --ledger DIR` and `repro rerun RECORD \
                        --ledger DIR`";
            Failure::new(exit::OUTPUT, miette::miette!(help = help, "{what}"))
        })?;
        let fresh = Ledger::new(scratch.path().to_owned());
        let speeds = Throughputs::by_records(std::slice::from_ref(&recorded), &context.world);
        let speed = speeds.on_processor(&context.machine()?.processor());
        context.run_into(&fresh, std::slice::from_ref(&trial), speed)?;
        let again = fresh.get(&recorded.id, &mut |_| ()).map_err(unusable)?;
        let again = again.ok_or_else(|| {
            Failure::new(exit::FAILED, miette::miette!("the rerun left no record"))
        })?;
        if let Ended::Failed { reason } = &again.outcome {
            let failed = miette::miette!("the rerun failed: {reason}");
            return Err(Failure::new(exit::FAILED, failed));
        }
        let mut out = stdout();
        if recorded.agrees_with(&again) {
            writeln!(out, "the same bits: {}", recorded.trial.recipe.key)?;
            return Ok(Outcome::Done);
        }
        if recorded.agrees_with_newer(&again) {
            let key = &recorded.trial.recipe.key;
            writeln!(out, "the same bits in all that the record has: {key}")?;
            writeln!(out, "it is older than influence by other rankings, which it does not have")?;
            return Ok(Outcome::Done);
        }
        writeln!(out, "other bits: {}", recorded.trial.recipe.key)?;
        let apart = apart(&recorded, &again);
        if let Some((first_loss, points)) = apart {
            writeln!(
                out,
                "the first loss differs by {first_loss:.1e} of its value, the last accuracy by \
                 {points:.2} points"
            )?;
        }
        if let (Some((first_loss, points)), Some(tolerance)) = (apart, tolerance)
            && first_loss <= FIRST_LOSS
            && points <= tolerance
        {
            writeln!(out, "within {FIRST_LOSS:.0e} and {tolerance} points")?;
            return Ok(Outcome::Done);
        }
        for (name, entry) in [("recorded", &recorded), ("now", &again)] {
            let place = &entry.provenance;
            writeln!(out, "\n{name}, on {} with {}", place.processor, place.engine)?;
            write!(out, "{}", details(entry))?;
        }
        Err(Failure::silent(exit::FAILED))
    }

    fn tolerance(&self) -> Option<f64> {
        if self.within.is_some() {
            old_spelling("--within", "--tolerance");
        }
        self.tolerance.or(self.within)
    }
}

/// The differences between two runs of a trial: of the first loss, relative, and of the last
/// accuracy, in points. `None` if one did not finish.
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

/// The trial of a record, and what it runs in.
///
/// # Errors
/// If this program, or this machine, can't run the same trial.
pub(super) fn again(
    local: &LocalArguments,
    suites: &Suites<'_>,
    recorded: &Entry,
) -> Result<(RunContext, IdentifiedTrial), Failure> {
    let different = |how: &str| {
        Failure::usage(
            format!("{} was run {how}", shortest(&recorded.id)),
            "build the version of the program that ran it: `repro records show RECORD` names it",
        )
    };
    let kind = EvidenceKind::named(&recorded.trial.recipe.world)
        .ok_or_else(|| different("in a set-up that this program does not have"))?;
    let context = local.context(kind, suites);
    match context.world.check_recipe(&recorded.trial.recipe) {
        // The fine-tune reports more blocks than the network has: it fails again, as recorded.
        Ok(()) | Err(RecipeError::Blocks(_)) => {}
        Err(error) => {
            let name = shortest(&recorded.id);
            let failed = miette::miette!("failed to run {name} again: {error}");
            return Err(Failure::new(exit::INPUT, failed));
        }
    }
    // By the weights' digest: worlds that share records take other zoos for the same seed.
    let trial = recorded.trial.clone();
    let trial = match context.assets.zoo_with(&trial.recipe.key.source, &recorded.weights) {
        Some(zoo) => context.identify_from(trial, zoo)?,
        None => context.identify(trial)?,
    };
    if trial.id == recorded.id {
        Ok((context, trial))
    } else {
        Err(different("with other weights, images or another engine than this machine has"))
    }
}

/// A number of accuracy points.
fn points(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(points) if (0.0..=100.0).contains(&points) => Ok(points),
        _ => Err("expected points from 0 to 100".to_owned()),
    }
}
