//! A plan as tables and sentences.

use std::io::Write;

use super::{
    super::{Failure, hints, local::RunContext, progress::minutes, records::shortest},
    costs::{by_claim, cost},
    request::{Counts, to_run},
    why::Why,
};
use crate::{
    assets::Assets,
    claim::Claim,
    evidence::Evidence,
    experiment::Trial,
    figure::numbers::counted,
    plan::{
        ZooCost,
        campaign::{NextTrials, Planned},
        cost::{Cost, Throughput},
    },
    report::terminal,
    world::World,
};

/// A plan to print.
pub(super) struct Text<'a> {
    pub context: &'a RunContext,
    pub next: &'a NextTrials,
    pub why: &'a Why,
    pub speed: Throughput,
    /// How the speed is known.
    pub measured: &'static str,
}

impl Text<'_> {
    /// Prints the fine-tunes that can run, the cost of each claim if claims were asked for, the
    /// totals, and what keeps the others from running here.
    pub fn print(
        &self,
        out: &mut impl Write,
        claims: Option<&[&Claim]>,
        evidence: &Evidence,
        counts: Counts,
    ) -> Result<(), Failure> {
        let Self { context, next, speed, measured, .. } = self;
        let world = &context.world;
        let to_run = to_run(next);
        self.trials(out)?;
        if let Some(claims) = claims {
            writeln!(out, "{}", by_claim(claims, world, evidence, &to_run, *speed))?;
            unavailable(out, claims, world)?;
        }
        totals(out, counts, speed.seconds(cost(&to_run, world)), context.at_once())?;
        writeln!(out, "priced {measured}, {:.3e} operations a second in each", speed.0)?;
        zoo(out, &*context.assets, *speed)?;
        for (missing, outstanding) in &next.missing {
            let what = hints::missing(missing);
            writeln!(out, "{} of them can't run here: {what}", outstanding.len())?;
        }
        Ok(())
    }

    /// A table of the fine-tunes that can run.
    fn trials(&self, out: &mut impl Write) -> Result<(), Failure> {
        if self.next.planned.is_empty() {
            return Ok(());
        }
        let rows = self.next.planned.iter().map(|planned| {
            let [key, what, needed_by] = line(planned);
            let cost = Cost::of_recipe(&planned.named.trial.recipe, &self.context.world);
            let seconds = format!("{:.1}", self.speed.seconds(cost));
            vec![key, what, needed_by, self.why.runs(&planned.named), seconds]
        });
        let header = ["key", "fine-tune", "needed by", "why it runs", "s"];
        Ok(writeln!(out, "{}\n", terminal::table(&header, rows))?)
    }
}

/// The key of a planned fine-tune, what it is, and the claims that need it.
fn line(planned: &Planned) -> [String; 3] {
    let Planned { named, needed_by } = planned;
    let Trial { recipe, seed } = &named.trial;
    // Claims alone, whichever of their hypotheses it is; the forms for programs name all.
    let mut claims: Vec<&str> =
        needed_by.iter().map(|name| name.split('/').next().unwrap_or(name)).collect();
    claims.dedup();
    [shortest(&named.id).to_owned(), format!("{}, seed {}", recipe.key, seed.0), claims.join(", ")]
}

/// A line for each claim that this set-up can't decide in full.
fn unavailable(out: &mut impl Write, claims: &[&Claim], world: &World) -> Result<(), Failure> {
    for claim in claims {
        if let Some(reason) = claim.hypothesis.unavailable(world) {
            writeln!(out, "{} can't be judged in full in this set-up: {reason}", claim.id)?;
        }
    }
    Ok(())
}

/// How many fine-tunes run next, have a record, and could be needed; `seconds` is what the next
/// ones take one after another.
fn totals(
    out: &mut impl Write,
    Counts { to_run, recorded, at_most }: Counts,
    seconds: f64,
    at_once: usize,
) -> Result<(), Failure> {
    let next = format!(
        "{} to run next, about {}, {at_once} at once; {} in the ledger, and {at_most} could be \
         needed at most",
        counted(to_run, "fine-tune"),
        minutes(seconds / at_once as f64),
        counted(recorded, "record"),
    );
    Ok(writeln!(out, "{}", terminal::prose(&next))?)
}

/// What the set-up's source models cost, if they have to be trained first.
fn zoo(out: &mut impl Write, assets: &dyn Assets, speed: Throughput) -> Result<(), Failure> {
    let Some(zoo) = assets.zoo_to_make() else { return Ok(()) };
    let ZooCost { trainings, flops } = zoo.pretraining.cost(zoo.train, zoo.test);
    let [least, most] = flops.map(|flops| minutes(flops / speed.0));
    let zoo = format!(
        "its source models have to be trained first: {} to {} trainings, {:.2e} to {:.2e} \
         operations, {least} to {most} at that speed, less what their checkpoints have done",
        trainings[0], trainings[1], flops[0], flops[1],
    );
    Ok(writeln!(out, "{}", terminal::prose(&zoo))?)
}
